"""Which tools of which MCP servers a program's text can mean: only these servers are started."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from typing import Final

__all__ = ["mentioned", "prefix_of", "texts"]

_REQUIRED: Final = re.compile(r"""\brequire\s*\(?\s*["']([^"'\n]+)["']""")
_CALLED: Final = r"""(?=\s*[({"'])"""
_MOCKED: Final = re.compile(r"""(\w+)(?:["']\s*\])?\s*=\s*\{""")


def texts(source: str, find: Callable[[str], str | None]) -> str:
    """The program's text with those of all modules that it requires by name."""
    found = {"": source}
    new = [source]
    while new:
        for name in _REQUIRED.findall(new.pop()):
            if name not in found:
                text = find(name)
                found[name] = text or ""
                new += [text] if text else []
    return "\n".join(found.values())


def prefix_of(server: str) -> str:
    """What the names of a server's tools start with."""
    return re.sub(r"\W", "_", server) + "_"


def mentioned(text: str, servers: Collection[str]) -> dict[str, set[str]]:
    """Server → the names after its own that the text calls or names as tools, such as ``read`` of ``files_read``.

    A server that is not mentioned is not in it; one that is mentioned as a whole has no names. A name that a table
    in a text with ``Mocks`` answers for mentions nobody.
    """
    mocks = set(_MOCKED.findall(text)) if re.search(r"\bMocks\b", text) else set()
    found: dict[str, set[str]] = {}
    for server in sorted(servers):
        words = {word for word in _words(server, text) if prefix_of(server) + word not in mocks}
        if words or _names_whole(server, text):
            found[server] = words
    return found


def _words(server: str, text: str) -> Iterator[str]:
    prefix = prefix_of(server)
    yield from re.findall(rf"(?<![\w.:]){prefix}(\w+){_CALLED}", text)
    yield from re.findall(rf"""["']{prefix}([\w.-]+)["']""", text)
    yield from re.findall(rf"""["']mcp\.{re.escape(server)}\.([^"'\n]+)["']""", text)
    yield from re.findall(rf"(?<![\w.:]){prefix}(\w+)", text)


def _names_whole(server: str, text: str) -> bool:
    name = re.escape(server)
    return bool(
        re.search(rf"""["']mcp\.{name}["']""", text)
        or (re.search(r"\bAgent\b", text) and re.search(rf"""["']{name}["']""", text))
    )
