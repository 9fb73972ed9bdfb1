"""An operation that the program asks for."""

from __future__ import annotations

from ..durable.entries import Entry
from ..durable.keys import parts_text

__all__ = ["Sought"]


class Sought:
    """An operation that the program asks for now, before it is known whether it is recorded.

    Attributes:
        found: its recorded entries, newest first.
        variant: how often it was done before, which tells its frame from those of other times.
    """

    __slots__ = ("asked", "found", "key", "kind", "line", "name", "path", "variant")

    def __init__(  # noqa: PLR0917 - made for every operation, where keywords cost
        self, kind: str, name: str, asked: str, line: int, key: bytes, path: str, found: list[Entry]
    ) -> None:
        self.kind = kind
        self.name = name
        self.asked = asked
        self.line = line
        self.key = key
        self.path = path
        self.found = found
        self.variant = 0

    @property
    def asked_parts(self) -> str:
        """What is asked, as an entry keeps it."""
        return parts_text(self.asked)
