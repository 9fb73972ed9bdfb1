"""What the handlers of one pass share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

from ..durable.journal import Journal
from ..events import Sink
from ..language.conversion import Converter
from ..runs import RunData
from .hosting import Hosting
from .ledger import Ledger
from .people import People

__all__ = ["Handler", "LateHandler", "Pass", "Program", "Reply"]

#: What a request of the program is answered with: an action and Lua values.
Reply = tuple[Any, ...]
Handler = Callable[..., Reply]
LateHandler = Callable[..., Awaitable[Reply]]


@dataclass(frozen=True)
class Program:
    """What is run.

    Attributes:
        text: the Lua.
        chunk: its name in messages.
        first_line: the line number of its first line.
        inputs: plain data by name.
        texts: inputs as they were typed, for fields that are declared as strings.
        seeded: whether the user gave the seed of ``math.random``.
    """

    text: str
    chunk: str = "cell"
    first_line: int = 1
    inputs: Mapping[str, Any] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    seeded: bool = False


@dataclass(frozen=True)
class Pass:
    """One pass of a program.

    Attributes:
        data: what the run that users hold reads from.
        emit: tells who listens what happens.
        wait: awaits something with the stop button working.
        save: writes the journal's head with a status.
        check_stop: raises where the person pressed stop meanwhile.
        calling: for the time of a call of a user's Python, in which the stop button raises at once.
    """

    program: Program
    journal: Journal
    ledger: Ledger
    host: Hosting
    people: People
    converter: Converter
    data: RunData
    emit: Sink
    wait: Callable[[Awaitable[Any]], Awaitable[Any]]
    save: Callable[[str], None]
    check_stop: Callable[[], None]
    calling: Callable[[], AbstractContextManager[None]]
