"""The kernel session: what this process holds for its runs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .given import Given
    from .modules import Module
    from .runs import Run

__all__ = ["Session", "Waiting", "get_session"]


@dataclass(frozen=True, eq=False)
class Waiting:
    """What an output of this process still shows of a paused run.

    Attributes:
        close: takes its question away, which says how it was settled; nothing goes on from there by itself any more.
        rest: stops what goes on by itself, and leaves the question.
        attend: starts that again.
    """

    close: Callable[[str], None]
    rest: Callable[[], None] = lambda: None
    attend: Callable[[], None] = lambda: None


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
        default_store: gives the URL of the store in which ``%procedures`` looks without ``--store``.
        show: drives a job where the session can show it, such as the cell of a notebook; None where it cannot.
        driving: (store, journal) → the task that drives it now, or None where it is driven without a loop.
        waiting: (URL of the store, name, digest of the inputs) → what is shown of that run, which is paused.
    """

    tools: dict[str, Any] = field(default_factory=dict)
    predictors: dict[str, Any] = field(default_factory=dict)
    chat_models: dict[str, Any] = field(default_factory=dict)
    mcp_servers: dict[str, Any] = field(default_factory=dict)
    runs: dict[str, Run] = field(default_factory=dict)
    given: dict[str, Given] = field(default_factory=dict)
    definitions: dict[str, Module] = field(default_factory=dict)
    default_store: Callable[[], str] = lambda: "memory:"
    show: Callable[[Any], Awaitable[Run]] | None = None
    driving: dict[tuple[str, int], Any] = field(default_factory=dict)
    waiting: dict[tuple[str, str, str], Waiting] = field(default_factory=dict)

    def name_to_type(self, store: str) -> str:
        """What ``--store`` needs for the store of that name; ``""`` where ``%procedures`` looks there anyway."""
        return "" if store == self.default_store() else store

    def supersede(self, url: str, name: str, how: str, root: str | None = None) -> None:
        """Close what an earlier pass of a run still shows.

        Args:
            url: of the run's store.
            name: the run.
            how: why it is closed.
            root: the digest of the run's inputs; None means the runs of that name with any inputs.
        """
        for key in [each for each in self.waiting if each[:2] == (url, name) and root in (None, each[2])]:
            self.waiting.pop(key).close(how)


_SESSION = Session()


def get_session() -> Session:
    """The session of this process."""
    return _SESSION
