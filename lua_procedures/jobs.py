"""One pass of a program as a job: everything it needs, and who drives it."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import Callable, Collection, Coroutine, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from hashlib import blake2b
from pathlib import Path
from typing import Any

from .agents.models import ChatModels
from .durable.entries import JournalRow
from .durable.journal import Journal
from .durable.serialization import dumps, loads, normalise
from .durable.stores import Store, open_store
from .durable.stores.memory import MemoryStore
from .errors import RunLocked, UsageError
from .events import Sink
from .exports.writing import export_run
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


def _open_journal(job: Job, store: Store, inputs: dict[str, Any], rows: Mapping[str, Any]) -> Journal:
    """The journal to continue: of this name and these inputs, or a new one."""
    root = root_of(inputs, job.seed)
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
        row.options = dumps({"first_line": job.first_line, "title": job.title, "chunk": job.chunk})
        if job.plan:
            store = MemoryStore()
        row = store.create(row)
    row.options = dumps({**loads(row.options), "files": str(job.files), "tools": dict(rows)})
    return Journal(store, row)


def _recorded_tools(job: Job, store: Store, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the run's last pass knew of its tools; only those of a server that does not answer now are taken from it."""
    row = None if job.fresh else store.find(job.name, root_of(inputs, job.seed))
    recorded: Mapping[str, Any] = {} if row is None else loads(row.options).get("tools", {})
    return recorded


def _finder(job: Job) -> Finder:
    return Finder(job.modules, get_session().definitions, (Path(job.folder or "").absolute(), Path.cwd()))


async def _meet_servers(job: Job) -> None:
    """Ask the MCP servers that the program can mean for their tools; a run that is only shown asks nobody."""
    session, finder = get_session(), _finder(job)
    servers = Catalog(job.given.mcp_servers, session.mcp_servers, asked=not (job.plan and job.tool_rows))
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


def prepare(job: Job) -> Driver:
    """A driver for a job, with its journal opened; nothing of the program has run.

    Raises:
        UsageError, ConversionError, StoreError: what is wrong with the job.
    """
    checked_name(job.name)
    job.files = Path(job.files or "").absolute()
    limits = Limits.of(job.limits)
    inputs = normalise(dict(job.params))
    store = open_store(job.store)
    if job.scripted is None:  # made once: a job that goes on goes on in its answers too
        job.scripted = _scripted(job)
    scripted = job.scripted
    session = get_session()
    given = job.given
    registry = job.registry or Registry(given.tools, session.tools, known_names())
    rows = {**job.tool_rows, **registry.rows(job.tool_rows or _recorded_tools(job, store, inputs))}
    journal = _open_journal(job, store, inputs, rows)
    run = job.run or Run(RunData(name=job.name))
    run._data = RunData(  # noqa: SLF001 - the run is this job's own
        name=job.name,
        title=job.title,
        run_id=f"{journal.row.root}-{journal.row.generation}",
        store_url=store.url,
        headless=job.headless,
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
            ChatModels(given.chat_models, given.chat_model, session.chat_models, job.models),
            job.prices,
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
        RunLocked: the other pass cannot be stopped from here, such as where a tool starts its own run again.
    """
    await _meet_servers(job)
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
