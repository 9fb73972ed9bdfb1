"""The Python side of random programs: tools and a predictor that remember what they were asked, and may be killed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from lua_procedures import HumanRequest, current_run

__all__ = ["Helpers", "answer"]


def answer(request: HumanRequest) -> bool | str:
    """The same answer to the same question each time."""
    if request.kind == "approve":
        return len(request.message) % 2 == 0
    return "q" if request.kind == "select" else request.message.upper()


class Helpers:
    """What a program finds in Python.

    Args:
        dies: the number of the call in which the process is killed, from 0; None for never.

    Attributes:
        asked: each call that came to its end, with its argument, and how often it was made.
    """

    def __init__(self, dies: int | None = None) -> None:
        self.asked: Counter[tuple[str, Any]] = Counter()
        self._left = dies

    @property
    def options(self) -> dict[str, Any]:
        """What `run` is given."""
        tools: list[Callable[..., Any]] = [self.fetch, self.refuse, self.halt, self.give_up, self.later]
        return {"tools": tools, "predictors": {"length": self.length}, "answers": answer}

    def _called(self, name: str, argument: Any) -> None:
        if self._left == 0:
            raise KeyboardInterrupt
        if self._left is not None:
            self._left -= 1
        self.asked[name, argument] += 1

    def fetch(self, x: int) -> list[Any]:
        """Give a list."""
        self._called("fetch", x)
        return [x, {"found": "page"}, None][: 1 + x % 3]

    def refuse(self, x: int) -> dict[str, int]:
        """Fail for odd numbers."""
        self._called("refuse", x)
        if x % 2:
            raise ValueError("odd")
        return {"x": x}

    def halt(self, x: int) -> int:
        """Ask for a stop."""
        self._called("halt", x)
        current_run().request_stop(f"halt {x}", success=x > 2)
        return x

    def give_up(self, x: int) -> None:
        """Ask for a stop, and fail."""
        self._called("give_up", x)
        current_run().request_stop(f"gave up {x}", success=False)
        raise RuntimeError("gave up")

    async def later(self, x: int) -> dict[str, int]:
        """Answer when awaited."""
        self._called("later", x)
        return {"later": x}

    def length(self, given: dict[str, Any]) -> dict[str, Any]:
        """Predict from a text."""
        self._called("length", given["text"])
        if given["text"] == "boom":
            raise ValueError("too long")
        return {"label": "long" if len(given["text"]) > 1 else "short"}
