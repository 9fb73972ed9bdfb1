"""One pass of a program as a job: everything it needs, and who drives it."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import socket
import time
from collections.abc import Callable, Collection, Coroutine, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cache, partial
from hashlib import blake2b
from pathlib import Path
from typing import Any

from .agents.models import ChatModels
from .durable.entries import JournalRow
from .durable.journal import Journal
from .durable.plain import TooLarge
from .durable.serialization import dumps, loads, normalise
from .durable.stores import Store, open_store
from .durable.stores.memory import MemoryStore
from .errors import RunLocked, UsageError
from .events import Sink
from .exports.writing import export_run, write
from .fixtures.opening import open_fixtures
from .fixtures.recording import Recording
from .fixtures.replaying import Replaying
from .given import Given
from .handles import token_of
from .human.responders import Answers, Responder, Scripted, answers_from_environment
from .limits import Limits
from .modules import Finder, Module
from .predictors.lookup import Predictors
from .primitives.names import primitive_names
from .rendering.record import record_bundle
from .runner.driver import Driver
from .runner.passes import Program
from .runner.people import People
from .runner.policy import Policy
from .runs import Run, RunData
from .session import get_session
from .tools.mcp.catalog import Catalog
from .tools.mcp.mentions import texts
from .tools.registry import Registry

__all__ = ["Job", "checked_name", "drive", "known_names", "prepare", "root_of", "run_here"]


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
        files: the folder that ``File`` may use; the current one where None.
        given: the Python things that the run is given.
        folder: where ``require`` looks for files first: beside the program; the current one where None.
        prices: model → money for a million tokens, as ``prompt`` and ``completion``.
        models: which models answered when the run was recorded (see ``ChatModels.identities``).
        registry: the tools of the pass that is driven now.
        tool_rows: what the program knew of its tools when the run was recorded (see ``Registry.rows``).
        record: the fixture that the run is recorded in, a file or a folder with one for each run.
        replay: likewise, the one that it is replayed from.
        recording, replaying: these, opened for the pass that is driven now.
        modules: what ``require`` gave when the run was recorded, where it goes on from its record.
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
    files: str | Path | None = None
    given: Given = field(default_factory=Given)
    prices: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    models: Mapping[str, str] = field(default_factory=dict)
    registry: Registry | None = None
    folder: str | Path | None = None
    modules: Mapping[str, Module] = field(default_factory=dict)
    tool_rows: Mapping[str, Any] = field(default_factory=dict)
    record: str | Path | None = None
    replay: str | Path | None = None
    recording: Recording | None = None
    replaying: Replaying | None = None


def checked_name(name: str) -> str:
    """A run's name, or UsageError."""
    if not isinstance(name, str) or not 1 <= len(name) <= 128 or not name.isprintable():
        raise UsageError(f"a run's name is printable text of 1 to 128 characters, not {name!r}")
    return name


def root_of(inputs: Mapping[str, Any], seed: int | None) -> str:
    """The digest of a run's inputs: each set of inputs has its own journal."""
    objects: list[Any] = []
    text = dumps([sorted(inputs.items()), seed], objects)
    tokens = ",".join(str(token_of(each)) for each in objects)
    return blake2b(f"{_sorted_keys(text)}{tokens}".encode(), digest_size=8).hexdigest()


def _sorted_keys(text: str) -> str:
    """The same JSON whatever the order of its keys."""
    return json.dumps(json.loads(text, strict=False), sort_keys=True)


def _open_journal(
    job: Job, store: Store, inputs: dict[str, Any], rows: Mapping[str, Any], held: ExitStack | None
) -> Journal:
    """The journal to continue: of this name and these inputs, or a new one; owned until ``held`` is closed."""
    root = root_of(inputs, job.seed)
    row = None if job.fresh else store.find(job.name, root)
    if row is None:
        row = _new_row(job, store, inputs, root)
        if job.plan:
            store = MemoryStore()
        row = _created(job, store, row)
    row, epoch = (row, None) if held is None else _owned(job, store, row, held)
    row.options = dumps({**loads(row.options), "files": str(job.files), "tools": dict(rows)})
    return Journal(store, row, epoch)


def _new_row(job: Job, store: Store, inputs: dict[str, Any], root: str) -> JournalRow:
    now = time.time()
    seed = next(each for each in (job.seed, _recorded_seed(job), secrets.randbits(63)) if each is not None)
    row = JournalRow(name=job.name, root=root, seed=seed, started=now, updated=now, program=job.source)
    objects: list[Any] = []
    row.inputs = dumps(inputs, objects)
    if objects and not store.keeps_objects:
        kind = type(objects[0]).__name__
        raise UsageError(
            f"an input of type {kind}, which a store on disk cannot keep",
            hint="Give plain data (a DataFrame comes in as rows with -i), or use --store memory:",
        )
    row.options = dumps({"first_line": job.first_line, "title": job.title, "chunk": job.chunk})
    return row


def _created(job: Job, store: Store, row: JournalRow) -> JournalRow:
    """The row, added to its store; or the first one of its name and inputs, where another process just added that."""
    row = store.create(row)
    if row.generation == 0 or job.fresh:
        return row
    store.forget(row.id)
    return store.find(row.name, row.root) or store.create(row)


def _owned(job: Job, store: Store, row: JournalRow, held: ExitStack) -> tuple[JournalRow, int]:
    """The newest journal, taken to be driven, and the epoch; its last owner may have written until just now."""
    while True:
        ownership = held.enter_context(store.own(row.id))
        newest = store.find(row.name, row.root) or row
        if newest.id == row.id or job.fresh:
            return newest if newest.id == row.id else row, ownership.epoch
        ownership.release()
        row = newest


def _recorded_seed(job: Job) -> int | None:
    """The seed of the run's fixture: what is drawn by chance is asked again in the same words."""
    if job.replaying is not None:
        return job.replaying.fixture.seed
    return None if job.recording is None else job.recording.seed


def _recorded_tools(job: Job, store: Store, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the run's last pass knew of its tools; only those of a server that does not answer now are taken from it."""
    row = None if job.fresh else store.find(job.name, root_of(inputs, job.seed))
    recorded: Mapping[str, Any] = {} if row is None else loads(row.options).get("tools", {})
    return recorded


def _is_replayed(job: Job) -> bool:
    """Whether all calls are answered from a fixture."""
    return job.replaying is not None and job.replaying.answers("tool_call")


def _replayed_models(job: Job) -> Mapping[str, str] | None:
    return job.replaying.fixture.models if job.replaying is not None and _is_replayed(job) else None


def _tool_rows(job: Job, registry: Registry, store: Store, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """What the program knows of its tools; a replay knows those of its fixture, and their sources do not matter."""
    if job.replaying is None:
        return {**job.tool_rows, **registry.rows(job.tool_rows or _recorded_tools(job, store, inputs))}
    recorded = {**job.tool_rows, **job.replaying.fixture.tools}
    rows = {**recorded, **registry.rows(recorded)}
    digests = {name: {"digest": row["digest"]} for name, row in recorded.items() if "digest" in row}
    return {name: {**row, **digests.get(name, {})} for name, row in rows.items()}


def _finder(job: Job) -> Finder:
    return Finder(job.modules, get_session().definitions, (Path(job.folder or "").absolute(), Path.cwd()))


async def _meet_servers(job: Job) -> None:
    """Ask the MCP servers that the program can mean for their tools; a run that is only shown asks nobody."""
    session, finder = get_session(), _finder(job)
    shown = job.plan and bool(job.tool_rows)
    servers = Catalog(job.given.mcp_servers, session.mcp_servers, asked=not (shown or _is_replayed(job)))
    job.registry = Registry(job.given.tools, session.tools, known_names(), servers)
    if not servers.servers:
        return
    text = texts(job.source, lambda name: module.text if (module := finder(name)) else None)
    servers.expect(text, job.registry.expected(text))
    if job.blocking:
        servers.contact_here()
    else:
        await servers.contact()


def _scripted(job: Job) -> list[Scripted]:
    if job.answers is not None:
        return [Scripted(job.answers)]
    from_environment = answers_from_environment()
    if from_environment is None:
        return []
    return [Scripted(from_environment, shared=isinstance(from_environment, Mapping))]


def _inputs(job: Job, limits: Limits) -> Any:
    try:
        return normalise(dict(job.params), max_leaves=limits.max_leaves, max_bytes=limits.max_bytes)
    except TooLarge as error:
        raise UsageError(
            f"inputs: {error.message}",
            hint="Give less, such as the name of a file, or raise limits max_bytes or max_leaves.",
        ) from None


def prepare(job: Job, held: ExitStack | None = None) -> Driver:
    """A driver for a job, with its journal opened; nothing of the program has run.

    Args:
        job: what is to be run.
        held: owns the journal until it is closed; without it nothing is owned, for a pass that writes nothing.

    Raises:
        UsageError, ConversionError, StoreError: what is wrong with the job.
    """
    checked_name(job.name)
    job.files = Path(job.files or "").absolute()
    limits = Limits.of(job.limits)
    inputs = _inputs(job, limits)
    store = open_store(job.store)
    if job.scripted is None:  # made once: a job that goes on goes on in its answers too
        job.scripted = _scripted(job)
    scripted = job.scripted
    session = get_session()
    given = job.given
    registry = job.registry or Registry(given.tools, session.tools, known_names())
    rows = _tool_rows(job, registry, store, inputs)
    journal = _open_journal(job, store, inputs, rows, held)
    run = job.run or Run(RunData(name=job.name))
    run._data = RunData(  # noqa: SLF001 - the run is this job's own
        name=job.name,
        title=job.title,
        run_id=f"{journal.row.root}-{journal.row.generation}",
        store_url=store.url,
        headless=job.headless,
        fixture_name=job.replaying.path.name if job.replaying is not None and _is_replayed(job) else "",
        render=record_bundle,
        export=partial(export_run, journal),
    )
    job.root = journal.row.root
    if not job.plan:
        session.given[job.name] = given
        session.supersede(job.name, "the run goes on elsewhere")
        session.runs[job.name] = run
    return Driver(
        Program(
            job.source,
            job.chunk,
            job.first_line,
            inputs,
            job.texts,
            job.seed is not None,
            Path(job.files),
            _finder(job),
            registry,
            rows,
            Predictors({**session.predictors, **given.predictors}, given.env_allowed),
            frozenset(given.env_allowed),
            ChatModels(given.chat_models, given.chat_model, session.chat_models, job.models, _replayed_models(job)),
            job.prices,
            job.recording,
            job.replaying,
        ),
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
            max_depth=limits.max_depth,
            reuses=not (job.fresh or job.redo),
            max_tokens=limits.max_tokens,
        ),
        limits=limits,
        known=known_names(),
        sink=job.sink,
    )


@cache
def known_names() -> frozenset[str]:
    """The names of all primitives."""
    return frozenset(primitive_names())


async def drive(job: Job) -> Run:
    """Run a job to its end or its pause; errors of the program are in ``run.error``, not raised.

    A pass of the same run that is still driven by this process is stopped first: two would do the same work twice.

    Raises:
        RunLocked: another process drives the run; or a pass of this one that cannot be stopped from here, such as
            where a tool starts its own run again.
    """
    checked_name(job.name)
    if not (job.plan and job.models):  # a run that is only shown asks nothing
        job.recording, job.replaying = open_fixtures(job.record, job.replay, job.name, job.title)
    await _meet_servers(job)
    if job.plan:
        return await prepare(job).drive()
    await _stop(_driven_here(job), job.name)
    with ExitStack() as held:
        driver = prepare(job, held)
        key, driving = driver.key, get_session().driving
        driving[key] = asyncio.current_task() if _in_loop() else None
        held.callback(driving.pop, key, None)
        try:
            return await driver.drive()
        finally:
            _record(job, driver)


def _driven_here(job: Job) -> asyncio.Task[Any] | None:
    """The task of this process that drives the job's run now; the job's store is opened by the way."""
    job.store = store = open_store(job.store)
    if job.fresh:
        return None
    row = store.find(job.name, root_of(normalise(dict(job.params)), job.seed))
    return None if row is None else get_session().driving.get((store.url, row.id))


def _record(job: Job, driver: Driver) -> None:
    """Write what the pass asked, however it ended.

    Raises:
        StoreError: the file cannot be written.
    """
    fixture = None if job.recording is None else driver.run._data.fixture()  # noqa: SLF001 - driven here
    if job.recording is not None and fixture is not None:
        job.recording.write(fixture, write)


async def _stop(other: asyncio.Task[Any] | None, name: str) -> None:
    """Stop the task that drives another pass of the run, and wait until it has."""
    if other is None or other.done():
        return
    if other is asyncio.current_task() or other.get_loop() is not asyncio.get_running_loop():
        raise RunLocked(
            f"the run {name!r} is being driven already, by this process",
            host=socket.gethostname(),
            process=os.getpid(),
            hint="Wait until it has ended.",
        )
    other.cancel()
    await asyncio.wait([other], timeout=5)


def run_here(job: Job, drive: Callable[[], Coroutine[Any, Any, Run]] | None = None) -> Run:
    """Complete a job on this thread.

    Without a running event loop it gets one of its own. Inside a running loop it is driven step by step, which works
    as long as it waits for nobody: a question pauses the run instead.

    Args:
        job: what to run.
        drive: drives it; ``drive`` by default.
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
