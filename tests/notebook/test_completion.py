"""What Tab and Shift-Tab know inside a cell."""

from __future__ import annotations

import re

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
        ("Human.approve{ti", "ti", ["timeout="]),
        ("Human.approve{\n  message = 'a', def", "def", ["default="]),
        ("local a = Human.escalate({severity = 'err", "err", ["error"]),
        ("Human.select{options = {'a', {label = 'b'}}, mo", "mo", ["mode="]),
        ("Human.select{mode = '", "", ["multiple", "single"]),
        ("Step.run('a', function() end, {in", "in", ["inputs="]),
        ("Human.approve{message = ver", "ver", ["verdict"]),
        ("Human.approve{message = 'a'} ver", "ver", ["verdict"]),
    ],
)
def test_offers(typed, fragment, offered):
    """Members after a dot or colon, primitives, keywords and the program's own names elsewhere."""
    assert at_end(typed) == (fragment, offered)


@pytest.mark.parametrize("primitive", [each for each in PRIMITIVES if each.signature], ids=lambda each: each.name)
def test_every_primitive_is_described(primitive):
    """Shift-Tab on a primitive, and inside its brackets, gives its call, summary, arguments and what they must be."""
    for text in (CELL + primitive.name, CELL + primitive.name + "{a = "):
        described = describe(text, len(text))
        assert described is not None
        assert described.startswith(f"{primitive.name}{primitive.signature}\n\n{primitive.summary}\n\n")
        for argument in primitive.all_arguments:
            alone = argument.options and len(primitive.arguments) == 1
            assert alone or re.search(
                rf"^  {argument.name} .*{re.escape(argument.expected.words)}", described, re.MULTILINE
            )


def test_what_is_no_primitive_is_not_described():
    """The program's own names are left to Python's inspection, which finds nothing."""
    assert describe(CELL + "verdict", len(CELL) + 3) is None
