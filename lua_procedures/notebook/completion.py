"""Tab and Shift-Tab inside a ``%%procedure`` cell: primitives, their members and options, from the catalog.

Its option line is looked at in ``option_line``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Any, Final

from IPython import get_ipython
from IPython.core.completer import SimpleCompletion, context_matcher

from ..language.source import KEYWORDS, Token, tokens
from ..primitives.catalog import PRIMITIVES
from ..primitives.names import primitive_names
from ..primitives.reference import help_text
from ..primitives.rows import Argument, Primitive
from .offers import Notebook
from .option_line import complete_line

__all__ = ["complete", "describe", "is_procedure", "matcher"]

_CELL: Final = re.compile(r"\s*%%procedure\b")
_PATH: Final = re.compile(r"[A-Za-z_][\w.:]*$")
_WORD: Final = re.compile(r"[\w.:]*")
_WORD_BEFORE: Final = re.compile(r"\w*$")
_VALUE: Final = re.compile(r"""(\w+)\s*=\s*["'](\w*)$""")
_CLOSES: Final = {")": "(", "}": "{", "]": "["}


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
        What is typed of the last word, and the whole words, sorted: in the table of a primitive's call its options,
        and the words that one of them may be; members after a dot or colon; otherwise primitives, keywords and the
        program's own names.
    """
    in_table = _options(text, offset)
    if in_table is not None and in_table[1]:
        return in_table
    before = _PATH.search(text[:offset].rpartition("\n")[2])
    typed = before[0].replace(":", ".") if before else ""
    owner, dot, prefix = typed.rpartition(".")
    if dot:
        names = {name[len(owner) + 1 :].partition(".")[0] for name in _known() if name.startswith(f"{owner}.")}
    else:
        names = {name for name in _known() if "." not in name} | _own_names(text.partition("\n")[2], prefix)
    return prefix, sorted(name for name in names if name.startswith(prefix))


def _options(text: str, offset: int) -> tuple[str, list[str]] | None:
    """The options that may stand at an offset, or the words of the one whose value does; None elsewhere."""
    start = text.find("\n") + 1
    value = _VALUE.search(text, start, offset)
    typed = value[2] if value else _WORD_BEFORE.search(text, start, offset)[0]  # type: ignore[index]  # it may be empty
    end = value.start(1) if value else offset - len(typed)
    before = list(tokens(text[start:end], comments=False))
    options = _open_call(before)
    if not options or before[-1].text not in ("{", ",", ";"):
        return None
    if value:
        words = next((option.expected.among for option in options if option.name == value[1]), ())
    else:
        words = tuple(f"{option.name}=" for option in options)
    return typed, sorted(word for word in words if word.startswith(typed))


def _open_call(before: list[Token]) -> tuple[Argument, ...]:
    """The options of the innermost table that is open, where it is a primitive's argument."""
    opened: list[int] = []
    for place, token in enumerate(before):
        if token.text in _CLOSES.values():
            opened.append(place)
        elif token.text in _CLOSES and opened and before[opened[-1]].text == _CLOSES[token.text]:
            opened.pop()
    if not opened or before[opened[-1]].text != "{":
        return ()
    table = opened[-1]
    call = opened[-2] if len(opened) > 1 and before[opened[-2]].text == "(" else table
    row = _called(before[:call])
    arguments = row.arguments if row is not None else ()
    return next((argument.options for argument in arguments if argument.options), ())


def _called(before: list[Token]) -> Primitive | None:
    """The primitive whose name ends here."""
    name = ""
    for token in reversed(before[-3:]):
        if token.kind != "name" and token.text not in (".", ":"):
            break
        name = token.text.replace(":", ".") + name
    return next((row for row in PRIMITIVES if row.name == name), None)


def _own_names(body: str, prefix: str) -> set[str]:
    return {token.text for token in tokens(body, comments=False) if token.kind == "name"} - {prefix}


@context_matcher()  # type: ignore[untyped-decorator]  # IPython's
def matcher(context: Any) -> dict[str, Any]:
    """IPython's matcher: inside a ``%%procedure`` cell it is the only one that counts."""
    text = context.full_text
    lines = text.split("\n")
    line = lines[context.cursor_line][: context.cursor_position]
    offset = sum(len(line) + 1 for line in lines[: context.cursor_line]) + context.cursor_position
    if is_procedure(text) and "\n" in text[:offset].lstrip():
        return _only(*complete(text, offset), kind="function")
    options = complete_line(line, Notebook.of(get_ipython())) if line.lstrip().startswith("%") else None
    return _only(*options, kind="option") if options is not None else {"completions": [], "suppress": False}


def _only(fragment: str, found: list[str], kind: str) -> dict[str, Any]:
    """What is found takes the place of what is typed, and nobody else's proposals are shown.

    Where nothing is found, what is typed stays: IPython would ask all others instead, which know Python only.
    """
    completions = [SimpleCompletion(name, type=kind) for name in found or [fragment]]
    return {"completions": completions, "suppress": True, "matched_fragment": fragment}


def describe(text: str, offset: int) -> str | None:
    """The help of the primitive at an offset of a cell's text, or None."""
    line_start = text.rfind("\n", 0, offset) + 1
    for word in _words_at(text, line_start, offset):
        for primitive in PRIMITIVES:
            if primitive.name == word.replace(":", "."):
                return help_text(primitive)
    return None


def _words_at(text: str, start: int, offset: int) -> Iterable[str]:
    """The word at the cursor, then those before it on the line: inside a call, the call's own name."""
    found = [match for match in _WORD.finditer(text, start) if match[0] and match.start() <= offset]
    for match in reversed(found):
        yield match[0]
