"""What a pass does again although it is recorded: what ``--redo`` names, until a pass has come to its end with it.

The names are kept with the run: a pass that comes after a pause or a kill goes on with what was asked for. What was
done since then is not done once more.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..durable.entries import Entry
from ..durable.journal import Journal
from ..durable.keys import frame_chain
from ..durable.serialization import dumps, loads
from .hidden import hidden_entry
from .policy import APPROVAL, Policy
from .sought import Sought

__all__ = ["Redoing"]

_ASKED, _DONE = "asked", "done"


class Redoing:
    """Forgets what is recorded of what is to run again.

    Args:
        journal: what is recorded.
        policy: what the pass is asked for.
    """

    def __init__(self, journal: Journal, policy: Policy) -> None:
        self._journal = journal
        self._is_written = not policy.keeps_to_record
        #: name, path or ``failed`` → the place in the journal at which it was asked for
        self.asked: dict[str, int] = dict.fromkeys(policy.redo, 0)
        self._seen: set[str] = set()

    def begin(self) -> None:
        """Find what an earlier pass was asked for and did not come to its end with, and add what this one is."""
        open_names = self._open()
        new = self.asked.keys() - open_names.keys()
        self.asked = {**dict.fromkeys(new, len(self._journal.entries)), **open_names}
        if new:
            self._write(_ASKED, dumps(sorted(new)))

    def end(self) -> None:
        """The pass came to its end, or to an error: what was asked for counts no more."""
        if self.asked and self._open():
            self._write(_DONE)

    def _write(self, name: str, outcome: str = "null") -> None:
        if self._is_written:
            self._journal.append(hidden_entry(b"redo", b"", "redo", name, outcome=outcome))

    def _open(self) -> dict[str, int]:
        """The names that are asked for and not done, each with its place in the journal."""
        names: dict[str, int] = {}
        for entry in self._journal.hidden("redo"):
            if entry.name == _DONE:
                names.clear()
            elif entry.name == _ASKED:
                names |= dict.fromkeys(loads(entry.outcome), self._journal.place_of(entry))
        return names

    def unseen(self) -> list[str]:
        """What was named and not met."""
        return sorted(self.asked.keys() - self._seen - {"failed"})

    def look(self, sought: Sought) -> None:
        """Forget what is recorded of an operation, if it is to run again or has such a one inside it."""
        newest = sought.found[0]
        why = self._why_of(newest)
        if why and self._is_before(newest, why):
            sought.found = []
            return
        inside = {each for inner in self._journal.all_inside(newest) for each in self._why_of(inner)}
        if inside and not why and self._is_before(newest, inside):
            sought.found = []
            sought.variant = self._variant_of(newest, sought.variant)  # entered again, it finds what it did inside

    def asks(self, begun: Iterable[Entry], *names: str) -> bool:
        """Whether one of these is named, and none of the entries was written since it was."""
        why = self._why(*names)
        return bool(why) and all(self._is_before(entry, why) for entry in begun)

    def _why_of(self, entry: Entry) -> set[str]:
        return self._why(entry.name, entry.path, "failed" if entry.failed else "")

    def _why(self, *names: str) -> set[str]:
        """Those that are named; a tool stands also for the question whether it may run."""
        why = {each for each in self.asked if each in names or APPROVAL.format(each) in names}
        self._seen |= why
        return why

    def _is_before(self, entry: Entry, why: Iterable[str]) -> bool:
        """Whether it was there when these were asked for, so that it does not answer them."""
        return self._journal.place_of(entry) < max(self.asked[each] for each in why)

    def _variant_of(self, entry: Entry, times: int) -> int:
        """Which of its frames an entry stands for: that in which its inside begins."""
        first, *_ = self._journal.inside(entry)
        return next((each for each in range(times) if frame_chain(entry.key, each) == first.prev), times)
