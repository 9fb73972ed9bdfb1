"""``File`` and the modules of files: what was read, found or refused once is answered from the journal."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from ..durable.entries import Entry
from ..durable.serialization import dumps, loads
from ..files import FileFault
from ..primitives.misuse import Misuse
from ..primitives.tables import rows_of, table_text
from .outcomes import failure_text
from .passes import Handler, Pass, Reply

__all__ = ["Filing"]


class Filing:
    """Answers the requests for files in one pass."""

    def __init__(self, within: Pass) -> None:
        self._ledger = within.ledger
        self._push = within.converter.push
        self._objects = within.converter.objects
        self._folder = within.files

    @property
    def _operations(self) -> dict[str, Callable[..., Any]]:
        return {"read": self._read, "write": self._write, "exists": self._folder.exists, "size": self._folder.size}

    @property
    def handlers(self) -> dict[str, Handler]:
        """By the request."""
        return {
            "file": self._file,
            "table of a file": self._table,
            "file of a table": self._of_table,
        }

    def _file(self, operation: str, path: str, line: int, text: str | None = None) -> Reply:
        given = () if text is None else (loads(text),)
        return self._reply(self._entry(operation, path, line, *given))

    def _table(self, path: str, line: int, delimiter: str) -> Reply:
        entry = self._entry("read", path, line)
        if entry.failed:
            return self._reply(entry)
        try:
            rows = rows_of(loads(entry.outcome), delimiter)
        except Misuse as wrong:
            raise Misuse(f"{path}: {wrong.message}") from None
        return ("value", self._push(rows))

    def _of_table(self, path: str, line: int, delimiter: str, text: str) -> Reply:
        rows, headers = loads(text, self._objects)
        return self._reply(self._entry("write", path, line, table_text(rows, headers, delimiter)))

    def _read(self, path: str) -> str | bytes:
        data = self._folder.read(path)
        try:
            return data.decode()
        except UnicodeDecodeError:
            return data

    def _write(self, path: str, text: str | bytes) -> bool:
        self._folder.write(path, text.encode() if isinstance(text, str) else text)
        return True

    def _reply(self, entry: Entry) -> Reply:
        outcome = loads(entry.outcome)
        if entry.failed:
            return ("refuse", outcome["value"], outcome["class"], outcome["detail"])
        return ("value", self._push(outcome))

    def _entry(self, operation: str, path: str, line: int, *given: str | bytes) -> Entry:
        """The recorded operation; it is done where it is not recorded."""
        ledger = self._ledger
        sought = ledger.seek("file", path, _asked(operation, *given), line)
        if sought.found:
            ledger.replay(sought.found[0], line)
            return sought.found[0]
        ledger.go_live(sought)
        started = time.time()
        try:
            outcome, failed = dumps(self._operations[operation](path, *given)), False
        except FileFault as fault:
            outcome, failed = failure_text(dumps(str(fault)), "", ""), True
        return ledger.record(sought, outcome, started=started, failed=failed)


def _asked(operation: str, *given: str | bytes) -> str:
    parts = [f"operation\x1f{operation}", *(f"text\x1f{json.dumps(text, default=repr)}" for text in given)]
    return "\x1e".join(parts)
