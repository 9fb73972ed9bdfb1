"""Runs from Python: ``run``, ``arun``, ``resume``, ``answer``, ``import_run``."""

from __future__ import annotations

import os
import secrets
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from .durable.finding import stored
from .durable.roots import given_seed
from .durable.serialization import loads
from .durable.stores import Store, open_store, store_name
from .errors import HumanInputRequired, UsageError
from .exports.importing import Imported, import_file
from .given import Given
from .histories.asked import keep_answer, open_question, open_questions
from .histories.foreign import kept_run, refuse_foreign, runtime_of
from .histories.standing import status_of
from .human.requests import HumanRequest, HumanResponse
from .human.responders import Answers, Responder
from .jobs import Job, checked_name, drive, run_here
from .limits import Limits
from .modules import Module
from .runs import Run
from .session import get_session

__all__ = ["answer", "arun", "import_run", "resume", "run", "show"]


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


def _check_files(files: Any) -> str | Path | None:
    if files is not None and not isinstance(files, (str, Path)):
        raise UsageError(f"files: a folder's path expected, got {type(files).__name__}")
    if files is not None and not Path(files).is_dir():
        raise UsageError(f"files: there is no folder {str(files)!r}")
    return files


def _check_names(names: Any) -> Collection[str]:
    if not isinstance(names, (list, tuple, set, frozenset)) or not all(isinstance(name, str) for name in names):
        raise UsageError(f"env_allowed: names of environment variables expected, got {names!r}")
    return names


def _given(options: Mapping[str, Any]) -> Given:
    """The Python things among the options."""
    return Given(
        tools=options.get("tools") or (),
        predictors=_check_dict("predictors", options.get("predictors")),
        chat_model=options.get("chat_model"),
        chat_models=_check_dict("chat_models", options.get("chat_models")),
        mcp_servers=_check_dict("mcp_servers", options.get("mcp_servers")),
        env_allowed=_check_names(options.get("env_allowed") or ()),
    )


def _check_dict(name: str, given: Any) -> Mapping[str, Any]:
    if given is not None and not isinstance(given, Mapping):
        raise UsageError(f"{name}: a dict by name expected, got {type(given).__name__}")
    return given or {}


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
        record=options.get("record"),
        replay=options.get("replay"),
        limits=options.get("limits"),
        files=_check_files(options.get("files")),
        given=_given(options),
        prices=options.get("prices") or {},
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
    record: str | Path | None = None,
    replay: str | Path | None = None,
    limits: Mapping[str, Any] | Limits | None = None,
    files: str | Path | None = None,
    tools: Iterable[Any] | Mapping[str, Any] = (),
    predictors: Mapping[str, Any] | None = None,
    chat_model: Any = None,
    chat_models: Mapping[str, Any] | None = None,
    mcp_servers: Mapping[str, Any] | None = None,
    env_allowed: Collection[str] = (),
) -> Run:
    """Run a program to its end, or to the first question that nobody has scripted.

    Args:
        source: the Lua.
        name: the run's name; a name known to the store continues that run. Unnamed, nothing older is used.
        params: the inputs.
        answers: scripted answers: a list, a dict, a callable, or ``"default"``.
        store: where the journal is: ``"memory:"``, ``"path.db"``, ``"sqlite:///path.db"``, ``"postgresql://…"`` or
            a ``Store``.
        seed: of ``math.random``; chosen and recorded otherwise.
        fresh: start over; the old journal is kept as history.
        strict: a changed checkpoint is an error.
        plan: only find out what would run.
        redo: what runs again although it is recorded: a name, a path such as ``"3/0"``, or ``"failed"``.
        record: the fixture that is written, a JSON file, or a folder with one for each run.
        replay: the fixture that answers all calls of models, tools and predictors and all questions; none is made.
        limits: see ``Limits``.
        tools: Python functions, LangChain tools and ``ToolSpec``s, as a list or by name: globals of the program.
        predictors: name → predictor, for ``Model("name")``.
        chat_model: the LangChain chat model of agents that name none.
        chat_models: name, ``"provider/model"`` or ``"*"`` for any → chat model.
        mcp_servers: name → ``ServerSpec`` or a dict of its fields, besides those of the session.
        env_allowed: the environment variables that templates and headers may name, as ``{env.NAME}``; no others.
        files: the folder that ``File`` may use; the current one by default. What was read once is answered from the
            journal; ``redo`` of the file's path reads it again.

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
    record: str | Path | None = None,
    replay: str | Path | None = None,
    limits: Mapping[str, Any] | Limits | None = None,
    files: str | Path | None = None,
    tools: Iterable[Any] | Mapping[str, Any] = (),
    predictors: Mapping[str, Any] | None = None,
    chat_model: Any = None,
    chat_models: Mapping[str, Any] | None = None,
    mcp_servers: Mapping[str, Any] | None = None,
    env_allowed: Collection[str] = (),
    responder: Responder | None = None,
) -> Run:
    """Like ``run``, awaitable. In a notebook it shows forms; ``responder`` asks elsewhere."""
    job = _job(source, name, {**locals()})
    job.responder = responder
    show = get_session().show
    if show is not None and responder is None:
        return _checked(await show(job))
    return _checked(await drive(job))


def resume(
    name: str,
    *,
    store: str | Store = "memory:",
    answers: Answers = None,
    record: str | Path | None = None,
    replay: str | Path | None = None,
    limits: Mapping[str, Any] | Limits | None = None,
    files: str | Path | None = None,
    tools: Iterable[Any] | Mapping[str, Any] = (),
    predictors: Mapping[str, Any] | None = None,
    chat_model: Any = None,
    chat_models: Mapping[str, Any] | None = None,
    mcp_servers: Mapping[str, Any] | None = None,
    env_allowed: Collection[str] = (),
) -> Run:
    """Go on with a run from its own program text and inputs.

    Args:
        name: the run's name.
        store: where its journal is.
        answers: scripted answers.
        record: the fixture that the run is recorded in, with what it did before, as of ``run``.
        replay: the fixture that answers what is asked from here on, as of ``run``.
        limits: see ``Limits``.
        files: the folder that ``File`` may use; the one of the last pass by default.
        tools: as of ``run``; those of the run's last pass in this process by default.
        predictors: likewise.
        chat_model: likewise.
        chat_models: likewise.
        mcp_servers: likewise.
        env_allowed: likewise.

    Raises:
        StoreError: there is no such run.
        ProcedureError: the program failed.
    """
    given = _given({**locals()})
    job = resumed(name, store=store, answers=answers)
    job.limits, job.record, job.replay = limits, record, replay
    job.files = _check_files(files) or job.files
    job.given = given.over(job.given)
    return _checked(run_here(job))


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
        AnswerRefused: the run asks nothing, asks something else, or the answer does not fit, comes too late, or is
            not the first, of which the error says by which channel and when it came.
    """
    opened = open_store(store)
    row = stored(opened, name, root)
    request = open_question(opened, row, request_id)
    return keep_answer(opened, row, request, value, channel)


def open_request(name: str, request_id: str | None = None, *, store: str | Store = "memory:") -> HumanRequest:
    """The question that a run waits for.

    Raises:
        StoreError: there is no such run.
        AnswerRefused: it waits for no answer, or asks something else than ``request_id``.
    """
    opened = open_store(store)
    return open_question(opened, stored(opened, name), request_id)


def show(name: str, *, store: str | Store = "memory:") -> Run:
    """A run as its store has it: its journal is replayed, nothing runs and nothing is written.

    Raises:
        StoreError: there is no such run.
    """
    opened = open_store(store)
    row = stored(opened, name)
    if runtime_of(row) is not None:
        return kept_run(opened, row, store_name(store, opened.url))
    job = resumed(name, store=opened)
    job.store_name = store_name(store, opened.url)
    job.plan = job.takes_defaults = True
    run = run_here(job)
    data = run._data  # noqa: SLF001 - made here
    data.change, data.planned = None, []
    if run.status == "pending":  # it replayed as far as it is recorded
        data.status = status_of(opened, row)
        waiting = opened.open_requests(row.id)
        pending = loads(row.options).get("pending")
        data.pending = open_questions(opened, row)[-1] if any(each.id == pending for each in waiting) else None
    return run


def import_run(
    path: str | os.PathLike[str], name: str | None = None, *, store: str | Store = "memory:", trusted: bool = False
) -> Imported:
    """Bring a run that was exported into a store; ``resume`` or running its cell goes on with it.

    It becomes the newest run of its name and inputs; one that was there before is kept as history.

    Args:
        path: a pickle file that ``run.export`` wrote.
        name: the run's name from now on; the old one otherwise.
        store: where it goes.
        trusted: whether live objects in the file are unpickled too, which can execute anything that the file's writer
            wanted. Without it, the checkpoints that hold such objects run again.

    Raises:
        ImportRefused: the file is damaged, of an unknown version, or asks for something not allowed.
        StoreError: the file cannot be read, or the store cannot be written.
    """
    opened = open_store(store)
    imported = import_file(path, None if name is None else checked_name(name), opened, trusted=trusted)
    shown = get_session().runs.get(imported.name)
    if shown is not None and shown._data.store_url == opened.url:  # noqa: SLF001 - our own run
        del get_session().runs[imported.name]  # it is not the newest any more
    return imported


def resumed(name: str, *, store: str | Store = "memory:", answers: Answers = None) -> Job:
    """The job that goes on with a run from its own program text and inputs.

    Raises:
        StoreError: there is no such run.
    """
    opened = open_store(store)
    row = stored(opened, name)
    refuse_foreign(row, "resumed")
    inputs, options = loads(row.inputs, row.objects or ()), loads(row.options)
    job = Job(source=row.program, name=name, params=inputs, store=opened, answers=answers)
    job.store_name = store_name(store, opened.url)
    job.seed = given_seed(row)
    job.files = options.get("files")
    job.tool_rows = options.get("tools", {})
    job.modules = {name: Module(*each) for name, each in options.get("modules", {}).items()}
    job.models = options.get("models", {})
    job.given = get_session().given.get(name, job.given)
    job.first_line, job.title = options.get("first_line", 1), options.get("title", "")
    job.chunk = options.get("chunk", job.chunk)
    return job
