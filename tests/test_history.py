"""What is kept of a run's past: the history as a table, what differs between runs, clearing and retention."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lua_procedures
from lua_procedures import (
    History,
    Run,
    RunLocked,
    StoreError,
    UsageError,
    clear,
    difference,
    fork,
    history,
    import_run,
    prune,
    resume,
    run,
)
from lua_procedures.durable.stores import open_store
from lua_procedures.durable.stores.memory import MemoryStore
from lua_procedures.testing import ScriptedChatModel

from .bounds import lines_run

PROGRAM = """
local a = Step.run("a", function() return 1 end)
local b = Step.run("b", function() return {x = a, y = 1} end)
local c = Step.run("c", function() return Step.run("inner", function() return b.y end) end)
return {a, b, c}
"""
EDITED = PROGRAM.replace("y = 1", "y = 2")


@pytest.fixture(params=["memory", "sqlite"])
def store(request, tmp_path):
    store = open_store(str(tmp_path / "runs.db")) if request.param == "sqlite" else MemoryStore()
    yield store
    store.close()


def told(name: str, store: MemoryStore) -> History:
    return history(name, store=store)


# -- history -------------------------------------------------------------------------------------------------------


def test_a_history_lists_journals_and_superseded_tails(store):
    """Each set of inputs and each fresh start is a journal; an edit leaves a tail, which says what changed."""
    run(PROGRAM, name="t", store=store)
    run(EDITED, name="t", store=store)
    run(PROGRAM, name="t", store=store, params={"x": 1})
    run(PROGRAM, name="t", store=store, fresh=True)
    newest, other, first = told("t", store).journals
    assert [(each.generation, each.newest, each.inputs) for each in (newest, other, first)] == [
        (1, True, "{}"), (0, False, '{"x":1}'), (0, False, "{}"),
    ]  # fmt: skip
    assert [(each.status, each.checkpoints) for each in (newest, other, first)] == [("completed", 4)] * 3
    assert (newest.superseded, other.superseded) == ((), ())
    [tail] = first.superseded
    assert (tail.path, tail.kind, tail.name, tail.checkpoints) == ("1", "step", "b", 3)
    assert tail.why == 'line 3: step "b" changed (its function)'


def test_a_history_is_a_table_without_times(store):
    """The text can be compared from run to run; the HTML says when."""
    run(PROGRAM, name="t", store=store, params={"x": "<b>"})
    run(EDITED, name="t", store=store, params={"x": "<b>"})
    shown = told("t", store)
    assert (
        repr(shown)
        == str(shown)
        == (
            "t: 1 journal\n"
            '  {"x":"<b>"}  generation 0 (newest)  completed  4 checkpoints\n'
            '    superseded from 1, step "b": 3 checkpoints; line 3: step "b" changed (its function)'
        )
    )
    page = shown._repr_html_()
    assert "<b>" not in page.replace("&lt;b&gt;", "")
    assert "updated just now" in page


def test_a_history_shows_the_seed_that_was_given(store):
    """The same inputs with a seed are another journal; a seed that the run chose is not shown."""
    run(PROGRAM, name="t", store=store)
    run(PROGRAM, name="t", store=store, seed=7)
    shown = told("t", store)
    assert [each.seed for each in shown.journals] == [7, None]
    assert "  no inputs, seed 7  generation 0 (newest)  completed" in repr(shown)
    assert "no inputs, seed 7" in shown._repr_html_()
    assert resume("t", store=store).executed == 0


def test_a_live_input_hides_no_history(store):
    """A run whose input no file keeps has its history, with the seed that it was given."""
    if not store.keeps_objects:
        return
    given = {"x": object()}
    run("return 1", name="t", store=store, params=given)
    run("return 1", name="t", store=store, params=given, seed=7)
    assert [each.seed for each in told("t", store).journals] == [7, None]


def test_a_long_history_is_bounded(store):
    """At most 60 lines of text, and HTML of a few kilobytes, whatever the number of journals and tails."""
    for number in range(30):
        run(PROGRAM.replace("y = 1", f"y = {number}"), name="t", store=store)
    for number in range(60):
        run("return 1", name="t", store=store, params={"x": number})
    shown = told("t", store)
    assert len(shown.journals) == 61
    assert len(repr(shown).splitlines()) == 60
    assert "more lines" in repr(shown)
    assert len(shown._repr_html_()) < 100_000


def test_an_edit_undone_supersedes_the_other_tail(store):
    """The newest pass's branch is the newest, although its entries are older."""
    run(PROGRAM, name="t", store=store)
    run(EDITED, name="t", store=store)
    run(PROGRAM, name="t", store=store)
    [journal] = told("t", store).journals
    [tail] = journal.superseded
    assert (journal.checkpoints, tail.path, tail.why) == (4, "1", 'line 3: step "b" changed (its function)')


def test_what_a_program_does_not_reach_any_more_is_superseded(store):
    """One that ends earlier says so; so does one that waits earlier."""
    run(PROGRAM, name="t", store=store)
    run("return Step.run('a', function() return 1 end)", name="t", store=store)
    [tail] = told("t", store).journals[0].superseded
    assert (tail.path, tail.checkpoints, tail.why) == ("1", 3, "the program ends before it")
    run("return Human.approve('Go?')", name="t", store=store)
    [tail] = told("t", store).journals[0].superseded
    assert (tail.path, tail.checkpoints, tail.why) == ("0", 4, "the newest pass did not come so far")


def test_tokens_are_counted_once():
    """What was answered from an older journal cost nothing again; a tail says what it had cost."""
    store = MemoryStore()
    usage = {"prompt_tokens": 90, "completion_tokens": 10}
    model = ScriptedChatModel(answers=[{"content": "one", "usage": usage}, {"content": "two", "usage": usage}])
    program = 'a = Agent{system_prompt = "%s"}\nreturn a("go").content'
    for prompt in ("Write.", "Draw.", "Write."):
        run(program % prompt, name="t", store=store, chat_model=model)
    [journal] = told("t", store).journals
    assert journal.tokens == 200
    assert [tail.tokens for tail in journal.superseded] == [100]
    assert 'agent "a" changed (its prompt)' in journal.superseded[0].why
    assert "4 checkpoints" not in repr(told("t", store))
    assert "2 checkpoints, 200 tokens" in repr(told("t", store))


def test_a_question_inside_counts_what_is_done_around_it():
    """A run that waits inside a sub-procedure has the checkpoints that it made there."""
    store = MemoryStore()
    program = """
        Procedure "inner" { function()
          Step.run("x", function() return 1 end)
          return Human.approve("Go?")
        end }
        Step.run("a", function() return 1 end)
        return Procedure("inner"){}"""
    paused = run(program, name="t", store=store)
    assert paused.status == "paused"
    assert told("t", store).journals[0].checkpoints == len(paused.checkpoints) == 2


def test_an_unknown_run_has_no_history(store):
    """The known ones are listed."""
    run(PROGRAM, name="t", store=store)
    with pytest.raises(StoreError, match="no run 'u'") as error:
        told("u", store)
    assert "The runs there: t." in str(error.value)


def test_what_an_import_left_out_cuts_the_history_short(tmp_path):
    """A live object that did not come along ends the path there, for what follows it runs again."""
    store = MemoryStore()
    program = "local a = Step.run('a', function() return 1 end)\nlocal o = thing{}\n" + PROGRAM.replace('"a"', '"z"')

    def thing() -> object:
        """Give something that is no plain data."""
        return Fraction(1, 2)

    run(program, name="t", store=store, tools=[thing]).export(tmp_path / "t.pickle")
    import_run(tmp_path / "t.pickle", "u", store=store)
    [journal] = told("u", store).journals
    assert (journal.checkpoints, journal.superseded) == (1, ())
    with pytest.raises(UsageError, match="The nearest: "):
        fork("u", "b", "v", store=store)
    assert fork("u", 1, "v", store=store).kept == 1


# -- differences -----------------------------------------------------------------------------------------------------


def test_a_difference_says_what_changed_from_what_to_what(store):
    """Checkpoint by checkpoint, the first one first, with the value as a diff and the reason."""
    run(PROGRAM, name="t", store=store)
    fork("t", 1, "u", store=store)
    run(EDITED, name="u", store=store)
    found = difference("t", "u", store=store)
    assert (found.same, [change.path for change in found.changes]) == (1, ["1", "2", "2/0"])
    assert found.first is not None
    assert (found.first.name, found.first.before, found.first.after) == ("b", {"x": 1, "y": 1}, {"x": 1, "y": 2})
    assert found.first.why == 'line 3: step "b" changed (its function)'
    assert found.first.diff.splitlines()[1:] == ['-{"x": 1, "y": 1}', '+{"x": 1, "y": 2}']
    assert "y = 1" in found.program
    text = repr(found).splitlines()
    assert text[0] == "t → u: 1 checkpoint the same, 3 changed"
    assert text[1] == '  1  step "b": line 3: step "b" changed (its function)'
    assert "<script" not in found._repr_html_()


def test_runs_are_compared_as_they_were(store):
    """A `Run` is what that pass did, also when its journal has gone on since."""
    first = run(PROGRAM, name="t", store=store)
    second = run(EDITED, name="t", store=store)
    found = difference(first, second)
    assert found.first is not None
    assert (found.first.path, found.first.after) == ("1", {"x": 1, "y": 2})
    assert difference(second, "t", store=store).changes == ()


def test_a_checkpoint_put_in_shifts_no_others(store):
    """It is the only one that differs."""
    one = run(PROGRAM, store=store)
    other = run("Step.run('new', function() return 'x' end)\n" + PROGRAM, store=store)
    [change] = difference(one, other).changes
    assert (change.how, change.path, change.name, change.after) == ("only in b", "0", "new", "x")
    [change] = difference(other, one).changes
    assert (change.how, change.before, change.diff) == ("only in a", "x", "@@ -1 +0,0 @@\n-x")


def test_a_failure_is_a_difference(store):
    """A checkpoint that failed in one of them."""
    program = "return {pcall(Step.run, 's', function() %s end)}"
    [change] = difference(run(program % "return 1", store=store), run(program % "error('no')", store=store)).changes
    assert (change.before, change.error_before) == (1, None)
    assert change.after is None
    assert "no" in str(change.error_after)


NAMES = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 2)), max_size=8)


def written(steps: list[tuple[str, int]]) -> Run:
    lines = [
        f"Step.run('{name}{[each for each, _ in steps[:at]].count(name)}', function() return {value} end)"
        for at, (name, value) in enumerate(steps)
    ]
    return run("\n".join(lines), store=MemoryStore())


@settings(max_examples=40, deadline=None)
@given(NAMES, NAMES)
def test_every_checkpoint_is_in_a_difference_once(a, b):
    """Those of both runs, as the same, changed, or only in one; a run does not differ from itself."""
    one, other = written(a), written(b)
    found = difference(one, other)
    sides = {"changed": (1, 1), "only in a": (1, 0), "only in b": (0, 1)}
    counted = [sides[change.how] for change in found.changes]
    assert found.same + sum(at for at, _ in counted) == len(a)
    assert found.same + sum(to for _, to in counted) == len(b)
    assert difference(one, one).changes == ()


def test_long_runs_are_compared_in_one_go():
    """Ten times the checkpoints of one name, of which one differs, cost ten times as much to compare."""

    def counted(size):
        program = f"for i = 1, {size} do checkpoint(function() return %s end) end"
        one, other = (run(program % each, store=MemoryStore()) for each in ("i", f"i == {size // 2} and 0 or i"))
        found = []
        count = lines_run(lambda: found.append(difference(one, other)))
        assert [(change.before, change.after) for change in found[0].changes] == [(size // 2, 0)]
        return count

    assert counted(3000) < 11 * counted(300)


def test_what_is_no_run_is_refused():
    """Only runs and names of runs can be compared."""
    with pytest.raises(UsageError, match="a run or the name of one expected, got int"):
        difference(1, "t")  # type: ignore[arg-type]


# -- clearing ------------------------------------------------------------------------------------------------------


def test_clear_deletes_all_journals(store):
    """The name is free again."""
    run(PROGRAM, name="t", store=store)
    run(PROGRAM, name="t", store=store, fresh=True)
    run(PROGRAM, name="u", store=store)
    assert repr(clear("t", store=store)) == "cleared t: 2 journals deleted"
    assert [row.name for row in store.journals()] == ["u"]
    with pytest.raises(StoreError, match="no run 't'"):
        clear("t", store=store)


@pytest.mark.parametrize(("after", "kept", "replayed"), [("a", 1, 1), (1, 2, 2), ("2/0", 4, 3), ("c", 4, 3)])
def test_clear_after_keeps_that_checkpoint_and_what_is_before_it(store, after, kept, replayed):
    """The next run goes on behind it, also in a store that was opened again; the history keeps what was cut."""
    run(PROGRAM, name="t", store=store)
    cleared = clear("t", after, store=store)
    assert (cleared.kept, cleared.forgotten) == (kept, 4 - kept)
    journal = told("t", store).journals[0]
    assert (journal.status, journal.checkpoints) == ("cancelled", kept)
    assert [tail.why for tail in journal.superseded] == ["it was cleared"] * (kept < 4)
    assert run(PROGRAM, name="t", store=store, plan=True).replayed == replayed
    again = resume("t", store=store)
    assert (again.status, again.replayed, again.executed) == ("completed", replayed, 3 - replayed)
    assert run(PROGRAM, name="t", store=store, strict=True).executed == 0


def test_clear_after_forgets_the_open_question(store):
    """It is asked again when the run comes there."""
    program = PROGRAM.replace("return {a", 'local ok = Human.approve("Go?")\nreturn {a')
    assert run(program, name="t", store=store).status == "paused"
    assert repr(clear("t", "a", store=store)) == "cleared t after a: 1 checkpoint kept, 3 forgotten"
    with pytest.raises(lua_procedures.AnswerRefused):
        lua_procedures.answer("t", value=True, store=store)
    assert resume("t", store=store, answers=[True]).value[0] == 1


def test_an_answer_that_was_cleared_is_asked_for_again(store):
    """The old answer does not count any more."""
    program = 'local a = Step.run("a", function() return 1 end)\nreturn Human.approve("Go?")'
    assert run(program, name="t", store=store, answers=[True]).value is True
    clear("t", "a", store=store)
    assert resume("t", store=store).status == "paused"
    assert resume("t", store=store, answers=[False]).value is False


def test_a_cleared_run_can_be_exported_and_forked(store, tmp_path):
    """Both have what is left."""
    run(PROGRAM, name="t", store=store)
    clear("t", "b", store=store)
    fork("t", 2, "u", store=store)
    assert run(PROGRAM, name="u", store=store).replayed == 2
    lua_procedures.api.show("t", store=store).export(tmp_path / "t.pickle")
    import_run(tmp_path / "t.pickle", "v", store=store)
    assert run(PROGRAM, name="v", store=store).replayed == 2


def test_a_run_that_is_driven_is_not_cleared(store):
    """Not while a pass of it is under way, such as by a tool of its own."""
    refused: list[RunLocked] = []

    def spoil(after: str = "") -> None:
        """Clear the run."""
        with pytest.raises(RunLocked) as error:
            clear("t", after or None, store=store)
        refused.append(error.value)

    program = 'Step.run("a", function() return 1 end)\nspoil{}\nspoil{after = "a"}'
    run(program, name="t", store=store, tools=[spoil])
    assert len(refused) == 2
    assert "is being driven" in str(refused[0])
    assert told("t", store).journals[0].status == "completed"


def test_a_run_that_waits_behind_its_own_cut_is_not_cut(store):
    """Let it end first: what it took back is still needed to come to where it waits."""
    program = """
        Step.run("a", function() return 1 end)
        Step.run("b", function() return 1 end)
        Checkpoint.clear_after("b")
        Step.run("c", function() return 1 end)
        return Human.approve("Go?")"""
    run(program, name="t", store=store)
    with pytest.raises(UsageError, match=r"waits behind a Checkpoint\.clear_after"):
        clear("t", "a", store=store)
    assert resume("t", store=store, answers=[True]).executed == 1


# -- retention -----------------------------------------------------------------------------------------------------


def test_prune_keeps_the_newest_journals(store):
    """So many of each name, the ones updated last."""
    for _ in range(4):
        run(PROGRAM, name="t", store=store, fresh=True)
    run(PROGRAM, name="u", store=store)
    assert repr(prune(keep=2, store=store)) == "deleted 2 old journals: t ×2"
    assert [(row.name, row.generation) for row in store.journals()] == [("t", 2), ("t", 3), ("u", 0)]
    assert repr(prune(keep=2, store=store)) == "nothing deleted"
    assert prune(store=store).journals == ()


def test_prune_deletes_by_age_but_never_the_newest(store):
    """Each name keeps one, however old it is."""
    for name in ("t", "t", "u"):
        run(PROGRAM, name=name, store=store, fresh=True)
    for row in store.journals():
        store.save(replace(row, updated=row.updated - 10 * 86_400))
    assert prune(days=11, store=store).journals == ()
    assert [name for name, _ in prune(days=9, store=store).journals] == ["t"]
    assert [(row.name, row.generation) for row in store.journals()] == [("t", 1), ("u", 0)]


def test_prune_keeps_what_waits_for_a_person(store):
    """Its question can still be answered."""
    run('return Human.approve("Go?")', name="t", store=store, params={"x": 1})
    for _ in range(2):
        run(PROGRAM, name="t", store=store, fresh=True)
    assert [run_id.rpartition("-")[2] for _, run_id in prune("t", keep=1, store=store).journals] == ["0"]
    assert [row.status for row in store.journals("t")] == ["paused", "completed"]


@pytest.mark.parametrize(("options", "message"), [({"keep": 0}, "at least 1 journal"), ({"days": -1}, "days: ")])
def test_prune_refuses_what_would_delete_everything(store, options, message):
    """The newest journal of a name always stays."""
    with pytest.raises(UsageError, match=message):
        prune(store=store, **options)
