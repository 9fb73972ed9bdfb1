"""The kernel session: what this process holds for its runs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .given import Given
    from .modules import Module
    from .runs import Run

__all__ = ["Session", "get_session"]


@dataclass
class Session:
    """What all runs of this process share.

    Attributes:
        tools: name → Python function or LangChain tool, usable by name in every run.
        predictors: name → predictor, for ``Model("name")``.
        chat_models: name, ``"provider/model"`` or ``"*"`` for any → LangChain chat model.
        mcp_servers: name → how to reach an MCP server: a ``ServerSpec``, or a dict of its fields.
        runs: name → the newest run of that name in this process.
        given: run name → the Python things that its last pass in this process was given, so that it can go on.
        definitions: name → the text of a cell that was only defined, for ``require``.
        show: drives a job where the session can show it, such as the cell of a notebook; None where it cannot.
        driving: (store, journal) → the task that drives it now, or None where it is driven without a loop.
        waiting: name → how to close the question that a paused run of this process still shows.
    """

    tools: dict[str, Any] = field(default_factory=dict)
    predictors: dict[str, Any] = field(default_factory=dict)
    chat_models: dict[str, Any] = field(default_factory=dict)
    mcp_servers: dict[str, Any] = field(default_factory=dict)
    runs: dict[str, Run] = field(default_factory=dict)
    given: dict[str, Given] = field(default_factory=dict)
    definitions: dict[str, Module] = field(default_factory=dict)
    show: Callable[[Any], Awaitable[Run]] | None = None
    driving: dict[tuple[str, int], Any] = field(default_factory=dict)
    waiting: dict[str, Callable[[str], None]] = field(default_factory=dict)

    def supersede(self, name: str, how: str) -> None:
        """Close what an earlier pass of that run still shows."""
        close = self.waiting.pop(name, None)
        if close is not None:
            close(how)


_SESSION = Session()


def get_session() -> Session:
    """The session of this process."""
    return _SESSION
