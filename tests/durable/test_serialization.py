"""Plain data as text and back, and Python values as plain data."""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import enum
import json
import math
import os
import pathlib
import subprocess
import sys
import uuid
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, RootModel

from lua_procedures.durable.serialization import dumps, loads, normalise
from lua_procedures.errors import ConversionError

text = st.text(st.characters(exclude_categories=["Cs"]))
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | text
    | st.binary()
)
keys = text | st.sampled_from(["\0", "\\u0000", '"\0"', "v", "i"])
plain_data = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(keys, inner), max_leaves=30)


def exact(value):
    """The value with all its types, so that 1, 1.0 and True differ, and -0.0 and 0.0."""
    if isinstance(value, list):
        return [exact(item) for item in value]
    if isinstance(value, dict):
        return {key: exact(item) for key, item in value.items()}
    return (type(value).__name__, repr(value))


class Thing:
    """Some object that is no plain data."""


# Text


@settings(deadline=None)
@given(plain_data)
def test_round_trip(value):
    """Plain data comes back from its text exactly: values, types and the order of keys."""
    back = loads(dumps(value))
    assert exact(back) == exact(value)
    assert repr(back) == repr(value)


@given(plain_data)
def test_text_is_stable(value):
    """What was read writes the same text again."""
    assert dumps(loads(dumps(value))) == dumps(value)


@given(st.recursive(scalars | st.builds(Thing), lambda inner: st.lists(inner) | st.dictionaries(keys, inner)))
def test_round_trip_with_handles(value):
    """Handles come back as the identical objects, wherever they stand."""
    objects: list[object] = []
    assert exact(loads(dumps(value, objects), objects)) == exact(value)
    assert len(objects) == len({id(thing) for thing in objects})


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "null"),
        ([1, 1.0, True], "[1,1.0,true]"),
        (1e300, "1e+300"),
        (-(2**63), "-9223372036854775808"),
        ({"größe": ["日本", "\x1f"]}, '{"größe":["日本","\\u001f"]}'),
        (b"\xff\x00a", '{"\\u0000":"bytes","v":"ÿ\\u0000a"}'),
        ({"\0": 1, "a": b""}, '{"\\u0000":"dict","v":[["\\u0000",1],["a",{"\\u0000":"bytes","v":""}]]}'),
        ("\0", '"\\u0000"'),
        ("1234567890123456789012", '"1234567890123456789012"'),
    ],
)
def test_text_is_as_agreed_with_lua(value, expected):
    """Each kind of value has exactly the text that the Lua side reads and writes."""
    assert dumps(value) == expected
    assert exact(loads(expected)) == exact(value)


def test_raw_control_characters_are_read():
    """Lua writes control characters in strings as they are, and tags with or without a type's name."""
    assert loads('"a\n\t\x01b"') == "a\n\t\x01b"
    thing = Thing()
    assert loads('[{"\\u0000":"handle","i":0}]', [thing]) == [thing]


def test_one_object_is_one_handle():
    """An object that occurs twice is kept once, after what was there before."""
    thing, other = Thing(), Thing()
    objects = ["before"]
    written = dumps({"a": thing, "b": [thing, other]}, objects)
    assert objects == ["before", thing, other]
    assert json.loads(written)["a"] == {"\0": "handle", "i": 1, "t": "Thing"}
    back = loads(written, objects)
    assert back["a"] is back["b"][0] is thing


def test_handle_without_a_place_is_refused():
    """Where no objects can be kept, a handle is refused with its type and path."""
    with pytest.raises(ConversionError, match=r"a Thing at \$\.rows\[2\]") as caught:
        dumps({"rows": [1, Thing()]})
    assert caught.value.path == "$.rows[2]"


@pytest.mark.parametrize("objects", [(), ["only one"]])
@pytest.mark.parametrize("place", [1, -1])
def test_lost_handle_says_what_it_was(objects, place):
    """A handle whose object is gone is an error with the name of its type."""
    with pytest.raises(ConversionError, match="a DataFrame was recorded here"):
        loads(f'{{"\\u0000":"handle","i":{place},"t":"DataFrame"}}', objects)


@pytest.mark.parametrize(
    ("value", "what"),
    [
        (math.nan, "NaN"),
        (-math.inf, "an infinity"),
        (2**63, "an integer outside 64 bits"),
        (-(2**63) - 1, "an integer outside 64 bits"),
        (10**400, "an integer outside 64 bits"),
    ],
)
def test_numbers_that_cannot_be_kept_are_refused(value, what):
    """NaN, infinities and integers outside 64 bits are refused with their path, in the text, too."""
    for function in (dumps, normalise):
        with pytest.raises(ConversionError, match=what) as caught:
            function({"items": [1, 2, {"price": value}]})
        assert caught.value.path == "$.items[3].price"


@pytest.mark.parametrize(
    "damaged",
    [
        "", "{", "[1,]", "NaN", "[-Infinity]", "x", "[" * 100_000,
        '{"\\u0000":"bytes"}', '{"\\u0000":"bytes","v":"\u20ac"}', '{"\\u0000":"bytes","v":1}',
        '{"\\u0000":"dict","v":[1]}', '{"\\u0000":"dict","v":[[[],1]]}',
        '{"\\u0000":"handle"}', '{"\\u0000":"handle","i":"0"}', '{"\\u0000":"later"}', '{"\\u0000":[]}',
    ],
)  # fmt: skip
def test_damaged_text_is_refused(damaged):
    """A text that is cut off, no JSON, or has a tag that is unknown or wrong is one kind of error."""
    with pytest.raises(ConversionError, match=r"damaged|unknown tag"):
        loads(damaged)


# Values


@settings(deadline=None)
@given(plain_data)
def test_plain_data_stays_as_it_is(value):
    """Plain data is equal to its normalised copy, in which no container is shared with it."""
    copy = normalise(value)
    assert exact(copy) == exact(value)
    assert copy is not value or not isinstance(value, (list, dict))


any_value = st.recursive(
    scalars | st.dates() | st.datetimes() | st.times() | st.uuids() | st.decimals() | st.builds(Thing),
    lambda inner: st.lists(inner).map(tuple) | st.dictionaries(keys, inner) | st.sets(scalars | st.frozensets(scalars)),
    max_leaves=20,
)


@settings(deadline=None)
@given(any_value)
def test_normalising_twice_changes_nothing(value):
    """What is normalised is plain data, also of sets with values of several kinds."""
    once = normalise(value)
    objects: list[object] = []
    assert exact(normalise(once)) == exact(once)
    assert exact(loads(dumps(once, objects), objects)) == exact(once)


class Colour(enum.Enum):
    RED = (1, 2)


class Level(enum.IntEnum):
    LOW = 1


class Word(enum.StrEnum):
    HELLO = "hello"


class Address(BaseModel):
    street: str
    since: dt.date


class Person(BaseModel):
    name: str
    addresses: tuple[Address, ...] = ()


@dataclasses.dataclass
class Point:
    x: int
    y: object


class Text(str):
    __slots__ = ()


Pair = collections.namedtuple("Pair", "a b")  # noqa: PYI024 - the untyped kind is one, too


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ((1, (2, [3])), [1, [2, [3]]]),
        (Pair(1, 2), [1, 2]),
        (collections.OrderedDict(b=1, a=2), {"b": 1, "a": 2}),
        (collections.Counter("aab"), {"a": 2, "b": 1}),
        ({Word.HELLO: Word.HELLO}, {"hello": "hello"}),
        (Text("é"), "é"),
        ([Level.LOW, Colour.RED], [1, [1, 2]]),
        (dt.datetime(2026, 11, 20, 8, 30, tzinfo=dt.UTC), "2026-11-20T08:30:00+00:00"),
        ([dt.date(2026, 11, 20), dt.time(8, 30)], ["2026-11-20", "08:30:00"]),
        (pd.Timestamp("2026-11-20"), "2026-11-20T00:00:00"),
        ([Decimal("1.10"), uuid.UUID(int=1)], ["1.10", "00000000-0000-0000-0000-000000000001"]),
        (pathlib.PurePosixPath("a/b"), "a/b"),
        ({3, 1, 2}, [1, 2, 3]),
        (frozenset({"b", 1, None, "a"}), [None, 1, "a", "b"]),
        (Person(name="Ada", addresses=(Address(street="s", since=dt.date(2000, 1, 1)),)),
         {"name": "Ada", "addresses": [{"street": "s", "since": "2000-01-01"}]}),
        (RootModel[list[int]]([1, 2]), [1, 2]),
        (Point(1, Point(2, {5})), {"x": 1, "y": {"x": 2, "y": [5]}}),
        ([np.int64(5), np.uint8(6), np.bool_(1), np.str_("NaT"), np.bytes_(b"\xff")], [5, 6, True, "NaT", b"\xff"]),
        ([np.float64(0.5), np.float32(0.5), np.float16(0.5), np.longdouble(0.5)], [0.5] * 4),
        (np.datetime64("2026-11-20T08:30"), "2026-11-20T08:30"),
    ],
)  # fmt: skip
def test_known_types_become_plain_data(value, expected):
    """Every row of the contract's table of values."""
    assert exact(normalise(value)) == exact(expected)
    assert exact(normalise({"deep": [value]})) == exact({"deep": [expected]})


@pytest.mark.parametrize(
    "handle",
    [
        Thing(), Thing, Point, len, lambda: None, object(), iter([]), dt.timedelta(1), bytearray(b"x"), sys, 1j,
        pd.DataFrame({"a": [1]}), np.zeros(3), np.array(1), np.complex128(1j), np.timedelta64(1, "s"),
    ],
)  # fmt: skip
def test_other_objects_are_handles(handle):
    """Any other object, functions, classes, frames and arrays included, is passed on as the same object."""
    assert normalise(handle) is handle
    assert normalise({"a": [handle]})["a"][0] is handle


def cyclic_list():
    value: list[object] = [1]
    value.append({"again": value})
    return value


def cyclic_point():
    point = Point(1, None)
    point.y = [point]
    return {"p": point}


def nested(depth):
    value: object = "leaf"
    for _ in range(depth):
        value = [value]
    return value


class Broken(BaseModel):
    def model_dump(self, **options):
        raise RuntimeError("no")


@pytest.mark.parametrize(
    ("value", "what", "path"),
    [
        (math.nan, "NaN", "$"),
        ({"my key": [float("inf")]}, "an infinity", '$["my key"][1]'),
        ({"größe": 2**64}, "64 bits", '$["größe"]'),
        ([{1: "a"}], "a key that is no string but of type int", "$[1]"),
        ({"a": {None: 1}}, "of type NoneType", "$.a"),
        (["ok", "\ud800"], "no valid Unicode", "$[2]"),
        ({"a": {"\ud800": 1}}, "no valid Unicode", "$.a"),
        (cyclic_list(), "a cycle", "$[2].again"),
        (cyclic_point(), "a cycle", "$.p.y[1]"),
        (nested(101), "a depth over 100", "$" + "[1]" * 100),
        ({"t": pd.NaT}, "NaT", "$.t"),
        ((np.datetime64("NaT", "s"),), "NaT", "$[1]"),
        ((np.float32("nan"),), "NaN", "$[1]"),
        (Point(1, {"z": math.nan}), "NaN", "$.y.z"),
        ([Broken()], r"a Broken that cannot be turned into a dict \(no\)", "$[1]"),
    ],
)
def test_what_cannot_cross_is_refused_by_path(value, what, path):
    """What Lua cannot have is named, with its path as Lua counts."""
    with pytest.raises(ConversionError, match=what) as caught:
        normalise(value)
    assert caught.value.path == path
    assert f" at {path} " in caught.value.message


def test_depth_up_to_the_limit_passes():
    """A hundred containers inside each other pass; what is shared and not cyclic passes, too."""
    assert normalise(nested(100)) == nested(100)
    shared = [1]
    assert normalise([shared, shared]) == [[1], [1]]


def test_limits_count_repeats():
    """Values and bytes are counted each time they occur, so that sharing cannot hide a size."""
    doubled: object = []
    for _ in range(60):
        doubled = [doubled, doubled]
    with pytest.raises(ConversionError, match="more than 1,000 values"):
        normalise(doubled, max_leaves=1000)
    long = "x" * 400
    assert normalise([long, long], max_bytes=1000)
    for value in ([long] * 3, {"k" * 400: [long, long]}, ["é" * 501], b"x" * 1001, [[b"x" * 500]] * 3):
        with pytest.raises(ConversionError, match="more than 1,000 bytes"):
            normalise(value, max_bytes=1000)
    assert normalise([1] * 999, max_leaves=1000) == [1] * 999
    with pytest.raises(ConversionError, match="more than 1,000 values"):
        normalise([1] * 1000, max_leaves=1000)


def test_sets_are_sorted_in_every_process():
    """A set of several kinds has one order, whatever the process's hash seed."""
    code = """
from lua_procedures.durable.serialization import dumps, normalise
class A: pass
class B: pass
print(dumps(normalise({"b", "a", 1, None, (2, "x"), (2, 1), b"z", frozenset({"q", 3}), A(), B()}), []))
"""
    runs = [
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True, text=True, check=True, env={**os.environ, "PYTHONHASHSEED": seed},
        )
        for seed in "123"
    ]  # fmt: skip
    assert len({run.stdout for run in runs}) == 1


def test_nothing_heavy_is_imported():
    """Normalising imports neither numpy nor pydantic."""
    code = """
import sys
from lua_procedures.durable.serialization import normalise
normalise([object(), {1, 2}, (3,)])
print(*{"numpy", "pydantic", "pandas"} & set(sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
