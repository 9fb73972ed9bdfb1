"""Text that may be shown: without control characters, shortened, and bounded in cost whatever the value."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

__all__ = [
    "clean",
    "count_of",
    "ends",
    "is_empty",
    "money",
    "one_line",
    "pretty",
    "shorten",
    "tokens",
    "value_text",
    "without_addresses",
]

T = TypeVar("T")

#: Control characters, direction overrides and lone surrogates: they would act on a terminal or hide text.
_UNSHOWN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufeff]")
_ADDRESS = re.compile(r"(?: at)? 0x[0-9a-fA-F]{6,16}\b")
_INLINE = 72
_DEPTH = 20


def clean(text: str) -> str:
    """The text with Unix newlines, and everything that cannot be shown replaced by U+FFFD."""
    return _UNSHOWN.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))


def shorten(text: str, limit: int) -> str:
    """The cleaned text, at most ``limit`` characters long; one that was cut ends in an ellipsis."""
    if len(text) <= limit:
        return clean(text)
    return clean(text[: limit - 1]).rstrip() + "…"


def one_line(text: str, limit: int) -> str:
    """The text on one line of at most ``limit`` characters, its white space joined to single spaces."""
    head = text[: 4 * limit]
    joined = clean(" ".join(head.split()))
    cut = len(head) < len(text) or len(joined) > limit
    return f"{joined[: limit - 1].rstrip()}…" if cut else joined


def without_addresses(text: str) -> str:
    """The text without the memory addresses that Python puts into the names of objects."""
    return _ADDRESS.sub("", text)


def is_empty(value: Any) -> bool:
    """Whether there is nothing to show: None, or an empty string, dict or list."""
    return value is None or (isinstance(value, (str, dict, list, tuple)) and not value)


def ends(items: Sequence[T], limit: int, head: int) -> tuple[Sequence[T], int, Sequence[T]]:
    """At most ``limit`` items: the first ``head``, how many are left out after them, and the last ones."""
    if len(items) <= limit:
        return items, 0, ()
    tail = limit - head
    return items[:head], len(items) - limit, items[len(items) - tail :] if tail else ()


def count_of(number: int, noun: str) -> str:
    """``1 checkpoint``, ``2 checkpoints``, ``12,000 checkpoints``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def tokens(number: int) -> str:
    """``950 tokens``, ``1.4k tokens``, ``31k tokens``, ``2.5M tokens``."""
    for size, suffix in ((1_000_000, "M"), (1_000, "k")):
        if number >= size:
            tenths = number * 10 // size
            return (
                f"{tenths // 10}{suffix} tokens"
                if tenths >= 100 or not tenths % 10
                else f"{tenths / 10}{suffix} tokens"
            )
    return count_of(number, "token")


def money(amount: float) -> str:
    """An amount in whatever currency, with at least two significant digits: ``12.50``, ``0.42``, ``0.0021``."""
    if amount >= 0.1 or amount == 0:
        return f"{amount:,.2f}"
    return f"{amount:.2g}" if amount >= 0.0001 else f"{amount:.6f}"


def value_text(value: Any, limit: int) -> str:
    """Plain data as JSON on one line of at most ``limit`` characters; other objects as ``<TypeName>``."""
    return _join(_compact(value, limit, _DEPTH), limit)


def pretty(value: Any, limit: int) -> str:
    """Plain data as indented JSON of at most ``limit`` characters; a string as it is."""
    if isinstance(value, str):
        return shorten(value, limit)
    return _join(_indented(value, "", limit, _DEPTH), limit)


def _join(pieces: Iterator[str], limit: int) -> str:
    return shorten(_take(pieces, limit), limit)


def _take(pieces: Iterator[str], limit: int) -> str:
    """The pieces until they are longer than ``limit`` characters; what comes after is never made."""
    parts: list[str] = []
    length = 0
    for piece in pieces:
        parts.append(piece)
        length += len(piece)
        if length > limit:
            break
    return "".join(parts)


def _scalar(value: Any, limit: int) -> str:
    if isinstance(value, str):
        return json.dumps(value[: limit + 1], ensure_ascii=False)
    if value is None or isinstance(value, (bool, int, float)):
        return json.dumps(value) if not isinstance(value, int) or abs(value) < 2**64 else "<int>"
    if isinstance(value, (dict, list, tuple)):
        return "…"
    return f"<{count_of(len(value), 'byte')}>" if isinstance(value, bytes) else f"<{type(value).__name__}>"


def _compact(value: Any, limit: int, depth: int) -> Iterator[str]:
    if isinstance(value, (dict, list, tuple)) and depth:
        keyed = isinstance(value, dict)
        yield "{" if keyed else "["
        for index, (label, item) in enumerate(_items(value, limit)):
            yield f", {label}" if index else label
            yield from _compact(item, limit, depth - 1)
        yield "}" if keyed else "]"
    else:
        yield _scalar(value, limit)


def _indented(value: Any, indent: str, limit: int, depth: int) -> Iterator[str]:
    inline = _take(_compact(value, _INLINE, depth), _INLINE)
    if len(inline) <= _INLINE or not isinstance(value, (dict, list, tuple)) or not depth:
        yield inline if len(inline) <= _INLINE else _scalar(value, limit)
        return
    keyed, inner = isinstance(value, dict), indent + "  "
    yield "{" if keyed else "["
    for index, (label, item) in enumerate(_items(value, limit)):
        yield f"{',' if index else ''}\n{inner}{label}"
        yield from _indented(item, inner, limit, depth - 1)
    yield f"\n{indent}{'}' if keyed else ']'}"


def _items(value: Any, limit: int) -> Iterator[tuple[str, Any]]:
    """Each item of a container with what is written before it: the key of a dict, nothing in a list."""
    if isinstance(value, dict):
        return ((f"{_scalar(str(key), limit)}: ", item) for key, item in value.items())
    return (("", item) for item in value)
