"""Which tools of which MCP servers a program's text can mean: only these servers are started."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import Final, NamedTuple

__all__ = ["Mention", "mentions", "prefix_of", "texts"]

_REQUIRED: Final = re.compile(r"""\brequire\s*\(?\s*["']([^"'\n]+)["']""")
_OWN: Final = re.compile(
    r"""(?:^|[;\n]|\b(?:then|do|else|end)\b)\s*(\w+)\s*=(?!=)   # assigned
    |\blocal\s+(?:function\s+)?(\w+)                              # declared
    |\bfunction\s+(\w+)
    """,
    re.VERBOSE,
)
_MOCKED: Final = re.compile(r"""(\w+)(?:["']\s*\])?\s*=\s*\{""")


class Mention(NamedTuple):
    """What a text says of one server.

    Attributes:
        tools: the names of tools that it says, without the server's.
        is_needed: whether the server has to be asked: not where all of these are mocked.
    """

    tools: frozenset[str]
    is_needed: bool


def texts(source: str, find: Callable[[str], str | None]) -> str:
    """The program's text with those of all modules that it requires by name."""
    found = {"": source}
    new = [source]
    while new:
        for name in _REQUIRED.findall(new.pop()):
            if name not in found:
                found[name] = find(name) or ""
                new.append(found[name])
    return "\n".join(found.values())


def prefix_of(server: str) -> str:
    """What the names of a server's tools start with in programs."""
    return re.sub(r"\W", "_", server) + "_"


def mentions(text: str, servers: Collection[str]) -> dict[str, Mention]:
    """Server → what the text says of it, for those that it mentions at all.

    A variable of the program's own that is named like a tool mentions nobody.
    """
    own = {name for names in _OWN.findall(text) for name in names if name}
    mocked = set(_MOCKED.findall(text)) if re.search(r"\bMocks\b", text) else set()
    found = {}
    for server in servers:
        prefix = prefix_of(server)
        tools = _quoted(server, text) | {
            word for word in _bare(prefix, text) if prefix + word not in own or prefix + word in mocked
        }
        is_whole = _is_whole(server, text)
        if tools or is_whole:
            needed = is_whole or any(prefix + tool not in mocked for tool in tools)
            found[server] = Mention(frozenset(tools), needed)
    return found


def _bare(prefix: str, text: str) -> set[str]:
    return set(re.findall(rf"""(?<![\w.:"']){prefix}(\w+)""", text))


def _quoted(server: str, text: str) -> set[str]:
    by_prefix = re.findall(rf"""["']{prefix_of(server)}([\w.-]+)["']""", text)
    return {*by_prefix, *re.findall(rf"""["']mcp\.{re.escape(server)}\.([^"'\n]+)["']""", text)}


def _is_whole(server: str, text: str) -> bool:
    """Whether an agent may be given all its tools: ``"mcp.files"``, or ``"files"`` where there are agents."""
    name = re.escape(server)
    if re.search(rf"""["']mcp\.{name}["']""", text):
        return True
    return bool(re.search(r"\bAgent\b", text) and re.search(rf"""["']{name}["']""", text))
