"""Text that may be shown, bounded in length and cost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lua_procedures.rendering.text import clean, ends, one_line, pretty, shorten, tokens, value_text, without_addresses

scalars = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text(max_size=20)
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


@given(values)
def test_values_are_written_as_json(value: Any) -> None:
    """With room enough, both forms are the JSON of the value, but for characters that cannot be shown."""
    expected = json.dumps(value, ensure_ascii=False)
    assert value_text(value, 100_000) == clean(expected)
    if not isinstance(value, str) and "\ufffd" not in clean(expected):
        assert json.loads(pretty(value, 100_000)) == value


@given(values, st.integers(2, 60))
def test_values_are_bounded(value: Any, limit: int) -> None:
    """No form is longer than its limit."""
    assert len(value_text(value, limit)) <= limit
    assert len(pretty(value, limit)) <= limit
    assert len(one_line(str(value), limit)) <= limit


def test_a_huge_value_is_not_walked() -> None:
    """Only as much of a value is read as is shown."""

    class Endless(list[int]):
        def __iter__(self) -> Iterator[int]:
            at = 0
            while True:
                assert at < 1000
                yield at
                at += 1

    assert value_text(Endless([1]), 100).endswith("…")
    assert pretty(Endless([1]), 100).endswith("…")


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (1, "1 token"),
        (950, "950 tokens"),
        (1000, "1k tokens"),
        (1450, "1.4k tokens"),
        (31_999, "31k tokens"),
        (2_500_000, "2.5M tokens"),
    ],
)
def test_tokens_are_rounded_down(number: int, text: str) -> None:
    """Tokens are said in two or three digits, never more than were spent."""
    assert tokens(number) == text


@given(st.lists(st.integers(), max_size=30), st.integers(1, 30), st.data())
def test_ends_leave_out_the_middle(items: list[int], limit: int, data: st.DataObject) -> None:
    """The first and the last items with what is between them counted make up the whole."""
    head = data.draw(st.integers(0, limit))
    first, left_out, last = ends(items, limit, head)
    assert len(first) + left_out + len(last) == len(items)
    assert len(first) + len(last) == min(limit, len(items))
    assert [*first, *items[len(first) : len(first) + left_out], *last] == items


def test_what_would_act_on_a_terminal_is_replaced() -> None:
    """Escapes, direction overrides and lone surrogates do not get through; tabs and lines do."""
    assert clean("a\x1b[31m\u202e\ud800\tb\r\nc") == "a\ufffd[31m\ufffd\ufffd\tb\nc"
    assert shorten("abcdef", 4) == "abc…"
    assert one_line(" a\n\n b\tc ", 10) == "a b c"


def test_addresses_are_taken_out() -> None:
    """The address in an object's name goes, other numbers stay."""
    assert without_addresses("<f at 0x7f3a5c0de1f0> got 0xff") == "<f> got 0xff"
