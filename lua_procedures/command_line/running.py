"""Commands that run a program: ``run``, ``resume``, and ``answer --resume``."""

from __future__ import annotations

import shlex
import sys
from argparse import Namespace
from pathlib import Path
from typing import Final

from .. import api
from ..errors import UsageError
from ..jobs import Job, run_here
from ..rendering.record import record_text
from ..rendering.remarks import remarks_of
from ..rendering.requests import how_to_answer, question_text
from ..rendering.runs import spared_of
from ..runs import Run
from ..session import get_session
from ..terminal.responder import TerminalResponder
from . import inputs
from .options import program_name
from .output import error_text, run_object, say, write_json, write_result, write_value
from .progress import ProgressLines
from .stores import existing_store, new_store

__all__ = ["how_to_go_on", "how_to_resume", "resume", "run"]

#: What a script learns from a run's status.
_CODES: Final = {"completed": 0, "pending": 0, "failed": 1, "paused": 3, "cancelled": 130}


def run(options: Namespace) -> int:
    """Run a file."""
    program = inputs.program(options)
    params = inputs.params(options)
    job = Job(
        source=program.text,
        chunk=program.chunk,
        folder=None if options.file == "-" else Path(options.file).parent,
        name=options.name if options.name is not None else Path(program.chunk).stem,
        params=params,
        texts=inputs.texts(options.pairs),
        store=new_store(options.store),
        fresh=options.fresh,
        strict=options.strict,
        plan=options.plan,
        redo=options.redo or (),
        seed=options.seed,
    )
    return _drive(job, options)


def resume(options: Namespace) -> int:
    """Go on with a run."""
    job = api.resumed(options.name, store=existing_store(options.store))
    return _drive(job, options)


def _drive(job: Job, options: Namespace) -> int:
    job.answers = inputs.answers(options)
    job.record, job.replay = options.record, options.replay
    job.limits = inputs.limits(options)
    job.files = inputs.folder(options) or job.files
    job.sink = None if options.quiet or job.plan else ProgressLines(say)
    job.responder = _responder()
    try:
        ended = run_here(job)
    except KeyboardInterrupt:
        stopped = get_session().runs.get(job.name)
        if stopped is None:
            raise
        ended = stopped
    _report(ended, job, options)
    # what is wrong with the command is found by a run that has no checkpoint yet
    return 2 if isinstance(ended.error, UsageError) else _CODES[ended.status]


def _responder() -> TerminalResponder | None:
    """Prompts, where a person sits at a terminal and sees what is asked."""
    if sys.stdin is None or not sys.stdin.isatty() or not sys.stderr.isatty():
        return None
    return TerminalResponder(sys.stderr)


def _report(ended: Run, job: Job, options: Namespace) -> None:
    """Write the value, or the whole run as JSON, and say how it ended."""
    if ended.error is not None:
        say(error_text(ended.error, chunk=job.chunk, whole=options.traceback))
    if not options.quiet and not job.plan:
        say(f"{ended.name}: {ended.status} · {spared_of(ended, ended.checkpoints)}")
    for remark in remarks_of(ended):
        say(remark)
    if ended.pending is not None and ended.status == "paused":
        say(f"{question_text(ended.pending)}\n{how_to_go_on(ended, options)}")
    if options.json:
        write_json(run_object(ended))
    elif job.plan:
        write_result(record_text(ended))
    elif ended.status == "completed":
        write_value(ended.value)


def how_to_go_on(paused: Run, options: Namespace) -> str:
    """What to type to answer the open question of a run."""
    if paused.pending is None:
        return ""
    return f"to answer: {how_to_answer(paused.pending, paused.name, program_name())} --resume{_store(options)}"


def how_to_resume(options: Namespace) -> str:
    """What to type to go on with the run that a command names."""
    return f"to go on: {program_name()} resume {shlex.quote(options.name)}{_store(options)}"


def _store(options: Namespace) -> str:
    return f" --store {shlex.quote(options.store)}" if options.store else ""
