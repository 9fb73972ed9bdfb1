"""Artifact and context of a request as texts for the browser, which shows them and knows no types."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any, Final

from ..human.artifacts import artifact_kind
from ..human.requests import HumanRequest
from ..rendering.text import clean

__all__ = ["artifact_view", "context_rows", "json_text", "shown"]

_MOST_ROWS: Final = 200
_FIXED: Final = ("table", "image", "html")
_IMAGE_STARTS: Final = {b"\x89PNG": "png", b"\xff\xd8": "jpeg", b"GIF8": "gif", b"RIFF": "webp"}


def artifact_view(request: HumanRequest) -> dict[str, Any] | None:
    """The artifact as JSON for the browser: its kind, its text or table, and whether it can be edited."""
    kind, artifact = artifact_kind(request), request.artifact
    if not kind:
        return None
    if kind == "image":
        return {"kind": kind, "text": _image_url(artifact), "editable": False}
    table = _table(artifact) if kind == "table" else None
    if table:
        return {"kind": kind, "text": "", "editable": False, **table}
    text = artifact if isinstance(artifact, str) else json_text(artifact)
    shown_kind = "json" if kind == "table" else kind
    can_edit = request.kind == "review" or request.editable
    return {"kind": shown_kind, "text": text, "editable": can_edit and kind not in _FIXED}


def context_rows(context: Any) -> list[tuple[str, str]]:
    """The context as rows of a name and a text; one row without a name where it is no table."""
    if context is None or context in ({}, [], ""):
        return []
    if isinstance(context, Mapping):
        return [(clean(str(key)), clean(shown(value))) for key, value in context.items()]
    return [("", clean(shown(context)))]


def shown(value: Any) -> str:
    """A value as a person reads it: a text as it is, anything else as JSON with indentation."""
    return value if isinstance(value, str) else json_text(value)


def json_text(value: Any) -> str:
    """Data as JSON with indentation; what is no data as the name of its type."""
    return json.dumps(value, ensure_ascii=False, indent=2, default=lambda other: f"<{type(other).__name__}>")


def _table(artifact: Any) -> dict[str, Any] | None:
    """Columns and rows of a list of tables, a list of lists, or ``{columns, rows}``; None for anything else."""
    given = artifact if isinstance(artifact, Mapping) else {}
    rows = given.get("rows") if given else artifact
    if not isinstance(rows, (list, tuple)) or not rows:
        return None
    columns = list(given.get("columns") or ())
    if all(isinstance(row, Mapping) for row in rows):
        columns = columns or list(dict.fromkeys(key for row in rows for key in row))
        rows = [[row.get(column) for column in columns] for row in rows]
    elif not all(isinstance(row, (list, tuple)) for row in rows):
        return None
    texts = [["" if cell is None else shown(cell) for cell in row] for row in rows[:_MOST_ROWS]]
    return {"columns": [str(column) for column in columns], "rows": texts, "more": max(0, len(rows) - _MOST_ROWS)}


def _image_url(artifact: Any) -> str:
    """A URL that an ``<img>`` may load: data of an image, or http; ``""`` for anything else."""
    if isinstance(artifact, bytes):
        kind = next((kind for start, kind in _IMAGE_STARTS.items() if artifact.startswith(start)), "")
        return f"data:image/{kind};base64,{base64.b64encode(artifact).decode()}" if kind else ""
    text = str(artifact).strip()
    return text if text.lower().startswith(("data:image/", "https://", "http://")) else ""
