"""``%procedures``: what runs there are, and what can be done with them."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import Any, Final

from .. import api
from ..durable.entries import JournalRow
from ..durable.stores import open_store
from ..errors import UsageError
from ..human.answers import parse_text
from ..runs import Run
from ..session import get_session
from .cells import open_cell
from .runs import RunList

__all__ = ["command"]


def command(shell: Any, line: str) -> Any:
    """Do what a ``%procedures`` line says.

    Raises:
        UsageError: the subcommand is unknown, or lacks an argument.
        ProcedureError: it cannot be done.
    """
    words = _words(line)
    store, words = _store_of(words, shell.lua_procedures.defaults.store)
    name, *arguments = words or ["list"]
    if name not in _COMMANDS:
        raise UsageError(f"unknown subcommand {name!r}; there are {', '.join(_COMMANDS)}")
    handler, usage = _COMMANDS[name]
    if len(arguments) != len(usage.split()):
        raise UsageError(f"%procedures {name} {usage}".rstrip() + ": that is how it is called")
    return handler(shell, store, *arguments)


def _words(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError as error:
        raise UsageError(f"{error} in the line") from None


def _store_of(words: list[str], default: str) -> tuple[str, list[str]]:
    if "--store" not in words:
        return default, words
    at = words.index("--store")
    if at + 1 == len(words):
        raise UsageError("--store needs a URL")
    return words[at + 1], words[:at] + words[at + 2 :]


def _list(_shell: Any, store: str) -> RunList:
    rows: dict[str, JournalRow] = {}
    for row in sorted(open_store(store).journals(), key=lambda each: each.updated):
        rows[row.name] = row
    return RunList(tuple(rows.values()))


def _show(_shell: Any, store: str, name: str) -> Run:
    run = get_session().runs.get(name)
    if run is not None and run._data.store_url == open_store(store).url:  # noqa: SLF001 - our own run
        return run
    return api.show(name, store=store)


def _answer(shell: Any, store: str, name: str, text: str) -> Run:
    request = api.open_request(name, store=store)
    api.answer(name, parse_text(request, text), request.id, store=store, channel="notebook")
    return _resume(shell, store, name)


def _resume(shell: Any, store: str, name: str) -> Run:
    job = api.resumed(name, store=store)
    cell = open_cell(shell, job, quiet=False, may_wait=False)
    run = api.run_here(cell.job, cell.drive)
    if run.error is not None:
        raise run.error
    shell.lua_procedures.note_shown(run)
    return run


_COMMANDS: Final[dict[str, tuple[Callable[..., Any], str]]] = {
    "list": (_list, ""),
    "show": (_show, "NAME"),
    "answer": (_answer, "NAME VALUE"),
    "resume": (_resume, "NAME"),
}
