"""Commands that run a program: ``run``, ``resume``, and ``answer --resume``."""

from __future__ import annotations

import os
import shlex
import sys
from argparse import Namespace
from pathlib import Path
from typing import Final

from .. import api
from ..durable.stores import store_name
from ..errors import AnswerRefused, UsageError
from ..human.responders import ANSWERS_VARIABLE
from ..jobs import Job, run_here
from ..rendering.record import record_text
from ..rendering.remarks import remarks_of
from ..rendering.requests import how_to_answer, in_store, question_text
from ..rendering.runs import spared_of
from ..runs import Run
from ..session import get_session
from ..terminal.responder import TerminalResponder
from . import inputs
from .options import DEFAULT_STORE, program_name
from .output import error_text, run_object, say, write_json, write_result, write_value
from .progress import ProgressLines
from .stores import existing_store

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
        store=options.store or DEFAULT_STORE,
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
    return _code(ended)


def _code(ended: Run) -> int:
    if isinstance(ended.error, UsageError):  # the command is wrong, which is found by a run without a checkpoint
        return 2
    return 1 if isinstance(ended.error, AnswerRefused) else _CODES[ended.status]


def _responder() -> TerminalResponder | None:
    """Prompts, where a person sits at a terminal and sees what is asked."""
    if sys.stdin is None or not sys.stdin.isatty() or not sys.stderr.isatty():
        return None
    return TerminalResponder(sys.stderr)


def _report(ended: Run, job: Job, options: Namespace) -> None:
    """Write the value, or the whole run as JSON, and say how it ended."""
    if isinstance(ended.error, AnswerRefused):
        _name_script(ended.error, options)
    if ended.error is not None:
        say(error_text(ended.error, chunk=job.chunk, whole=options.traceback))
    if not options.quiet and not job.plan:
        say(f"{ended.name}: {ended.status} · {spared_of(ended, ended.checkpoints)}")
    for remark in [] if job.plan and not options.json else remarks_of(ended):  # a plan's record has them
        say(remark)
    if ended.pending is not None and ended.status == "paused":
        say(f"{question_text(ended.pending)}\n{how_to_go_on(ended, options)}")
    if options.json:
        write_json(run_object(ended))
    elif job.plan:
        write_result(record_text(ended))
    elif ended.status == "completed":
        write_value(ended.value)


def _name_script(refused: AnswerRefused, options: Namespace) -> None:
    """Say which file the answer is from that does not fit."""
    variable = f"{ANSWERS_VARIABLE}={os.environ.get(ANSWERS_VARIABLE, '')}"
    script = f"--answers {options.answers}" if options.answers else variable
    refused.message = f"{script}: {refused.message}"


def how_to_go_on(paused: Run, options: Namespace) -> str:
    """What to type to answer the open question of a run."""
    if paused.pending is None:
        return ""
    answering = how_to_answer(paused.pending, paused.name, command=program_name())
    return f"to answer: {answering} --resume{_store(options, paused._data.store_url)}"  # noqa: SLF001 - as a record


def how_to_resume(options: Namespace, url: str) -> str:
    """What to type to go on with the run that a command names; ``url`` is that of its store."""
    return f"to go on: {program_name()} resume {shlex.quote(options.name)}{_store(options, url)}"


def _store(options: Namespace, url: str) -> str:
    return in_store(store_name(options.store, url) if options.store else "")
