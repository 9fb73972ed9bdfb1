"""Writes random programs that combine all primitives inside each other."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

__all__ = ["Block", "Family", "Statement", "Text", "Writer"]

DEEPEST = 4
STATEMENTS = 60  # of one program, so that what is inside each other stays short

HEADER = """
function note(out, v)
  if type(v) == "table" and v.id then v = v.id end
  if v == nil then v = "nil" end
  out[#out + 1] = v
end
Stages{"one", "two", "three"}
Model "guess" {type = "mock", value = 1}
done = require("done")
raw = Tool { description = "keeps what it is given", function(given)
  State.append("list", given.x)
  return state.list
end }
asks = Tool { requires_approval = true, function(given) given.y = state.a return given end }
pack = Toolset { tools = {"raw", "fetch"} }
"""


@dataclass(frozen=True)
class Block:
    """Statements with what stands around them."""

    head: str
    body: tuple[Statement, ...]
    tail: str

    def __str__(self) -> str:
        return "\n".join([self.head, *map(str, self.body), self.tail])


Statement = str | Block


@dataclass(frozen=True)
class Text:
    """A program: what it declares, its statements, and where it was edited, one more."""

    declared: tuple[Statement, ...]
    statements: tuple[Statement, ...]
    added: tuple[int, Statement] | None = None

    def __str__(self) -> str:
        parts = [*map(str, self.statements), "return out"]
        if self.added is not None:
            place, statement = self.added
            at = place % len(parts)
            parts[at] = str(statement).replace("\n", " ") + " " + parts[at]  # no other statement changes its line
        return "\n".join([HEADER, *map(str, self.declared), "local out = {}", *parts])

    def edited(self, place: int, statement: Statement) -> Text:
        """The program with one more statement; all others keep their names and their lines."""
        return replace(self, added=(place, statement))


class Writer:
    """Writes one program by chance.

    Args:
        chance: what decides.
        families: what statements there are, as functions that write one.

    Attributes:
        callables: Lua expressions of what the program declares and may call at this place, with `%d` for the input.
        guarded: whether an error that is raised here is caught further out.
        given: whether there is an argument `given` here.
    """

    def __init__(self, chance: random.Random, families: Sequence[Family]) -> None:
        self._chance = chance
        self._families = families
        self._depth = 0
        self._left = STATEMENTS
        self._names = 0
        self._loops: list[str] = []
        self.callables: list[str] = []
        self.guarded = False
        self.given = False

    def pick(self, *choices: str) -> str:
        return self._chance.choice(choices)

    def number(self, below: int) -> int:
        return self._chance.randrange(below)

    def name(self) -> str:
        """A Lua expression that gives a string used nowhere else, in each turn of the loops around it."""
        self._names += 1
        return " .. ".join([f"'s{self._names}'", *(f"'.' .. {variable}" for variable in self._loops)])

    def variable(self) -> str:
        """A local's name that is used nowhere else."""
        self._names += 1
        return f"i{self._names}"

    def program(self, declare: Callable[[Writer, str], Statement]) -> Text:
        """A program of two declared callables and some statements."""
        declared = tuple(declare(self, name) for name in ("first", "second"))
        self._left = STATEMENTS
        return Text(declared, tuple(self.statement() for _ in range(3 + self.number(8))))

    def statement(self) -> Statement:
        self._left -= 1
        return self._chance.choice(self._families)(self)

    def alike(self) -> tuple[Statement, Statement]:
        """Two statements of one family: the second is an edit of the first."""
        family = self._chance.choice(self._families)
        return family(self), family(self)

    def may_nest(self) -> bool:
        return self._depth < DEEPEST and self._left > 0

    def inside(self, head: str, tail: str, *, guarded: bool = False, loop: str = "", apart: bool = False) -> Block:
        """Statements inside another; `apart` says that they stand in a function of their own with its own `given`."""
        before = self.guarded, self.given, self._loops
        self.guarded, self.given = guarded or (self.guarded and not apart), self.given or apart
        self._loops = [] if apart else [*self._loops, loop] if loop else self._loops
        self._depth += 1
        body = tuple(self.statement() for _ in range(self.number(5)) if self._left > 0)
        self._depth -= 1
        self.guarded, self.given, self._loops = before
        return Block(head, body, tail)


Family = Callable[[Writer], Statement]
