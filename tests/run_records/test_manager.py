"""Checkpoints of run states in a store; each fault of loopengt 0.1.0 is a test of its own."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lua_procedures import (
    AgentState,
    CheckpointManager,
    ConversionError,
    RunState,
    StepResult,
    StepState,
    StoreError,
    UsageError,
    run,
)
from lua_procedures.durable.stores import open_store
from lua_procedures.durable.stores.memory import MemoryStore


@pytest.fixture(params=["memory", "sqlite"])
def store(request, tmp_path):
    """A store of each kind."""
    return MemoryStore() if request.param == "memory" else open_store(str(tmp_path / "runs.db"))


@pytest.fixture
def file(tmp_path):
    """A store in a file."""
    return tmp_path / "runs.db"


def grown(state, number):
    """The state after one more step."""
    step = StepState(step_name=f"step {number}").mark_running().mark_completed(StepResult(output=number))
    return state.with_step(step).add_to_history(f"step {number}", "x" * 200).model_copy(
        update={"current_step_index": number}
    )  # fmt: skip


def saved(manager, count):
    """A state that was saved after each of some steps: the states, and their checkpoints' ids."""
    states = [RunState(name="loop")]
    for number in range(1, count + 1):
        states.append(grown(states[-1], number))
    return states, [manager.save(state) for state in states]


def spoil(file, checkpoint_id, outcome="[null,{}]"):
    """Damage a checkpoint in a file, behind the manager's back."""
    with sqlite3.connect(file) as connection:
        changed = connection.execute("UPDATE entry SET outcome = ? WHERE name = ?", (outcome, checkpoint_id))
        assert changed.rowcount == 1
    connection.close()


def size_of(file):
    """How large a store is when everything is in its file."""
    connection = sqlite3.connect(file)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return file.stat().st_size


def test_every_checkpoint_comes_back(store):
    """Each checkpoint gives the whole state of its moment, to the same manager and to another one."""
    manager = CheckpointManager(store)
    states, ids = saved(manager, 5)
    for reader in (manager, CheckpointManager(store)):
        assert reader.list_checkpoints(states[0].run_id) == ids
        for state, checkpoint_id in zip(states, ids, strict=True):
            checkpoint = reader.load(state.run_id, checkpoint_id)
            assert checkpoint.checkpoint_id == checkpoint_id
            assert reader.restore_state(checkpoint) == state


def test_a_checkpoint_of_another_moment_can_be_saved(store):
    """A checkpoint that was made before is saved as it was made."""
    manager = CheckpointManager(store)
    state = RunState(context={"n": 1})
    checkpoint = state.to_checkpoint()
    manager.save(state.with_context({"n": 2}))
    assert manager.save(checkpoint) == checkpoint.checkpoint_id
    assert manager.load(state.run_id) == checkpoint


def test_latest_is_the_last_one_saved_whatever_the_clock_says(file):
    """Neither a clock that was set back, nor equal times, nor times of files decide what is latest."""
    manager = CheckpointManager(str(file))
    state = RunState()
    now = datetime.now(UTC)
    for number, created in enumerate([now, now, now - timedelta(days=365)]):
        last = state.with_context({"number": number}).to_checkpoint().model_copy(update={"created_at": created})
        manager.save(last)
    for each in file.parent.iterdir():
        os.utime(each, (0, 0))
    assert CheckpointManager(str(file)).load(state.run_id).context == {"number": 2}


@pytest.mark.parametrize("hostile", ["../../outside", "..", "/etc/passwd", "a/../../b", "C:\\x", "%2e%2e/", "'; DROP"])
def test_ids_are_keys_and_never_paths(tmp_path, hostile):
    """An id that looks like a path saves, loads and deletes within its store, and makes or removes no file."""
    folder = tmp_path / "deep" / "folder"
    folder.mkdir(parents=True)
    victim = tmp_path / "outside"
    victim.write_text("mine")
    manager = CheckpointManager(str(folder / "runs.db"))
    state = RunState(run_id=hostile, context={"n": 1})
    first = manager.save(state.to_checkpoint().model_copy(update={"checkpoint_id": hostile}))
    manager.save(state)
    assert manager.load(hostile, hostile).context == {"n": 1}
    assert manager.delete(hostile, first)
    assert not manager.delete(hostile, "../outside")
    found = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert {name for name in found if not name.startswith("deep/folder/runs.db")} == {"outside"}
    assert victim.read_text() == "mine"


@pytest.mark.parametrize("wrong", ["", "a\nb", "\x1f", "x" * 129])
def test_ids_that_nobody_can_read_are_refused(wrong):
    """An id is printable text of 1 to 128 characters."""
    manager = CheckpointManager(MemoryStore())
    for call in (
        lambda: manager.save(RunState(run_id=wrong)),
        lambda: manager.save(RunState().to_checkpoint().model_copy(update={"checkpoint_id": wrong})),
        lambda: manager.load(wrong),
        lambda: manager.list_checkpoints(wrong),
        lambda: manager.delete(wrong, "a"),
    ):
        with pytest.raises(UsageError, match="printable text of 1 to 128 characters"):
            call()


def test_an_id_is_not_saved_twice(store):
    """A second checkpoint of one id is refused, now and in another manager; the first one stays as it is."""
    manager = CheckpointManager(store)
    first = RunState(context={"n": 1}).to_checkpoint()
    manager.save(first)
    second = first.model_copy(update={"context": {"n": 2}})
    for each in (manager, CheckpointManager(store)):
        with pytest.raises(StoreError, match="already"):
            each.save(second)
        assert each.load(first.run_id).context == {"n": 1}


@pytest.mark.parametrize("outcome", ["", "[null,{", "[null,{}]", "5", '["nobody",{}]', '[null,{"turn":-1}]'])
def test_a_damaged_newest_one_is_reported_and_the_one_before_is_offered(file, outcome):
    """The error names what is damaged and what is whole; loading that works, and so does saving the next one."""
    states, ids = saved(CheckpointManager(str(file)), 4)
    run_id = states[0].run_id
    spoil(file, ids[-1], outcome)
    manager = CheckpointManager(str(file))
    with pytest.raises(StoreError, match=f"{ids[-1]}.* is damaged") as caught:
        manager.load(run_id)
    assert repr(ids[-2]) in str(caught.value.hint)
    assert manager.restore_state(manager.load(run_id, ids[-2])) == states[-2]
    assert manager.list_checkpoints(run_id) == ids
    after = grown(states[-1], 9)
    manager.save(after)
    again = CheckpointManager(str(file))
    assert again.restore_state(again.load(run_id)) == after
    with pytest.raises(StoreError, match="is damaged"):
        again.load(run_id, ids[-1])


def test_a_damaged_only_one_offers_nothing(file):
    """Where none is whole the error says so, and what is there is not written over."""
    states, [only] = saved(CheckpointManager(str(file)), 0)
    spoil(file, only)
    manager = CheckpointManager(str(file))
    with pytest.raises(StoreError, match="is damaged") as caught:
        manager.load(states[0].run_id)
    assert caught.value.hint == "None before it is whole."
    manager.save(states[0])
    assert manager.list_checkpoints(states[0].run_id)[0] == only


def test_a_store_that_cannot_be_read_is_no_empty_run(file):
    """A store that fails on reading is an error of load, list and save; nothing is begun anew over what is there."""
    states, ids = saved(CheckpointManager(str(file)), 3)
    size_of(file)
    whole = file.read_bytes()
    manager = CheckpointManager(str(file))
    with file.open("r+b") as opened:
        opened.seek(4096)
        opened.write(b"\xff" * (len(whole) - 4096))
    for call in (manager.load, manager.list_checkpoints, lambda _: manager.save(states[-1])):
        with pytest.raises(StoreError):
            call(states[0].run_id)
    for each in file.parent.glob("runs.db-*"):
        each.unlink()
    file.write_bytes(whole)
    assert CheckpointManager(str(file)).list_checkpoints(states[0].run_id) == ids


def test_an_unchanged_history_is_not_written_again(tmp_path):
    """Twice the saves of a growing run take about twice the room, and a save that changes nothing next to none."""
    sizes = {}
    for count in (200, 400):
        file = tmp_path / f"{count}.db"
        manager = CheckpointManager(str(file))
        states, _ = saved(manager, count)
        sizes[count] = size_of(file)
    assert sizes[400] < 2.2 * sizes[200]
    assert sizes[400] < 1_000_000
    for _ in range(50):
        manager.save(states[-1])
    assert size_of(file) - sizes[400] < 50 * 1_000


def test_a_killed_process_leaves_whole_checkpoints(file):
    """Whenever the saving process is killed, every checkpoint that is listed is whole."""
    code = (
        "import sys\nfrom lua_procedures import CheckpointManager, RunState\n"
        "manager, state = CheckpointManager(sys.argv[1]), RunState(run_id='killed')\n"
        "while True:\n"
        "    state = state.add_to_history('a', 'x' * 20_000)\n"
        "    manager.save(state)\n"
        "    print(len(state.history), flush=True)\n"
    )
    root = Path(__file__).parents[2]
    told = 0
    for wait in (0.0, 0.013, 0.031):
        command = [sys.executable, "-c", code, str(file)]
        with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            child.stdout.readline()
            time.sleep(wait)
            child.kill()
            told += 1 + child.stdout.read().count("\n")
    manager = CheckpointManager(str(file))
    ids = manager.list_checkpoints("killed")
    assert told <= len(ids) <= told + 3
    before = 0
    for each in ids:
        length = len(manager.load("killed", each).history)
        assert length in (1, before + 1)  # each of the processes began with 1
        before = length


def test_what_cannot_be_kept_is_refused_and_nothing_written(store):
    """A value of no known type is refused by its path; the checkpoints are as before, and the next save works."""
    manager = CheckpointManager(store)
    state = RunState(context={"n": 1})
    first = manager.save(state)
    with pytest.raises(ConversionError, match="a object at"):
        manager.save(state.with_context({"live": object()}))
    assert manager.list_checkpoints(state.run_id) == [first]
    manager.save(state.with_context({"n": 2}))
    assert CheckpointManager(store).load(state.run_id).context == {"n": 2}


def test_restoring_leaves_nothing_of_later_states(store):
    """Steps, agents and keys that came after a checkpoint are not in what is restored."""
    manager = CheckpointManager(store)
    early = RunState(context={"kept": 1}).with_step(StepState(step_name="one")).increment_turn()
    first = manager.save(early)
    late = early.with_step(StepState(step_name="two")).with_agent(AgentState(name="writer")).with_context({"new": 2})
    manager.save(late.model_copy(update={"context": {"new": 2}}).mark_failed("no key"))
    assert manager.restore_state(manager.load(early.run_id, first)) == early
    restored = CheckpointManager(store).load(early.run_id)
    assert restored.context == {"new": 2}
    assert (restored.status, restored.error, restored.turn) == ("failed", "no key", 1)


def test_types_stay_what_they_are(store):
    """Tuples, sets, dates and bytes of a state come back as such."""
    manager = CheckpointManager(store)
    context = {"t": (1, 2), "s": {1}, "d": datetime(2026, 11, 20, tzinfo=UTC), "b": b"\x00", "one": 1, "yes": True}
    state = RunState(context=context)
    manager.save(state)
    changed = state.with_context({"one": True, "yes": 1})  # equal to what was there, and another type
    manager.save(changed)
    read = CheckpointManager(store).load(state.run_id).context
    assert read == context
    assert [type(read[key]).__mro__[-2] for key in "tsdb"] == [tuple, set, datetime.__mro__[-2], bytes]
    assert (read["one"], read["yes"]) == (True, 1)
    assert (type(read["one"]), type(read["yes"])) == (bool, int)


def test_deleting_one(store):
    """A deleted checkpoint is neither listed nor loaded; those that were written on it stay whole."""
    manager = CheckpointManager(store)
    states, ids = saved(manager, 4)
    run_id = states[0].run_id
    assert manager.delete(run_id, ids[1])
    assert not manager.delete(run_id, ids[1])
    for reader in (manager, CheckpointManager(store)):
        assert reader.list_checkpoints(run_id) == [ids[0], *ids[2:]]
        with pytest.raises(StoreError, match="no checkpoint"):
            reader.load(run_id, ids[1])
        assert reader.restore_state(reader.load(run_id, ids[2])) == states[2]
    assert manager.delete(run_id, ids[-1])
    assert manager.restore_state(manager.load(run_id)) == states[3]
    manager.save(grown(states[3], 7))
    assert CheckpointManager(store).load(run_id).current_step_index == 7


def test_deleting_all(store):
    """Without any checkpoint left nothing of the run is in the store, and another one may begin."""
    manager = CheckpointManager(store)
    states, ids = saved(manager, 2)
    other = CheckpointManager(store)
    other.save(RunState(run_id="other"))
    for each in ids:
        assert manager.delete(states[0].run_id, each)
    assert len(store.journals()) == 1
    with pytest.raises(StoreError, match="has no checkpoint"):
        manager.load(states[0].run_id)
    manager.save(states[0])
    assert manager.delete(states[0].run_id)
    assert other.list_checkpoints("other")


def test_two_managers_of_one_run(store):
    """Two managers that save in turns lose nothing of each other's."""
    one, two = CheckpointManager(store), CheckpointManager(store)
    state = RunState()
    ids = [each.save(state.with_context({"n": n})) for n, each in enumerate([one, two, one, two, two, one])]
    assert one.list_checkpoints(state.run_id) == two.list_checkpoints(state.run_id) == ids
    assert [two.load(state.run_id, each).context["n"] for each in ids] == list(range(6))
    assert two.load(state.run_id).context == {"n": 5}


def test_records_and_runs_of_programs_share_a_store(store):
    """A run of a program and its records have nothing to do with each other, also where they share a name."""
    manager = CheckpointManager(store)
    paused = run('return Human.approve{message = "Ship?"}', name="both", store=store)
    manager.save(RunState.of(paused).model_copy(update={"run_id": "both"}))
    assert run('return Human.approve{message = "Ship?"}', name="both", store=store).pending == paused.pending
    assert manager.load("both").status == "paused"
    assert [row.name for row in store.journals() if row.name.isprintable()] == ["both"]


def test_the_example_of_the_page_runs(tmp_path, monkeypatch):
    """What docs/run-records.md shows works as it stands there."""
    page = (Path(__file__).parents[2] / "docs" / "run-records.md").read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    exec(page.split("```python\n")[1].split("```")[0], {})
    assert (tmp_path / "runs.db").is_file()


CONTEXTS = st.dictionaries(st.sampled_from("abc"), st.integers(0, 3) | st.booleans() | st.lists(st.integers(0, 2)))


@settings(max_examples=60)
@given(st.lists(st.tuples(CONTEXTS, st.lists(st.fixed_dictionaries({"r": st.integers(0, 2)})), st.integers(0, 3))))
def test_any_sequence_of_states_comes_back(moments):
    """Whatever changes between saves, grows, shrinks or is replaced: each checkpoint is the state that was saved."""
    store = MemoryStore()
    manager = CheckpointManager(store)
    states = [
        RunState(run_id="any", context=context, history=history, turn=turn,
            step_states={f"s{turn}": StepState(step_name=f"s{turn}", attempts=turn)})
        for context, history, turn in moments
    ]  # fmt: skip
    ids = [manager.save(state) for state in states]
    reader = CheckpointManager(store)
    assert reader.list_checkpoints("any") == ids
    for checkpoint_id, state in zip(ids, states, strict=True):
        restored = reader.restore_state(reader.load("any", checkpoint_id))
        assert restored == state
        assert repr(restored.context) == repr(state.context)
