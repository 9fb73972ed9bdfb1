"""What a docstring of Google's style says of a function and of its parameters."""

from __future__ import annotations

import re
from itertools import takewhile
from typing import Final

__all__ = ["split_docstring"]

_HEAD: Final = re.compile(r"(Args|Arguments|Parameters|Params):\s*")
_ENTRY: Final = re.compile(r"\*{0,2}(\w+)\s*(?:\(.*?\))?\s*:\s*(.*)")


def split_docstring(docstring: str) -> tuple[str, dict[str, str]]:
    """Take the section of the arguments out of a docstring.

    Args:
        docstring: as ``inspect.getdoc`` gives it.

    Returns:
        The docstring without that section, and parameter → description. A docstring of another style is all text.
    """
    lines = docstring.strip().splitlines()
    head = next((place for place, line in enumerate(lines) if _HEAD.fullmatch(line)), None)
    if head is None:
        return "\n".join(lines), {}
    section = list(takewhile(lambda line: not line or line[0].isspace(), lines[head + 1 :]))
    described = _entries(section)
    if not described:
        return "\n".join(lines), {}
    rest = "\n".join([*lines[:head], *lines[head + 1 + len(section) :]])
    return re.sub(r"\n{3,}", "\n\n", rest).strip(), described


def _entries(section: list[str]) -> dict[str, str]:
    """An entry begins at the section's own indent; what is indented further belongs to the one before."""
    indent = min((len(line) - len(line.lstrip()) for line in section if line.strip()), default=0)
    described: dict[str, str] = {}
    name = None
    for line in filter(str.strip, section):
        entry = None if line[indent].isspace() else _ENTRY.fullmatch(line.strip())
        if entry:
            name = entry[1]
            described[name] = entry[2]
        elif name:
            described[name] = f"{described[name]} {line.strip()}".strip()
    return described
