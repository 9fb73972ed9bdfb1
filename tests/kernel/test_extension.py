"""Loading, unloading and reloading the extension."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.kernel

#: Everything an extension could leave behind, as plain data.
SNAPSHOT = """\
def snapshot():
    shell = get_ipython()
    formatters = {**shell.display_formatter.formatters, "ipython": shell.display_formatter.ipython_display_formatter}
    return {
        "magics": {kind: sorted(magics) for kind, magics in shell.magics_manager.magics.items()},
        "transformers": [len(shell.input_transformers_cleanup), len(shell.input_transformers_post)],
        "ast": len(shell.ast_transformers),
        "configurables": [type(each).__name__ for each in shell.configurables],
        "formatters": {
            name: sorted(str(key) for key in [*each.type_printers, *each.deferred_printers])
            for name, each in formatters.items()
        },
        "attributes": sorted(vars(shell)),
        "events": {name: len(each) for name, each in shell.events.callbacks.items()},
        "matchers": len(shell.Completer.custom_matchers),
        "names": sorted(name for name in shell.user_ns if not name.startswith("_")),
        "widgets": sorted(shell.kernel.comm_manager.targets),
    }
"""


@pytest.fixture
def kernel(start_kernel):
    return start_kernel()


def test_unloading_leaves_no_trace(kernel):
    """After unloading the shell is what it was before loading; nothing was printed."""
    kernel.run("%unload_ext lua_procedures")
    kernel.run("import anywidget, ipywidgets")
    kernel.run(SNAPSHOT)
    kernel.run("before = None")
    kernel.run("before = snapshot()")
    assert not kernel.run("%load_ext lua_procedures").outputs
    assert kernel.value("snapshot() != before")
    assert kernel.run("%%procedure once\nreturn 1").reply["status"] == "ok"
    kernel.finish(kernel.begin('%%procedure form --no-wait\nreturn Human.approve{message = "Sure?"}'))
    assert not kernel.run("%unload_ext lua_procedures").outputs
    after, before = kernel.value("snapshot()"), kernel.value("before")
    assert after == before
    assert (
        "not found" in kernel.run("%%procedure once\nreturn 1").error + kernel.run("%%procedure once\nreturn 1").printed
    )


def test_reloading(kernel):
    """`%reload_ext` prints nothing, keeps the runs of the session, and registers nothing twice."""
    kernel.run(SNAPSHOT)
    kernel.run("before = None")
    kernel.run("before = snapshot()")
    assert not kernel.run("%reload_ext lua_procedures").outputs
    assert kernel.value("snapshot()") == kernel.value("before")
    kernel.run("%%procedure kept\nreturn Step.run('a', function() return 1 end)")
    assert not kernel.run("%reload_ext lua_procedures").outputs
    cell = kernel.run("%%procedure kept -o r\nreturn Step.run('a', function() return 1 end)")
    assert cell.kinds == ["display_data"]
    assert "kept 1, ran 0" in cell.record


def test_loading_twice_says_so_and_changes_nothing(kernel):
    """IPython's own word on a second load is all that is seen."""
    again = kernel.run("%load_ext lua_procedures")
    assert "already loaded" in again.printed
    assert kernel.run("%%procedure twice\nreturn 1").kinds == ["display_data"]


def test_a_run_outlives_the_extension(kernel):
    """A Run is shown as a record also after unloading, and its form still takes an answer."""
    cell = kernel.run('%%procedure outlives --no-wait -o r\nreturn Human.approve{message = "Sure?"}')
    kernel.run("%unload_ext lua_procedures")
    assert "outlives: paused" in kernel.run("r").texts[0]
    kernel.press(kernel.form(cell))
    kernel.wait(lambda: "completed" in cell.record)
    assert kernel.value("r.value") is True
