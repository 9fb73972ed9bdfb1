"""Where answers come from, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

__all__ = ["came_from", "given_how"]

_WORDS: Final[Mapping[str, str]] = {
    "command line": "from the command line",
    "notebook": "with %procedures answer",
    "python": "from Python",
    "terminal": "in a terminal",
}
_AT_HAND: Final[Mapping[str, str]] = {"form": "in a form", "scripted": "by a script", "fixture": "by a fixture"}


def came_from(channel: str) -> str:
    """Where the answer of a channel came from; ``""`` for the form, and for what no person gave just then."""
    return _WORDS.get(channel, "")


def given_how(channel: str) -> str:
    """How the answer of any channel was given; the channel's own name for one that is not known here."""
    return came_from(channel) or _AT_HAND.get(channel) or f"by {channel}"
