"""What a store keeps of a run: its journals, and what each holds beside what its newest pass did."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..durable.entries import Entry, JournalRow
from ..durable.finding import stored
from ..durable.journal import Journal
from ..durable.kinds import called
from ..durable.roots import given_seed
from ..durable.stores import Store, open_store
from ..runner.explaining import difference
from ..runner.frames import INSIDE
from ..runner.outcomes import usage_of
from ..runner.sought import Sought
from .branches import Branch, Branches
from .records import History, JournalHistory, Tail
from .standing import status_of

__all__ = ["explained", "history", "tokens_of"]


def history(name: str, *, store: str | Store = "memory:") -> History:
    """What a store keeps of a run: all journals of the name, with their superseded tails.

    Args:
        name: the run.
        store: where its journals are.

    Returns:
        The history, which shows itself as a table.

    Raises:
        StoreError: there is no such run.
    """
    opened = open_store(store)
    newest = stored(opened, name)
    rows = sorted(opened.journals(name), key=lambda row: (row.updated, row.id), reverse=True)
    return History(name=name, journals=tuple(_journal(opened, row, newest=row.id == newest.id) for row in rows))


def _journal(store: Store, row: JournalRow, *, newest: bool) -> JournalHistory:
    branches = Branches(Journal(store, row))
    return JournalHistory(
        run_id=f"{row.root}-{row.generation}",
        generation=row.generation,
        newest=newest,
        inputs=row.inputs,
        seed=given_seed(row),
        status=status_of(store, row),
        started=row.started,
        updated=row.updated,
        checkpoints=len(branches.checkpoints),
        tokens=tokens_of(branches.journal.entries),
        superseded=tuple(_tail(branches, branch) for branch in branches.superseded),
    )


def _tail(branches: Branches, branch: Branch) -> Tail:
    first = branch.entries[0]
    entries = list(branches.all_of(branch.entries))
    return Tail(
        path=first.path,
        kind=first.kind,
        name=first.name,
        checkpoints=len(entries),
        tokens=tokens_of(entries),
        recorded=max(entry.finished for entry in entries),
        why=_why(branches, branch),
    )


def tokens_of(entries: Iterable[Entry]) -> int:
    """What model calls have cost; one that was answered from elsewhere in the run's journals cost nothing again."""
    made: dict[tuple[str, float, float], int] = {}
    for entry in entries:
        if entry.kind == "model_call" and (usage := usage_of(entry)) is not None:
            made[entry.name, entry.started, entry.finished] = usage.total_tokens
    return sum(made.values())


def _why(branches: Branches, branch: Branch) -> str:
    if branch.instead is not None:
        return explained(branches, branch.entries[0], branch.instead)
    if branch.taken_back:
        return "it was cleared"
    ended = branches.journal.row.status == "completed"
    return "the program ends before it" if ended else "the newest pass did not come so far"


def explained(branches: Branches, before: Entry, after: Entry, others: Branches | None = None) -> str:
    """A sentence on how what was asked, or what is inside, differs between two entries in the same place.

    Args:
        branches: of the journal that ``before`` is in.
        before: what was done.
        after: what was done instead.
        others: of the journal that ``after`` is in, where it is another one.
    """
    before, after, agent = _deepest(branches, before, others or branches, after)
    if before.key == after.key and before.reads is None:
        return f"{called(after.kind, after.name, agent)} ran again"
    return difference(_Recorded(after), before, agent)


def _deepest(branches: Branches, before: Entry, others: Branches, after: Entry) -> tuple[Entry, Entry, str]:
    """The first pair inside that differs, where what is inside decides; and the agent whose turn it is in."""
    agent = ""
    while _is_entered(before) and _is_entered(after) and (before.kind, before.name) == (after.kind, after.name):
        pair = _first_pair(branches.inside(before), others.inside(after))
        if pair is None:
            break
        agent = after.name if after.kind == "agent_turn" else ""
        before, after = pair
    return before, after, agent


def _is_entered(entry: Entry) -> bool:
    return entry.asked.startswith(INSIDE)


def _first_pair(before: Sequence[Entry], after: Sequence[Entry]) -> tuple[Entry, Entry] | None:
    pairs = zip(before, after, strict=False)
    return next(((old, new) for old, new in pairs if _did(old) != _did(new)), None)


def _did(entry: Entry) -> tuple[str, str, str, str]:
    return entry.kind, entry.name, entry.asked, "" if _is_entered(entry) else entry.outcome


class _Recorded(Sought):
    """What a recorded entry asked."""

    __slots__ = ()

    def __init__(self, entry: Entry) -> None:
        super().__init__(entry.kind, entry.name, entry.asked, entry.line, entry.key, entry.path, [])

    @property
    def asked_parts(self) -> str:
        """As it is kept: the digests of long parts stay what they are."""
        return self.asked
