"""What is wrong with an answer, in sentences for the person who gave it."""

from __future__ import annotations

from typing import Any

__all__ = ["Fault", "add_fault", "kind_of", "sentence", "short"]

#: ``{"field": …, "message": …}``; the field is ``""`` for the answer as a whole.
Fault = dict[str, str]


def add_fault(faults: list[Fault], field: str, message: str) -> None:
    """Note one more thing that is wrong."""
    faults.append({"field": field, "message": message})


def sentence(fault: Fault) -> str:
    """The fault with the name of its field, if it has one."""
    return f"{fault['field']}: {fault['message']}" if fault["field"] else fault["message"]


def kind_of(value: Any) -> str:
    """What a value is, as a person would say it: ``a text``, ``a table``, ``nothing``."""
    names = {str: "a text", bool: "a boolean", int: "a number", float: "a number", list: "a list", dict: "a table"}
    return names.get(type(value), "nothing" if value is None else f"a {type(value).__name__}")


def short(value: Any, limit: int = 60) -> str:
    """The value as text, cut where it is long."""
    text = str(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"
