"""Questions to people: asked once, answered once, and never lost."""

from __future__ import annotations

import pytest

import lua_procedures
from lua_procedures import TIMEOUT, AnswerRefused, HumanRequest, StoreError
from lua_procedures.durable.stores import open_store

from .cells import Cell, paths

ASK = 'return Human.approve{message = "Deploy?"}'


@pytest.fixture(params=["memory", "sqlite"])
def cell(request, tmp_path):
    cell = Cell(open_store(str(tmp_path / "runs.db")) if request.param == "sqlite" else None)
    yield cell
    cell.store.close()


# -- asking once -------------------------------------------------------------------------------------------


def test_a_question_pauses_the_run(cell):
    """Nobody has scripted an answer: the run is paused, with the question and its line."""
    ran = cell('local x = 1\nlocal ok = Human.approve{message = "Deploy?"}\nreturn ok')
    assert (ran.status, ran.value, ran.error, ran.executed) == ("paused", None, None, 0)
    assert isinstance(ran.pending, HumanRequest)
    assert (ran.pending.kind, ran.pending.message, ran.pending.line) == ("approve", "Deploy?", 2)


def test_the_line_of_a_call_that_ends_the_program(cell):
    """A program's last statement returns a call most often, and its line is known."""
    assert cell("local x = 1\nprint(x)\n\n" + ASK).pending.line == 4
    assert cell("\n\n" + ASK, name="other").pending.line == 3


def test_the_line_of_a_tail_call_is_the_nearest_one_known(cell):
    """In a function, Lua forgets it: it is that of the last call before it, or none; never 0."""
    assert cell(f"Procedure {{ function()\nprint(1)\n\n{ASK} end }}").pending.line == 2
    assert cell(f"Procedure {{ function()\n\n{ASK} end }}", name="other").pending.line in (None, 1)


def test_a_question_is_asked_once(cell):
    """Running the waiting cell again shows the same request: same id, asked at the same time, one in the store."""
    first, second, third = cell(ASK), cell(ASK), cell("-- again\n\n" + ASK)
    assert first.pending.id == second.pending.id == third.pending.id
    assert first.pending.asked_at == second.pending.asked_at == third.pending.asked_at
    assert [each.id for each in cell.store.open_requests(1)] == [first.pending.id]


def test_another_process_sees_the_same_question(tmp_path):
    """A store opened anew holds the question, and takes its answer."""
    path = str(tmp_path / "runs.db")
    first = Cell(open_store(path))
    asked = first(ASK).pending
    first.store.close()
    other = Cell(open_store(path))
    assert other(ASK).pending == asked
    other.answer(value=True)
    assert other.resume().value is True
    other.store.close()


def test_an_answer_is_a_checkpoint(cell):
    """Once given it is replayed, with who gave it when, and nobody is asked again."""
    cell(ASK, answers=[True])
    ran = cell.twice(ASK)
    assert (ran.value, ran.replayed) == (True, 1)
    assert (ran.answers[0].value, ran.answers[0].channel, ran.answers[0].timed_out) == (True, "scripted", False)
    assert ran.checkpoints[0].value is True


def test_equal_questions_are_two_questions(cell):
    """Two calls with the same content have two ids, and the first answer is not the second's."""
    program = 'return {Human.approve("Sure?"), Human.approve("Sure?")}'
    first = cell(program).pending
    cell.answer(value=True)
    second = cell.resume().pending
    assert first.id != second.id
    cell.answer(value=False)
    assert cell.resume().value == [True, False]


def test_a_changed_question_is_another_one(cell):
    """Another message is asked anew; changed back, the old answer is there."""
    cell(ASK, answers=[True])
    other = cell(ASK.replace("Deploy?", "Delete?"))
    assert (other.status, other.pending.message) == ("paused", "Delete?")
    assert cell(ASK).value is True


def test_a_question_asked_again_by_redo_is_another_one(cell):
    """The first answer cannot answer it."""
    cell(ASK)
    cell.answer(value=True)
    cell(ASK)
    again = cell(ASK, redo="Deploy?")
    assert again.status == "paused"
    assert cell(ASK, redo="Deploy?").pending.id == again.pending.id
    cell.answer(value=False)
    assert cell(ASK, redo="Deploy?").value is False
    assert cell(ASK).value is False


# -- answering ---------------------------------------------------------------------------------------------


def test_answer_and_resume(cell):
    """`answer` records, `resume` goes on; what was done before is not done again."""
    program = "local a = Step.run('a', function() return math.random() end)\nreturn {a, Human.input('Name?')}"
    asked = cell(program)
    response = cell.answer("Ada", asked.pending.id)
    assert (response.value, response.request_id, response.channel) == ("Ada", asked.pending.id, "python")
    ran = cell.resume()
    assert ran.value == [asked.checkpoints[0].value, "Ada"]
    assert (ran.replayed, ran.executed, ran.pending) == (1, 1, None)


def test_an_answer_to_another_question_is_refused(cell):
    """The id must be the open question's; the refusal names what is asked."""
    cell(ASK)
    with pytest.raises(AnswerRefused, match="Deploy"):
        cell.answer(value=True, request_id="another")
    assert cell(ASK).status == "paused"


def test_a_question_is_answered_once(cell):
    """The first answer stays; a second one is refused."""
    asked = cell(ASK).pending
    cell.answer(value=True)
    with pytest.raises(AnswerRefused):
        cell.answer(value=False, request_id=asked.id)
    assert cell.resume().value is True
    with pytest.raises(AnswerRefused):
        cell.answer(value=False)


def test_an_answer_needs_a_run_that_asks(cell):
    """An unknown run is a StoreError, one that asks nothing refuses the answer."""
    with pytest.raises(StoreError, match="other"):
        lua_procedures.answer("other", value=True, store=cell.store)
    cell("return 1")
    with pytest.raises(AnswerRefused):
        cell.answer(value=True)


@pytest.mark.parametrize(
    ("question", "wrong", "right"),
    [
        ("approve('?')", "yes", True),
        ("input('?')", 5, "text"),
        ("input{message = '?', response_schema = {type = 'integer'}}", "5", 5),
        ("select{message = '?', options = {'a', {label = 'B', value = 2}}}", "c", 2),
        ("select{message = '?', options = {'a', 'b', 'c'}, mode = 'multiple', min = 2}", ["a"], ["a", "c"]),
        ("review{artifact = 'x', options = {'Ship', {label = 'Stop', type = 'cancel'}}}", "approve", "Ship"),
        ("multiple{{id = 'n', type = 'input'}, {id = 'ok', type = 'approve'}}", {"n": "x"}, {"n": "x", "ok": True}),
    ],
    ids="approve input schema select multiple-select review multiple".split(),
)
def test_an_answer_that_does_not_fit_is_refused(cell, question, wrong, right):
    """It is an `AnswerRefused`, from `answer` as from a script, and the question stays."""
    program = f"return Human.{question}"
    asked = cell(program).pending
    with pytest.raises(AnswerRefused):
        cell.answer(wrong)
    assert isinstance(cell.fails(program, answers=[wrong]), AnswerRefused)
    again = cell(program)
    assert again.pending.id == asked.id
    value = cell(program, answers=[right]).value
    assert (value["decision"] if isinstance(value, dict) and "decision" in value else value) == right


def test_a_review_gives_decision_feedback_and_edit(cell):
    """All five fields, live as on replay; what was not edited is nil."""
    program = """
        local r = Human.review{artifact = {a = 1}, artifact_type = "json", options = {"Ship", "Hold"}}
        return {r.decision, r.feedback, r.edited_artifact or "unedited", r.responded_at > 0, r.timed_out}"""
    plain = cell(program, answers=["Hold"])
    assert plain.value == ["Hold", "", "unedited", True, False]
    edit = {"decision": "Ship", "feedback": "good", "edited_artifact": {"a": 2}}
    cell(program, answers=[edit], fresh=True)
    assert cell.twice(program).value == ["Ship", "good", {"a": 2}, True, False]


OTHERWISE = 'on expiry the decision is "reject", which is none of the options; give default='
REVIEW = """
    for n = 1, 3 do
      Step.run("step " .. n, function() Human.review{{artifact = "a", options = {{{}}}, timeout = 60{}}} end)
    end"""


def warnings(ran):
    return [(each.line, each.message) for each in ran.notices if each.kind == "warning"]


def said(ran):
    return ran._repr_mimebundle_()["text/plain"]


@pytest.mark.parametrize("options", ['"Ship", "Hold"', '"Rejected"'])
def test_a_review_whose_expiry_would_choose_no_option_is_warned_of(cell, options):
    """Once for its line, however often it is asked, on replay too; the record tells what came of it."""
    program = REVIEW.format(options, "")
    assert warnings(cell(program)) == [(3, f"Human.review: {OTHERWISE}")]
    ran = cell(program, answers=[TIMEOUT, TIMEOUT, TIMEOUT])
    again = cell(program)
    for each in (ran, again):
        assert warnings(each) == [(3, f"Human.review: {OTHERWISE}")]
        assert [answer.value["decision"] for answer in each.answers] == ["reject"] * 3
        assert "reject (timed out; none of the options)" in said(each)
    assert again.executed == 0


@pytest.mark.parametrize(
    ("options", "more"),
    [('"Ship", "Hold"', ', default = "Hold"'), ('"Approve", "Reject"', ""), ('"ship", "reject"', "")],
)
def test_a_review_whose_expiry_chooses_an_option_is_not_warned_of(cell, options, more):
    """A default is an option, and so is "reject", in capital letters too."""
    ran = cell(REVIEW.format(options, more), answers=[TIMEOUT, TIMEOUT, TIMEOUT])
    assert warnings(ran) == []
    assert "(timed out)" in said(ran)


def test_a_review_that_waits_for_ever_is_not_warned_of(cell):
    """Without a timeout nothing is decided by expiry."""
    assert warnings(cell('Human.review{artifact = "a", options = {"Ship", "Hold"}}')) == []


def test_escalate_gives_nil_when_resolved(cell):
    """Anything resolves it, and it never expires."""
    ran = cell("return {Human.escalate{message = 'Help', severity = 'critical'} == nil}", answers=["done"])
    assert ran.value == [True]
    assert cell("Human.escalate{message = 'Help', timeout = 1}").pending.expires_at is None


# -- waiting -----------------------------------------------------------------------------------------------


def test_a_wait_passes_through_pcall_in_any_depth(cell):
    """Waiting is no error: nothing in the program catches it, and the answer arrives where it was asked."""
    program = """
        local function ask() return Human.approve("Deep?") end
        local ok, value = pcall(function()
          return Step.run("outer", function()
            local ok, value = xpcall(function()
              return Step.run("inner", function()
                return coroutine.wrap(function() return select(2, pcall(ask)) end)()
              end)
            end, function(e) return "caught " .. tostring(e) end)
            return value
          end)
        end)
        return {ok, value}"""
    paused = cell(program)
    assert (paused.status, paths(paused)) == ("paused", [])
    assert cell(program, answers=[True]).value == [True, True]
    assert paths(cell.twice(program)) == ["0", "0/0", "0/0/0"]


def test_a_misused_question_is_an_error(cell):
    """Unknown levels list the known ones, an undeclared key is an error; unknown options are metadata."""
    assert "info, warning, error, critical" in str(cell.fails("Human.escalate{message = 'x', severity = 'fatal'}"))
    assert "nowhere" in str(cell.fails("Human.approve{message = 'x', config_key = 'nowhere'}"))
    assert cell("Human.approve{message = 'x', color = 'red'}").pending.metadata == {"color": "red"}
