"""What a call's result is in a program."""

from __future__ import annotations

import pytest

from lua_procedures import ToolError
from lua_procedures.tools.mcp.results import value_of

TEXT = {"type": "text", "text": "a"}
IMAGE = {"type": "image", "data": "AAAA", "mimeType": "image/png"}
WRAPPED = {"type": "object", "properties": {"result": {"type": "integer"}}}


@pytest.mark.parametrize(
    ("result", "output", "value"),
    [
        ({"content": []}, None, None),
        ({"content": [TEXT]}, None, "a"),
        ({"content": [TEXT, TEXT]}, None, ["a", "a"]),
        ({"content": [IMAGE]}, None, IMAGE),
        ({"content": [TEXT, IMAGE]}, None, ["a", IMAGE]),
        ({"content": [TEXT], "structuredContent": {"x": 1}}, None, {"x": 1}),
        ({"content": [TEXT], "structuredContent": {"result": 1}}, WRAPPED, 1),
        ({"content": [TEXT], "structuredContent": {"result": 1}}, None, {"result": 1}),
        ({"content": [TEXT], "structuredContent": {"result": 1, "x": 2}}, WRAPPED, {"result": 1, "x": 2}),
        ({"content": [TEXT], "structuredContent": {}}, WRAPPED, {}),
    ],
)
def test_values(result, output, value):
    """Structured content first, without a wrapping; else texts, and what is no text as it is."""
    assert value_of(result, output) == value


@pytest.mark.parametrize(
    ("blocks", "message"),
    [([TEXT, TEXT], "a\na"), ([IMAGE], "the tool failed and said nothing")],
)
def test_failures(blocks, message):
    """A result that is an error raises its text."""
    with pytest.raises(ToolError) as caught:
        value_of({"content": blocks, "isError": True})
    assert caught.value.message == message
