"""Tab and Shift-Tab inside a ``%%procedure`` cell: primitives and their members, from the catalog."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Any, Final

from IPython.core.completer import SimpleCompletion, context_matcher

from ..language.source import KEYWORDS, tokens
from ..primitives.catalog import PRIMITIVES, primitive_names

__all__ = ["complete", "describe", "is_procedure", "matcher"]

_CELL: Final = re.compile(r"\s*%%procedure\b")
_PATH: Final = re.compile(r"[A-Za-z_][\w.:]*$")
_WORD: Final = re.compile(r"[\w.:]*")


def is_procedure(text: str) -> bool:
    """Whether a cell's text is that of a ``%%procedure`` cell."""
    return _CELL.match(text) is not None


@cache
def _known() -> tuple[str, ...]:
    return tuple(sorted({*primitive_names(), *KEYWORDS}))


def complete(text: str, offset: int) -> tuple[str, list[str]]:
    """What may stand at an offset of a cell's text.

    Args:
        text: the cell.
        offset: the cursor's place, in characters.

    Returns:
        What is typed of the last word, and the whole words, sorted: members after a dot or colon; otherwise
        primitives, keywords and the program's own names.
    """
    before = _PATH.search(text[:offset].rpartition("\n")[2])
    typed = before[0].replace(":", ".") if before else ""
    owner, dot, prefix = typed.rpartition(".")
    if dot:
        names = {name[len(owner) + 1 :].partition(".")[0] for name in _known() if name.startswith(f"{owner}.")}
    else:
        names = {name for name in _known() if "." not in name} | _own_names(text.partition("\n")[2], prefix)
    return prefix, sorted(name for name in names if name.startswith(prefix))


def _own_names(body: str, prefix: str) -> set[str]:
    return {token.text for token in tokens(body, comments=False) if token.kind == "name"} - {prefix}


@context_matcher()  # type: ignore[untyped-decorator]  # IPython's
def matcher(context: Any) -> dict[str, Any]:
    """IPython's matcher: inside a ``%%procedure`` cell it is the only one that counts."""
    text = context.full_text
    if not is_procedure(text):
        return {"completions": [], "suppress": False}
    lines = text.split("\n")
    offset = sum(len(line) + 1 for line in lines[: context.cursor_line]) + context.cursor_position
    if "\n" not in text[:offset]:  # the option line
        return {"completions": [], "suppress": False}
    fragment, found = complete(text, offset)
    return {
        "completions": [SimpleCompletion(name, type="function") for name in found],
        "suppress": True,
        "matched_fragment": fragment,
    }


def describe(text: str, offset: int) -> str | None:
    """The signature and summary of the primitive at an offset of a cell's text, or None."""
    line_start = text.rfind("\n", 0, offset) + 1
    for word in _words_at(text, line_start, offset):
        for primitive in PRIMITIVES:
            if primitive.name == word.replace(":", "."):
                return f"{primitive.name}{primitive.signature}\n\n{primitive.summary}"
    return None


def _words_at(text: str, start: int, offset: int) -> Iterable[str]:
    """The word at the cursor, then those before it on the line: inside a call, the call's own name."""
    found = [match for match in _WORD.finditer(text, start) if match[0] and match.start() <= offset]
    for match in reversed(found):
        yield match[0]
