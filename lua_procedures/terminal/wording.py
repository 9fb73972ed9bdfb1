"""A question as a terminal shows it, before its prompt."""

from __future__ import annotations

import time
from collections.abc import Sequence

from ..human.choices import options_of
from ..human.requests import HumanOption, HumanRequest
from ..rendering.requests import question_text
from ..rendering.text import one_line

__all__ = ["numbered", "question_lines", "time_left"]

_LABEL = 200


def question_lines(request: HumanRequest) -> str:
    """What is asked, with everything that is to be read first, and a number for each option."""
    options = () if request.kind == "approve" else options_of(request)
    parts = [question_text(request, choices=False), *numbered(options)]
    if request.expires_at is not None and request.kind != "escalate":
        parts.append(f"  {time_left(request)}")
    return "\n".join(parts)


def numbered(options: Sequence[HumanOption]) -> list[str]:
    """A line for each option, with its place in the list."""
    width = len(str(len(options)))
    return [f"  {place:{width}}  {one_line(option.label, _LABEL)}" for place, option in enumerate(options, 1)]


def time_left(request: HumanRequest) -> str:
    """How long there still is, and what is taken then: ``time left: 29 s, then “Reject”``."""
    left = max(0.0, (request.expires_at or 0.0) - time.time())
    label = request.default_label()
    defaults = "the defaults" if request.kind == "multiple" else "no answer"
    return f"time left: {_duration(left)}, then {defaults if label is None else f'“{one_line(label, 60)}”'}"


def _duration(seconds: float) -> str:
    """Exact to the second below two minutes, and to a tenth of its unit above."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{round(seconds / size, 1):g} {unit}"
    return f"{seconds:.0f} s"
