"""Values across, both ways, through runs: what a program gets, what comes out, what is refused and where."""

# ruff: noqa: E501, FBT003 - a Lua program or a row of a table reads best in one line

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
import enum
import math
import os
import pathlib
import subprocess
import sys
import uuid
from decimal import Decimal
from itertools import count
from typing import Any

import pydantic
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from lua_procedures import ConversionError, LimitExceeded, UsageError, arun, run
from lua_procedures.durable.serialization import loads
from lua_procedures.language.runtime import MAIN, Guest
from lua_procedures.limits import Limits


def record(info):
    """The run that an error ended."""
    return info.value.run


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
INTEGERS = st.integers(-(2**63), 2**63 - 1)
SCALARS = st.booleans() | INTEGERS | st.floats(allow_nan=False, allow_infinity=False) | TEXTS
# What comes out as it went in: bytes that are UTF-8 come out as text, and None in a dict is an absent key.
PLAIN = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner | st.none(), max_size=5) | st.dictionaries(TEXTS, inner, max_size=5),
    max_leaves=25,
)
NAMES = (f"conversion {n}" for n in count())
QUICK = settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))


def same(a: Any, b: Any) -> bool:
    """Equality that tells -0.0 from 0.0, 1 from 1.0 and from True, at any depth."""
    if type(a) is not type(b):
        return False
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    return a == b and (not isinstance(a, float) or math.copysign(1, a) == math.copysign(1, b))


def passed(value: Any) -> Any:
    return run("return input.x", params={"x": value}).value


# Round trips ----------------------------------------------------------------------------------------------------------


@QUICK
@given(PLAIN)
def test_values_come_back_as_they_went_in(value):
    """Plain data goes into Lua and out again unchanged in value and in type."""
    assert same(passed(value), value)


@QUICK
@given(PLAIN)
def test_values_come_back_from_a_step(value):
    """A step's result is what its function returned, live and on replay alike."""
    name = next(NAMES)
    source = "local r = Step.run('s', function() return input.x, 1 end) return r"
    runs = [run(source, name=name, params={"x": value}) for _ in range(2)]
    assert all(same(each.value, value) for each in runs)
    assert [each.replayed for each in runs] == [0, 1]


@settings(QUICK, max_examples=20)
@given(PLAIN)
def test_values_come_back_from_a_file(tmp_path, value):
    """On SQLite a step's result and its State are the same after a replay."""
    store, name = f"sqlite:///{tmp_path / 'runs.db'}", next(NAMES)
    source = "return Step.run('s', function() State.set('x', input.x) return {input.x} end)"
    runs = [run(source, name=name, params={"x": value}, store=store) for _ in range(2)]
    assert [each.replayed for each in runs] == [0, 1]
    assert all(same(each.value, [value]) and same(each.state, {"x": value}) for each in runs)


@QUICK
@given(st.binary(max_size=30))
def test_bytes(value):
    """Bytes go in; what is not UTF-8 comes out as bytes, the rest as text."""
    try:
        expected: Any = value.decode()
    except UnicodeDecodeError:
        expected = value
    assert same(passed(value), expected)


@QUICK
@given(PLAIN)
@example({"\0": False})
@example([{"\0": "bytes", "v": {"\0": {"a": 1}}}])
def test_json_round_trip(value):
    """`Json.decode` undoes `Json.encode`, but for an empty table and the null in it."""
    source = "return {Json.decode(Json.encode({x = input.x})).x}"
    assert same(run(source, params={"x": value}).value, [value])


NESTED = {"a": {"b": [1, [2.0, {"c": None}]]}}
EXACT = [
    2**63 - 1, -(2**63), 0, -1, 2**53 + 1, -0.0, 0.0, 1.0, 1e15, 1e16, 1e17, 1e308, -1e308, 5e-324, 2.2250738585072014e-308, 0.1, 1 / 3,
    123456789.12345679, "", "a\0b", "😀🏳️‍🌈", "\x7f\x80\u2028", '"\\\n\r\t', True, False, [], {}, [[]], [{}], {"a": []}, {"a": {}},
    NESTED, [None], [None, None], [1, None], [None, 1, None], {"": 1}, {"1": 1}, {"a b": 1, "\n": 2},
    list(range(1000)), {"\0": 1}, {"\0": "bytes", "v": "x"}, {"n": 1, "1": 2},
]  # fmt: skip


@pytest.mark.parametrize("value", EXACT, ids=lambda value: repr(value)[:30])
def test_edges_come_back(value):
    """The edges of every kind come back exactly; a None in a dict is an absent key in Lua."""
    expected = {"a": {"b": [1, [2.0, {}]]}} if value == NESTED else value
    assert same(passed(value), expected)


# What Lua has ---------------------------------------------------------------------------------------------------------

LUA_SIDE = {
    "input.none == nil": True,
    "input.dict.gone == nil and next(input.dict.only) == nil": True,
    "math.type(input.int) .. math.type(input.float)": "integerfloat",
    "#input.list": 3,
    "input.list[2] == null and input.list[2] ~= nil": True,
    "null == null and null ~= nil and null ~= false": True,
    "tostring(null)": "null",
    "#input.tuple .. input.tuple[2]": "2b",
    "#input.bytes": 3,
    "type(input.bytes)": "string",
    "(function() local n = 0 for _ in pairs(input.list) do n = n + 1 end return n end)()": 3,
    "(function() local n = 0 for _ in ipairs(input.list) do n = n + 1 end return n end)()": 3,
    "getmetatable(input.list) == nil and getmetatable(input.dict) == nil": True,
    "input.missing == nil": True,
    "input == params": True,
}
GIVEN = {
    "none": None, "dict": {"gone": None, "only": {"gone": None}}, "int": 1, "float": 1.0, "list": [1, None, 3], "tuple": ("a", "b"), "bytes": b"\xff\x00a",
}  # fmt: skip


@pytest.mark.parametrize("expression", LUA_SIDE)
def test_what_lua_has(expression):
    """Lists are 1-based tables, None is nil or `null`, and numbers stay what they are."""
    assert run(f"return {expression}", params=GIVEN).value == LUA_SIDE[expression]


COMES_OUT: dict[str, Any] = {
    "{}": [],
    "array{}": [],
    "object{}": {},
    "array()": [],
    "object()": {},
    "{array{}, object{}, {}}": [[], {}, []],
    "{a = null}": {"a": None},
    "{null, null}": [None, None],
    "null": None,
    "nil": None,
    "{1, 2, 3}": [1, 2, 3],
    "{[1] = 1, [2] = 2}": [1, 2],
    "{[2] = 2, [1] = 1}": [1, 2],
    "{[3] = 'c', [1] = 'a', [2] = 'b'}": ["a", "b", "c"],
    "{[1.0] = 'a'}": ["a"],
    "{['1'] = 1}": {"1": 1},
    "1e15": 1e15,
    "2^53": 2.0**53,
    "1 // 1": 1,
    "1 / 1": 1.0,
    "-0.0": -0.0,
    "math.mininteger": -(2**63),
    "math.pi": math.pi,
    "'\\xff'": b"\xff",
    "'é'": "é",
    "state": {},
    "(function() state.a = {1} return {state} end)()": [{"a": [1]}],
    "input": {},
    "table.pack(1, 2).n": 2,
    "object{a = 1}": {"a": 1},
    "array{1}": [1],
    "(function() local t = object{} t.a = 1 t.a = nil return t end)()": {},
    "(function() local t = {1, 2, 3} table.remove(t) return t end)()": [1, 2],
    "(function() local t, s = {}, {1} t.a = s t.b = s return t end)()": {"a": [1], "b": [1]},
}


@pytest.mark.parametrize("expression", COMES_OUT)
def test_what_comes_out(expression):
    """A table with exactly the keys 1..n is a list, one with string keys a dict, an empty one what it was said to be."""
    assert same(run(f"return {expression}").value, COMES_OUT[expression])


def test_several_values_are_a_list():
    """Several results come out as a list; trailing nils count."""
    assert run("return 1, nil, 'x'").value == [1, None, "x"]
    assert run("return").value is None
    assert run("return nil, nil").value == [None, None]


# Types of Python ------------------------------------------------------------------------------------------------------


@dataclasses.dataclass
class Point:
    x: int
    tags: list[str]


class Item(pydantic.BaseModel):
    name: str
    point: tuple[int, int]
    when: dt.date


class Color(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


KNOWN_TYPES = [
    (Point(1, ["a"]), {"x": 1, "tags": ["a"]}),
    (
        Item(name="n", point=(1, 2), when=dt.date(2026, 1, 2)),
        {"name": "n", "point": [1, 2], "when": "2026-01-02"},
    ),
    (dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC), "2026-01-02T03:04:05+00:00"),
    (dt.date(2026, 1, 2), "2026-01-02"),
    (dt.time(3, 4), "03:04:00"),
    (Decimal("1.10"), "1.10"),
    (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
    (pathlib.PurePosixPath("a/b"), "a/b"),
    (Color.RED, "red"),
    (Level.HIGH, 3),
    ({3, 1, 2}, [1, 2, 3]),
    (frozenset({"b", "a"}), ["a", "b"]),
    ((1, (2,)), [1, [2]]),
]


@pytest.mark.parametrize(("given_value", "expected"), KNOWN_TYPES, ids=lambda value: type(value).__name__)
def test_known_types(given_value, expected):
    """Models, dates, decimals, enums, sets and their like arrive as plain data."""
    assert same(passed(given_value), expected)
    assert same(passed([given_value]), [expected])


def test_numpy_scalars_are_numbers():
    """A numpy scalar is the number that it holds."""
    numpy = pytest.importorskip("numpy")
    assert same(passed([numpy.int64(5), numpy.float32(0.5), numpy.bool_(True), numpy.str_("s")]), [5, 0.5, True, "s"])


# Handles --------------------------------------------------------------------------------------------------------------


def test_a_handle_is_passed_on():
    """Any other object is held by Lua, printed as its type, and comes out as itself."""
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": [1, 2]})
    done = run("print(input.x) return {input.x, tostring(input.x), input.x == input.x}", params={"x": frame})
    assert done.value[0] is frame
    assert done.value[1:] == ["DataFrame", True]
    assert done.notices[0].message == "DataFrame"


@pytest.mark.parametrize(
    "use",
    [
        "input.x.columns", "input.x()", "#input.x", "input.x + 1", "input.x[1]", "input.x.y = 1", "input.x:f()",
        "pairs(input.x)",
    ],
)  # fmt: skip
def test_a_handle_is_nothing_else(use):
    """Looking into a handle, calling it or changing it is an error at the cell's line that names its type or the fault."""
    statement = use if "=" in use or use.endswith(")") else f"local _ = {use}"
    source = f"local f = 1\n{statement}"
    with pytest.raises(Exception, match=r"^line 2: ") as error:
        run(source, params={"x": object()})
    assert "lua_procedures" not in str(error.value)


def test_memory_keeps_the_identical_object():
    """In the memory store a step's handle is the same object after a replay, and in State too."""
    thing, name = object(), next(NAMES)
    source = "local r = Step.run('s', function() State.set('h', input.x) return {it = input.x} end) return {r, State.get('h')}"
    runs = [run(source, name=name, params={"x": thing}) for _ in range(2)]
    assert [each.replayed for each in runs] == [0, 1]
    for each in runs:
        assert each.value[0]["it"] is thing
        assert each.value[1] is thing
        assert each.state["h"] is thing
        assert each.checkpoints[0].value["it"] is thing


def test_a_file_refuses_handles(tmp_path):
    """A run on disk refuses an input that it could not give again, before anything runs."""
    with pytest.raises(UsageError, match="an input of type object, which a store on disk cannot keep"):
        run(
            "return Step.run('fetch', function() return {a = {input.x}} end)",
            params={"x": object()},
            store=str(tmp_path / "runs.db"),
        )


# Refused --------------------------------------------------------------------------------------------------------------

OUT = [
    ("{1, nil, 3}", "holes", "$"),
    ("{a = {[2] = 1}}", "holes", "$.a"),
    ("{[0] = 1}", "key", "$"),
    ("{[-1] = 1}", "key", "$"),
    ("{[1.5] = 1}", "key", "$"),
    ("{[true] = 1}", "key", "$"),
    ("{[{}] = 1}", "key", "$"),
    ("{1, a = 2}", "mixes", "$"),
    ("0 / 0", "NaN", "$"),
    ("{x = -(0 / 0)}", "NaN", "$.x"),
    ("1 / 0", "infinity", "$"),
    ("{1, -1 / 0}", "infinity", "$[2]"),
    ("print", "function", "$"),
    ("{items = {1, 2, {fn = function() end}}}", "function", "$.items[3].fn"),
    ("{co = coroutine.create(print)}", "coroutine", "$.co"),
    ("{['a b'] = print}", "function", '$["a b"]'),
    ("{m = setmetatable({}, {})}", "metatable", "$.m"),
    ("(function() local t = {} t.me = t return t end)()", "cycle", "$.me"),
    ("(function() local t = {} t[1] = {t} return {t} end)()", "cycle", "$[1][1][1]"),
    ("(function() local t = {} for i = 1, 101 do t = {t} end return t end)()", "100", "$" + "[1]" * 100),
    ("Step", "a table with a metatable", "$"),
    ("{_G}", "metatable", "$[1]"),
]


@pytest.mark.parametrize(("expression", "kind", "path"), OUT)
def test_refused_on_the_way_out(expression, kind, path):
    """What cannot come out is refused with its kind and its path as Lua counts, wherever it crosses."""
    for source in (f"return {expression}", f"return Step.run('s', function() return {expression} end)"):
        with pytest.raises(ConversionError) as error:
            run(source)
        assert kind in error.value.message
        if path != "$.run":
            assert error.value.path == path
            assert error.value.message.endswith(f"at {path}")
        assert record(error).status == "failed"


def test_depth_of_100_is_allowed():
    """A hundred tables inside each other cross, both ways."""
    source = "local t = 1 for i = 1, 100 do t = {t} end return t"
    deep = run(source).value
    assert passed(deep[0]) == deep[0]


class Opaque:
    pass


IN = [
    (float("nan"), "NaN", "$.x"),
    ([1, float("inf")], "infinity", "$.x[2]"),
    (2**63, "64 bits", "$.x"),
    ({"a": [-(2**63) - 1]}, "64 bits", "$.x.a[1]"),
    ({1: 2}, "key", "$.x"),
    ({"a b": {None: 2}}, "key", '$.x["a b"]'),
    (["\ud800"], "Unicode", "$.x[1]"),
    ({"\ud800": 1}, "Unicode", "$.x"),
]


@pytest.mark.parametrize(("given_value", "kind", "path"), IN, ids=[kind + path for _, kind, path in IN])
def test_refused_on_the_way_in(given_value, kind, path):
    """Inputs that Lua cannot have are refused before anything runs, with their path as Lua counts."""
    with pytest.raises(ConversionError) as error:
        passed(given_value)
    assert kind in error.value.message
    assert error.value.path == path


def test_python_cycles_are_refused():
    """A list that holds itself is refused as a cycle."""
    cycle: list[Any] = [1]
    cycle.append(cycle)
    with pytest.raises(ConversionError, match="cycle"):
        passed(cycle)


STATE = [
    "state.x = function() end", "State.set('x', 0 / 0)", "State.append('x', {1, nil, 3})", "State.set('x', {a = {1, b = 2}})",
    "State.increment('x', 1 / 0)", "state.x = coroutine.create(print)", "state.x = setmetatable({}, {})",
]  # fmt: skip


@pytest.mark.parametrize("statement", STATE)
def test_state_refuses_at_the_assignment(statement):
    """What cannot be stored is refused where it is assigned, with the cell's line and the path."""
    with pytest.raises(ConversionError, match=r"^line 2: ") as error:
        run(f"local a = 1\n{statement}\nreturn 1")
    assert error.value.path.startswith("$.x")


def test_state_refuses_by_reference_at_the_next_checkpoint():
    """What slipped into State by reference is refused at the next checkpoint, by its path."""
    source = "state.t = {}\nstate.t.f = print\nStep.run('s', function() return 1 end)\nreturn 1"
    with pytest.raises(ConversionError) as error:
        run(source)
    assert error.value.path == "$.t.f"
    assert error.value.line == 3


def test_state_refuses_by_reference_at_the_end():
    """What slipped into State by reference after the last checkpoint fails the run at its end, by its path."""
    with pytest.raises(ConversionError) as error:
        run("state.t = {}\nstate.t.f = print")
    assert error.value.path == "$.t.f"


def test_state_is_kept_by_reference():
    """A table in State is the table: changing it changes the State."""
    assert run("state.items = {} table.insert(state.items, {1}) State.get('items')[1][2] = 2").state == {
        "items": [[1, 2]]
    }


def test_values_are_the_same_in_another_process(tmp_path):
    """A value recorded in one process is the same value when another replays it."""
    program = (
        "local r = Step.run('s', function() return {1e308, 5e-324, -0.0, 1.0, 1, '\\xff', 'é', {}, object{}, null, {a = {b = 2^53}}} end) "
        "return r"
    )
    code = "import sys; from lua_procedures import run; r = run(sys.argv[1], name='n', store=sys.argv[2]); print(r.replayed, ascii(r.value), sep='|')"
    said = [
        subprocess.run(
            [sys.executable, "-c", code, program, str(tmp_path / "runs.db")],
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        ).stdout.split("|")
        for _ in range(2)
    ]
    assert [each[0] for each in said] == ["0", "1"]
    assert said[0][1] == said[1][1]
    assert said[0][1].strip() == ascii([1e308, 5e-324, -0.0, 1.0, 1, b"\xff", "é", [], {}, None, {"a": {"b": 2.0**53}}])


# Text, and what it says -----------------------------------------------------------------------------------------------

# Keys that mark tags, keys that are numbers to the eye, keys beside each other in Lua's hash; None and bytes anywhere.
KEYS = TEXTS | st.sampled_from(["\0", "\\u0000", '"', "v", "i", "1", "", "n"])
ANY_PLAIN = st.recursive(
    SCALARS | st.none() | st.binary(max_size=8) | st.sampled_from([5e-324, 1e300, -0.0, 0.1, 1e15, 1e16, 2**53 + 1]),
    lambda inner: st.lists(inner, max_size=12) | st.dictionaries(KEYS, inner, max_size=8),
    max_leaves=60,
)


class Silent:
    """A host that answers 0 to everything."""

    def __getattr__(self, _name: str) -> Any:
        return lambda *_: 0


def text_of(value: Any, program: str = "return input.x") -> str:
    """The text in which a program's result leaves Lua, without the brackets of its list."""
    guest = Guest(Silent(), Limits())
    guest.start(guest.load(program, "cell", first_line=1))
    guest.kit.set_input(guest.converter.push({"x": value}))
    how, text = guest.resume(MAIN)
    assert how == "done"
    return text[1:-1]


def in_lua(value: Any) -> Any:
    """What Lua can have of plain data: a None in a dict is an absent key, and bytes that are UTF-8 are text."""
    if isinstance(value, list):
        return [in_lua(each) for each in value]
    if isinstance(value, dict):
        return {key: in_lua(each) for key, each in value.items() if each is not None}
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return value
    return value


@QUICK
@given(ANY_PLAIN)
def test_text_says_exactly_what_went_in(value):
    """Every kind of plain data, at any depth, comes out of Lua equal in value and in type."""
    assert same(loads(text_of(value)), in_lua(value))


def text_in_order(value: Any) -> str:
    """The text that Lua compares: the keys of all dicts in order."""
    guest = Guest(Silent(), Limits())
    text: str = guest.kit.encode_sorted("test", guest.converter.push(value))
    return text


@QUICK
@given(ANY_PLAIN)
def test_text_is_the_same_after_another_turn(value):
    """Out, in and out again is the same text, to the last digit and mark."""
    text = text_in_order(value)
    assert text_in_order(loads(text)) == text
    assert same(loads(text), in_lua(value))
    assert same(loads(text_of(loads(text_of(value)))), in_lua(value))


@QUICK
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False) | INTEGERS, min_size=1, max_size=40))
def test_numbers_are_exact(values):
    """Lists of numbers come out exactly, however their texts are put together; so do the same numbers in a dict."""
    assert same(loads(text_of(values)), values)
    fields = {f"k{n}": value for n, value in enumerate(values)}
    assert same(loads(text_of(fields)), fields)


@QUICK
@given(st.lists(st.dictionaries(KEYS, SCALARS | st.none(), max_size=4), max_size=10))
def test_rows(rows):
    """Dicts of one shape and of many, with keys that come again, go in and out as they are."""
    assert same(loads(text_of(rows * 2)), in_lua(rows * 2))


@pytest.mark.parametrize("count", [7, 8, 9, 999, 1000, 1001, 2001, 4001, 9001])
@pytest.mark.parametrize("odd", [None, "x", '"', b"\xff", 0.1, True, [1], {"a": 1}])
def test_long_lists(count, odd):
    """Long lists, whose items are looked at many at a time, keep an item of another kind in its place."""
    for base in (7, 1 / 3, "plain", 'a "quoted" one'):
        for place in (0, count // 2, count - 1):
            values = [base] * count
            values[place] = odd
            assert same(loads(text_of(values)), values)


def test_large_values_come_out_whole():
    """A value of many thousand pieces of text is put together as it was."""
    value = {f"k{n}": [n, n / 7, f"text {n}", None, {"n": b"\xff", '"': n % 2 == 0}] for n in range(5000)}
    assert same(loads(text_of(value)), value)


ORDERS = """
local keys = {}
local function visit(t, path) for k, v in pairs(t) do
  keys[#keys + 1] = path .. k
  if type(v) == "table" then visit(v, path .. k .. ".") end
end end
visit(Step.run("s", function()
  local t = {}
  for i = 1, 60 do t["k" .. i] = i t["x" .. i * 7] = {a = i, b = i, [tostring(i)] = 1} if i % 3 == 0 then t["k" .. i - 1] = nil end end
  for _, row in ipairs(input.rows) do t[row] = true end
  return t
end), "")
return keys
"""


@settings(QUICK, max_examples=25)
@given(st.lists(TEXTS, max_size=20))
def test_order_is_the_same_on_replay(rows):
    """`pairs` visits a recorded value in the same order live and on replay."""
    name = next(NAMES)
    live, replayed = (run(ORDERS, name=name, params={"rows": rows}) for _ in range(2))
    assert replayed.replayed == 1
    assert live.value == replayed.value


def test_texts_and_orders_are_the_same_in_other_processes():
    """What a program returns has the same text in each process, and `pairs` the same order, whatever their hash seeds."""
    code = (
        "import sys; from tests.language.test_conversion import ORDERS, text_of; from lua_procedures import run;"
        "value = {'é': [1.5, b'\\xff', {f'k{n}': n / 7 for n in range(50)}, None, {}, []], '\\0': 1};"
        "print(ascii(text_of(value)), run(ORDERS, params={'rows': ['a', 'b']}).value)"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True, text=True, check=True, timeout=60,
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
        ).stdout
        for seed in "123"
    }  # fmt: skip
    assert len(said) == 1
    assert "k58" in said.pop()


def test_texts_stay_short():
    """Numbers of few decimals are written with these, in a program's JSON all numbers with no digit too many."""
    values = [0.1, 2.0, -0.0, 1e300, 1.25, 1234.56, 2**53, 1700000000.25]
    assert text_of(values) == "[0.1,2.0,-0.0,1e+300,1.25,1234.56,9007199254740992,1700000000.25]"
    assert run("return Json.encode({1e-20, 0.1234567891, {}, array{}})").value == "[1e-20,0.1234567891,{},[]]"


class Faceless:
    """An object that no one may look at."""

    def __getattribute__(self, name):
        raise RuntimeError(f"no {name.strip('_')}")


class Endless(list[int]):
    def __len__(self):
        raise OSError("it is gone")


UNREADABLE = [
    ({"x": Faceless()}, "a Faceless that cannot be looked at (RuntimeError: no class) at $.x"),
    ({"x": {"items": [1, Faceless()]}}, "a Faceless that cannot be looked at (RuntimeError: no class) at $.x.items[2]"),
    ({"y": Endless()}, "a Endless that cannot be looked at (OSError: it is gone) at $.y"),
]


@pytest.mark.parametrize(("params", "what"), UNREADABLE)
def test_an_input_that_raises_where_it_is_looked_at_is_named(params, what):
    """Whatever it raises is told, with its path, in a loop that runs too."""
    for start in (run, lambda *given, **options: asyncio.run(arun(*given, **options))):
        with pytest.raises(UsageError) as info:
            start("return 1", params=params)
        assert str(info.value).startswith(f"inputs: {what} cannot cross between Lua and Python")


# Limits ---------------------------------------------------------------------------------------------------------------

TOO_LARGE = [
    "local t = {} for i = 1, 2000 do t[i] = i end return t",
    "local t = {} for i = 1, 2000 do t['k' .. i] = i end return t",
    "local t = {['\\0'] = 1} for i = 1, 2000 do t['k' .. i] = i end return t",
    "local t = {1} for i = 1, 40 do t = {t, t} end return t",
    "local t = {1} for i = 1, 40 do t = {a = t, b = t} end return t",
    "return {('x'):rep(60000), ('x'):rep(60000)}",
    "local s = ('x'):rep(600) local t = {} for i = 1, 200 do t[i] = s end return t",
    "local t, k = {}, ('k'):rep(90) for i = 1, 400 do t[i] = {[k] = true, [k .. 'x'] = true} end return t",
    "local t, k = {}, ('k'):rep(90) for i = 1, 740 do t[i] = {[k] = i} end return t",
]


@pytest.mark.parametrize("source", TOO_LARGE)
def test_limits_of_a_crossing(source):
    """A value of too many leaves or bytes is refused, repeated references counted each time."""
    limits = {"max_leaves": 1500, "max_bytes": 50_000}
    with pytest.raises(ConversionError, match="larger than 50000 bytes or 1500 leaves") as error:
        run(source, limits=limits)
    assert error.value.path == "$"


def test_just_within_the_limits():
    """Exactly as many leaves and bytes as are allowed cross."""
    limits = {"max_leaves": 1000, "max_bytes": 1000}
    source = "local t = {} for i = 1, 999 do t[i] = true end return t"
    assert run(source, limits=limits).value == [True] * 999
    assert run("return {a = ('x'):rep(999)}", limits=limits).value == {"a": "x" * 999}
    with pytest.raises(ConversionError):
        run("return {a = ('x'):rep(1000)}", limits=limits)


def test_a_wide_cycle_is_told_as_one():
    """A long list that holds itself is a cycle, and not a value that is too large."""
    with pytest.raises(ConversionError, match="a cycle") as error:
        run("local t = {} for i = 1, 10000 do t[i] = i end t[#t + 1] = t return t")
    assert error.value.path == "$[10001]"


@pytest.mark.parametrize("value", ["i", "'x'", "{i}"])
@pytest.mark.parametrize(
    ("key", "end"), [("i", "t[#t + 1] ="), ("i", "t[#t + 1] = {}; t[#t][1] ="), ("'k' .. i", "t.me =")]
)
def test_a_wide_cycle_is_found_at_once(key, end, value):
    """It is found in one go: to go round once for each value would end at no limit of time."""
    build = f"local t = {{}} for i = 1, 400000 do t[{key}] = {value} end"
    with pytest.raises(ConversionError, match="a cycle"):
        run(f"{build} {end} t return t", limits={"max_seconds": 3600})


ENDLESS = [
    "while true do local text = Json.encode({1}) end",
    "while true do pcall(Json.encode, {print}) end",
    "while true do pcall(State.set, 'k', {1}) end",
    "coroutine.wrap(function() while true do local text = Json.encode({'x'}) end end)()",
    "local t = {} for i = 1, 100000 do t['k' .. i] = i end while true do local text = Json.encode(t) end",
]


@pytest.mark.parametrize("source", ENDLESS)
def test_conversions_without_end_are_stopped(source):
    """A loop full of conversions is stopped at the time limit, as any other."""
    with pytest.raises(LimitExceeded, match="CPU time"):
        run(source, limits={"max_seconds": 0.4})


def test_memory_that_runs_out_in_a_conversion():
    """A value whose text does not fit into the memory any more ends the run with the limit, and the next run is fine."""
    source = "local t = {} for i = 1, 40 do t[i] = ('x'):rep(1000000) end return pcall(Json.encode, {t, t})"
    with pytest.raises(LimitExceeded, match="memory"):
        run(source, limits={"max_memory_mb": 60})
    assert run("return {1}").value == [1]


@settings(QUICK, max_examples=40)
@given(
    ANY_PLAIN,
    st.lists(st.integers(1, 4), max_size=6),
    st.sampled_from(["print", "0 / 0", "setmetatable({}, {})", "{1, nil, 3}"]),
)
def test_what_is_refused_is_named_with_its_path(value, steps, bad):
    """Wherever something stands that cannot come out, its kind and its path as Lua counts are told."""
    kinds = {"print": "function", "0 / 0": "NaN", "setmetatable({}, {})": "metatable", "{1, nil, 3}": "holes"}
    expression, path = bad, ""
    for step in reversed(steps):
        if step > 2:  # a list, whose other items are fine
            expression, path = "{" + "input.x or 1, " * (step - 1) + expression + "}", f"[{step}]{path}"
        else:
            key = ("name", "two words")[step - 1]
            expression, path = (
                f"{{other = input.x, [{key!r}] = {expression}}}",
                (f".{key}" if step == 1 else f'["{key}"]') + path,
            )
    with pytest.raises(ConversionError) as error:
        run(f"return {expression}", params={"x": value})
    assert kinds[bad] in error.value.message
    assert error.value.path == "$" + path
