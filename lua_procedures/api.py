"""Runs from Python: ``run``, ``arun``, ``resume``, ``answer``."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import Callable, Collection, Coroutine, Mapping
from dataclasses import dataclass, field
from functools import cache
from hashlib import blake2b
from typing import Any, cast

from .durable.entries import JournalRow
from .durable.journal import Journal
from .durable.serialization import dumps, loads, normalise
from .durable.stores import Store, open_store
from .durable.stores.memory import MemoryStore
from .errors import AnswerRefused, HumanInputRequired, RunLocked, StoreError, UsageError
from .events import Sink
from .handles import token_of
from .human.answers import accept
from .human.requests import HumanRequest, HumanResponse
from .human.responders import Answers, Responder, Scripted, answers_from_environment
from .limits import Limits
from .primitives.catalog import primitive_names
from .rendering.record import record_bundle
from .runner.driver import Driver
from .runner.ledger import Policy
from .runner.passes import Program
from .runner.people import SLEEP, People, answer_text, respond
from .runs import Run, RunData, RunStatus
from .session import get_session

__all__ = ["Job", "answer", "arun", "drive", "resume", "run", "run_here"]


@dataclass
class Job:
    """Everything that one pass of a program needs.

    Attributes:
        source: the Lua.
        name: the run's name.
        params: the inputs.
        store: a URL or a ``Store``.
        answers: scripted answers.
        responder: what can ask a person now, or None.
        wait: whether to hold the pass while a person is asked, or for a ``Sleep``.
        can_hold: whether a pass that is held here can receive an answer.
        headless: whether a question that nobody scripted is an error.
        blocking: whether the pass is driven inside a running loop, which cannot turn meanwhile.
        first_line: the line number of the source's first line.
        sink: who is told what happens.
        scripted: the answers as they are used up, once prepared.
        takes_defaults: whether answers that ``--answers default`` took count.
        texts: inputs as they were typed, for fields that are declared as strings.
        run: the run of an earlier pass, which this one brings up to date; None makes a new one.
        title: what the record calls the run; its name where empty.
        root: the digest of the inputs, once prepared.
        fresh, strict, plan, redo, seed, limits: as options of ``run``.
    """

    source: str
    name: str
    params: Mapping[str, Any] = field(default_factory=dict)
    store: str | Store = "memory:"
    answers: Answers = None
    responder: Responder | None = None
    wait: bool = True
    can_hold: bool = True
    headless: bool = False
    blocking: bool = False
    chunk: str = "cell"
    first_line: int = 1
    sink: Sink | None = None
    fresh: bool = False
    strict: bool = False
    plan: bool = False
    redo: Collection[str] = ()
    seed: int | None = None
    limits: Mapping[str, Any] | Limits | None = None
    scripted: list[Scripted] | None = None
    takes_defaults: bool = False
    texts: Mapping[str, str] = field(default_factory=dict)
    run: Run | None = None
    title: str = ""
    root: str | None = None


def _check_name(name: str) -> str:
    if not isinstance(name, str) or not 1 <= len(name) <= 128 or not name.isprintable():
        raise UsageError(f"a run's name is printable text of 1 to 128 characters, not {name!r}")
    return name


def _root(inputs: Mapping[str, Any], seed: int | None) -> str:
    objects: list[Any] = []
    text = dumps([sorted(inputs.items()), seed], objects)
    tokens = ",".join(str(token_of(each)) for each in objects)
    return blake2b(f"{_sorted_keys(text)}{tokens}".encode(), digest_size=8).hexdigest()


def _sorted_keys(text: str) -> str:
    """The same JSON whatever the order of its keys."""
    return json.dumps(json.loads(text, strict=False), sort_keys=True)


def _open_journal(job: Job, store: Store, inputs: dict[str, Any]) -> Journal:
    """The journal to continue: of this name and these inputs, or a new one."""
    root = _root(inputs, job.seed)
    row = None if job.fresh else store.find(job.name, root)
    if row is None:
        now = time.time()
        seed = job.seed if job.seed is not None else secrets.randbits(63)
        row = JournalRow(name=job.name, root=root, seed=seed, started=now, updated=now, program=job.source)
        objects: list[Any] = []
        row.inputs = dumps(inputs, objects)
        if objects and not store.keeps_objects:
            kind = type(objects[0]).__name__
            raise UsageError(
                f"an input of type {kind}, which a store on disk cannot keep",
                hint="Give plain data (a DataFrame comes in as rows with -i), or use --store memory:",
            )
        row.options = dumps({"first_line": job.first_line, "title": job.title})
        if job.plan:
            store = MemoryStore()
        row = store.create(row)
    return Journal(store, row)


def _scripted(job: Job) -> list[Scripted]:
    if job.answers is not None:
        return [Scripted(job.answers)]
    from_environment = answers_from_environment()
    if from_environment is None:
        return []
    return [Scripted(from_environment, shared=isinstance(from_environment, Mapping))]


def prepare(job: Job) -> Driver:
    """A driver for a job, with its journal opened; nothing of the program has run.

    Raises:
        UsageError, ConversionError, StoreError: what is wrong with the job.
    """
    _check_name(job.name)
    limits = Limits.of(job.limits)
    inputs = normalise(dict(job.params))
    store = open_store(job.store)
    if job.scripted is None:  # made once: a job that goes on goes on in its answers too
        job.scripted = _scripted(job)
    scripted = job.scripted
    journal = _open_journal(job, store, inputs)
    run = job.run or Run(RunData(name=job.name))
    run._data = RunData(  # noqa: SLF001 - the run is this job's own
        name=job.name,
        title=job.title,
        run_id=f"{journal.row.root}-{journal.row.generation}",
        store_url=store.url,
        headless=job.headless,
        render=record_bundle,
    )
    job.root = journal.row.root
    session = get_session()
    if not job.plan:
        session.supersede(job.name, "the run goes on elsewhere")
        session.runs[job.name] = run
    return Driver(
        Program(job.source, job.chunk, job.first_line, inputs, job.texts, job.seed is not None),
        journal,
        People(
            journal.store,
            journal.row.id,
            scripted,
            job.responder,
            job.wait,
            job.headless,
            can_hold=job.can_hold,
            blocking=job.blocking,
        ),
        run,
        policy=Policy(
            strict=job.strict,
            plan=job.plan,
            redo=frozenset(job.redo),
            takes_defaults=job.takes_defaults or any(each.takes_defaults for each in scripted),
            max_checkpoints=limits.max_checkpoints,
        ),
        limits=limits,
        known=_known_names(),
        sink=job.sink,
    )


@cache
def _known_names() -> frozenset[str]:
    return frozenset(primitive_names())


async def drive(job: Job) -> Run:
    """Run a job to its end or its pause; errors of the program are in ``run.error``, not raised.

    A pass of the same run that is still driven by this process is stopped first: two would do the same work twice.

    Raises:
        RunLocked: the other pass cannot be stopped from here, such as where a tool starts its own run again.
    """
    driver = prepare(job)
    if job.plan:
        return await driver.drive()
    key, driving = driver.key, get_session().driving
    await _stop(driving.get(key), job.name)
    driving[key] = asyncio.current_task() if _in_loop() else None
    try:
        return await driver.drive()
    finally:
        driving.pop(key, None)


async def _stop(other: asyncio.Task[Any] | None, name: str) -> None:
    """Stop the task that drives another pass of the run, and wait until it has."""
    if other is None or other.done():
        return
    if other is asyncio.current_task() or other.get_loop() is not asyncio.get_running_loop():
        raise RunLocked(f"the run {name!r} is being driven already, by this process", hint="Wait until it has ended.")
    other.cancel()
    await asyncio.wait([other], timeout=5)


def run_here(job: Job, drive: Callable[[], Coroutine[Any, Any, Run]] | None = None) -> Run:
    """Complete a job on this thread.

    Without a running event loop it gets one of its own. Inside a running loop it is driven step by step, which works
    as long as it waits for nobody: a question pauses the run instead.

    Args:
        job: what to run.
        drive: drives it; ``api.drive`` by default.
    """
    job.blocking = _in_loop()
    coroutine = drive() if drive else globals()["drive"](job)
    if not job.blocking:
        with asyncio.Runner() as runner:
            result: Run = runner.run(coroutine)
        return result
    try:
        while True:
            coroutine.send(None)
    except StopIteration as finished:
        ended: Run = finished.value
        return ended
    finally:
        coroutine.close()


def _in_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _check_types(source: Any, options: Mapping[str, Any]) -> None:
    if not isinstance(source, str):
        raise UsageError(f"source: the program's text expected, got {type(source).__name__}")
    if not isinstance(options.get("store"), (str, Store)):
        raise UsageError(f"store: a URL or a Store expected, got {type(options['store']).__name__}")
    seed, redo = options.get("seed"), options.get("redo")
    if seed is not None and (not isinstance(seed, int) or not -(2**63) <= seed < 2**63):
        raise UsageError(f"seed: an integer of 64 bits expected, got {seed!r}")
    if redo is not None and not isinstance(redo, (str, list, tuple, set, frozenset)):
        raise UsageError(f"redo: a name, a path or several expected, got {type(redo).__name__}")


def _job(source: str, name: str | None, options: Mapping[str, Any]) -> Job:
    _check_types(source, options)
    params = options.get("params")
    if params is not None and not isinstance(params, Mapping):
        raise UsageError(f"params: a mapping expected, got {type(params).__name__}")
    redo = options.get("redo")
    return Job(
        source=source,
        name=name if name is not None else f"run-{secrets.token_hex(4)}",
        params=params or {},
        store=options.get("store") or "memory:",
        answers=options.get("answers"),
        seed=options.get("seed"),
        fresh=options.get("fresh", False),
        strict=options.get("strict", False),
        plan=options.get("plan", False),
        redo=[redo] if isinstance(redo, str) else redo or (),
        limits=options.get("limits"),
    )


def _checked(run: Run) -> Run:
    if run.error is not None and not isinstance(run.error, HumanInputRequired):
        raise run.error
    return run


def run(
    source: str,
    *,
    name: str | None = None,
    params: Mapping[str, Any] | None = None,
    answers: Answers = None,
    store: str | Store = "memory:",
    seed: int | None = None,
    fresh: bool = False,
    strict: bool = False,
    plan: bool = False,
    redo: str | Collection[str] | None = None,
    limits: Mapping[str, Any] | Limits | None = None,
) -> Run:
    """Run a program to its end, or to the first question that nobody has scripted.

    Args:
        source: the Lua.
        name: the run's name; a name known to the store continues that run. Unnamed, nothing older is used.
        params: the inputs.
        answers: scripted answers: a list, a dict, a callable, or ``"default"``.
        store: where the journal is: ``"memory:"``, ``"path.db"``, ``"sqlite:///path.db"`` or a ``Store``.
        seed: of ``math.random``; chosen and recorded otherwise.
        fresh: start over; the old journal is kept as history.
        strict: a changed checkpoint is an error.
        plan: only find out what would run.
        redo: what runs again although it is recorded: a name, a path such as ``"3/0"``, or ``"failed"``.
        limits: see ``Limits``.

    Returns:
        The run: completed, or paused with ``run.pending``.

    Raises:
        ProcedureError: the program failed, or cannot run; ``error.run`` is the run.
        KeyboardInterrupt: it was stopped.
    """
    job = _job(source, name, {**locals()})
    return _checked(run_here(job))


async def arun(
    source: str,
    *,
    name: str | None = None,
    params: Mapping[str, Any] | None = None,
    answers: Answers = None,
    store: str | Store = "memory:",
    seed: int | None = None,
    fresh: bool = False,
    strict: bool = False,
    plan: bool = False,
    redo: str | Collection[str] | None = None,
    limits: Mapping[str, Any] | Limits | None = None,
    responder: Responder | None = None,
) -> Run:
    """Like ``run``, awaitable. In a notebook it shows forms; ``responder`` asks elsewhere."""
    job = _job(source, name, {**locals()})
    job.responder = responder
    show = get_session().show
    if show is not None and responder is None:
        return _checked(await show(job))
    return _checked(await drive(job))


def _stored(store: Store, name: str, root: str | None = None) -> JournalRow:
    row = store.find(name, root)
    if row is None:
        known = ", ".join(sorted({each.name for each in store.journals()})) or "none"
        raise StoreError(f"no run {name!r} in {store.url}", hint=f"The runs there: {known}.")
    return row


def resume(
    name: str,
    *,
    store: str | Store = "memory:",
    answers: Answers = None,
    limits: Mapping[str, Any] | Limits | None = None,
) -> Run:
    """Go on with a run from its own program text and inputs.

    Raises:
        StoreError: there is no such run.
        ProcedureError: the program failed.
    """
    job = resumed(name, store=store, answers=answers)
    job.limits = limits
    return _checked(run_here(job))


def _waiting(store: Store, row: JournalRow) -> list[HumanRequest]:
    """The open questions of a journal, oldest first; never none."""
    stored = [each for each in store.open_requests(row.id) if not each.id.startswith(SLEEP)]
    if not stored:
        raise AnswerRefused(f"the run {row.name!r} waits for no answer; it is {row.status}")
    asked = [HumanRequest.model_validate(loads(each.request)) for each in stored]
    pending = loads(row.options).get("pending")
    if pending is None:
        raise AnswerRefused(f"the run {row.name!r} waits for no answer; it is {row.status}")
    # the question that the last pass met is the one; others belong to programs that were edited since
    return [each for each in asked if each.id != pending] + [each for each in asked if each.id == pending]


def answer(
    name: str,
    value: Any,
    request_id: str | None = None,
    *,
    store: str | Store = "memory:",
    root: str | None = None,
    channel: str = "python",
) -> HumanResponse:
    """Record an answer to a paused run's question; ``resume`` (or running the cell again) goes on from there.

    Args:
        name: the run.
        value: the answer, in the form that the request's kind takes.
        request_id: the question it is meant for; any other is refused.
        store: where the run's journal is.
        root: the digest of the inputs, where several journals share the name; the latest otherwise.
        channel: what the answer is recorded as.

    Raises:
        StoreError: there is no such run.
        AnswerRefused: the run asks nothing, asks something else, or the answer does not fit.
    """
    opened = open_store(store)
    row = _stored(opened, name, root)
    waiting = _waiting(opened, row)
    request = waiting[-1] if request_id is None else next((each for each in waiting if each.id == request_id), None)
    if request is None:
        raise AnswerRefused(
            f"{request_id!r} is not the open question of {name!r}",
            hint="It asks: " + "; ".join(f"{each.id} ({each.message})" for each in waiting),
        )
    if request.expires_at is not None and time.time() >= request.expires_at:
        raise AnswerRefused(
            f"the question {request.message!r} timed out", hint="Resume the run: it goes on with the default."
        )
    response = respond(request, accept(request, value), channel)
    if not opened.answer(row.id, request.id, answer_text(response)):
        raise AnswerRefused(f"the question {request.message!r} is answered already")
    return response


def open_request(name: str, *, store: str | Store = "memory:") -> HumanRequest:
    """The question that a run waits for.

    Raises:
        StoreError: there is no such run.
        AnswerRefused: it waits for no answer.
    """
    opened = open_store(store)
    return _waiting(opened, _stored(opened, name))[-1]


def show(name: str, *, store: str | Store = "memory:") -> Run:
    """A run as its store has it: its journal is replayed, nothing runs and nothing is written.

    Raises:
        StoreError: there is no such run.
    """
    opened = open_store(store)
    row = _stored(opened, name)
    job = resumed(name, store=opened)
    job.plan = job.takes_defaults = True
    run = run_here(job)
    data = run._data  # noqa: SLF001 - made here
    data.change, data.planned = None, []
    if run.status == "pending":  # it replayed as far as it is recorded
        data.status = cast("RunStatus", row.status)
        waiting = opened.open_requests(row.id)
        pending = loads(row.options).get("pending")
        data.pending = _waiting(opened, row)[-1] if any(each.id == pending for each in waiting) else None
    return run


def resumed(name: str, *, store: str | Store = "memory:", answers: Answers = None) -> Job:
    """The job that goes on with a run from its own program text and inputs.

    Raises:
        StoreError: there is no such run.
    """
    opened = open_store(store)
    row = _stored(opened, name)
    inputs, options = loads(row.inputs), loads(row.options)
    seed = row.seed if _root(inputs, row.seed) == row.root else None
    job = Job(source=row.program, name=name, params=inputs, store=opened, answers=answers, seed=seed)
    job.first_line, job.title = options.get("first_line", 1), options.get("title", "")
    return job
