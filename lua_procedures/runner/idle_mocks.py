"""Mocks that stand in for nothing: most likely their names are misspelt, and the real tool runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from ..durable.serialization import loads
from ..language.hints import suggestion
from ..language.source import assigned_names, tokens
from ..modules import Module
from .passes import Program

__all__ = ["idle_mocks"]

_MOCKED: Final = ("Agent", "Model", "Tool")  # what a mock can stand in for


def idle_mocks(told: str, program: Program, modules: Mapping[str, Module]) -> Iterator[tuple[str, int | None]]:
    """Warnings of the mocks whose names nothing has, each with its line.

    What the program did not come to is looked for in the texts, so that no mock of it is warned of. Mocks that a
    module declares may be for many programs: there a warning needs a name that is close.

    Args:
        told: what the prelude says of them, "" where there are none.
        program: what was run.
        modules: the texts that it required.
    """
    given = loads(told) if told else {"idle": {}, "unmocked": []}
    if not given["idle"]:
        return
    texts = [program.text, *(module.text for module in modules.values())]
    named = {name for text in texts for name in _named(text)} | {*program.predictors.names, *program.tools.names}
    known = {*given["unmocked"], *program.predictors.names}
    chunks = {module.chunk for module in modules.values()}
    for name, (line, chunk) in given["idle"].items():
        near = suggestion(name, known)
        if name not in named and (near or chunk not in chunks):
            said = f"Mocks: '{name}' is no tool, model or agent of this program"
            yield f"{said}. {near}" if near else said, None if chunk in chunks else line or None


def _named(text: str) -> set[str]:
    """What a text declares by assignment, or says as a string that is no key of a table."""
    found = tokens(text, comments=False)
    words = ["", *(token.text for token in found), "", ""]
    said = {
        token.text[1:-1]
        for place, token in enumerate(found, 1)
        if token.kind == "string" and (words[place - 1], *words[place + 1 : place + 3]) != ("[", "]", "=")
    }
    by_lines = assigned_names(text, _MOCKED).values()
    return said.union(*(names for lines in by_lines for names in lines.values()))
