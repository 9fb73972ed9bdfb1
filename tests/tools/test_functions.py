"""Python functions as tools: schemas, checks, calls."""

from __future__ import annotations

import asyncio
import functools
import math
import threading
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.tools import StructuredTool
from pydantic import BaseModel, Field, field_validator

from lua_procedures import SchemaError, ToolError, UsageError, tool
from lua_procedures.primitives.misuse import Misuse
from lua_procedures.tools.python import tool_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from fractions import Fraction


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Place(BaseModel):
    city: str
    zip: str | None = None
    tags: dict[str, int] = {}

    @field_validator("city")
    @classmethod
    def _known(cls, value: str) -> str:
        if value == "Atlantis":
            raise ValueError("it sank")
        return value


@dataclass
class Point:
    x: int
    y: int = 0


def weather(city: str, days: int = 3, unit: Literal["C", "F"] = "C") -> str:  # noqa: D417 - a parameter may be left out
    """Tell the weather.

    Long text.

    Args:
        city: Where to look,
            and only there.
        days (int): How many days.

    Returns:
        A forecast.
    """
    return f"{city} {days} {unit}"


def faults(function: Callable[..., Any], **arguments: Any) -> dict[str, tuple[str, str]]:
    """What a call is refused for: field → expected, actual."""
    with pytest.raises(SchemaError) as error:
        tool_of(function, "t").check(arguments)
    return {fault["field"]: (fault["expected"], fault["actual"]) for fault in error.value.faults}


def called(function: Callable[..., Any], **arguments: Any) -> Any:
    """What a call with these arguments gives."""
    made = tool_of(function, "t")
    return made.call(made.check(arguments))


# Schemas --------------------------------------------------------------------------------------------------------------


def test_schema_of_a_function():
    """Names, hints, defaults and the docstring's descriptions are the schema."""
    made = tool_of(weather)
    assert made.name == "weather"
    assert made.description == "Tell the weather.\n\nLong text.\n\nReturns:\n    A forecast."
    assert made.schema == {
        "type": "object",
        "properties": {
            "city": {"type": "string", "description": "Where to look, and only there."},
            "days": {"type": "integer", "default": 3, "description": "How many days."},
            "unit": {"enum": ["C", "F"], "type": "string", "default": "C"},
        },
        "required": ["city"],
        "additionalProperties": False,
    }
    assert not made.is_async
    assert not made.requires_approval


def test_schema_of_nothing():
    """A function without parameters takes no arguments, and a docstring is not needed."""
    made = tool_of(lambda: 5, "five")
    assert made.schema == {"type": "object", "properties": {}, "required": [], "additionalProperties": False}
    assert made.description == ""
    assert made.call(made.check({})) == 5


def plain_types(a: int, b: list[str], c: dict[str, float], d: Literal[1, 2] = 1, e: str | None = None) -> None:
    """Plain."""


@pytest.mark.parametrize("function", [weather, plain_types])
def test_schemas_are_those_of_langchain(function):
    """Functions get the same fields, types and defaults as from LangChain's own conversion."""
    theirs: Any = StructuredTool.from_function(function, parse_docstring=True).tool_call_schema
    theirs = theirs.model_json_schema()
    for part in theirs["properties"].values():
        part.pop("title")
    ours = tool_of(function).schema
    assert ours["properties"] == theirs["properties"]
    assert ours["required"] == theirs["required"]


@pytest.mark.parametrize("name", "args kwargs json schema copy model_config _x callbacks config self a_b".split())
def test_any_name_of_a_parameter(name):
    """No name of a parameter means anything to the schema."""
    namespace: dict[str, Any] = {}
    exec(f"def f({name}: int): return {name}", namespace)
    assert list(tool_of(namespace["f"]).schema["properties"]) == [name]
    assert called(namespace["f"], **{name: 3}) == 3
    assert faults(namespace["f"], **{name: "3"}) == {name: ("an integer", '"3"')}


def test_hints_that_are_no_types():
    """A hint that is missing, no type, or not known at run time takes any value."""

    def f(a, b: Fraction, c: 5, d: "no type"):  # type: ignore[valid-type]  # noqa: F722
        return [a, b, c, d]

    assert set(map(str, tool_of(f).schema["properties"].values())) == {"{}"}
    assert called(f, a=1, b="x", c=None, d=[2]) == [1, "x", None, [2]]


def test_descriptions_by_annotation():
    """`Annotated` describes a parameter, too, and may bound it."""

    def f(n: Annotated[int, "how many"], m: Annotated[int, Field(ge=1, description="at least one")] = 1):
        return n + m

    assert tool_of(f).schema["properties"] == {
        "n": {"type": "integer", "description": "how many"},
        "m": {"type": "integer", "minimum": 1, "description": "at least one", "default": 1},
    }
    assert faults(f, n=1, m=0) == {"m": ("at least 1", "0")}


# Checks ---------------------------------------------------------------------------------------------------------------


def test_all_faults_together():
    """Whatever is wrong with the arguments is said at once."""
    assert faults(weather, days="2", unit="K", zone=1) == {
        "city": ("a string", "nothing"),
        "days": ("an integer", '"2"'),
        "unit": ('one of "C", "F"', '"K"'),
        "zone": ("nothing of that name (known: city, days, unit)", "1"),
    }
    with pytest.raises(SchemaError, match="the arguments do not fit: city: a string expected, got nothing"):
        tool_of(weather).check({})


TYPES: dict[str, tuple[Any, Any, Any]] = {
    "a boolean is no integer": (int, True, ("an integer", "true")),
    "a boolean is no number": (float, True, ("a number", "true")),
    "a number is no boolean": (bool, 1, ("a boolean", "1")),
    "a string is no array": (list[str], "abc", ("an array", '"abc"')),
    "a number is no string": (str, 5, ("a string", "5")),
    "a fraction is no integer": (int, 2.5, ("an integer", "2.5")),
    "alternatives": (int | None, "x", ("an integer or nothing", '"x"')),
    "a model": (Place, 5, ("an object", "5")),
    "an enum": (Colour, "green", ('one of "red", "blue"', '"green"')),
    "a frame": (pd.DataFrame, [1], ("a DataFrame", "a list")),
    "a handle": (str, object(), ("a string", "a object")),
    "a handle for an enum": (Colour, pd.DataFrame({"a": [1, 2]}), ('one of "red", "blue"', "a DataFrame")),
}


@pytest.mark.parametrize("case", TYPES)
def test_types(case):
    """A value of another type is refused, as the schemas of programs refuse it."""
    hint, value, expected = TYPES[case]

    def f(a: Any) -> None:
        """Takes one."""

    f.__annotations__ = {"a": hint}
    assert faults(f, a=value) == {"a": expected}


VALUES: dict[str, tuple[Any, Any, Any]] = {
    "2.0 is an integer": (int, 2.0, 2),
    "an integer is a number": (float, 2, 2.0),
    "a model": (Place, {"city": "Rome"}, Place(city="Rome")),
    "a list of models": (list[Place], [{"city": "Rome", "tags": []}], [Place(city="Rome")]),
    "a dataclass": (Point, {"x": 1}, Point(1)),
    "datetime": (datetime, "2026-01-02T03:04:05", datetime(2026, 1, 2, 3, 4, 5)),  # noqa: DTZ001
    "date or nothing": (date | None, "2026-01-02", date(2026, 1, 2)),
    "decimal": (Decimal, "1.50", Decimal("1.50")),
    "path": (Path, "a/b", Path("a/b")),
    "enum": (Colour, "red", Colour.RED),
    "tuple": (tuple[int, str], [1, "a"], (1, "a")),
    "set": (set[int], [1, 2], {1, 2}),
    "bytes": (bytes, b"\xff", b"\xff"),
    "an empty table for a dict": (dict[str, int], [], {}),
    "an empty table for a list": (list[int], {}, []),
    "an empty table for a dict or nothing": (dict[str, int] | None, [], {}),
    "an empty table inside": (dict[str, dict[str, int]], {"a": []}, {"a": {}}),
    "an empty table for anything": (Any, [], []),
}


@pytest.mark.parametrize("case", VALUES)
def test_values(case):
    """A function gets what its hint says, not what crosses from Lua."""
    hint, value, expected = VALUES[case]

    def f(a: Any) -> Any:
        return a

    f.__annotations__ = {"a": hint}
    got = called(f, a=value)
    assert got == expected
    assert type(got) is type(expected)


def test_a_handle_is_passed_on():
    """A Python object that no JSON knows arrives as it is."""
    frame = pd.DataFrame({"a": [1, 2]})

    def rows(frame: pd.DataFrame, times: int = 1) -> int:
        return len(frame) * times

    rows.__annotations__["frame"] = pd.DataFrame
    assert called(rows, frame=frame, times=2) == 4
    assert called(lambda value: value, value=frame) is frame


def test_faults_inside():
    """A fault inside a value is placed as Lua counts, also where only the type itself finds it."""

    def f(places: list[Place]) -> None:
        """Takes places."""

    assert faults(f, places=[{"city": "Rome"}, {"zip": 5}]) == {
        "places[2].city": ("a string", "nothing"),
        "places[2].zip": ("a string or nothing", "5"),
    }
    found = faults(f, places=[{"city": "Atlantis"}])
    assert found == {"places[1].city": ("a value that fits (Value error, it sank)", '"Atlantis"')}


def test_none_is_an_argument_that_is_not_given():
    """None is left out, so that the function's own default holds, unless the parameter takes None."""

    def f(a: int = 1, b: int | None = 2, c=3) -> list[Any]:
        return [a, b, c]

    assert called(f, a=None, b=None, c=None) == [1, None, None]
    assert called(f) == [1, 2, 3]


# What can be called ---------------------------------------------------------------------------------------------------


class Shop:
    """A shop."""

    def __init__(self, stock: int) -> None:
        self.stock = stock

    def __call__(self, item: str) -> str:
        """Sell an item."""
        return f"{item} {self.stock}"

    def price(self, item: str, rate: float = 2.0) -> float:
        """Price of an item."""
        return len(item) * rate

    @classmethod
    def named(cls, name: str) -> str:
        return f"{cls.__name__} {name}"

    @staticmethod
    def plain(name: str) -> str:
        return name


def everything(a: int, /, b: int, *rest: int, c: int, d: int = 4, **others: int) -> Any:
    """Every kind of parameter."""
    return [a, b, rest, c, d, others]


def test_every_kind_of_parameter():
    """Positional, variable and keyword parameters all have a name in Lua."""
    made = tool_of(everything)
    assert made.schema["required"] == ["a", "b", "c"]
    assert made.schema["properties"]["rest"] == {"type": "array", "items": {"type": "integer"}}
    assert made.schema["additionalProperties"] == {"type": "integer"}
    assert called(everything, a=1, b=2, rest=[7, 8], c=3, e=9) == [1, 2, (7, 8), 3, 4, {"e": 9}]
    assert called(everything, a=1, b=2, c=3) == [1, 2, (), 3, 4, {}]
    assert faults(everything, a=1, b=2, rest=["x"], c=3, e="y") == {
        "rest[1]": ("an integer", '"x"'),
        "e": ("an integer", '"y"'),
    }


def test_methods_objects_and_partials():
    """Methods, callable objects and partials are tools, by what is left of their parameters."""
    shop = Shop(5)
    assert tool_of(shop.price).name == "price"
    assert list(tool_of(shop.price).schema["properties"]) == ["item", "rate"]
    assert called(shop.price, item="tea") == 6.0
    assert (tool_of(shop).name, tool_of(shop).description) == ("Shop", "Sell an item.")
    assert called(shop, item="tea") == "tea 5"
    assert called(Shop.named, name="x") == "Shop x"
    assert called(shop.plain, name="x") == "x"
    cheap = functools.partial(shop.price, rate=1)
    assert tool_of(cheap).name == "price"
    assert tool_of(cheap).description == "Price of an item."
    assert tool_of(cheap).schema["required"] == ["item"]
    assert called(cheap, item="tea") == 3
    assert called(functools.partial(weather, "Rome"), days=1) == "Rome 1 C"


def test_wrapped_and_builtin_functions():
    """A decorated function has the parameters of its own; a builtin has those that can be read."""
    assert called(functools.cache(weather), city="Rome") == "Rome 3 C"
    assert tool_of(functools.cache(weather)).schema == tool_of(weather).schema
    assert tool_of(math.sqrt).name == "sqrt"
    assert called(math.sqrt, x=4) == 2.0


def unreadable() -> None:
    """As some builtin functions are."""


unreadable.__signature__ = 5  # type: ignore[attr-defined]

REFUSED: dict[str, tuple[Any, str]] = {
    "a class": (Shop, "a function expected, got the class Shop"),
    "a module": (math, "a function expected, got the module math"),
    "a number": (5, "a function, a LangChain tool or a ToolSpec expected, got a int"),
    "a lambda": (lambda: 1, "a lambda has no name"),
    "no signature": (unreadable, "tool 'unreadable': its parameters cannot be read"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_tool(case):
    """What cannot be a tool is refused with what it is."""
    value, message = REFUSED[case]
    with pytest.raises(UsageError, match=message):
        tool_of(value)


@pytest.mark.parametrize("name", ["", "a\nb", "x" * 129])
def test_names_that_are_none(name):
    """A name is 1 to 128 printable characters."""
    with pytest.raises(UsageError, match=r"a name of 1 to 128 printable characters|a function"):
        tool_of(weather, name) if name else tool_of(tool(name="\t")(lambda: 1))


def test_names_in_lua():
    """A tool says whether its name can be a global of a program."""
    names = ["a", "_b1", "and", "a-b", "1a", "é", "web search"]
    assert [name for name in names if tool_of(weather, name).is_global] == ["a", "_b1"]


def test_a_single_argument():
    """`t(value)` means the only required argument, else the only one."""
    assert tool_of(weather).bind("Rome") == {"city": "Rome"}
    assert tool_of(lambda a=1: a, "t").bind(2) == {"a": 2}
    with pytest.raises(Misuse, match=r"a table of named arguments expected \(known: a, b\), got a string"):
        tool_of(lambda a, b: a, "t").bind("x")
    with pytest.raises(Misuse, match=r"\(known: none\), got a number"):
        tool_of(lambda: 1, "t").bind(1)
    with pytest.raises(Misuse, match="known: a, b"):
        tool_of(lambda a=1, b=2: a, "t").bind(1)


# Calls ----------------------------------------------------------------------------------------------------------------


async def later(a: int, wait: float = 0) -> int:
    """Later."""
    await asyncio.sleep(wait)
    return a + 1


def test_async_tools():
    """A coroutine function is awaited; where nothing awaits it has a loop of its own, also inside a loop."""
    made = tool_of(later)
    assert made.is_async
    assert tool_of(functools.partial(later, wait=0)).is_async
    assert made.call({"a": 1}) == 2

    async def main() -> tuple[int, int]:
        return await made.acall({"a": 1}), made.call({"a": 2})

    assert asyncio.run(main()) == (2, 3)


def test_awaitables_of_sync_functions():
    """What a sync function returns to be awaited is awaited, too."""
    made = tool_of(lambda a: later(a, wait=0), "t")
    assert not made.is_async
    assert made.call({"a": 1}) == 2
    assert asyncio.run(made.acall({"a": 1})) == 2


def test_sync_tools_run_in_this_thread():
    """A sync tool runs in the caller's thread, also where it is awaited."""
    made = tool_of(lambda more=0: threading.get_ident() + more, "where")
    assert asyncio.run(made.acall({})) == threading.get_ident()


@pytest.mark.parametrize("is_async", [False, True])
def test_failures(is_async):
    """An exception of a tool is a `ToolError` with its cause; one that ends the process passes."""

    def fail(error: Any) -> None:
        raise error

    async def fail_later(error: Any) -> None:
        raise error

    made = tool_of(fail_later if is_async else fail)
    for error, said in {
        ValueError("no"): "ValueError: no",
        KeyError(): "KeyError",
        ToolError("closed"): "closed",
        UsageError("not here"): "not here",
    }.items():
        with pytest.raises(ToolError) as caught:
            asyncio.run(made.acall({"error": error}))
        assert caught.value.message == said
        assert error in (caught.value, caught.value.__cause__)
        with pytest.raises(ToolError, match=said):
            made.call({"error": error})
    with pytest.raises(SystemExit):
        made.call({"error": SystemExit()})


def test_marks():
    """`@tool` says a name, a description and that a person is asked; the function stays as it is."""

    @tool
    def plain(a: int) -> int:
        """Plain."""
        return a

    @tool(name="pay", description="Pays.", requires_approval=True)
    def transfer(amount: float) -> float:
        """Transfer."""
        return amount

    assert plain(3) == 3
    assert transfer(2) == 2
    assert (tool_of(plain).name, tool_of(plain).requires_approval) == ("plain", False)
    made = tool_of(transfer)
    assert (made.name, made.description, made.requires_approval) == ("pay", "Pays.", True)
    assert tool_of(functools.partial(transfer, 5)).requires_approval
    assert tool_of(transfer, "other").name == "other"
    renamed = tool_of(made, "third")
    assert (renamed.name, renamed.description, renamed.requires_approval) == ("third", "Pays.", True)
    assert tool_of(made) is made


def test_what_cannot_be_marked():
    """`@tool` on a class, a value or a builtin is refused."""
    for value in (Shop, 5, len):
        with pytest.raises(UsageError, match="@tool"):
            tool(value)  # type: ignore[type-var]


scalars = st.none() | st.booleans() | st.integers(-100, 100) | st.floats(-10, 10) | st.text(max_size=3)
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner))


@given(st.dictionaries(st.sampled_from(["city", "days", "unit", "x"]), values))
def test_check_gives_arguments_or_faults(arguments):
    """Whatever the arguments are, they fit or every wrong one is named, and what fits can be called."""
    made = tool_of(weather)
    fits = {
        "city": isinstance(arguments.get("city"), str),
        "days": arguments.get("days") is None or _is_whole(arguments["days"]),
        "unit": arguments.get("unit") in (None, "C", "F"),
        "x": arguments.get("x") is None,
    }
    try:
        assert isinstance(made.call(made.check(arguments)), str)
        wrong = set()
    except SchemaError as error:
        wrong = {fault["field"] for fault in error.faults}
    assert wrong == {name for name, fit in fits.items() if not fit}


def _is_whole(value: Any) -> bool:
    return not isinstance(value, bool) and isinstance(value, (int, float)) and value == int(value)
