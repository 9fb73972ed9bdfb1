"""What an option of ``%%procedure`` may be given: variables, runs and their checkpoints, stores, files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from ..errors import ProcedureError

__all__ = ["Notebook", "is_tool", "offered", "recorded", "runs"]

_MOST: Final = 200  # of runs, checkpoints or files
_STORES: Final = (".db", ".sqlite", ".sqlite3")


@dataclass(frozen=True)
class Notebook:
    """What is around a cell.

    Attributes:
        variables: those that the person made.
        store: the store of runs whose line names none.
    """

    variables: Mapping[str, Any]
    store: str = "memory:"

    @classmethod
    def of(cls, shell: Any) -> Notebook:
        """That of an IPython shell: without what IPython itself put among the variables."""
        hidden = shell.user_ns_hidden
        variables = {
            name: value
            for name, value in shell.user_ns.items()
            if not name.startswith("_") and not (name in hidden and hidden[name] is value)
        }
        return cls(variables, shell.lua_procedures.defaults.store)

    def named(self, fits: Callable[[Any], bool]) -> list[str]:
        """The names of the variables that fit."""
        return [name for name, value in self.variables.items() if fits(value)]


def is_tool(value: Any) -> bool:
    """Whether ``--tools`` takes it as one tool."""
    return _is_langchain_tool(value) or (callable(value) and not isinstance(value, (type, ModuleType)))


def _is_langchain_tool(value: Any) -> bool:
    from ..tools.langchain import is_langchain_tool  # at the first Tab: it takes longer than the rest of %load_ext

    return is_langchain_tool(value)


def _is_tools(value: Any) -> bool:
    several = value.values() if isinstance(value, Mapping) else value if isinstance(value, (list, tuple)) else ()
    return is_tool(value) or (len(several) > 0 and all(map(is_tool, several)))


def _is_model(value: Any) -> bool:
    return any(kind.__name__ == "BaseChatModel" for kind in type(value).__mro__)


def _is_dict(value: Any) -> bool:
    return isinstance(value, Mapping)


def _is_data(value: Any) -> bool:
    return not (callable(value) or isinstance(value, ModuleType) or _is_langchain_tool(value))


def _is_script(value: Any) -> bool:
    return isinstance(value, (list, tuple, Mapping)) or is_tool(value)


def runs(store: str) -> list[str]:
    """The names of the runs in a store, the newest first; none of a store that would have to be made or asked for."""
    from ..durable.stores import open_store
    from ..histories.standing import newest_runs

    if not _is_at_hand(store):
        return []
    try:
        return [row.name for row in newest_runs(open_store(store))[: -_MOST - 1 : -1]]
    except ProcedureError:
        return []


def recorded(store: str, run: str | None) -> list[str]:
    """The names of a run's checkpoints, as ``--redo`` and ``fork`` take them."""
    from ..durable.stores import open_store

    if run is None or not _is_at_hand(store):
        return []
    try:
        opened = open_store(store)
        row = opened.find(run, None)
        entries = opened.entries(row.id) if row is not None else ()
    except ProcedureError:
        return []
    return list(dict.fromkeys(entry.name for entry in entries if entry.path and entry.name))[:_MOST]


def _is_at_hand(store: str) -> bool:
    """Whether a look costs and changes nothing: a store that Tab would make, or reach over a network, is left alone."""
    from ..durable.stores import sqlite_header

    path = store.partition("?")[0].removeprefix("sqlite:///")
    return store == "memory:" or ("://" not in path and sqlite_header.is_store(path))


def _files(typed: str, *suffixes: str) -> Iterable[str]:
    """Folders, and files with one of these suffixes; without any, folders only."""
    head, slash, _ = typed.rpartition("/")
    folder = Path(head + slash).expanduser() if slash else Path()
    try:
        found = sorted(folder.iterdir())[:_MOST]
    except OSError:
        return ()
    shown = [each for each in found if not each.name.startswith(".")]
    folders = [f"{head}{slash}{each.name}/" for each in shown if each.is_dir()]
    fitting = [each for each in shown if suffixes and each.name.lower().endswith(suffixes)]
    return [*folders, *(f"{head}{slash}{each.name}" for each in fitting)]


def offered(option: str, typed: str, notebook: Notebook, given: Mapping[str, str]) -> list[str]:
    """What an option may be given, as far as it is known.

    Args:
        option: the option by its name in the parser.
        typed: what is there of its value.
        notebook: what is around the cell.
        given: what the line gives already, by the same names.
    """
    if option in _VARIABLES:
        return notebook.named(_VARIABLES[option])
    if option in _FILES:
        return [*_files(typed, *_FILES[option])]
    store = given.get("store", notebook.store)
    found: dict[str, Callable[[], list[str]]] = {
        "answers": lambda: ["default", *notebook.named(_is_script)],
        "redo": lambda: ["failed", *recorded(store, given.get("name"))],
        "name": lambda: runs(store),
        "store": lambda: ["memory:", "sqlite:///", "postgresql://", *_files(typed, *_STORES)],
    }
    return found[option]() if option in found else []


_VARIABLES: Final[dict[str, Callable[[Any], bool]]] = {
    "tools": _is_tools,
    "chat_model": _is_model,
    "predictors": _is_dict,
    "params": _is_dict,
    "inputs": _is_data,
}
_FILES: Final = {"file": (".lua", ".tac"), "record": (".json",), "replay": (".json",), "files": ()}
