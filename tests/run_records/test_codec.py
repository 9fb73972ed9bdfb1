"""Values of run records: what comes back is what was kept, its type included."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, StrEnum
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lua_procedures import ConversionError
from lua_procedures.records import frozen
from lua_procedures.run_records.codec import decoded, encoded

SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary() | st.dates()
    | st.datetimes() | st.datetimes(timezones=st.just(UTC)) | st.times() | st.timedeltas() | st.uuids()
    | st.decimals(allow_nan=False)
)  # fmt: skip
KEYS = st.text() | st.integers() | st.tuples(st.integers(), st.text()) | st.just("\0")
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner)
        | st.lists(inner).map(tuple)
        | st.dictionaries(KEYS, inner)
        | st.sets(st.integers() | st.text())
        | st.frozensets(st.dates())
    ),
    max_leaves=20,
)


def same(one, other):
    """Equality in which types count, in depth."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other


@given(VALUES)
def test_a_value_comes_back_as_it_was(value):
    """Every value that can be kept comes back equal and of the same types, frozen or not."""
    assert same(decoded(encoded(value)), value)
    assert same(decoded(encoded(frozen(value))), value)


@pytest.mark.parametrize(
    "value",
    [(1, 2), {1, 2}, frozenset({"a"}), date(2026, 11, 20), datetime(2026, 1, 2, tzinfo=timezone(timedelta(hours=2))),
     time(1, 2, 3), timedelta(days=-1, microseconds=5), b"\x00\xff", Decimal("1.50"), UUID(int=7), Path("a/b"),
     float("inf"), -0.0, 2.0, 2**200, {1: "a", (2, 3): "b"}, {"\0": "tuple", "v": [1]}, "\ud800"],
)  # fmt: skip
def test_types_that_json_has_no_word_for(value):
    """Tuples, sets, dates, bytes and the rest are no lists and texts afterwards."""
    assert same(decoded(encoded({"k": [value]})), {"k": [value]})


def test_nan_stays_nan():
    """NaN comes back as a float that is not a number."""
    assert math.isnan(decoded(encoded(float("nan"))))


class Color(Enum):
    RED = 1


class Word(StrEnum):
    A = "a"


class Text(str):
    __slots__ = ()


@pytest.mark.parametrize("value", [object(), Color.RED, Word.A, Text("t"), len, 1j])
def test_other_types_are_refused_by_their_place(value):
    """What would come back as something else is refused, and the error says where it is."""
    with pytest.raises(ConversionError, match=rf"a {type(value).__name__} at \$\.rows\[2\]\.x") as caught:
        encoded({"rows": [1, {"x": value}]})
    assert caught.value.path == "$.rows[2].x"


DAMAGED = (
    "", "{", '{"\\u0000":"date","v":"soon"}', '{"\\u0000":"Decimal","v":"x"}', '{"\\u0000":"later","v":1}',
    '{"\\u0000":"tuple"}', '{"\\u0000":["x"],"v":1}',
)  # fmt: skip


@pytest.mark.parametrize("text", DAMAGED)
def test_damaged_texts_are_refused(text):
    """A text that was not written here is a ConversionError, never another value."""
    with pytest.raises(ConversionError):
        decoded(text)
