"""An ipykernel that delivers no click to a running cell: the run pauses, and goes on in the same output."""

from __future__ import annotations

import pytest

from .kernels import RELEASE, Kernel
from .outputs import WIDGET

pytestmark = [pytest.mark.kernel, pytest.mark.slow]


@pytest.fixture(scope="module")
def module_kernel(old_specs, tmp_path_factory):
    """A kernel of that ipykernel, for all tests here."""
    kernel = Kernel(tmp_path_factory.mktemp("old-kernel"), old_specs).start()
    yield kernel
    kernel.stop()


def test_it_is_the_old_one(kernel):
    """The kernel under test is of ipykernel 6, where a cell cannot wait."""
    kernel.run("import ipykernel\nfrom lua_procedures.notebook.kernel import can_wait")
    assert kernel.value("(ipykernel.__version__, can_wait())") == ("6.30.1", False)


def test_the_release_goes_on_in_the_same_output(kernel):
    """The cell shows the form and ends; each answer goes on in its output, up to the record without a widget."""
    cell = kernel.run(f'%%procedure release -p version="2.1.0" -o r\n{RELEASE}')
    assert cell.reply["status"] == "ok"
    assert kernel.value("r.status") == "paused"
    review = kernel.form(cell)
    assert kernel.run("print('between')").printed == "between\n"
    kernel.press(review)
    sure = kernel.form(cell, after=review)
    assert WIDGET in cell.mime_types
    kernel.press(sure)
    kernel.wait(lambda: "completed" in cell.record)
    assert kernel.value("(r.status, r.value)") == (
        "completed",
        {"shipped": True, "notes": ["faster", "safer"], "collected": 1},
    )
    assert cell.kinds == ["display_data"]
    assert WIDGET not in cell.mime_types
    assert "kept 3, ran 0" in kernel.run(f'%%procedure release -p version="2.1.0"\n{RELEASE}').record


def test_an_answer_that_does_not_fit_keeps_the_question(kernel):
    """The problem is shown at the field, and a good answer goes on."""
    cell = kernel.run(
        '%%procedure unfit -o r\nreturn Human.input{message = "Age?", response_schema = {type = "integer"}}'
    )
    form = kernel.form(cell)
    kernel.press(form, fields={"": "many"})
    kernel.wait(lambda: form.state["problems"])
    kernel.press(form, fields={"": "3"})
    kernel.wait(lambda: "completed" in cell.record)
    assert kernel.value("r.value") == 3


def test_stop_ends_a_loop(kernel):
    """The stop button works here, too, and the kernel lives on."""
    cell = kernel.begin(
        "%%procedure loops --max-seconds 120\nwhile true do pcall(function() while true do end end) end"
    )
    kernel.listen(0.7)
    kernel.interrupt()
    kernel.finish(cell)
    assert cell.reply["status"] == "error"
    assert kernel.run("print('alive')").printed == "alive\n"


def test_expiry_goes_on_by_itself(kernel):
    """When the time is up the default is taken, also of the question after it, and the record says so."""
    ask = 'Human.approve{message = "%s?", default = true, timeout = 1}'
    cell = kernel.run(f"%%procedure late -o r\nreturn {{{ask % 'One'}, {ask % 'Two'}}}")
    kernel.wait(lambda: "completed" in cell.record)
    assert cell.record.count("timed out") == 2
    assert WIDGET not in cell.mime_types
    assert kernel.value("(r.value, [a.timed_out for a in r.answers])") == ([True, True], [True, True])


def test_an_answer_from_another_cell_takes_the_form_away(kernel):
    """The answer of ``%procedures answer`` goes on there, and the first output is left without a form."""
    cell = kernel.run('%%procedure taken\nreturn Human.approve("Sure?")')
    kernel.form(cell)
    other = kernel.run("%procedures answer taken yes")
    assert "completed" in other.texts[-1]
    kernel.wait(lambda: WIDGET not in cell.mime_types)
    assert "answered" in cell.record


def test_a_restarted_kernel_asks_again(kernel):
    """With a store on disk the question comes back after a restart and is answered in the new output."""
    source = '%%procedure kept --store kept.db -o r\nlocal n = Step.run("n", function() return 4 end)\n'
    source += 'return Human.approve("Sure?") and n'
    first = kernel.form(kernel.run(source))
    kernel.restart()
    cell = kernel.run(source)
    form = kernel.form(cell)
    assert form.id == first.id
    kernel.press(form)
    kernel.wait(lambda: "kept 1, ran 1" in cell.record)
    assert kernel.value("r.value") == 4
