"""The primitives for readers: the reference page, and the help of one of them."""

from __future__ import annotations

from collections.abc import Iterable

from .catalog import PRIMITIVES
from .rows import KINDS, Argument, Primitive

__all__ = ["help_text", "reference_page"]


def help_text(row: Primitive) -> str:
    """What Shift-Tab shows: the call, what it does, what each argument must be."""
    listed = list(_listed(row.arguments))
    width = max((len(name) for name, _ in listed), default=0)
    arguments = "\n".join(f"  {name.ljust(width)}  {said}" for name, said in listed)
    parts = (f"{row.name}{row.signature}", row.summary, arguments, KINDS[row.kind])
    return "\n\n".join(part for part in parts if part)


def reference_page() -> str:
    """The reference of all primitives, as Markdown: one table per family, in the order of the catalog."""
    lines = [
        "# Primitives",
        "",
        "Made from `lua_procedures/primitives/catalog.py`; Shift-Tab in a cell shows the same.",
        "",
        "| kind | what it means |",
        "|---|---|",
        *(f"| {kind} | {meaning} |" for kind, meaning in KINDS.items()),
    ]
    families: dict[str, list[Primitive]] = {}
    for row in PRIMITIVES:
        families.setdefault(row.name.partition(".")[0] if "." in row.name else "Others", []).append(row)
    for family, rows in families.items():
        lines += ["", f"## {family}", "", "| call | what it does | arguments | kind |", "|---|---|---|---|"]
        lines += map(_row, rows)
    return "\n".join(lines) + "\n"


def _row(row: Primitive) -> str:
    arguments = "<br>".join(f"`{name}`: {said}" for name, said in _listed(row.arguments))
    call = f"{row.name}{row.signature}".replace("|", "\\|")
    return f"| `{call}` | {row.summary} | {arguments} | {row.kind} |"


def _listed(arguments: Iterable[Argument]) -> Iterable[tuple[str, str]]:
    """Each argument and what it must be; a table that is all options gives way to them."""
    arguments = tuple(arguments)
    for argument in arguments:
        if not argument.options or len(arguments) > 1:
            yield argument.name, _said(argument)
        yield from _listed(argument.options)


def _said(argument: Argument) -> str:
    notes = (["required"] if argument.required else []) + ([f"default {argument.default}"] * bool(argument.default))
    return argument.expected.words + (f" ({', '.join(notes)})" if notes else "")
