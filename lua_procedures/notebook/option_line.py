"""Tab in the option line of ``%%procedure``, and in lines of ``%procedure`` and ``%procedures``."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from .offers import Notebook, offered, recorded, runs
from .options import procedure_parser

__all__ = ["complete_line"]

_LINE: Final = re.compile(r"\s*(%{1,2})(procedures?)[ \t]")
_WORD: Final = re.compile(r"""(?:"[^"]*"?|'[^']*'?|[^\s"'])+""")
_QUOTES: Final = re.compile("[\"']")
_LISTS: Final = ("tools", "inputs")  # options that take several names, with commas between
_REPEATED: Final = ("pairs", "redo")
_PLAIN: Final = re.compile(r"[\w./:=,+@%-]+")


def complete_line(line: str, notebook: Notebook) -> tuple[str, list[str]] | None:
    """What may stand at the end of a line.

    Args:
        line: what is typed of it.
        notebook: what is around it.

    Returns:
        What is typed of the last word, and the whole words, sorted; None where the line is none of ours.
    """
    magic = _LINE.match(line)
    if magic is None or (magic[1] == "%%" and magic[2] != "procedure"):
        return None
    words = _WORD.findall(line, magic.end())
    typed = "" if line[-1].isspace() and not _is_open(words) else words.pop() if words else ""
    before = [_QUOTES.sub("", word) for word in words]
    is_command = magic[1] == "%" and not any(word.partition("=")[0] == "--file" for word in [*before, typed])
    return _command(before, typed, notebook) if is_command else _options(before, typed, notebook)


def _is_open(words: list[str]) -> bool:
    """Whether the last word has a quote that is not closed."""
    return bool(words) and any(words[-1].count(quote) % 2 for quote in "\"'")


def _options(before: list[str], typed: str, notebook: Notebook) -> tuple[str, list[str]]:
    known = procedure_parser().destinations()
    given: dict[str, str] = {}
    wanted = ""
    for word in before:
        option, equals, value = word.partition("=")
        dest, takes = known.get(option, ("name", True))
        if wanted:
            given[wanted], wanted = word, ""
        elif dest == "name" or equals:
            given[dest] = value if equals and dest != "name" else word
        else:
            given[dest], wanted = "", dest if takes else ""
    if wanted:
        return _values(wanted, typed, notebook, given)
    option, equals, value = typed.partition("=")
    if equals and option in known:
        return _values(known[option][0], value, notebook, given)
    left = [each for each, (dest, _) in known.items() if dest not in given or dest in _REPEATED]
    names = [] if "name" in given else offered("name", typed, notebook, given)
    return _beginning(typed, [*map(_quoted, names), *left])


def _values(option: str, typed: str, notebook: Notebook, given: dict[str, str]) -> tuple[str, list[str]]:
    last = typed.rpartition(",")[2] if option in _LISTS else typed
    taken = typed.split(",")[:-1] if option in _LISTS else []
    words = [word for word in offered(option, _QUOTES.sub("", last), notebook, given) if word not in taken]
    return _beginning(last, map(_quoted, words))


def _command(before: list[str], typed: str, notebook: Notebook) -> tuple[str, list[str]]:
    """A line of ``%procedures``: its subcommand, the names that it takes, its options."""
    from .commands import USAGES

    words, given = _without_options(before)
    store = given.get("--store", notebook.store)
    if before and before[-1] == "--store":
        return _values("store", typed, notebook, {})
    if not words:
        return _beginning(typed, USAGES)
    if before[-1] == "--after":
        return _beginning(typed, map(_quoted, recorded(store, words[-1])))
    wanted, _, option = USAGES.get(words[0], "").partition(" [")
    place = dict(enumerate(wanted.split(), 1)).get(len(words), "")
    left = {*option.split()[:1], "--store"} - {*given}
    return _beginning(typed, [*map(_quoted, _at(place, words, store)), *left])


def _without_options(words: list[str]) -> tuple[list[str], dict[str, str]]:
    """The words that are neither an option nor its value, and the options with their values."""
    given = {option: value for option, value in zip(words, [*words, ""][1:], strict=True) if option.startswith("-")}
    values = [place + 1 for place, word in enumerate(words) if word in given]
    return [word for place, word in enumerate(words) if word not in given and place not in values], given


def _at(place: str, words: list[str], store: str) -> list[str]:
    if place in ("NAME", "A", "B"):
        return runs(store)
    return recorded(store, words[1]) if place == "POSITION" else []


def _quoted(word: str) -> str:
    """A word as the line takes it."""
    return word if _PLAIN.fullmatch(word) else f"'{word}'" if '"' in word else f'"{word}"'


def _beginning(typed: str, words: Iterable[str]) -> tuple[str, list[str]]:
    begun = _QUOTES.sub("", typed)
    return typed, sorted({word for word in words if _QUOTES.sub("", word).startswith(begun)})
