"""Runs that another runtime drives: their journals are kept here, and there is no program of ours to replay."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, cast

from ..durable.entries import HIDDEN_KINDS, Entry, JournalRow
from ..durable.journal import Journal
from ..durable.serialization import dumps, loads
from ..durable.stores import Store
from ..errors import ProcedureError, UsageError
from ..exports.writing import export_run
from ..human.requests import HumanRequest, HumanResponse
from ..rendering.record import record_bundle
from ..runner.outcomes import checkpoint_of
from ..runs import Checkpoint, Exported, Message, Run, RunData, RunStatus
from ..session import get_session

__all__ = ["kept_run", "log_of", "refuse_foreign", "runtime_of"]

_READABLE: Final = (".md", ".html", ".json")


def runtime_of(row: JournalRow) -> str | None:
    """The name of the runtime that drives a run; None where that is this package."""
    runtime: str | None = loads(row.options).get("runtime")
    return runtime


def refuse_foreign(row: JournalRow, what: str) -> None:
    """Let only our own runs through.

    Args:
        row: the run's journal.
        what: what cannot be done with another one, such as ``resumed``.

    Raises:
        UsageError: another runtime drives the run.
    """
    runtime = runtime_of(row)
    if runtime is not None:
        raise UsageError(
            f"the run {row.name!r} is driven by {runtime}: it cannot be {what} from here",
            hint=f"Run the cell or the script that starts {runtime}'s runtime again: it goes on from what is kept.",
        )


def log_of(entries: Sequence[Entry]) -> list[Entry]:
    """The checkpoints at the positions 0, 1, …: what was written last at each, unless a cut took it back."""
    log: list[Entry] = []
    for entry in entries:
        if entry.kind == "cut":
            del log[int(entry.outcome) :]
        elif entry.kind not in HIDDEN_KINDS:
            log[int(entry.path) : int(entry.path) + 1] = [entry]
    return log


def kept_run(store: Store, row: JournalRow, name: str | None = None) -> Run:
    """A run of another runtime as its store has it; ``name`` is the store as it was named, its URL otherwise."""
    journal, options = Journal(store, row), loads(row.options)
    requests = store.requests(row.id)
    asked = next((each for each in requests if each.id == options.get("pending") and each.answer is None), None)
    answers = [HumanResponse(**loads(each.answer)) for each in requests if each.answer is not None]
    checkpoints = _checkpoints(journal.entries, options.get("reached", ""))
    data = RunData(
        name=row.name,
        run_id=f"{row.root}-{row.generation}",
        status=cast("RunStatus", row.status),
        value=None if row.outcome is None else loads(row.outcome),
        error=None if row.error is None else ProcedureError(row.error),
        state_text=dumps(options.get("state", {})),
        messages=[_message(entry) for entry in journal.entries if entry.kind == "message"],
        pending=None if asked is None else HumanRequest.model_validate(loads(asked.request)),
        replayed=len(checkpoints),
        store_url=store.url,
        store_name=get_session().name_to_type(name or store.url),
        render=record_bundle,
        export=partial(_export, journal),
        list_checkpoints=lambda: checkpoints,
        list_answers=lambda: answers,
    )
    return Run(data)


def _checkpoints(entries: Sequence[Entry], reached: str) -> list[Checkpoint]:
    """What the newest pass did, up to the chain that it reached."""
    by_chain = {entry.chain: entry for entry in entries if entry.kind not in HIDDEN_KINDS}
    found: list[Entry] = []
    entry = by_chain.get(bytes.fromhex(reached))
    while entry is not None:
        found.append(entry)
        entry = by_chain.get(entry.prev)
    return [checkpoint_of(each, replayed=True) for each in reversed(found)]


def _message(entry: Entry) -> Message:
    said: dict[str, Any] = loads(entry.outcome)
    return Message(role=str(said["role"]).lower(), content=said["content"])


def _export(journal: Journal, run: Run, path: str | os.PathLike[str]) -> Exported:
    if Path(path).suffix.lower() not in _READABLE:
        refuse_foreign(journal.row, "exported to be imported")
    return export_run(journal, run, path)
