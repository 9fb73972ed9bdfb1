"""What a pass does again although it is recorded: what ``--redo`` names, and what an earlier pass began again."""

from __future__ import annotations

from collections.abc import Callable

from ..durable.entries import Entry
from ..durable.journal import Journal, key_of
from ..durable.serialization import dumps
from .hidden import hidden_entry
from .sought import Sought

__all__ = ["Redoing"]


class Redoing:
    """Forgets what is recorded of what is to run again.

    Args:
        journal: what is recorded.
        named: why something of these names is to run again (see ``Policy.redone``).
        write: keeps an entry that takes no position.
    """

    def __init__(self, journal: Journal, named: Callable[..., frozenset[str]], write: Callable[[Entry], None]) -> None:
        self._journal = journal
        self._named = named
        self._write = write
        self._seen: set[str] = set()

    def asks(self, *names: str) -> bool:
        """Whether ``--redo`` names one of these."""
        why = self._named(*names)
        self._seen |= why
        return bool(why)

    def unseen(self, given: frozenset[str]) -> list[str]:
        """What of these was not met."""
        return sorted(given - self._seen - {"failed"})

    def look(self, sought: Sought, *, entered: bool) -> None:
        """Forget what is recorded of an operation, if it is to run again or has such a one inside it.

        Args:
            sought: the operation, which is recorded.
            entered: whether it is entered on each pass, so that nothing need be known of it afterwards.
        """
        if self._is_begun(sought):
            _, sought.variant = self._journal.redone[sought.key]
            sought.found = []
            return
        newest = sought.found[0]
        if self._is_named(newest):
            sought.found = []
        elif any(self._is_named(inner) for inner in self._journal.all_inside(newest)):
            sought.found = []
            sought.variant = self._journal.index_of(newest)  # entered again, it finds what it did inside
        if not (sought.found or entered):
            self._begin(sought)

    def _is_begun(self, sought: Sought) -> bool:
        """Whether an earlier pass began it again, and did not come to its end."""
        times, _ = self._journal.redone.get(sought.key, (None, 0))
        return self._journal.times(sought.key) == times

    def _begin(self, sought: Sought) -> None:
        """Keep that it is begun again: a pass that comes after a pause or a kill goes on with that."""
        begun = dumps([self._journal.times(sought.key), sought.variant])
        again = key_of(sought.key, "redo", "begun", "")
        self._write(hidden_entry(again, sought.key, "redo", "begun", outcome=begun))

    def _is_named(self, entry: Entry) -> bool:
        return self.asks(entry.name, entry.path, "failed" if entry.failed else "")
