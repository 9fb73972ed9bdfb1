"""The model calls of a pass: what they cost, and which of them were made before and need not be paid again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from ..durable.entries import Entry
from ..durable.serialization import loads
from ..runs import Usage
from .ledger import SKIPPED, Ledger
from .outcomes import usage_of
from .pricing import Pricing
from .sought import Sought

__all__ = ["Spending", "sum_of"]

#: What tells a request from others: the model, and all parts of what was asked.
_Request = tuple[str, str]


class Spending:
    """Counts the model calls of one pass.

    Args:
        ledger: of the pass.
        pricing: what tokens cost.

    A model call has no effect but its cost, so a request that was made before in any journal of the run is answered
    from there, wherever it stood: the n-th in this pass by the n-th.
    """

    def __init__(self, ledger: Ledger, pricing: Pricing) -> None:
        self._ledger = ledger
        self._pricing = pricing
        self._seen = 0
        self._tokens: dict[str, Usage] = {}
        self._total = 0
        self._times: Counter[_Request] = Counter()
        self._made: dict[tuple[_Request, int], Entry] | None = None

    @property
    def usage(self) -> Usage:
        """All tokens of the model calls that were passed, those that were replayed included."""
        self._count()
        return sum_of(self._tokens.values()).model_copy(update={"cost": self._pricing.cost(self._tokens)})

    @property
    def unpriced(self) -> tuple[str, ...]:
        """The models that were called and have no price, where any prices are given."""
        self._count()
        return self._pricing.unpriced(self._tokens)

    @property
    def tokens(self) -> int:
        """Their sum."""
        self._count()
        return self._total

    def nth(self, sought: Sought) -> int:
        """How often this request is made in this pass, now included."""
        self._count()
        return self._times[_request_of(sought)] + 1

    def spared(self, sought: Sought) -> Entry | None:
        """What this request was answered with before, or None where it must be made."""
        if not self._ledger.policy.reuses or self._ledger.redoing.asked:
            return None
        if self._made is None:
            self._made = self._all_made()
        return self._made.get((_request_of(sought), self.nth(sought)))

    def _count(self) -> None:
        ledger = self._ledger
        if len(ledger.passed) < self._seen:  # a cut took some back
            self._seen = 0
            self._tokens.clear()
            self._total = 0
            self._times.clear()
        if ledger.calls:  # which are all that may count
            for number in range(self._seen, len(ledger.passed)):
                entry = ledger.passed[number]
                self._add(entry)
                if entry.tail is not None and entry.kind in SKIPPED and ledger.kept[number]:
                    for inner in ledger.journal.all_inside(entry):
                        self._add(inner)
        self._seen = len(ledger.passed)

    def _add(self, entry: Entry) -> None:
        if entry.kind != "model_call":
            return
        self._times[entry.name, entry.asked] += 1
        usage = usage_of(entry)
        if usage is not None:
            self._tokens[entry.name] = sum_of([usage, self._tokens.get(entry.name, Usage())])
            self._total += usage.total_tokens

    def _all_made(self) -> dict[tuple[_Request, int], Entry]:
        """Every request that the run's journals answer, and its newest answer."""
        journal = self._ledger.journal
        row, store = journal.row, journal.store
        others = (store.entries(each.id) for each in store.journals(row.name) if each.id != row.id)
        made: dict[tuple[_Request, int], Entry] = {}
        for entries in (*others, journal.entries):
            for entry in entries:
                if entry.kind == "model_call" and not entry.failed:
                    nth = 1 if entry.usage is None else loads(entry.usage).get("nth", 1)
                    made[(entry.name, entry.asked), nth] = entry
        return made


def sum_of(usages: Iterable[Usage]) -> Usage:
    """The tokens of several together."""
    prompt = completion = total = 0
    for usage in usages:
        prompt += usage.prompt_tokens
        completion += usage.completion_tokens
        total += usage.total_tokens
    return Usage(prompt_tokens=prompt, completion_tokens=completion, total_tokens=total)


def _request_of(sought: Sought) -> _Request:
    return sought.name, sought.asked_parts
