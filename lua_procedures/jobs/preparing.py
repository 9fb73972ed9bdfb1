"""A job made ready: its journal opened, its tools known, a driver that nothing of the program has run in."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from functools import cache, partial
from pathlib import Path
from typing import Any

from ..agents.models import ChatModels
from ..durable.finding import newest
from ..durable.journal import Journal
from ..durable.plain import TooLarge, Unreadable
from ..durable.roots import root_of
from ..durable.serialization import loads, normalise
from ..durable.stores import Store
from ..errors import UsageError
from ..exports.writing import export_run
from ..human.responders import Scripted, answers_from_environment
from ..limits import Limits
from ..modules import Finder
from ..predictors.lookup import Predictors
from ..primitives.names import primitive_names
from ..rendering.record import record_bundle
from ..runner.driver import Driver
from ..runner.passes import Program
from ..runner.people import People
from ..runner.policy import Policy
from ..runs import Run, RunData
from ..session import get_session
from ..tools.mcp.catalog import Catalog
from ..tools.mcp.mentions import texts
from ..tools.registry import Registry
from .job import Job, checked_name
from .opening import open_journal

__all__ = ["inputs_of", "known_names", "meet_servers", "prepare"]


def _recorded_tools(job: Job, store: Store, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the run's last pass knew of its tools; only those of a server that does not answer now are taken from it."""
    row = None if job.fresh else newest(store, job.name, root_of(inputs, job.seed))
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


async def meet_servers(job: Job) -> None:
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


def inputs_of(job: Job) -> Any:
    """The inputs as plain data.

    Raises:
        UsageError: they are over a limit, or one of them cannot be looked at.
        ConversionError: one of them cannot cross.
    """
    limits = Limits.of(job.limits)
    try:
        return normalise(dict(job.params), max_leaves=limits.max_leaves, max_bytes=limits.max_bytes)
    except TooLarge as error:
        raise UsageError(
            f"inputs: {error.message}",
            hint="Give less, such as the name of a file, or raise limits max_bytes or max_leaves.",
        ) from None
    except Unreadable as error:
        hint = "Give what it holds as plain data, such as a dict."
        raise UsageError(f"inputs: {error.message}", hint=hint) from error.__cause__


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
    inputs = inputs_of(job)
    store = job.opened()
    if job.scripted is None:  # made once: a job that goes on goes on in its answers too
        job.scripted = _scripted(job)
    scripted = job.scripted
    session = get_session()
    given = job.given
    registry = job.registry or Registry(given.tools, session.tools, known_names())
    rows = _tool_rows(job, registry, store, inputs)
    journal = open_journal(job, store, inputs, rows, held)
    run = _run_of(job, journal)
    job.root = journal.row.root
    if not job.plan:
        session.given[job.name] = given
        session.supersede(journal.store.url, job.name, "the run goes on elsewhere", job.root)
        session.runs[job.name] = run
    return Driver(
        _program_of(job, inputs, registry, rows),
        journal,
        _people_of(job, journal, scripted),
        run,
        policy=_policy_of(job, limits, scripted),
        limits=limits,
        known=known_names(),
        sink=job.sink,
    )


def _run_of(job: Job, journal: Journal) -> Run:
    """The run that users hold, of which nothing is known yet."""
    run = job.run or Run(RunData(name=job.name))
    run._data = RunData(  # noqa: SLF001 - the run is this job's own
        name=job.name,
        title=job.title,
        run_id=f"{journal.row.root}-{journal.row.generation}",
        store_url=journal.store.url,
        store_name=get_session().name_to_type(job.store_name),
        headless=job.headless,
        fixture_name=job.replaying.path.name if job.replaying is not None and _is_replayed(job) else "",
        render=record_bundle,
        export=partial(export_run, journal),
    )
    return run


def _program_of(job: Job, inputs: Mapping[str, Any], registry: Registry, rows: Mapping[str, Any]) -> Program:
    session, given = get_session(), job.given
    return Program(
        text=job.source,
        chunk=job.chunk,
        first_line=job.first_line,
        inputs=inputs,
        texts=job.texts,
        seeded=job.seed is not None,
        files=Path(job.files or ""),
        modules=_finder(job),
        tools=registry,
        tool_rows=rows,
        predictors=Predictors({**session.predictors, **given.predictors}, given.env_allowed),
        env_allowed=frozenset(given.env_allowed),
        chat_models=ChatModels(
            given.chat_models, given.chat_model, session.chat_models, job.models, _replayed_models(job)
        ),
        prices=job.prices,
        recording=job.recording,
        replaying=job.replaying,
    )


def _people_of(job: Job, journal: Journal, scripted: list[Scripted]) -> People:
    return People(
        journal.store,
        journal.row.id,
        scripted,
        job.responder,
        job.wait,
        job.headless,
        can_hold=job.can_hold,
        blocking=job.blocking,
    )


def _policy_of(job: Job, limits: Limits, scripted: list[Scripted]) -> Policy:
    return Policy(
        strict=job.strict,
        plan=job.plan,
        redo=frozenset(job.redo),
        takes_defaults=job.takes_defaults or any(each.takes_defaults for each in scripted),
        max_checkpoints=limits.max_checkpoints,
        max_depth=limits.max_depth,
        reuses=not (job.fresh or job.redo),
        max_tokens=limits.max_tokens,
    )


@cache
def known_names() -> frozenset[str]:
    """The names of all primitives."""
    return frozenset(primitive_names())
