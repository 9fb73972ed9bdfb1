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


def test_another_extension_described_first_or_last(kernel):
    """Unloading gives back what described before; what another extension put over ours stays, and ours is mute."""
    kernel.run("k = get_ipython().kernel")
    kernel.run("def put():\n    before = k.do_inspect\n    k.do_inspect = lambda *a, **o: {**before(*a, **o), 'by': 1}")
    described = "k.do_inspect('%%procedure x\\nStep.run(', 22).get('found'), k.do_inspect('print', 5).get('by')"
    assert kernel.value(described) == (True, None)
    kernel.run("put()")
    assert kernel.value(described) == (True, 1)
    kernel.run("%unload_ext lua_procedures")
    assert kernel.value(described) == (False, 1)
    kernel.run("%load_ext lua_procedures")
    assert kernel.value(described) == (True, 1)
    kernel.run("%unload_ext lua_procedures")
    assert kernel.value(described) == (False, 1)


def test_nothing_goes_on_by_itself_without_the_extension(kernel):
    """Unloading leaves a question and a sleep as they are, also past their time; loading lets both runs go on."""
    program = 'return Human.input{message = "Name?", default = "nobody", timeout = 2}'
    asked = kernel.run(f"%%procedure asked --no-wait -o asked\n{program}")
    slept = kernel.run("%%procedure slept --no-wait -o slept\nSleep(2)\nreturn 5")
    assert kernel.value("(asked.status, slept.status)") == ("paused", "paused")
    kernel.run("%unload_ext lua_procedures")
    kernel.listen(3)
    assert kernel.value("(asked.status, slept.status)") == ("paused", "paused")
    kernel.run("%load_ext lua_procedures")
    kernel.wait(lambda: "completed" in asked.record and "completed" in slept.record)
    assert kernel.value("(asked.value, slept.value)") == ("nobody", 5)


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


def test_a_run_fails_after_unloading(kernel):
    """An unloaded extension knows no more variables to hint at; what the program failed with is said as ever."""
    cell = kernel.run('%%procedure left --no-wait\nlocal a = Human.input{message = "Word?"}\nerror("boom " .. a)')
    form = kernel.form(cell)
    kernel.run("%unload_ext lua_procedures")
    kernel.press(form, fields={"": "now"})
    kernel.wait(lambda: "failed" in cell.record)
    assert "boom now" in cell.record
    assert "AttributeError" not in cell.record
    kernel.run("%load_ext lua_procedures")
