"""Commands on what a store has: all but ``run`` and ``resume``."""

from __future__ import annotations

from argparse import Namespace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .. import api
from ..durable.entries import JournalRow
from ..durable.finding import stored
from ..durable.roots import given_seed
from ..errors import RunLocked
from ..histories.foreign import runtime_of
from ..histories.standing import newest_runs
from ..human.parsing import parse_text
from ..rendering.record import record_text
from ..rendering.requests import question_text
from ..rendering.text import one_line
from .options import DEFAULT_STORE
from .output import plain, run_object, say, write_json, write_result
from .running import how_to_go_on, how_to_resume, resume
from .stores import existing_store, new_store

__all__ = ["answer", "clear", "diff", "export", "fork", "history", "import_file", "list_runs", "show"]


def list_runs(options: Namespace) -> int:
    """List the newest journal of each name, the one updated last at the end."""
    rows = newest_runs(existing_store(options.store)) if options.store or Path(DEFAULT_STORE).exists() else []
    if options.json:
        write_json([_row(row) for row in rows])
    elif not rows:
        say("no runs")
    width = max((len(row.name) for row in rows), default=0)
    for row in [] if options.json else rows:
        when = datetime.fromtimestamp(row.updated, UTC).astimezone()
        seed = given_seed(row)
        last = "" if seed is None else f"  seed {seed}"
        write_result(f"{one_line(row.name, 128):{width}}  {row.status:9}  {when:%Y-%m-%d %H:%M}{last}")
    return 0


def _row(row: JournalRow) -> dict[str, Any]:
    times = {name: datetime.fromtimestamp(getattr(row, name), UTC).isoformat() for name in ("started", "updated")}
    run_id = f"{row.root}-{row.generation}"
    return {"name": row.name, "run_id": run_id, "status": row.status, "seed": given_seed(row), **times}


def show(options: Namespace) -> int:
    """Show a run as the store has it."""
    run = api.show(options.name, store=existing_store(options.store))
    if options.json:
        write_json(run_object(run))
        return 0
    write_result(record_text(run, question=False))
    if run.pending is not None:
        write_result(f"{question_text(run.pending)}\n{how_to_go_on(run, options)}")
    return 0


def history(options: Namespace) -> int:
    """Show the history of a run."""
    from ..histories.telling import history as history_of

    _result(history_of(options.name, store=existing_store(options.store)), options)
    return 0


def fork(options: Namespace) -> int:
    """Begin another run with what a run did before a position."""
    from ..histories.forking import fork as fork_at

    position = int(options.position) if options.position.isdecimal() else options.position
    _result(fork_at(options.name, position, options.new_name, store=existing_store(options.store)), options)
    return 0


def diff(options: Namespace) -> int:
    """Show which checkpoints of two runs differ."""
    from ..histories.comparing import difference

    _result(difference(options.a, options.b, store=existing_store(options.store)), options)
    return 0


def clear(options: Namespace) -> int:
    """Delete a run, or forget what it did after a checkpoint."""
    from ..histories.clearing import clear as clear_run

    _result(clear_run(options.name, options.after, store=existing_store(options.store)), options)
    return 0


def answer(options: Namespace) -> int:
    """Record an answer; with ``--resume`` go on with the run."""
    store = existing_store(options.store)
    request = api.open_request(options.name, options.request, store=store)
    value = parse_text(request, options.value)
    response = api.answer(options.name, value, request.id, store=store, channel="command line")
    goes_on = options.resume and runtime_of(stored(store, options.name)) is None  # else its own runtime goes on with it
    if goes_on:
        try:
            return resume(options)
        except RunLocked as locked:  # whoever asked the question takes the answer, and goes on
            say(f"answered; {locked.message}")
    if options.json:
        write_json(plain(response))
    elif not goes_on:
        say(f"answered: {one_line(request.message, 160)}\n{how_to_resume(options, store.url)}")
    return 0


def export(options: Namespace) -> int:
    """Write a run to a file."""
    run = api.show(options.name, store=existing_store(options.store))
    _result(run.export(options.path), options)
    return 0


def import_file(options: Namespace) -> int:
    """Take a run from a file into the store."""
    _result(api.import_run(options.path, options.new_name, store=new_store(options.store)), options)
    return 0


def _result(result: Any, options: Namespace) -> None:
    if options.json:
        write_json(plain(result))
    else:
        write_result(repr(result))
