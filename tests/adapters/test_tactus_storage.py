"""Tactus's checkpoints and State in our stores, by the methods of its protocol."""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys
from datetime import UTC, datetime

import pytest
from lupa.lua55 import LuaRuntime

from lua_procedures import api
from lua_procedures.adapters.tactus import ChatRecorder, HITLHandler, StorageBackend
from lua_procedures.errors import StoreError, UsageError
from lua_procedures.histories.clearing import clear
from lua_procedures.histories.forking import fork

WHEN = datetime(2026, 11, 21, 8, tzinfo=UTC)


@pytest.fixture
def entry(models):
    """A function that makes a checkpoint of Tactus's log."""

    def make(position, result, type_="explicit_checkpoint", **fields):
        return models.CheckpointEntry(position=position, type=type_, result=result, timestamp=WHEN, **fields)

    return make


def saved(store, metadata):
    StorageBackend(store).save_procedure_metadata(metadata.procedure_id, metadata)
    return StorageBackend(store).load_procedure_metadata(metadata.procedure_id)


@pytest.mark.parametrize(
    ("protocol", "ours"),
    [("storage", StorageBackend), ("hitl", HITLHandler), ("chat_recorder", ChatRecorder)],
)
def test_the_methods_are_those_of_the_protocol(protocol, ours):
    """Each class has every method of its protocol, with the parameters that the protocol names, in their order."""
    theirs = getattr(importlib.import_module(f"tactus.protocols.{protocol}"), ours.__name__)
    names = [name for name, each in vars(theirs).items() if inspect.isfunction(each) and name[0] != "_"]
    assert names
    for name in names:
        wanted, found = inspect.signature(getattr(theirs, name)), inspect.signature(getattr(ours, name))
        assert list(found.parameters) == list(wanted.parameters), name


def test_importing_needs_no_tactus():
    """The module is imported where there is no Tactus."""
    code = "import sys; sys.modules['tactus'] = None; import lua_procedures.adapters.tactus"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_an_unknown_procedure_is_empty(store):
    """Loading what was never saved gives an empty record, and keeps nothing."""
    metadata = StorageBackend(store).load_procedure_metadata("new")
    assert (metadata.execution_log, metadata.state, metadata.status) == ([], {}, "RUNNING")
    assert store.journals() == []


def test_a_record_comes_back_as_it_was(store, models, entry):
    """Checkpoints with all their fields, State, Lua's state and the status survive another process's storage."""
    where = models.SourceLocation(file="a.tac", line=7, function="main")
    answer = models.HITLResponse(value=["a", None], responded_at=WHEN, timed_out=True)
    log = [
        entry(0, {"n": 2.0, "text": "ü"}, run_id="r", duration_ms=1.5, source_location=where, captured_vars={"k": 1}),
        entry(1, answer, "hitl_select", input_hash="h"),
        entry(2, ("several", 2), "step"),
        entry(3, None, "sleep"),
        entry(4, [1, 2], "agent_writer_turn"),
    ]
    metadata = models.ProcedureMetadata(
        procedure_id="p", execution_log=log, replay_index=5, state={"a": [1]}, lua_state={"b": 2}, status="COMPLETED"
    )
    assert saved(store, metadata) == metadata
    kinds = [(each.kind, each.name, each.value) for each in api.show("p", store=store).checkpoints[1:]]
    assert kinds == [
        ("human", "select", ["a", None]),
        ("checkpoint", "step", ["several", 2]),
        ("sleep", "sleep", None),
        ("agent_turn", "writer", [1, 2]),
    ]


def test_lua_tables_are_kept_as_data(store, models, entry):
    """A result that is a table of Lua is kept as a list or a dict, and so is what it holds."""
    table = LuaRuntime().eval("{lines = {'a', 'b'}, n = 1, none = {}}")
    metadata = models.ProcedureMetadata(procedure_id="p", execution_log=[entry(0, table)])
    assert saved(store, metadata).execution_log[0].result == {"lines": ["a", "b"], "n": 1, "none": {}}


@pytest.mark.parametrize("result", [lambda: None, object(), LuaRuntime().eval("{f = function() end}"), float("nan")])
def test_what_cannot_be_kept_is_a_storage_error(store, models, exceptions, entry, result):
    """A function, an object or a NaN is refused, and what was kept before stays readable."""
    storage = StorageBackend(store)
    log = [entry(0, "kept")]
    storage.save_procedure_metadata("p", models.ProcedureMetadata(procedure_id="p", execution_log=log))
    metadata = models.ProcedureMetadata(procedure_id="p", execution_log=[*log, entry(1, result)])
    with pytest.raises(exceptions.StorageError):
        storage.save_procedure_metadata("p", metadata)
    assert [each.result for each in StorageBackend(store).load_procedure_metadata("p").execution_log] == ["kept"]


def test_a_table_within_itself_is_a_storage_error(store, models, exceptions, entry):
    """A table that holds itself is refused instead of followed for ever."""
    table = LuaRuntime().execute("local t = {}; t.t = t; return t")
    metadata = models.ProcedureMetadata(procedure_id="p", execution_log=[entry(0, table)])
    with pytest.raises(exceptions.StorageError, match="nested"):
        StorageBackend(store).save_procedure_metadata("p", metadata)


def test_a_save_writes_only_what_is_new(store, models, entry):
    """Each save adds the new checkpoints, whatever was kept before, and writes none again."""
    storage = StorageBackend(store)
    metadata = storage.load_procedure_metadata("p")
    for position in range(20):
        metadata.execution_log.append(entry(position, position))
        storage.save_procedure_metadata("p", metadata)
    journal = store.journals("p")[0].id
    assert len(list(store.entries(journal))) == 20
    again = StorageBackend(store)
    loaded = again.load_procedure_metadata("p")
    loaded.execution_log.append(entry(20, 20))
    again.save_procedure_metadata("p", loaded)
    again.save_procedure_metadata("p", models.ProcedureMetadata(**loaded.model_dump()))
    assert len(list(store.entries(journal))) == 21


def test_a_shorter_log_is_a_cut(store, models, entry):
    """Checkpoints that Tactus dropped are not loaded again, and what follows takes their positions."""
    storage = StorageBackend(store)
    log = [entry(position, position) for position in range(4)]
    storage.save_procedure_metadata("p", models.ProcedureMetadata(procedure_id="p", execution_log=log))
    storage.save_procedure_metadata("p", models.ProcedureMetadata(procedure_id="p", execution_log=log[:1]))
    assert [each.value for each in api.show("p", store=store).checkpoints] == [0]
    after = [*log[:1], entry(1, "new")]
    loaded = saved(store, models.ProcedureMetadata(procedure_id="p", execution_log=after))
    assert [each.result for each in loaded.execution_log] == [0, "new"]


def test_a_new_run_takes_the_place_of_the_old_one(store, models, entry):
    """Tactus writes over the checkpoints of another run id one by one; each is kept, and the rest stay as they were."""
    storage = StorageBackend(store)
    metadata = storage.load_procedure_metadata("p")
    metadata.execution_log = [entry(position, "old", run_id="1") for position in range(3)]
    storage.save_procedure_metadata("p", metadata)
    for position in range(2):
        metadata.execution_log[position] = entry(position, "new", run_id="2")
        storage.save_procedure_metadata("p", metadata)
    loaded = StorageBackend(store).load_procedure_metadata("p")
    assert [(each.result, each.run_id) for each in loaded.execution_log] == [("new", "2"), ("new", "2"), ("old", "1")]
    assert [each.value for each in api.show("p", store=store).checkpoints] == ["new", "new"]


def test_a_question_that_waits_is_no_checkpoint(store, models, entry):
    """What Tactus notes while it waits at the end of its log is left out: the next pass asks there again."""
    log = [entry(0, 1), entry(1, None, "hitl_approval")]
    loaded = saved(store, models.ProcedureMetadata(procedure_id="p", execution_log=log))
    assert [each.position for each in loaded.execution_log] == [0]


def test_state_is_not_undone_by_what_was_loaded_before(store, models, entry):
    """A value of State survives the saving of a record that was loaded before it was set."""
    storage = StorageBackend(store)
    metadata = storage.load_procedure_metadata("p")
    storage.state_set("p", "phase", LuaRuntime().eval("{'a'}"))
    metadata.execution_log.append(entry(0, 1))
    storage.save_procedure_metadata("p", metadata)
    assert StorageBackend(store).get_state("p") == {"phase": ["a"]}
    assert metadata.state == {"phase": ["a"]}


def test_state_by_key(store):
    """State is read, set, deleted and cleared by key; checkpoints stay."""
    storage = StorageBackend(store)
    storage.checkpoint_save("p", "kept", 1)
    storage.set_state("p", {"a": 1, "b": {"c": None}})
    storage.state_set("p", "d", 2)
    storage.state_delete("p", "a")
    storage.state_delete("p", "never")
    assert StorageBackend(store).get_state("p") == {"b": {"c": None}, "d": 2}
    assert (storage.state_get("p", "d"), storage.state_get("p", "x", 7), storage.state_get("q", "x")) == (2, 7, None)
    storage.get_state("p")["d"] = "a copy"
    assert storage.state_get("p", "d") == 2
    storage.state_clear("p")
    assert (storage.get_state("p"), storage.checkpoint_get("p", "kept")) == ({}, 1)


def test_checkpoints_by_name(store):
    """A name's value is what was saved last, at once and in another process; None is a value."""
    storage = StorageBackend(store)
    for name, value in [("a", 1), ("b", None), ("c", [3]), ("a", {"again": True})]:
        storage.checkpoint_save("p", name, value)
    for each in (storage, StorageBackend(store)):
        assert [each.checkpoint_get("p", name) for name in "abcd"] == [{"again": True}, None, [3], None]
        assert [each.checkpoint_exists("p", name) for name in "abcd"] == [True, True, True, False]
    assert [each.name for each in api.show("p", store=store).checkpoints] == ["a", "b", "c"]
    assert storage.load_procedure_metadata("p").execution_log == []


def test_clearing_goes_by_order(store):
    """`checkpoint_clear_after` forgets a checkpoint and all later ones, however fast they were saved."""
    storage = StorageBackend(store)
    for name in "abcd":
        storage.checkpoint_save("p", name, name)
    storage.checkpoint_clear_after("p", "unknown")
    storage.checkpoint_clear_after("other", "a")
    storage.checkpoint_clear_after("p", "b")
    assert [StorageBackend(store).checkpoint_exists("p", name) for name in "abcd"] == [True, False, False, False]
    storage.state_set("p", "kept", 1)
    storage.checkpoint_clear_all("p")
    assert (storage.checkpoint_exists("p", "a"), storage.get_state("p")) == (False, {"kept": 1})
    storage.checkpoint_clear_all("other")
    assert [row.name for row in store.journals()] == ["p"]


def test_clearing_by_position(store, models, entry):
    """A number is a position in Tactus's log, which checkpoints by name do not shift."""
    storage = StorageBackend(store)
    storage.checkpoint_save("p", "named", 0)
    log = [entry(position, position) for position in range(3)]
    storage.save_procedure_metadata(models.ProcedureMetadata(procedure_id="p", execution_log=log))
    storage.checkpoint_clear_after("p", 1)
    assert [each.result for each in StorageBackend(store).load_procedure_metadata("p").execution_log] == [0]
    assert storage.checkpoint_get("p", "named") == 0


def test_status_is_that_of_the_run(store):
    """Lists of runs say how a procedure stands, and which question it waits for comes back with the record."""
    storage = StorageBackend(store)
    seen = []
    for status in ("RUNNING", "WAITING_FOR_HUMAN", "WAITING_FOR_TIME", "COMPLETED", "FAILED"):
        storage.update_procedure_status("p", status, "q" if status == "WAITING_FOR_HUMAN" else None)
        metadata = StorageBackend(store).load_procedure_metadata("p")
        seen.append((store.journals("p")[0].status, metadata.status, metadata.waiting_on_message_id))
    assert seen == [
        ("running", "RUNNING", None),
        ("paused", "WAITING_FOR_HUMAN", "q"),
        ("paused", "WAITING_FOR_TIME", None),
        ("completed", "COMPLETED", None),
        ("failed", "FAILED", None),
    ]


def test_a_damaged_store_is_never_taken_for_empty(store, models, exceptions, entry):
    """What cannot be read is a storage error, and nothing is written over it."""
    storage = StorageBackend(store)
    storage.save_procedure_metadata("p", models.ProcedureMetadata(procedure_id="p", execution_log=[entry(0, 1)]))
    row = store.journals("p")[0]
    row.options = row.options[:-3]
    store.save(row)
    with pytest.raises(exceptions.StorageError, match="damaged"):
        StorageBackend(store).load_procedure_metadata("p")
    with pytest.raises(exceptions.StorageError, match="damaged"):
        StorageBackend(store).state_set("p", "a", 1)


def test_a_bad_id_is_a_storage_error(store, exceptions):
    """A procedure's id is a run's name: printable text that is no path to anywhere."""
    with pytest.raises(exceptions.StorageError, match="printable"):
        StorageBackend(store).load_procedure_metadata("a\nb")


def test_only_records_of_tactus_are_made_again(store, models, entry, monkeypatch):
    """A store that names another class gets its data as it is; nothing is imported for it."""
    answer = models.HITLResponse(value=1, responded_at=WHEN)
    saved(store, models.ProcedureMetadata(procedure_id="p", execution_log=[entry(0, answer, "hitl_input")]))
    journal = store.journals("p")[0].id
    kept = next(store.entries(journal))
    monkeypatch.delitem(sys.modules, "this", raising=False)
    for path in ("this:Thing", "lua_procedures.runs:Usage", "tactus.nowhere:Thing", "tactus.protocols.models:Nothing"):
        effects = (kept.effects or "").replace("tactus.protocols.models:HITLResponse", path)
        store.append(journal, kept._replace(effects=effects))
        assert StorageBackend(store).load_procedure_metadata("p").execution_log[0].result == 1
    assert "this" not in sys.modules


def test_what_needs_its_program_is_refused(store, tmp_path):
    """We neither resume nor fork a run of Tactus, nor export it for an import; it is shown, cleared and read."""
    storage = StorageBackend(store)
    for name in "ab":
        storage.checkpoint_save("p", name, name)
    for refused in (
        lambda: api.resume("p", store=store),
        lambda: fork("p", 1, "q", store=store),
        lambda: api.show("p", store=store).export(tmp_path / "p.pickle"),
    ):
        with pytest.raises(UsageError, match="is driven by Tactus"):
            refused()
    api.show("p", store=store).export(tmp_path / "p.md")
    assert "p" in (tmp_path / "p.md").read_text()
    assert clear("p", "a", store=store).forgotten == 1
    assert (storage.checkpoint_exists("p", "a"), storage.checkpoint_exists("p", "b")) == (True, False)
    clear("p", store=store)
    with pytest.raises(StoreError, match="no run"):
        api.show("p", store=store)
