"""Tactus's own runtime in a real kernel: it asks through our forms and goes on from our stores."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from lua_procedures import api

from .kernels import Kernel
from .outputs import WIDGET

pytestmark = [pytest.mark.kernel, pytest.mark.slow, pytest.mark.timeout(1200)]  # the first run installs Tactus

STUBS = Path(__file__).parents[1] / "adapters" / "stubs"

RELEASE = """
Procedure {
  output = {shipped = field.boolean{}, decision = field.string{}, notes = field.string{}, drawn = field.number{}},
  function(input)
    local notes = Step.checkpoint(function() return {lines = {"faster", "safer"}, drawn = math.random(1, 1000000)} end)
    State.set("stage", "asking")
    local sure = Human.approve{message = "Ship it?", context = {version = "2.1"}, timeout = 600}
    local review = Human.review{message = "Release notes", artifact = notes.lines[1], artifact_type = "markdown",
                                options = {"approve", "reject"}}
    State.set("stage", "done")
    return {shipped = sure, decision = review.decision, notes = review.edited_artifact or "", drawn = notes.drawn}
  end
}
"""

SETUP = f"""
import asyncio, logging
logging.disable(logging.CRITICAL)
from tactus.core.runtime import TactusRuntime
from lua_procedures.adapters.tactus import connect
SOURCE = '''{RELEASE}'''
async def go(name="release", **options):
    global result
    runtime = TactusRuntime(name, **connect(name, store="runs.db", **options))
    result = await runtime.execute(SOURCE, format="lua")
"""

EDITED = "*faster*"


@pytest.fixture(scope="module")
def module_kernel(tactus_specs, tmp_path_factory):
    """A kernel of that environment, for all tests here."""
    kernel = Kernel(tmp_path_factory.mktemp("tactus-kernel"), tactus_specs).start()
    kernel.run(SETUP)
    yield kernel
    kernel.stop()


@pytest.fixture
def store(kernel):
    """The store's address for this process."""
    return f"sqlite:///{kernel.folder / 'runs.db'}"


def test_it_is_asked_through_our_form_and_resumed_from_our_store(kernel, store):
    """Each question is a form that outlives its cell; after two restarts the run ends as if it was never left."""
    cell = kernel.run("await go()")
    assert kernel.value("result['status']") == "WAITING_FOR_HUMAN"
    sure = kernel.form(cell)
    assert (sure.message, sure.state["phase"]) == ("Ship it?", "later")
    assert "release  paused" in kernel.run("%procedures --store runs.db").texts[0]
    drawn = api.show("release", store=store).checkpoints[0].value["drawn"]
    kernel.press(sure)
    kernel.wait(lambda: WIDGET not in cell.mime_types)
    assert "answered; run the cell again to go on" in cell.record
    kernel.restart()
    kernel.run(SETUP)
    cell = kernel.run("await go()")
    review = kernel.form(cell)
    assert review.message == "Release notes"
    asked = api.open_request("release", store=store)
    kernel.restart()
    kernel.run(SETUP)
    cell = kernel.run("await go()")
    review = kernel.form(cell)
    assert (review.id, api.open_request("release", store=store)) == (asked.id, asked)
    kernel.press(review, artifact=EDITED)
    kernel.wait(lambda: WIDGET not in cell.mime_types)
    kernel.run("await go()")
    assert kernel.value("(result['success'], result['result'], result['state'])") == (
        True,
        {"shipped": True, "decision": "Approve", "notes": EDITED, "drawn": drawn},
        {"stage": "done"},
    )
    run = api.show("release", store=store)
    assert (run.status, run.pending, run.state) == ("completed", None, {"stage": "done"})
    assert [(each.kind, each.name) for each in run.checkpoints[1:]] == [("human", "approval"), ("human", "review")]
    assert [answer.channel for answer in run.answers] == ["form", "form"]


def test_a_run_goes_on_in_the_same_output(kernel, store):
    """With `resume`, a click is all it takes: the next question and the record come in the first output."""
    cell = kernel.run("async def again(): await go('flowing', resume=again)\nawait again()")
    sure = kernel.form(cell)
    kernel.press(sure, 1)
    review = kernel.form(cell, after=sure)
    assert review.message == "Release notes"
    kernel.press(review, 1, feedback="not yet")
    kernel.wait(lambda: "completed" in cell.record)
    assert WIDGET not in cell.mime_types
    assert kernel.value("result['result']['shipped'], result['result']['decision']") == (False, "Reject")
    assert api.show("flowing", store=store).answers[1].value["feedback"] == "not yet"


def test_it_is_answered_from_elsewhere(kernel, store):
    """`%procedures answer` closes the form, `%procedures show` tells how it stands; its runtime goes on."""
    cell = kernel.run("await go('elsewhere')")
    kernel.form(cell)
    shown = kernel.run("%procedures answer elsewhere no --store runs.db")
    assert "paused" in shown.texts[0]
    kernel.wait(lambda: WIDGET not in cell.mime_types)
    assert "answered with %procedures answer" in cell.record
    cell = kernel.run("await go('elsewhere')")
    kernel.form(cell)
    assert "Release notes" in kernel.run("%procedures show elsewhere --store runs.db").texts[0]
    refused = kernel.run("%procedures resume elsewhere --store runs.db")
    assert refused.reply["ename"] == "UsageError"
    assert "is driven by Tactus" in refused.reply["evalue"]
    api.answer("elsewhere", "Reject", store=store)
    kernel.run("await go('elsewhere')")
    assert kernel.value("result['result']['shipped'], result['result']['decision']") == (False, "Reject")


def test_a_runtime_on_another_thread_waits(kernel):
    """With `blocking`, the runtime waits for the click while its cell awaits it, and is never left."""
    cell = kernel.begin("await asyncio.to_thread(lambda: asyncio.run(go('waiting', blocking=True)))")
    sure = kernel.form(cell)
    assert sure.state["phase"] == "open"
    assert not cell.done
    kernel.press(sure)
    review = kernel.form(cell, after=sure)
    kernel.press(review)
    kernel.finish(cell)
    assert kernel.value("result['success'], result['result']['decision']") == (True, "Approve")


def test_the_kernels_own_loop_is_never_held(kernel):
    """`blocking` in the kernel's own loop would never see the click: the runtime is left, and the form stays."""
    cell = kernel.run("await go('held', blocking=True)")
    assert kernel.value("result['status']") == "WAITING_FOR_HUMAN"
    assert kernel.form(cell).state["phase"] == "later"


def test_later_leaves_a_runtime_that_waits(kernel, store):
    """“Later” on the form of a runtime on another thread leaves it; the form stays, and takes the answer."""
    cell = kernel.begin("await asyncio.to_thread(lambda: asyncio.run(go('postponed', blocking=True)))")
    form = kernel.form(cell)
    kernel.later(form)
    kernel.finish(cell)
    assert kernel.value("result['status']") == "WAITING_FOR_HUMAN"
    kernel.press(kernel.form(cell))
    kernel.wait(lambda: WIDGET not in cell.mime_types)
    assert api.show("postponed", store=store).answers[0].value is True


def test_a_headless_notebook_is_left_waiting(kernel, store):
    """Where nobody can answer no form is shown; scripted answers take a run to its end."""
    cell = kernel.run("await go('headless')", allow_stdin=False)
    assert (cell.outputs, kernel.value("result['status']")) == ([], "WAITING_FOR_HUMAN")
    assert api.open_request("headless", store=store).message == "Ship it?"
    kernel.run("await go('headless', answers=[True, 'Approve'])", allow_stdin=False)
    assert kernel.value("result['success'], result['result']['shipped']") == (True, True)


def test_a_question_expires_while_the_kernel_is_away(kernel, store):
    """The default of Tactus's call is taken once the time is over, counted from the first asking."""
    kernel.run("SOURCE, before = SOURCE.replace('timeout = 600', 'timeout = 1'), SOURCE")
    kernel.run("await go('late', answers=lambda request: 'Approve' if request.kind == 'review' else None)")
    time.sleep(1)
    kernel.run("await go('late', answers=lambda request: 'Approve' if request.kind == 'review' else None)")
    kernel.run("SOURCE = before")
    assert kernel.value("result['success'], result['result']['shipped']") == (True, False)
    assert [answer.timed_out for answer in api.show("late", store=store).answers] == [True, False]


def test_a_cleared_run_asks_again(kernel, store):
    """An answer counts for the checkpoint it became: cleared, the same question is asked as another one."""
    kernel.run("await go('cleared', answers=[True, 'Approve'])")
    first = api.show("cleared", store=store).answers
    kernel.run("%procedures clear cleared --after explicit_checkpoint --store runs.db")
    kernel.run("await go('cleared')")
    asked = api.open_request("cleared", store=store)
    assert (asked.message, asked.id in {answer.request_id for answer in first}) == ("Ship it?", False)
    kernel.run("%procedures clear cleared --store runs.db")
    assert "cleared" not in kernel.run("%procedures --store runs.db").texts[0].split()


def test_an_agents_turn_comes_back_as_it_was(kernel):
    """A record of Tactus's own, such as the result of an agent's turn, is one again after it was kept."""
    kernel.run(
        "from datetime import UTC, datetime\n"
        "from tactus.protocols.models import CheckpointEntry, ProcedureMetadata\n"
        "from tactus.protocols.result import TactusResult\n"
        "from lua_procedures.adapters.tactus import StorageBackend\n"
        "turn = TactusResult(output={'label': 'a'}, usage={'prompt_tokens': 3})\n"
        "entry = CheckpointEntry(position=0, type='agent_writer_turn', result=turn, timestamp=datetime.now(UTC))\n"
        "StorageBackend('runs.db').save_procedure_metadata(\n"
        "    'turns', ProcedureMetadata(procedure_id='turns', execution_log=[entry]))\n"
        "again = StorageBackend('runs.db').load_procedure_metadata('turns').execution_log[0].result"
    )
    assert kernel.value("(type(again) is TactusResult, again == turn, again.usage.prompt_tokens)") == (True, True, 3)


def test_our_classes_have_the_methods_of_the_protocols(kernel):
    """Every method of Tactus's three protocols is there and takes what the protocol passes; so do the tests' stubs."""
    kernel.run(
        "import inspect, importlib, sys\n"
        "from lua_procedures.adapters import tactus as ours\n"
        "from tactus.protocols import chat_recorder, hitl, storage\n"
        "def methods(kind):\n"
        "    return {name: inspect.signature(each) for name, each in vars(kind).items() if inspect.isfunction(each)\n"
        "            and not name.startswith('_')}\n"
        "pairs = [(storage.StorageBackend, ours.StorageBackend), (hitl.HITLHandler, ours.HITLHandler),\n"
        "         (chat_recorder.ChatRecorder, ours.ChatRecorder)]\n"
        "missing = [name for theirs, our in pairs for name, sign in methods(theirs).items()\n"
        "           if list(methods(our).get(name, inspect.Signature()).parameters) != list(sign.parameters)]\n"
        f"sys.path.insert(0, {str(STUBS)!r})\n"
        "real = {name: sys.modules.pop(name) for name in list(sys.modules) if name.partition('.')[0] == 'tactus'}\n"
        "stub = lambda name: importlib.import_module('tactus.protocols.' + name)\n"
        "stubs = [stub('storage'), stub('hitl'), stub('chat_recorder')]\n"
        "names = lambda kind: {name: list(sign.parameters) for name, sign in methods(kind).items()}\n"
        "others = [(names(theirs), names(getattr(stub, theirs.__name__))) for stub, (theirs, _) in zip(stubs, pairs)]\n"
        "fields = [(name, list(getattr(real['tactus.protocols.models'], name).model_fields), list(kind.model_fields))\n"
        "          for name, kind in vars(stub('models')).items()\n"
        "          if isinstance(kind, type) and kind.__module__ == 'tactus.protocols.models']\n"
        "sys.modules.update(real); sys.path.remove(sys.path[0])"
    )
    assert kernel.value("missing") == []
    assert kernel.value("[pair for pair in others if pair[0] != pair[1]]") == []
    assert kernel.value("[field for field in fields if field[1] != field[2]], len(fields)") == ([], 6)
