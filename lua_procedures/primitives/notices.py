"""What a program shows: ``Human.notify``, ``System.alert``, ``Log``, ``print``, to ``Notice`` records."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

from ..runs import Notice
from .catalog import primitive

__all__ = ["notice_from", "notice_options"]

_KNOWN: Final = {"message", "level", "content", "details", "context", "source"}
_PRIMITIVES: Final = {"notify": "Human.notify", "alert": "System.alert"}
_LEVELS: Final = {"debug", "info", "warning", "error", "critical"}


def notice_from(kind: Any, given: Any, line: int | None) -> Notice:
    """The notice of one call.

    Args:
        kind: ``notify``, ``alert``, ``log``, ``print`` or ``warning``.
        given: the call's table, or the text of a ``print``.
        line: the cell's line of the call.
    """
    if not isinstance(given, dict):
        given = {"message": "" if given == [] else _text(given)}
    level = given.get("level")
    content, details = given.get("content"), given.get("details") or []
    return Notice(
        kind=kind,
        level=level if level in _LEVELS else "info",
        message=_text(given.get("message")),
        content=None if content is None else _text(content),
        details=tuple(_detail(each) for each in (details if isinstance(details, list) else [details])),
        context=given.get("context"),
        source=None if given.get("source") is None else _text(given["source"]),
        fields={key: value for key, value in given.items() if key not in _KNOWN},
        line=line or None,
    )


def notice_options(kind: str) -> tuple[str, Collection[str]]:
    """The primitive that shows notices of a kind, and the names of its options; none for one that takes no table."""
    name = _PRIMITIVES.get(kind, kind)
    return name, [each.name for each in primitive(name).arguments[0].options] if kind in _PRIMITIVES else ()


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _detail(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        return {"title": "", "content": _text(value)}
    content = value.get("content")
    return {**value, "title": _text(value.get("title")), "content": content if _is_table(content) else _text(content)}


def _is_table(value: Any) -> bool:
    return isinstance(value, (dict, list)) and bool(value)
