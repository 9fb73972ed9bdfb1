"""What the handlers of one pass share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..agents.models import ChatModels
from ..durable.journal import Journal
from ..durable.serialization import dumps, loads
from ..errors import ProcedureError
from ..events import Sink
from ..files import Folder
from ..fixtures.recording import Recording
from ..fixtures.replaying import Replaying
from ..language.conversion import Converter
from ..limits import Limits
from ..modules import Module
from ..predictors.lookup import Predictors
from ..runs import RunData
from ..tools.registry import Registry
from .hosting import Hosting
from .ledger import Ledger
from .people import People

if TYPE_CHECKING:
    from .outside import Outside

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
        files: the folder that ``File`` may use.
        modules: gives the text that ``require`` asks for, or None where there is none of that name.
        tools: the tools that Python gives.
        predictors: what answers ``Model("name")``.
        tool_rows: what the program knows of them (see ``Registry.rows``), also of those that are not here.
        env_allowed: the environment variables that the program's texts may name, as ``{env.NAME}``.
        chat_models: what answers agents.
        prices: model → money for a million tokens, as ``prompt`` and ``completion``.
        recording: the fixture that the pass is recorded in, or None.
        replaying: the fixture that the pass is replayed from, or None.
    """

    text: str
    chunk: str = "cell"
    first_line: int = 1
    inputs: Mapping[str, Any] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    seeded: bool = False
    files: Path = field(default_factory=Path.cwd)
    modules: Callable[[str], Module | None] = lambda _: None
    tools: Registry = field(default_factory=Registry)
    tool_rows: Mapping[str, Any] = field(default_factory=dict)
    predictors: Predictors = field(default_factory=Predictors)
    env_allowed: frozenset[str] = frozenset()
    chat_models: ChatModels = field(default_factory=ChatModels)
    prices: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    recording: Recording | None = None
    replaying: Replaying | None = None


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
        files: what ``File`` may use.
        outside: the calls that are recorded in a fixture, or replayed from one.
        refuse: what raises a host's error in Lua.
        limits: bounds on what crosses.
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
    files: Folder
    outside: Outside
    refuse: Callable[[ProcedureError], Reply]
    limits: Limits

    def portable(self, text: str, effects: str | None = None) -> tuple[str, str | None, tuple[Any, ...] | None]:
        """Texts whose handles count from 0 and stand for the entry's own objects, and these objects."""
        known = self.converter.objects
        if not known or ('"handle"' not in text and '"handle"' not in (effects or "")):
            return text, effects, None
        objects: list[Any] = []
        text = dumps(loads(text, known), objects)
        if effects is not None:
            effects = dumps(loads(effects, known), objects)
        return text, effects, tuple(objects) or None
