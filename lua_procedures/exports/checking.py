"""What a file says, held to what a journal may hold: a file that anybody may have written must not hang the runner."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Any, Final, NoReturn

from ..durable.entries import HIDDEN_KINDS, Entry, JournalRow, StoredRequest
from ..durable.journal import Journal
from ..durable.serialization import loads
from ..durable.stores.memory import MemoryStore
from ..errors import ConversionError, ImportRefused
from ..human.requests import HumanRequest, HumanResponse
from ..runner.outcomes import checkpoint_of, response_of, value_text
from ..runner.people import SLEEP
from . import fields
from .fields import ENTRY, ROW, Check, is_digest, is_int, is_json, is_text, is_time, or_none, require_plain
from .held import FORMAT, OPTIONS, VERSION, Held
from .pickled import ROW_FIELDS, Frozen

__all__ = ["checked"]

#: What opening a journal may cost: how many cuts ended runs have left, times how many entries there are.
_MOST_CUT: Final = 50_000_000


def checked(content: Any) -> Held:
    """The journal that a file holds; the live objects of its entries are ``Frozen``.

    Raises:
        ImportRefused: the file is of another kind or version, or something in it is not what a journal holds.
    """
    if type(content) is not dict or content.get("format") != FORMAT:
        raise ImportRefused("the file is no exported run")
    version = content.get("version")
    if type(version) is not int or version != VERSION:
        known = version if is_int(version) else "an unknown version"
        raise ImportRefused(
            f"the file is of version {known}, and this lua_procedures reads {VERSION}",
            hint="Upgrade with `pip install -U lua_procedures`.",
        )
    _require(content.get("fields") == list(Entry._fields), "fields")
    row = JournalRow(**_record("run", content.get("run"), ROW))
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


# Records


def _entry(number: int, values: Any) -> Entry:
    place = f"entries[{number}]"
    _require(type(values) is list and len(values) == len(ENTRY), place)
    for (name, check), value in zip(ENTRY.items(), values, strict=True):
        _require(check(value), f"{place}.{name}")
    entry = Entry(*values)
    _require(entry.kind != "world", f"{place}.kind")  # what one machine saw of its files
    hidden = entry.kind in HIDDEN_KINDS
    _require(hidden == (entry.path == ""), f"{place}.path")
    _require((entry.kind, entry.name) != ("redo", "asked") or _is_names(entry.outcome), f"{place}.outcome")
    _require(hidden or all(map(is_digest, entry[:3])), f"{place}.key")
    _require(hidden or _is_shown(entry), f"{place}.outcome")
    if entry.objects is None:
        return entry
    return entry._replace(objects=tuple(_frozen(place, each) for each in entry.objects))


def _is_names(outcome: str) -> bool:
    """Whether it is a list of texts, as what is asked to run again is."""
    if not is_json(outcome):
        return False
    names = loads(outcome)
    return type(names) is list and all(type(name) is str for name in names)


def _is_shown(entry: Entry) -> bool:
    """Whether a checkpoint's outcome is of the form that its kind has, so that users can see it."""
    entry = entry._replace(objects=tuple(object() for _ in entry.objects or ()))
    try:
        require_plain(entry.outcome, entry.objects)
        checkpoint_of(entry, replayed=True)
        if entry.kind == "human":
            response_of(entry)
        return entry.failed or type(loads(value_text(entry), entry.objects or ())) is list
    except (ConversionError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return False


def _frozen(place: str, values: Any) -> Frozen:
    _require(type(values) is list and len(values) == 3, f"{place}.objects")
    frozen = Frozen(*values)
    data_or_why = type(frozen.data) is bytes or (frozen.data is None and is_text(frozen.why))
    _require(is_text(frozen.kind) and data_or_why, f"{place}.objects")
    return frozen


def _request(number: int, values: Any) -> StoredRequest:
    place = f"requests[{number}]"
    _require(type(values) is list and len(values) == 3, place)
    request = StoredRequest(*values)
    _require(is_text(request.id) and is_json(request.request) and or_none(is_json)(request.answer), place)
    try:
        _check_question(request)
    except (ValueError, TypeError, KeyError, ConversionError):  # pydantic's own error is a ValueError
        _refuse(place)
    return request


def _check_question(request: StoredRequest) -> None:
    if request.id.startswith(SLEEP):
        _require(is_time(loads(request.request)["until"]), "a sleep")
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
        Journal(store, created).find(b"")  # which has all entries looked at
    except (ValueError, KeyError):  # a cut or an end that says nothing a journal can follow
        _refuse("a cut")


assert tuple(ROW) == ROW_FIELDS  # noqa: S101 - a field that is added needs its check, and a version
assert tuple(fields.OPTIONS) == OPTIONS  # noqa: S101 - the same
assert tuple(ENTRY) == Entry._fields  # noqa: S101 - the same
