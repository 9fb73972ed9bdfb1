"""What a row of the catalog is made of: words for what is expected, arguments, the primitive."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal, NamedTuple

__all__ = [
    "ANY",
    "BOOLEAN",
    "CHECKPOINT",
    "COUNT",
    "FUNCTION",
    "INTEGER",
    "KEPT",
    "KINDS",
    "LIST",
    "NAME",
    "NUMBER",
    "OPTIONS",
    "SAID",
    "SECONDS",
    "TABLE",
    "TEXT",
    "Argument",
    "Expected",
    "Kind",
    "Primitive",
    "may",
    "must",
    "one_of",
    "same",
]

Kind = Literal["durable", "journal", "state", "shown", "declaration", "pure", "value"]

#: What users should know of each kind of primitive.
KINDS: Final[dict[Kind, str]] = {
    "durable": "A checkpoint: done once and recorded; a replay does not do it again.",
    "journal": "Asks or cuts the run's journal; the answer is recorded and the same on replay.",
    "state": "Belongs to the run; what a step does to it is put back when the step is replayed.",
    "shown": "Shown at once; never waits.",
    "declaration": "Says what the program is; it does nothing by itself.",
    "pure": "Only computes.",
    "value": "A value, not a call.",
}


_EVERY: Final = "string number boolean table function thread"


class Expected(NamedTuple):
    """What an argument must be.

    Attributes:
        words: as an error says it before "expected"; begins with an article where it can.
        kinds: the types of Lua that it may have, separated by spaces.
        form: of a table: ``list`` (1 to n), ``named`` (no place 1), ``plain`` (either); ``any``: metatables too.
        filled: neither an empty string nor an empty table.
        whole: of a number: an integer.
        least: of a number: the smallest.
        most: of a number: the largest.
        among: of a string: the only ones.
    """

    words: str
    kinds: str
    form: Literal["any", "plain", "list", "named"] = "plain"
    filled: bool = False
    whole: bool = False
    least: int | None = None
    most: int | None = None
    among: tuple[str, ...] = ()


ANY: Final = Expected("any value", _EVERY, "any")
KEPT: Final = Expected("a value that can be kept", "string number boolean table", "any")
TEXT: Final = Expected("a string", "string")
SAID: Final = Expected("a string", "string number")  # a number is told as its text
NAME: Final = Expected("a non-empty string", "string", filled=True)
NUMBER: Final = Expected("a number", "number")
INTEGER: Final = Expected("an integer", "number", whole=True)
COUNT: Final = Expected("a whole number (0 or more)", "number", whole=True, least=0)
SECONDS: Final = Expected("a number of seconds (0 to 1e9)", "number", least=0, most=1_000_000_000)
BOOLEAN: Final = Expected("a boolean", "boolean")
FUNCTION: Final = Expected("a function", "function")
TABLE: Final = Expected("a table", "table")
OPTIONS: Final = Expected("a table of named options", "table", "named")
LIST: Final = Expected("a list", "table", "list")
CHECKPOINT: Final = Expected(
    "a checkpoint's name or position (0-based)", "string number", filled=True, whole=True, least=0
)


def one_of(*words: str) -> Expected:
    """One of these words."""
    return Expected(f"one of {', '.join(words)}", "string", among=words)


class Argument(NamedTuple):
    """One argument of a primitive, or one option of a table; ``must`` and ``may`` make them.

    Attributes:
        name: as errors say it; unique within the primitive.
        expected: what it must be.
        required: whether nil is refused.
        default: what stands in for nil, as Lua text.
        options: what is in it by name, where it is a table of options.
        items: what is by name in each of its items, where it is a list of tables.
    """

    name: str
    expected: Expected
    required: bool
    default: str = ""
    options: tuple[Argument, ...] = ()
    items: tuple[Argument, ...] = ()


def must(
    name: str, expected: Expected, *, options: tuple[Argument, ...] = (), items: tuple[Argument, ...] = ()
) -> Argument:
    """A required argument or option."""
    return Argument(name, expected, required=True, options=options, items=items)


def may(
    name: str,
    expected: Expected,
    default: str = "",
    *,
    options: tuple[Argument, ...] = (),
    items: tuple[Argument, ...] = (),
) -> Argument:
    """An optional argument or option."""
    return Argument(name, expected, required=False, default=default, options=options, items=items)


class Primitive(NamedTuple):
    """One primitive.

    Attributes:
        name: dotted, as it is written.
        kind: what a user should know of it; a key of ``KINDS``.
        summary: what it does and returns, in a sentence.
        arguments: what it takes, in order.
        takes: the signature, where it is not made of the arguments.
        same_as: the primitive that errors name in its place, where it is another name of that one.
    """

    name: str
    kind: Kind
    summary: str
    arguments: tuple[Argument, ...] = ()
    takes: str | None = None
    same_as: str = ""

    @property
    def signature(self) -> str:
        """What follows the name in a call."""
        if self.takes is not None:
            return self.takes
        if self.kind == "value":
            return ""
        first = self.arguments[0] if len(self.arguments) == 1 else None
        if first is not None and first.options:
            return _braces(first)
        said = [_positional(argument, place) for place, argument in enumerate(self.arguments)]
        return f"({''.join(said)})"

    @property
    def all_arguments(self) -> Iterator[Argument]:
        """The arguments, each followed by its options."""
        for argument in self.arguments:
            yield argument
            yield from argument.options

    def argument(self, name: str) -> Argument:
        """An argument or option by its name.

        Raises:
            StopIteration: there is none.
        """
        return next(each for each in self.all_arguments if each.name == name)


def _braces(argument: Argument) -> str:
    return "{" + ", ".join(f"{option.name}={option.default}" for option in argument.options) + "}"


def _positional(argument: Argument, place: int) -> str:
    name = _braces(argument) if argument.options else argument.name
    if argument.default:
        name = f"{name}={argument.default}"
    if argument.required:
        return f", {name}" if place else name
    return f" [, {name}]" if place else f"[{name}]"


def same(name: str, other: str) -> Primitive:
    """Another name of a primitive: the catalog fills in the rest."""
    return Primitive(name, "pure", f"The same as {other}.", same_as=other)
