"""Every argument of every primitive, made wrong in every way that the catalog of primitives says is wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

import lua_procedures
from lua_procedures import ConversionError, LuaRuntimeError, ProcedureError, Run
from lua_procedures.primitives.catalog import PRIMITIVES
from lua_procedures.primitives.rows import KEPT, Argument, Expected, Primitive
from lua_procedures.testing import ScriptedChatModel

#: Calls that no row of the catalog describes by its arguments.
VALUES = {each.name for each in PRIMITIVES if each.kind == "value"} - {"state"}


class Sample(NamedTuple):
    """A value of a program: its text, its type, how an error tells it, and what is special about it."""

    lua: str
    kind: str
    told: str
    traits: frozenset[str] = frozenset()


def sample(lua: str, kind: str, told: str, traits: str = "") -> Sample:
    return Sample(lua, kind, told, frozenset(traits.split()))


SAMPLES = (
    sample("nil", "nil", "nil"),
    sample("5", "number", "5"),
    sample("1.5", "number", "1.5", "broken"),
    sample("-1", "number", "-1", "below"),
    sample("3000000000", "number", "3000000000", "above"),
    sample("0/0", "number", "nan", "broken below above refused"),
    sample("1/0", "number", "inf", "broken above refused"),
    sample("'no such word'", "string", '"no such word"'),
    sample("''", "string", '""', "empty"),
    sample("true", "boolean", "true"),
    sample("{}", "table", "an empty table", "empty"),
    sample("{'a', 'b'}", "table", "a list", "list"),
    sample("{a = 1}", "table", "a table with named keys", "named"),
    sample("setmetatable({}, {})", "table", "a table with a metatable", "meta refused"),
    sample("print", "function", "a function", "refused"),
    sample("coroutine.create(print)", "thread", "a coroutine", "refused"),
)

#: What is right where the words of the catalog do not tell: it depends on other arguments.
RIGHT = {
    ("Human.review", "default"): "'approve'",
    ("Json.decode", "text"): "'1'",
    ("Procedure", "output"): "'string'",
    ("output", "fields"): "{}",
    ("require", "name"): "'done'",
    ("GraphNode.create", "content"): "'a'",
    ("GraphNode.create", "parent"): "GraphNode.root()",
    ("Tool", "output"): "'string'",
    ("Agent", "output"): "'string'",
    ("Agent.turn", "tool_choice"): "'auto'",
}
#: Options that are not required and yet needed: others may stand for them.
NEEDED = {"label", "run", "handler"}
#: How a program calls what it knows by no name of its own.
CALLED = {"Agent.turn": "(Agent {name = 'w'}).turn"}
#: What stands before each call that is right.
BEFORE = "Hitl('a', {}) Stages{'a'} a = Tool{print} GraphNode.create('a')"


def is_wrong(argument: Argument, each: Sample) -> bool:
    """Whether the catalog's row says that this value is wrong."""
    expected = argument.expected
    if each.kind == "nil":
        return argument.required
    if each.kind not in expected.kinds.split() or (expected.words == KEPT.words and "refused" in each.traits):
        return True
    if each.kind == "string":
        return bool(expected.among) or (expected.filled and "empty" in each.traits)
    if each.kind == "table":
        return is_wrong_table(expected, each.traits)
    wrong = {"broken"} if expected.whole else set()
    wrong |= {"below"} if expected.least is not None else set()
    wrong |= {"above"} if expected.most is not None else set()
    return not wrong.isdisjoint(each.traits)


def is_wrong_table(expected: Expected, traits: frozenset[str]) -> bool:
    if expected.form == "any":
        return False
    other = {"list": "named", "named": "list"}.get(expected.form, "")
    return "meta" in traits or other in traits or (expected.filled and "empty" in traits)


def right(row: Primitive, argument: Argument) -> str:
    """A value that the catalog's row says is right."""
    expected = argument.expected
    kind = expected.kinds.split()[0]
    if (row.name, argument.name) in RIGHT:
        return RIGHT[row.name, argument.name]
    if argument.options and "table" in expected.kinds:
        return table(row, argument.options, {})
    if argument.items and expected.filled:
        required = [item for item in argument.items if item.required]
        return "{" + (table(row, argument.items, {}) if required else "'a'") + "}"
    if kind == "table":
        return "{'a'}" if expected.filled else "{}"
    return {"number": "1", "string": f"'{(expected.among or 'a')[0]}'", "boolean": "true", "function": "print"}[kind]


def table(row: Primitive, options: tuple[Argument, ...], given: dict[str, str]) -> str:
    """A table with what is required, and what is given."""
    values = {option.name: right(row, option) for option in options if option.required or option.name in NEEDED}
    values |= given
    return "{" + ", ".join(f"{name} = {value}" for name, value in values.items()) + "}"


def called(row: Primitive) -> str:
    return CALLED.get(row.name, row.name)


def call(row: Primitive, given: dict[str, str]) -> str:
    """A call with what is required, and what is given of its arguments."""
    values = [
        given.get(argument.name) or (right(row, argument) if argument.required else "nil") for argument in row.arguments
    ]
    if row.name == "state":
        return f"(function() state[{values[0]}] = {given.get('value', 1)} end)()"
    while values and values[-1] == "nil":
        values.pop()
    return f"{called(row)}({', '.join(values)})"


def run(program: str, **options: Any) -> Run:
    """A run in which any chat model answers."""
    return lua_procedures.run(program, chat_models={"*": ScriptedChatModel(lambda _: "a")}, **options)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A folder with the file `a`, which programs may read and write."""
    tmp_path.joinpath("a").write_text("text", encoding="utf-8")
    monkeypatch.chdir(tmp_path)


class Place(NamedTuple):
    """Where an argument stands: its row, and the calls that have a value there."""

    row: Primitive
    argument: Argument
    within: Argument | None = None
    listed: Argument | None = None

    def __str__(self) -> str:
        return ".".join([self.row.name, *(each.name for each in (self.within, self.listed, self.argument) if each)])

    def call(self, value: str) -> str:
        """A call that is right but for this argument."""
        if self.listed is not None:
            value = "{" + table(self.row, self.listed.items, {self.argument.name: value}) + "}"
        name = (self.listed or self.argument).name
        if self.within is None:
            return call(self.row, {name: value})
        return call(self.row, {self.within.name: table(self.row, self.within.options, {name: value})})


def places() -> Iterator[Place]:
    """Every argument, option, and part of an item in a list."""
    for row in PRIMITIVES:
        for argument in row.arguments if row.name not in VALUES else ():
            yield Place(row, argument)
            for option in argument.options:
                yield Place(row, option, argument)
                yield from (Place(row, item, argument, option) for item in option.items)


PLACES = list(places())
REFUSED = [place for place in PLACES if any(is_wrong(place.argument, each) for each in SAMPLES)]


TRY = "local told = {} local function try(call) local ok, e = pcall(call) told[#told + 1] = ok and 'nothing' or e end"


def check_told(place: Place, each: Sample, told: str) -> None:
    """The message says what the catalog says, or what cannot be kept at all and where."""
    argument = place.argument
    if "refused" in each.traits and " cannot be kept or passed on, at $" in told:
        assert argument.expected.words == KEPT.words or told.endswith(f".{argument.name}"), told
        return
    known = each.kind in argument.expected.kinds.split() or each.kind in ("nil", "table")
    given = each.told if known else f"a {each.kind}".replace("thread", "coroutine")
    assert re.search(rf"\b{argument.name}: .*\bexpected, got .*{re.escape(given)}\)?$", told), told


@pytest.mark.parametrize("place", REFUSED, ids=str)
def test_wrong_values_are_told(place):
    """An error names the primitive, the argument, what is expected and what was given, at its line; `pcall` gets it."""
    wrong = [each for each in SAMPLES if is_wrong(place.argument, each)]
    lines = [TRY, *(f"try(function() local made = {place.call(each.lua)} end)" for each in wrong), "return told"]
    done = run("\n".join(lines))
    for line, (each, told) in enumerate(zip(wrong, done.value, strict=True), 2):
        name = place.row.same_as or place.row.name
        assert told.startswith(f"cell:{line}: {name}: "), (lines[line - 1], told)
        assert len(told) < 300, told
        check_told(place, each, told)


@pytest.mark.parametrize("place", REFUSED, ids=str)
def test_a_wrong_value_fails_the_run(place):
    """What nothing catches ends the run, as an error of ours with the line of the call."""
    for wrong in [place.call(each.lua) for each in SAMPLES if is_wrong(place.argument, each)][-1:]:
        with pytest.raises((LuaRuntimeError, ConversionError)) as error:
            run(f"local before = 1\nlocal made = {wrong}\nreturn nil")
        assert error.value.line == 2, wrong
        assert error.value.message.startswith(f"{place.row.same_as or place.row.name}: "), error.value.message
        assert error.value.run is not None
        assert error.value.run.status == "failed"


@pytest.mark.parametrize("place", PLACES, ids=str)
def test_right_values_are_taken(place):
    """What the catalog says is right does not fail: the same calls with a right value there."""
    value = right(place.row, place.argument)
    assert run(f"{BEFORE}\nlocal made = {place.call(value)}\nreturn nil").status in {"completed", "paused"}


@pytest.mark.parametrize("row", [row for row in PRIMITIVES if row.name not in VALUES], ids=lambda row: row.name)
def test_what_is_required_is_enough(row):
    """A call with the required arguments alone does not fail, and none that may be left out is needed."""
    assert run(f"{BEFORE}\nlocal made = {call(row, {})}\nreturn nil").status in {"completed", "paused"}


@pytest.mark.parametrize("row", [row for row in PRIMITIVES if row.name not in VALUES], ids=lambda row: row.name)
def test_odd_arguments_break_nothing(row):
    """Too many arguments, and odd ones, give an error of ours at the call's line or none at all."""
    if row.name == "state":
        return
    name = called(row)
    for odd in ("nil, nil, nil, nil", "{}, {}, {}", "'x', {}, 5, print", "0, -1", f"{name}, {name}"):
        try:
            run(f"local a = 1\nlocal b = {name}({odd})")
        except ProcedureError as error:
            assert error.line == 2, (odd, error)  # noqa: PT017 - either way is right
            assert not re.search(r"lua_procedures\)|attempt to|no row for", str(error)), (odd, error)  # noqa: PT017


TOLD = {
    "Stage.set(null)": "got null",
    "Stage.set(input.handle)": "got a handle",
    "Stage.set(State)": "got a table with a metatable",
    "Stop.request('r', 'x\\ny')": "got a string",
    "System.alert{level = 'x\\ny'}": 'got "x\\ny"',
    f"System.alert{{level = '{'é' * 100}'}}": 'got "éééé',
    "System.alert{level = '\\xff'}": 'got "ÿ"',
}


@pytest.mark.parametrize("call", TOLD)
def test_what_was_given_is_told(call):
    """A value of the right type is shown, in one short line; any other is told by what it is."""
    with pytest.raises(LuaRuntimeError) as error:
        run(call, params={"handle": object()})
    assert TOLD[call] in error.value.message
    assert len(error.value.message) < 200
    assert "\n" not in error.value.message


def test_an_option_that_is_null_is_not_given():
    """`null` in a table of options stands for nothing, as a JSON null does; a required one is still missing."""
    assert run("Human.notify{message = 'm', level = null}").notices[0].level == "info"
    with pytest.raises(LuaRuntimeError, match=r"fn: a function expected, got null"):
        run("Step.run('a', null)")
