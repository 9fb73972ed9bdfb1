"""What Tab and Shift-Tab know inside a cell."""

from __future__ import annotations

import pytest

from lua_procedures.notebook.completion import complete, describe
from lua_procedures.primitives.catalog import PRIMITIVES

CELL = "%%procedure x\nlocal verdict = 1\n"


def at_end(typed: str) -> tuple[str, list[str]]:
    text = CELL + typed
    return complete(text, len(text))


@pytest.mark.parametrize(
    ("typed", "fragment", "offered"),
    [
        ("Human.", "", ["approve", "escalate", "input", "multiple", "notify", "review", "select"]),
        ("Human.ap", "ap", ["approve"]),
        ("return State:inc", "inc", ["increment"]),
        ("Sta", "Sta", ["Stage", "Stages", "State"]),
        ("ver", "ver", ["verdict"]),
        ("repe", "repe", ["repeat"]),
        ("nothing_like_it", "nothing_like_it", []),
    ],
)
def test_offers(typed, fragment, offered):
    """Members after a dot or colon, primitives, keywords and the program's own names elsewhere."""
    assert at_end(typed) == (fragment, offered)


@pytest.mark.parametrize("primitive", [each for each in PRIMITIVES if each.signature], ids=lambda each: each.name)
def test_every_primitive_is_described(primitive):
    """Shift-Tab on a primitive, and inside its brackets, gives its signature and summary."""
    for text in (CELL + primitive.name, CELL + primitive.name + "{a = "):
        described = describe(text, len(text))
        assert described == f"{primitive.name}{primitive.signature}\n\n{primitive.summary}"


def test_what_is_no_primitive_is_not_described():
    """The program's own names are left to Python's inspection, which finds nothing."""
    assert describe(CELL + "verdict", len(CELL) + 3) is None
