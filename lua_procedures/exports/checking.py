"""What a file says, held to what a journal may hold: a file that anybody may have written must not hang the runner."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Any, Final, NoReturn, get_args

from ..durable.entries import HIDDEN_KINDS, Entry, JournalRow, StoredRequest
from ..durable.journal import Journal
from ..durable.serialization import loads
from ..durable.stores.memory import MemoryStore
from ..errors import ConversionError, ImportRefused
from ..human.requests import HumanRequest, HumanResponse
from ..runner.people import SLEEP
from ..runs import RunStatus
from .held import FORMAT, OPTIONS, VERSION, Held
from .pickled import ROW_FIELDS, Frozen

__all__ = ["checked"]

_PATH: Final = re.compile(r"[0-9]{1,9}(/[0-9]{1,9}){0,99}")
_INT64: Final = range(-(2**63), 2**63)
_LATEST: Final = 1e12  # seconds; far beyond what a clock can say
#: What opening a journal may cost: how many cuts ended runs have left, times how many entries there are.
_MOST_CUT: Final = 50_000_000

Check = Callable[[Any], bool]


def checked(content: Any) -> Held:
    """The journal that a file holds; the live objects of its entries are ``Frozen``.

    Raises:
        ImportRefused: the file is of another kind or version, or something in it is not what a journal holds.
    """
    if type(content) is not dict or content.get("format") != FORMAT:
        raise ImportRefused("the file is no exported run")
    version = content.get("version")
    if type(version) is not int or version != VERSION:
        known = version if _is_int(version) else "an unknown version"
        raise ImportRefused(
            f"the file is of version {known}, and this lua_procedures reads {VERSION}",
            hint="Upgrade with `pip install -U lua_procedures`.",
        )
    _require(content.get("fields") == list(Entry._fields), "fields")
    row = JournalRow(**_record("run", content.get("run"), _ROW))
    entries = [_entry(number, values) for number, values in enumerate(_list("entries", content.get("entries")))]
    requests = [_request(number, each) for number, each in enumerate(_list("requests", content.get("requests")))]
    _check_order(row, entries)
    return Held(row, entries, requests)


def _require(holds: object, place: str) -> None:
    if not holds:
        _refuse(place)


def _refuse(place: str) -> NoReturn:
    raise ImportRefused(f"the file is damaged: {place} is not what a journal holds")


def _list(place: str, value: Any) -> list[Any]:
    _require(type(value) is list, place)
    items: list[Any] = value
    return items


def _record(place: str, values: Any, checks: Mapping[str, Check]) -> dict[str, Any]:
    _require(type(values) is dict and values.keys() == checks.keys(), place)
    for name, check in checks.items():
        _require(check(values[name]), f"{place}.{name}")
    record: dict[str, Any] = values
    return record


# One value


def _is_text(value: Any) -> bool:
    return type(value) is str and (value.isascii() or _is_unicode(value))


def _is_unicode(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_name(value: Any) -> bool:
    return _is_text(value) and value.isprintable() and 1 <= len(value) <= 128


def _is_digest(value: Any) -> bool:
    return type(value) is bytes and len(value) == 16


def _is_key(value: Any) -> bool:
    """A digest, or what an entry has there that has no place in the tree."""
    return type(value) is bytes and len(value) <= 16


def _is_time(value: Any) -> bool:
    return type(value) in (int, float) and abs(value) < _LATEST  # not so for NaN


def _is_int(value: Any) -> bool:
    return type(value) is int and value in _INT64


def _is_json(value: Any) -> bool:
    if not _is_text(value):
        return False
    try:
        json.loads(value, strict=False)
    except (ValueError, RecursionError):
        return False
    return True


def _is_object(value: Any) -> bool:
    """Whether it is the text of a JSON object without live objects."""
    try:
        return _is_json(value) and type(loads(value)) is dict
    except ConversionError:
        return False


def _is_inputs(value: Any) -> bool:
    return _is_json(value) and type(json.loads(value, strict=False)) is dict


def _are_options(value: Any) -> bool:
    if not _is_object(value):
        return False
    options = loads(value)
    return all(name in _OPTIONS and _OPTIONS[name](option) for name, option in options.items())


def _are_modules(value: Any) -> bool:
    return type(value) is dict and all(_is_module(each) for each in value.values())


def _is_module(value: Any) -> bool:
    return type(value) is list and len(value) == 3 and _is_text(value[0]) and _is_text(value[1]) and _is_int(value[2])


def _are_tools(value: Any) -> bool:
    return type(value) is dict and all(_is_tool(each) for each in value.values())


def _is_tool(value: Any) -> bool:
    if type(value) is not dict or value.keys() not in (_TOOL.keys(), _TOOL.keys() | _SERVED.keys()):
        return False
    return all({**_TOOL, **_SERVED}[name](each) for name, each in value.items())


def _are_texts(value: Any) -> bool:
    return type(value) is dict and all(map(_is_text, value.values()))


def _is_bool(value: Any) -> bool:
    return type(value) is bool


def _or_none(check: Check) -> Check:
    return lambda value: value is None or check(value)


#: What ``Registry.rows`` says of a tool.
_TOOL: Final[Mapping[str, Check]] = {
    "description": _is_text,
    "digest": _is_text,
    "requires_approval": _is_bool,
    "single": _or_none(_is_text),
    "is_global": _is_bool,
    "order": lambda value: type(value) is list and all(map(_is_text, value)),
    "schema": lambda value: type(value) is dict,
}
#: And besides, where an MCP server has it.
_SERVED: Final[Mapping[str, Check]] = {"server": _is_text, "tool": _is_text}
_OPTIONS: Final[Mapping[str, Check]] = {
    "chunk": _is_text,
    "first_line": _is_int,
    "models": _are_texts,
    "modules": _are_modules,
    "pending": _or_none(_is_text),
    "title": _is_text,
    "tools": _are_tools,
}
_ROW: Final[Mapping[str, Check]] = {
    "name": _is_name,
    "root": _is_text,
    "seed": _is_int,
    "started": _is_time,
    "updated": _is_time,
    "status": get_args(RunStatus).__contains__,
    "program": _is_text,
    "inputs": _is_inputs,
    "options": _are_options,
    "tail": _or_none(_is_digest),
    "outcome": _or_none(_is_json),
    "error": _or_none(_is_text),
}
_ENTRY: Final[Mapping[str, Check]] = {
    "key": _is_key,
    "prev": _is_key,
    "chain": _is_key,
    "path": lambda value: value == "" or (_is_text(value) and _PATH.fullmatch(value) is not None),
    "kind": _is_name,
    "name": _is_text,
    "asked": _is_text,
    "outcome": _is_text,
    "failed": _is_bool,
    "effects": _or_none(_is_json),
    "reads": _or_none(_is_object),
    "line": _is_int,
    "started": _is_time,
    "finished": _is_time,
    "usage": _or_none(_is_object),
    "tail": _or_none(_is_digest),
    "objects": _or_none(lambda value: type(value) is list),
}

# Records


def _entry(number: int, values: Any) -> Entry:
    place = f"entries[{number}]"
    _require(type(values) is list and len(values) == len(_ENTRY), place)
    for (name, check), value in zip(_ENTRY.items(), values, strict=True):
        _require(check(value), f"{place}.{name}")
    entry = Entry(*values)
    hidden = entry.kind in HIDDEN_KINDS
    _require(hidden == (entry.path == ""), f"{place}.path")
    _require(hidden or all(map(_is_digest, entry[:3])), f"{place}.key")
    _require(hidden or _is_json(entry.outcome), f"{place}.outcome")
    if entry.objects is None:
        return entry
    return entry._replace(objects=tuple(_frozen(place, each) for each in entry.objects))


def _frozen(place: str, values: Any) -> Frozen:
    _require(type(values) is list and len(values) == 3, f"{place}.objects")
    frozen = Frozen(*values)
    data_or_why = type(frozen.data) is bytes or (frozen.data is None and _is_text(frozen.why))
    _require(_is_text(frozen.kind) and data_or_why, f"{place}.objects")
    return frozen


def _request(number: int, values: Any) -> StoredRequest:
    place = f"requests[{number}]"
    _require(type(values) is list and len(values) == 3, place)
    request = StoredRequest(*values)
    _require(_is_text(request.id) and _is_json(request.request) and _or_none(_is_json)(request.answer), place)
    try:
        _check_question(request)
    except (ValueError, TypeError, KeyError, ConversionError):  # pydantic's own error is a ValueError
        _refuse(place)
    return request


def _check_question(request: StoredRequest) -> None:
    if request.id.startswith(SLEEP):
        _require(_is_time(loads(request.request)["until"]), "a sleep")
        return
    HumanRequest.model_validate(loads(request.request))
    if request.answer is not None:
        HumanResponse(**loads(request.answer))


# The whole


def _check_order(row: JournalRow, entries: Sequence[Entry]) -> None:
    """Refuse what would hang whoever walks the journal: circles, and frames that are inside each other many times."""
    shown = [entry for entry in entries if entry.kind not in HIDDEN_KINDS]
    before: dict[bytes, set[bytes]] = {}
    for entry in shown:
        before.setdefault(entry.chain, set()).update({entry.prev, *([entry.tail] if entry.tail else [])})
    try:
        order = [*TopologicalSorter(before).static_order()]
    except CycleError:
        _refuse("the order of the entries")
    _check_size({entry.chain: entry for entry in shown}, order)
    _check_opens(row, entries)


def _check_size(after: Mapping[bytes, Entry], order: Sequence[bytes]) -> None:
    """What is inside an entry, all frames unfolded, is never more than there is."""
    sizes: dict[bytes, int] = {}
    for chain in order:
        entry = after.get(chain)
        if entry is not None:
            sizes[chain] = 1 + sizes.get(entry.prev, 0) + (sizes.get(entry.tail, 0) if entry.tail else 0)
            _require(sizes[chain] <= len(after), "the order of the entries")


def _check_opens(row: JournalRow, entries: Sequence[Entry]) -> None:
    forgotten = sum(entry.outcome.count(" ") + 1 for entry in entries if entry.kind == "end")
    _require(forgotten * len(entries) <= _MOST_CUT, "the number of cuts")
    store = MemoryStore()
    created = store.create(JournalRow(row.name, row.root, row.seed, row.started, row.updated))
    for entry in entries:
        store.append(created.id, entry)
    try:
        Journal(store, created)
    except (ValueError, KeyError):  # a cut or an end that says nothing a journal can follow
        _refuse("a cut")


assert tuple(_ROW) == ROW_FIELDS  # noqa: S101 - a field that is added needs its check, and a version
assert tuple(_OPTIONS) == OPTIONS  # noqa: S101 - the same
assert tuple(_ENTRY) == Entry._fields  # noqa: S101 - the same
