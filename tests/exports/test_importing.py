"""A run that was exported goes on elsewhere as if it had never moved."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

import lua_procedures
from lua_procedures import ProcedureError, Run, api, import_run, jobs
from lua_procedures.durable.journal import Journal
from lua_procedures.durable.stores import Store, open_store
from lua_procedures.durable.stores.memory import MemoryStore
from lua_procedures.errors import ImportRefused, StoreError, UsageError
from lua_procedures.modules import Module

from ..conformance.cells import Cell, Died, DyingStore, differing, outcome, paths
from ..conformance.programs import PROGRAMS, STATEMENTS, answer

modest = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])

ASKING = """
State.set("n", 1)
local a = Step.run("a", function() State.increment("n") return math.random(1, 2^53) end)
local b = Human.approve("Ship?")
return {a, b, Step.run("c", function() return math.random(1, 2^53) end)}"""


def moved(run: Run, store: Store | None = None, **options: Any) -> Cell:
    """A cell on another store, into which the run was brought through a file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.pickle"
        run.export(path)
        cell = Cell(store)
        import_run(path, store=cell.store, **options)
    return cell


@modest
@given(PROGRAMS)
def test_a_moved_run_is_the_same(program):
    """Value, State, stages, notices, answers and checkpoints are the same in a fresh store, and nothing runs."""
    note(program.text)
    first = Cell()(program.text, answers=answer)
    cell = moved(first)
    again = cell.resume(answers=answer)
    assert (again.executed, differing(outcome(first), outcome(again))) == (0, {})
    again = cell(program.text, answers=answer)
    assert (again.executed, differing(outcome(first), outcome(again))) == (0, {})


@modest
@given(PROGRAMS, st.integers(0, 6), STATEMENTS)
def test_history_moves_too(program, place, statement):
    """An edit's superseded tail is found again in the other store when the edit is undone."""
    cell = Cell()
    first = cell(program.text, answers=answer)
    second = cell(program.edited(place, statement).text, answers=answer)
    again = moved(second)(program.text, answers=answer)
    assert (again.executed, differing(outcome(first), outcome(again))) == (0, {})


@modest
@given(PROGRAMS)
def test_a_moved_file_is_the_same_file(program):
    """Exported again from the other store, the journal is entry for entry the same."""
    first = Cell()(program.text, answers=answer)
    cell = moved(first)
    [row] = cell.store.journals()
    assert list(cell.store.entries(row.id)) == list(_journal(first).entries)


def _journal(run: Run) -> Journal:
    return run._data.export.args[0]  # type: ignore[attr-defined]  # a partial


@pytest.mark.parametrize("url", ["memory", "sqlite"])
def test_a_paused_run_waits_for_the_same_answer(tmp_path, url):
    """The question keeps its id and times, and the answer given in the new store goes on from there."""
    paused = Cell()(ASKING)
    assert paused.pending is not None
    store = MemoryStore() if url == "memory" else open_store(str(tmp_path / "runs.db"))
    cell = moved(paused, store)
    cell.answer(value=True, request_id=paused.pending.id)
    ended = cell.resume()
    assert (ended.status, paths(ended, replayed=True)) == ("completed", ["0"])
    assert ended.value[:2] == [paused.checkpoints[0].value, True]
    store.close()


def test_an_answer_that_nobody_took_yet_moves(tmp_path):
    """Answered between the pause and the export, the question is not asked again."""
    cell = Cell()
    paused = cell(ASKING)
    cell.answer(value=False)
    assert moved(paused).resume().value[1] is False


def test_another_process_goes_on(tmp_path):
    """The other kernel has neither the store nor the cell, only the file."""
    paused = Cell()(ASKING)
    paused.export(tmp_path / "run.pickle")
    code = f"""
from lua_procedures import import_run, resume
print(repr(import_run({str(tmp_path / "run.pickle")!r}, "there", store={str(tmp_path / "runs.db")!r})))
r = resume("there", store={str(tmp_path / "runs.db")!r}, answers=[True])
print(r.status, r.replayed, r.executed, r.value[0])
"""
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    number = paused.checkpoints[0].value
    assert told.stdout == f"imported there: paused, 1 checkpoint\ncompleted 1 2 {number}\n"


def test_python_tools_move_with_their_calls():
    """Resumed without the tools, what they said is there; one that is called anew is missed, and found when given."""

    def search(query: str, most: int = 3) -> str:
        return query * most

    ask = "local a = search{query = 'x'} local go = Human.approve('go?') return {a, go and search{query = 'y'}}"

    def answered(*, value: bool) -> Cell:
        cell = moved(Cell()(ask, tools=[search]))
        cell.answer(value=value)
        lua_procedures.get_session().given.clear()  # as in another process
        return cell

    assert answered(value=False).resume().value == ["xxx", False]
    cell = answered(value=True)
    with pytest.raises(UsageError, match="the tool 'search' is not here"):
        cell.resume()
    assert cell.resume(tools=[search]).value == ["xxx", "yyy"]


def test_modules_move_with_the_run():
    """What `require` gave is there where no such cell or file is."""
    lua_procedures.get_session().definitions["helper"] = Module("return {name = 'kept'}", "helper")
    try:
        program = "local helper = require('helper') Human.approve('go?') return helper.name"
        cell = moved(Cell()(program))
    finally:
        lua_procedures.get_session().definitions.clear()
    cell.answer(value=True)
    assert cell.resume().value == "kept"


def test_the_text_keeps_its_name():
    """An error in a run of a file names the file, also where the run was moved to."""
    program = "Human.approve('go?')\nreturn select(2, pcall(function() error('broken') end))"
    cell = moved(jobs.run_here(jobs.Job(program, "triage", chunk="flow.lua", store=MemoryStore())))
    cell.answer(value=True)
    assert cell.resume().value == "flow.lua:2: broken"


def test_a_run_that_was_running_is_cancelled(tmp_path):
    """Nobody drives it in the new store; run again, it goes on."""
    path = tmp_path / "run.pickle"
    cell = Cell(DyingStore(store := MemoryStore(), 3, before=False))
    with suppress(Died):
        cell('Step.run("a", function() end) Step.run("b", function() end)')
    api.show("triage", store=store).export(path)
    brought = import_run(path, store=(other := MemoryStore()))
    assert brought.status == "cancelled"
    assert lua_procedures.resume("triage", store=other).status == "completed"


# Names


def test_what_was_there_becomes_history(tmp_path):
    """A run of the same name and inputs stays whole; the imported one is the newest, by name and for its cell."""
    first = Cell()('return Step.run("a", function() return 1 end)')
    first.export(tmp_path / "run.pickle")
    cell = Cell()
    cell('return Step.run("a", function() return 2 end)')
    before = cell.held()
    import_run(tmp_path / "run.pickle", store=cell.store)
    assert cell.held()[: len(before)] == before
    assert [row.generation for row in cell.store.journals()] == [0, 1]
    assert cell.resume().value == 1
    assert cell('return Step.run("a", function() return 1 end)').executed == 0


def test_a_run_that_is_driven_goes_on_beside_an_import(tmp_path):
    """Its pass records to its end in the journal that it has; its cell goes on with the imported one."""
    store = open_store(str(tmp_path / "runs.db"))
    source = "local a = Step.run('a', function() return 1 end) local b = bring{} return {a, b}"

    def bring() -> int:
        """Import a run of this very name while it is driven."""
        return import_run(tmp_path / "run.pickle", store=store).checkpoints

    lua_procedures.run(source, name="moved", store=MemoryStore(), tools={"bring": lambda: 0}).export(
        tmp_path / "run.pickle"
    )
    assert lua_procedures.run(source, name="moved", store=store, tools=[bring]).value == [1, 2]
    old, new = store.journals("moved")
    assert [each.name for each in store.entries(old.id)] == ["a", "bring"]
    assert (old.status, new.status, new.generation) == ("completed", "completed", 1)
    again = lua_procedures.run(source, name="moved", store=store, tools=[bring])
    assert (again.run_id, again.replayed) == (f"{new.root}-1", 1)
    store.close()


def test_another_name_leaves_the_old_one(tmp_path):
    """With a name of its own, the run that has the old name goes on unchanged."""
    cell = Cell()
    cell("return 1").export(tmp_path / "run.pickle")
    import_run(tmp_path / "run.pickle", "copy", store=cell.store)
    assert [(row.name, row.generation) for row in cell.store.journals()] == [("triage", 0), ("copy", 0)]
    assert lua_procedures.resume("copy", store=cell.store).value == 1
    with pytest.raises(UsageError, match="a run's name is printable text of 1 to 128 characters"):
        import_run(tmp_path / "run.pickle", "a\nb", store=cell.store)


def test_the_session_forgets_the_run_it_had(tmp_path):
    """`%procedures show` and `export` by name mean the run that was imported last."""
    store = MemoryStore()
    lua_procedures.run("return 1", name="shown", store=store).export(tmp_path / "run.pickle")
    assert "shown" in lua_procedures.get_session().runs
    import_run(tmp_path / "run.pickle", store=store)
    assert "shown" not in lua_procedures.get_session().runs


def test_a_file_chooses_no_folder(tmp_path):
    """`File` in an imported run uses the importer's folder, not one that the file names."""
    ended = Cell()("return 1", files=tmp_path)
    cell = moved(ended)
    [row] = cell.store.journals()
    assert str(tmp_path) not in row.options
    assert "files" not in row.options


# Live objects


class Table:
    """An object that can be pickled."""

    def __init__(self, rows: list[int]) -> None:
        self.rows = rows


INPUT = "inputs: a {} was not exported: in another process it is another input, with which the run starts over"
OBJECT = 'local t = Step.run("load", function() return input.t end) Step.run("use", function() end) return t'


def _with_object(value: object) -> Run:
    """A run whose first step returned a live object."""
    return Cell()(OBJECT, params={"t": value})


def test_a_live_object_moves_where_it_is_trusted(tmp_path):
    """With `trusted=True` the checkpoint has an equal object again."""
    wrote = (run := _with_object(Table([1, 2]))).export(tmp_path / "run.pickle")
    assert wrote.left_out == (INPUT.format("Table"),)
    store = MemoryStore()
    brought = import_run(tmp_path / "run.pickle", store=store, trusted=True)
    assert (brought.checkpoints, brought.left_out) == (2, ())
    [row] = store.journals()
    loaded = next(store.entries(row.id))
    [table] = loaded.objects or ()
    assert table.rows == [1, 2]
    assert table is not run.checkpoints[0].value


def test_a_live_object_is_not_unpickled_unasked(tmp_path):
    """Without trust nothing of its pickle is executed; its checkpoint is named and runs again, and the rest is kept."""
    bomb = Explosive(tmp_path / "boom")
    _with_object(bomb).export(tmp_path / "run.pickle")
    cell = Cell()
    brought = import_run(tmp_path / "run.pickle", store=cell.store)
    assert brought.left_out == (
        '0 step "load", line 1 runs again: a Explosive, which is imported only with trusted=True',
    )
    assert not (tmp_path / "boom").exists()
    again = cell(OBJECT, params={"t": bomb})
    assert (paths(again, replayed=False), paths(again, replayed=True)) == (["0"], ["1"])
    import_run(tmp_path / "run.pickle", store=cell.store, trusted=True)
    assert (tmp_path / "boom").exists()


class Explosive:
    """An object whose pickle makes a file when it is read."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


def test_what_cannot_be_pickled_is_reported(tmp_path):
    """The export names the checkpoint and the reason; the import says that it runs again."""
    connection = sqlite3.connect(":memory:")
    wrote = _with_object(connection).export(tmp_path / "run.pickle")
    connection.close()
    given, told = wrote.left_out
    assert given == INPUT.format("Connection")
    assert told.startswith('0 step "load", line 1: a Connection was not exported: TypeError: cannot pickle')
    brought = import_run(tmp_path / "run.pickle", store=MemoryStore(), trusted=True)
    [told] = brought.left_out
    assert told.startswith('0 step "load", line 1 runs again: a Connection, which was not exported (TypeError: cannot')


def test_a_class_that_is_not_there_is_reported(tmp_path, monkeypatch):
    """A trusted object whose class is missing here is left out, and the rest is imported."""
    _with_object(Table([1])).export(tmp_path / "run.pickle")
    monkeypatch.delattr(sys.modules[Table.__module__], "Table")
    brought = import_run(tmp_path / "run.pickle", store=MemoryStore(), trusted=True)
    assert brought.checkpoints == 1
    assert "a Table, which cannot be read here (AttributeError" in brought.left_out[0]


def test_a_store_on_disk_takes_the_rest(tmp_path):
    """The checkpoint with a live object is left out by name, trusted or not."""
    _with_object(Table([1])).export(tmp_path / "run.pickle")
    brought = import_run(tmp_path / "run.pickle", store=str(tmp_path / "runs.db"), trusted=True)
    assert brought.left_out == ('0 step "load", line 1 runs again: a Table, which a store on disk cannot keep',)


# Faults


def test_no_file_is_a_store_error(tmp_path):
    """A file that is missing, a folder, and a record to read are refused with what to do."""
    with pytest.raises(StoreError, match="cannot be read: No such file"):
        import_run(tmp_path / "none.pickle", store=MemoryStore())
    with pytest.raises(StoreError, match="is a folder or a device, no file"):
        import_run(tmp_path, store=MemoryStore())
    Cell()("return 1").export(tmp_path / "run.json")
    with pytest.raises(ImportRefused, match="is a record to read"):
        import_run(tmp_path / "run.json", store=MemoryStore())


class FullStore(DyingStore):
    """A store whose disk is full from the n-th write on."""

    def _write(self, call: Any, *arguments: Any) -> Any:
        self._left -= 1
        if self._left < 0 and call != self._store.forget:
            raise StoreError("the disk is full")
        return call(*arguments)


@pytest.mark.parametrize("write", range(7))
def test_a_full_disk_changes_nothing(tmp_path, write):
    """At whichever write the store fails, what was there is what is there."""
    cell = Cell()
    cell(ASKING, answers=[True]).export(tmp_path / "run.pickle")
    before = cell.held()
    with pytest.raises(StoreError, match="the disk is full"):
        import_run(tmp_path / "run.pickle", store=FullStore(cell.store, write, before=True))
    assert cell.held() == before


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
@pytest.mark.parametrize("write", range(7))
def test_a_killed_import_changes_no_run(tmp_path, write, before):
    """Killed at any write but the last, every run is found as it was; after the last, the imported one is whole."""
    cell = Cell()
    run = cell(ASKING, answers=[True])
    run.export(tmp_path / "run.pickle")
    edited = cell(ASKING.replace("Ship?", "Really?"), answers=[True])
    found = [cell.store.find("triage"), cell.store.find("triage", _journal(run).row.root)]
    dying = DyingStore(cell.store, write, before=before)
    with pytest.raises(Died):
        import_run(tmp_path / "run.pickle", store=dying)
    if write == 6 and not before:
        assert cell.resume().value == run.value
    else:
        assert [cell.store.find("triage"), cell.store.find("triage", _journal(run).row.root)] == found
        assert cell.resume().value == edited.value


def test_an_import_takes_seven_writes(tmp_path):
    """The two tests above try each of them."""
    Cell()(ASKING, answers=[True]).export(tmp_path / "run.pickle")
    import_run(tmp_path / "run.pickle", store=DyingStore(MemoryStore(), 7, before=True))
    with pytest.raises(Died):
        import_run(tmp_path / "run.pickle", store=DyingStore(MemoryStore(), 6, before=True))


def test_a_failed_run_moves(tmp_path):
    """What was recorded before the failure is kept, and the rest is tried again."""
    cell = Cell()
    failed = cell.failed('Step.run("a", function() end) error("boom")')
    other = moved(failed)
    with pytest.raises(ProcedureError, match="boom"):
        other.resume()
    assert other.failed('Step.run("a", function() end) error("boom")').replayed == 1


def test_entries_of_a_file_have_their_order(tmp_path):
    """The newest of several entries of one key is the newest in the other store, too."""
    cell = Cell()
    cell('return Step.run("a", function() return math.random(1, 2^53) end)')
    again = cell('return Step.run("a", function() return math.random(1, 2^53) end)', redo="a")
    assert moved(again).resume().value == again.value
    assert len([entry for entry in _journal(again).entries if entry.path]) == 2
