"""``Step.run``, ``Step.checkpoint`` and ``Checkpoint``: composites whose function is not run again."""

from __future__ import annotations

import json
from typing import Any

from ..durable.entries import Entry
from ..durable.keys import digest, parts_text
from ..durable.serialization import dumps, loads
from ..primitives.misuse import Misuse
from .cuts import cut, known
from .outcomes import failure_text, value_text
from .passes import Handler, Pass, Reply
from .sought import Sought

__all__ = ["Steps"]

_SHORT = 32  # characters of a State value that is kept as it was read; longer ones are kept as their digest


class Steps:
    """Answers the requests of steps in one pass."""

    def __init__(self, within: Pass) -> None:
        self._ledger = within.ledger
        self._host = within.host
        self._converter = within.converter
        self._push = within.converter.push
        self._portable = within.portable
        self._sought: Sought | None = None

    @property
    def handlers(self) -> dict[str, Handler]:
        """By the request."""
        return {
            "begin": self._begin,
            "reads": self._reads,
            "end": self._end,
            "fail": self._fail,
            "query": self._query,
            "cut": self._cut,
        }

    # -- beginning ---------------------------------------------------------------------------------------

    def _begin(self, kind: str, name: str, asked: str, line: int, unchecked: str | None) -> Reply:
        ledger = self._ledger
        if unchecked:
            shown = json.dumps(name, ensure_ascii=False)
            self._host.warn(f"{kind} {shown}: not checked for changes: {unchecked}", line)
        if kind == "step":
            seen = (ledger.frames[-1].names or {}).get(name)
            if seen is not None:
                return self._again(asked, line, ledger.passed[seen])
        key = ledger.key(kind, name, asked)
        place = ledger.settled(key)
        if place is not None:
            entry = ledger.journal.entries[place]
            if entry.reads is None:
                return self._replay(entry, line, place)
        sought = ledger.seek(kind, name, asked, line, key)
        if sought.found:
            return self._choose(sought)
        return self._run(sought)

    def _again(self, asked: str, line: int, before: Entry) -> Reply:
        """A step's name is used a second time in its frame."""
        shown = json.dumps(before.name, ensure_ascii=False)
        if parts_text(asked) != before.asked:
            raise Misuse(
                f"the name {shown} is taken in line {before.line} by another function (or other captures); "
                f"a step's name is unique: in a loop, let the name say which, as in {shown} .. i"
            )
        self._host.warn(f"step {shown} is there twice and does the same: its result is taken, it does not run", line)
        return self._outcome(before)

    def _choose(self, sought: Sought) -> Reply:
        """The recorded entry that fits; where entries depend on State, Lua says what State holds now."""
        newest = sought.found[0]
        if newest.reads is None:
            return self._replay(newest, sought.line)
        self._sought = sought
        return ("check", self._push(_keys_read(sought)))

    def _reads(self, text: str) -> Reply:
        sought = self._sought
        assert sought is not None  # noqa: S101 - Lua answers what `_choose` asked
        now = dict(zip(_keys_read(sought), map(_read_digest, loads(text)), strict=True))
        for entry in sought.found:
            if all(now[key] == read for key, read in loads(entry.reads or "{}").items()):
                return self._replay(entry, sought.line)
        sought.found = []
        return self._run(sought)

    def _run(self, sought: Sought) -> Reply:
        self._ledger.go_live(sought)
        self._ledger.open(sought, len(self._host.notices))
        return ("run",)

    # -- replaying ---------------------------------------------------------------------------------------

    def _replay(self, entry: Entry, line: int, place: int | None = None) -> Reply:
        self._ledger.replay(entry, line, place)
        if entry.effects is None:
            return self._outcome(entry)
        effects = self._host.put_back(loads(entry.effects, entry.objects or ()))
        return ("replay", self._push(effects), self._converter.pack(self._outcome(entry)))

    def _outcome(self, entry: Entry) -> Reply:
        value = loads(entry.outcome, entry.objects or ())
        if entry.failed:
            return ("raise", self._push(value["value"]), value["class"], value["detail"])
        return ("value", *map(self._push, value))

    # -- ending ------------------------------------------------------------------------------------------

    def _end(self, text: str, effects: str | None, reads: str | None, copied: bool) -> Reply:  # noqa: FBT001 - from Lua
        """The step's function returned; ``copied`` says that a result is a table, whose recorded copy counts."""
        text, effects, objects = self._portable(text, self._with_notices(effects))
        self._ledger.close(text, effects=effects, reads=_read_digests(reads), objects=objects)
        copies = self._copies(effects, objects)
        if not copied:
            return ("value", copies)
        return ("value", copies, *map(self._push, loads(text, objects or ())))

    def _fail(self, text: str, effects: str | None, reads: str | None, kind: str, detail: str) -> Reply:
        outcome, effects, objects = self._portable(failure_text(text, kind, detail), self._with_notices(effects))
        self._ledger.close(outcome, failed=True, effects=effects, reads=_read_digests(reads), objects=objects)
        error = self._push(loads(outcome, objects or ())["value"])
        return ("raise", self._copies(effects, objects), error, kind, detail)

    def _with_notices(self, effects: str | None) -> str | None:
        """Effects and what was shown inside, which a replay shows again."""
        notices = self._host.notices
        first = self._ledger.frames[-1].notices_from
        if len(notices) == first:
            return effects
        listed = loads(effects) if effects else []
        return dumps([*listed, *(["notice", notice.model_dump()] for notice in notices[first:])])

    def _copies(self, effects: str | None, objects: tuple[Any, ...] | None) -> Any:
        """The recorded copies of what was put into State, by the effect's place; None where there are no effects."""
        if effects is None:
            return None
        return self._push([each if each[0] != "notice" else False for each in loads(effects, objects or ())])

    # -- the journal, asked by the program -----------------------------------------------------------------

    def _query(self, what: str, which: str | int) -> Reply:
        ledger = self._ledger
        ledger.settle()

        def look() -> str:
            entry = known(ledger, which)
            if what == "exists":
                return json.dumps(entry is not None)
            return "[]" if entry is None or entry.failed else value_text(entry)

        found = loads(ledger.hidden("query", what, look, asked=repr(which)))
        return ("value", found) if what == "exists" else ("value", *map(self._push, found or [None]))

    def _cut(self, which: str | int) -> Reply:
        self._ledger.settle()
        cut(self._ledger, which)
        return ("value", None)


def _keys_read(sought: Sought) -> list[str]:
    return list(dict.fromkeys(key for entry in sought.found for key in loads(entry.reads or "{}")))


def _read_digest(text: str) -> str:
    return text if len(text) <= _SHORT else "#" + digest(text)


def _read_digests(reads: str | None) -> str | None:
    return None if reads is None else dumps({key: _read_digest(text) for key, text in loads(reads).items()})
