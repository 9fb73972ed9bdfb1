"""What a call of an MCP tool gives, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ...errors import ToolError

__all__ = ["value_of"]

_WRAPPED: Final = "result"  # where servers put a result that is no object


def value_of(result: Mapping[str, Any], output: Mapping[str, Any] | None = None) -> Any:
    """The value of a result.

    Args:
        result: as the protocol has it: ``content``, ``structuredContent``, ``isError``.
        output: the JSON Schema that the tool gives for its structured content, if any.

    Returns:
        The structured content, unwrapped where the server had to wrap it in an object; else the text of a single
        block, or a list with the text of each block, a block of another kind as a dict; None where there is none.

    Raises:
        ToolError: the tool says that it failed.
    """
    blocks = [_plain(block) for block in result.get("content") or ()]
    if result.get("isError"):
        said = "\n".join(block for block in blocks if isinstance(block, str))
        raise ToolError(said or "the tool failed and said nothing")
    structured = result.get("structuredContent")
    if structured is not None:
        is_wrapped = isinstance(structured, Mapping) and set(structured) == {_WRAPPED} == _fields(output)
        return structured[_WRAPPED] if is_wrapped else structured
    if len(blocks) > 1:
        return blocks
    return blocks[0] if blocks else None


def _fields(output: Mapping[str, Any] | None) -> set[str]:
    return set((output or {}).get("properties", ()))


def _plain(block: Mapping[str, Any]) -> Any:
    return block["text"] if block.get("type") == "text" else dict(block)
