"""How a pass treats the journal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from .sought import Sought

__all__ = ["APPROVAL", "PlanReached", "Policy"]

#: What a person is asked before a tool runs that needs approval.
APPROVAL: Final = "Run the tool {}?"


class PlanReached(Exception):
    """With ``--plan``: the first operation that would run is reached.

    Attributes:
        first: that operation.
    """

    def __init__(self, first: Sought) -> None:
        super().__init__()
        self.first = first


@dataclass(frozen=True)
class Policy:
    """How a pass treats the journal.

    Attributes:
        strict: a changed checkpoint is an error.
        plan: nothing runs and nothing is written.
        redo: names, paths or ``failed``: what runs again although it is recorded.
        takes_defaults: whether answers that ``--answers default`` took count.
        max_checkpoints: how many a run may have.
        max_depth: how many sub-procedures may be inside each other.
        reuses: whether a model call that was made before is answered from where it stood then.
        max_tokens: beyond how many tokens a person decides whether the run goes on; None for any number.
    """

    strict: bool = False
    plan: bool = False
    redo: frozenset[str] = frozenset()
    takes_defaults: bool = False
    max_checkpoints: int = 100_000
    max_depth: int = 16
    reuses: bool = True
    max_tokens: int | None = None

    @property
    def keeps_to_record(self) -> bool:
        """Whether a change of what is recorded ends the pass: before it, nothing without a position is written."""
        return self.strict or self.plan
