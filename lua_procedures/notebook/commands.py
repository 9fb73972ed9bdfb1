"""``%procedures``: what runs there are, and what can be done with them."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from .. import api, jobs
from ..durable.finding import newest, stored
from ..durable.stores import open_store
from ..errors import RunLocked, StoreError, UsageError
from ..exports.importing import Imported
from ..graphs import Graph
from ..histories.clearing import clear
from ..histories.comparing import difference
from ..histories.foreign import runtime_of
from ..histories.forking import fork
from ..histories.records import Cleared, Difference, Forked, History
from ..histories.standing import newest_runs
from ..histories.telling import history
from ..human.channels import came_from
from ..human.parsing import parse_text
from ..language.hints import meant
from ..rendering.requests import in_store
from ..runs import Exported, Run
from ..session import get_session
from .cells import open_cell
from .nodes import NodeList
from .runs import RunList

__all__ = ["USAGES", "command"]


def command(shell: Any, line: str) -> Any:
    """Do what a ``%procedures`` line says.

    Raises:
        UsageError: the subcommand is unknown, or lacks an argument.
        ProcedureError: it cannot be done.
    """
    store, words = _taken(_words(line), "--store", "URL")
    name, *arguments = words or ["list"]
    if name not in _COMMANDS:
        also = meant(name, _COMMANDS) or f"; there are {', '.join(_COMMANDS)}"
        raise UsageError(f"unknown subcommand {name!r}{also}")
    handler, usage = _COMMANDS[name]
    wanted, _, option = usage.partition(" [")
    value = None
    if option:
        value, arguments = _taken(arguments, *option.rstrip("]").split())
    if len(arguments) != len(wanted.split()):
        raise UsageError(f"%procedures {name} {usage}".rstrip() + ": that is how it is called")
    store = store or shell.lua_procedures.defaults.store
    try:
        return handler(shell, store, *arguments, *([] if value is None else [value]))
    except StoreError as error:
        if wanted.startswith("NAME"):
            error.hint = _elsewhere(arguments[0], store) or error.hint
        raise


def _elsewhere(name: str, store: str) -> str:
    """Where this session has the run that a store does not know; ``""`` where it has none."""
    run = get_session().runs.get(name)
    if run is None or _is_there(name, store):
        return ""
    there = run._data.store_name or run._data.store_url  # noqa: SLF001 - our own run
    return f"{name} is in {there}: add{in_store(there)}"


def _is_there(name: str, store: str) -> bool:
    """Whether a store has that run, or cannot be asked."""
    try:
        return newest(open_store(store), name) is not None
    except StoreError:
        return True


def _words(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError as error:
        raise UsageError(f"{error} in the line") from None


def _taken(words: list[str], option: str, value: str) -> tuple[str | None, list[str]]:
    """An option's value, and the words without it."""
    if option not in words:
        return None, words
    at = words.index(option)
    if at + 1 == len(words):
        raise UsageError(f"{option} needs a {value}")
    return words[at + 1], words[:at] + words[at + 2 :]


def _list(_shell: Any, store: str) -> RunList:
    return RunList(tuple(newest_runs(open_store(store))))


def _show(_shell: Any, store: str, name: str) -> Run:
    run = get_session().runs.get(name)
    if run is not None and run._data.store_url == open_store(store).url:  # noqa: SLF001 - our own run
        return run
    return api.show(name, store=store)


def _answer(shell: Any, store: str, name: str, text: str) -> Run:
    request = api.open_request(name, store=store)
    api.answer(name, parse_text(request, text), request.id, store=store, channel="notebook")
    opened = open_store(store)
    row = stored(opened, name)
    get_session().supersede(opened.url, name, f"answered {came_from('notebook')}", row.root)
    if runtime_of(row) is not None:  # its own runtime goes on with it
        return api.show(name, store=store)
    try:
        return _resume(shell, store, name)
    except RunLocked as locked:  # whoever asked the question takes the answer, and goes on
        print(f"answered; {locked.message}")  # noqa: T201 - the cell's output
        return api.show(name, store=store)


def _resume(shell: Any, store: str, name: str) -> Run:
    job = api.resumed(name, store=store)
    defaults = shell.lua_procedures.defaults
    job.given = replace(job.given, env_allowed=defaults.env_allowed)
    job.record, job.replay = defaults.record or None, defaults.replay or None
    cell = open_cell(shell, job, quiet=False, may_wait=False)
    run = jobs.run_here(cell.job, cell.drive)
    if run.error is not None:
        raise run.error
    shell.lua_procedures.note_shown(run)
    return run


def _export(shell: Any, store: str, name: str, path: str) -> Exported:
    return _show(shell, store, name).export(path)


def _import(_shell: Any, store: str, path: str, name: str | None = None) -> Imported:
    return api.import_run(path, name, store=store)


def _graph(shell: Any, store: str, name: str, text: str | None = None) -> Graph | NodeList:
    graph = _show(shell, store, name).graph
    return graph if text is None else NodeList(graph, tuple(graph.find(text)))


def _history(_shell: Any, store: str, name: str) -> History:
    return history(name, store=store)


def _fork(_shell: Any, store: str, name: str, position: str, new_name: str) -> Forked:
    return fork(name, position, new_name, store=store)


def _diff(_shell: Any, store: str, a: str, b: str) -> Difference:
    return difference(a, b, store=store)


def _clear(_shell: Any, store: str, name: str, after: str | None = None) -> Cleared:
    return clear(name, after, store=store)


_COMMANDS: Final[dict[str, tuple[Callable[..., Any], str]]] = {
    "list": (_list, ""),
    "show": (_show, "NAME"),
    "answer": (_answer, "NAME VALUE"),
    "resume": (_resume, "NAME"),
    "export": (_export, "NAME PATH"),
    "import": (_import, "PATH [--as NAME]"),
    "graph": (_graph, "NAME [--find TEXT]"),
    "history": (_history, "NAME"),
    "fork": (_fork, "NAME POSITION NEW"),
    "diff": (_diff, "A B"),
    "clear": (_clear, "NAME [--after STEP]"),
}

#: Subcommand → what follows it.
USAGES: Final = {name: usage for name, (_, usage) in _COMMANDS.items()}
