"""A question still open, as static text and HTML: what is asked, and how to answer without the form."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from . import elements as el
from .markdown import markdown_html
from .text import clean, is_empty, one_line, pretty, value_text

if TYPE_CHECKING:
    from ..human.requests import HumanRequest, RequestField

__all__ = ["how_to_answer", "in_store", "question_text", "request_html", "request_text"]

_ARTIFACT = 1500
_WHOLE = 20_000
_MAX_CHOICES = 20


def request_html(request: HumanRequest, name: str = "NAME", store: str = "", *, volatile: bool = False) -> str:
    """The question as HTML.

    Args:
        request: the open question.
        name: the run's name, for the command that answers it.
        store: the run's store, where that command must name it.
        volatile: whether to say until what time of day it can be answered.
    """
    asked = " · ".join(part for part in _asked(request) if part)
    message = f'<span style="white-space:pre-wrap">{el.bold(el.safe(request.message, 1000))}</span>'
    parts = [f"<div>{message} {el.muted(el.safe(asked, 100))}</div>"]
    if not is_empty(request.context):
        parts.append(el.data_table(request.context, 200))
    if request.artifact is not None:
        parts.append(el.details(el.muted("Artifact"), _artifact_html(request), opened=True))
    parts += [f"<div>{el.muted(label)} {el.safe(text, 500)}</div>" for label, text in _facts(request)]
    if volatile and request.expires_at is not None:
        until = datetime.fromtimestamp(request.expires_at).astimezone()
        parts.append(f"<div>{el.muted('until')} {el.safe(until.strftime('%Y-%m-%d %H:%M %Z'), 40)}</div>")
    command = el.code(el.safe(how_to_answer(request, name, store), 600))
    parts.append(f"<div>{el.muted('to answer: run it again, or')} {command}</div>")
    return el.block("\n".join(parts), color=el.AMBER)


def request_text(request: HumanRequest, name: str = "NAME", store: str = "") -> str:
    """The question as at most eight lines of text; ``name`` and ``store`` are for the command that answers it."""
    place = ", ".join(part for part in _asked(request) if part)
    lines = [f"question: {one_line(request.message, 160)} ({place})"]
    if not is_empty(request.context):
        lines.append(f"  context: {one_line(_text_of(request.context), 160)}")
    if request.artifact is not None:
        lines.append(f"  artifact: {one_line(_text_of(request.artifact), 160)}")
    lines += [f"  {label}: {one_line(text, 160)}" for label, text in _facts(request)]
    return "\n".join([*lines, f"  to answer: run it again, or {clean(how_to_answer(request, name, store))}"])


def question_text(request: HumanRequest, *, choices: bool = True) -> str:
    """The question as a terminal shows it, with the whole of what is to be read first.

    Args:
        request: the question.
        choices: whether to say what there is to choose; without it, whoever asks shows that.
    """
    place = ", ".join(part for part in _asked(request) if part)
    lines = [f"{one_line(request.message, 1000)} ({place})"]
    if not is_empty(request.context):
        lines.append(f"  context: {pretty(request.context, _ARTIFACT)}")
    if request.artifact is not None:
        artifact = "an image; a form shows it" if request.artifact_type == "image" else pretty(request.artifact, _WHOLE)
        lines += ["  artifact:", *(f"  | {line}" for line in artifact.split("\n"))]
    lines += [f"  {label}: {one_line(text, 2000)}" for label, text in _facts(request, choices=choices)]
    return "\n".join(lines)


def how_to_answer(request: HumanRequest, name: str, store: str = "", command: str = "%procedures") -> str:
    """The line that answers the question, such as ``%procedures answer release yes --store runs.db``."""
    return f"{command} answer {shlex.quote(name)} {shlex.quote(_example(request))}{in_store(store)}"


def in_store(store: str) -> str:
    """`` --store runs.db``, for the end of a line to type; nothing where there is no need to name the store."""
    return f" --store {shlex.quote(store)}" if store else ""


def _asked(request: HumanRequest) -> tuple[str, ...]:
    return request.kind, request.severity or "", f"line {request.line}" if request.line else ""


def _facts(request: HumanRequest, *, choices: bool = True) -> Iterator[tuple[str, str]]:
    """What there is to choose and what happens without an answer, each with its label."""
    labels = [option.label for option in request.options] or ["Approve", "Reject"] * (request.kind == "approve")
    if labels and choices:
        many = request.kind == "select" and request.mode == "multiple"
        yield f"choose {_how_many(request)}of" if many else "options", _listed(labels)
    if request.fields and choices:
        yield "fields", _listed([_field_text(field) for field in request.fields])
    if request.placeholder:
        yield "placeholder", request.placeholder
    if request.response_schema:
        yield "schema", value_text(request.response_schema, 300)
    if request.timeout_seconds is not None and request.kind != "escalate":
        yield f"after {_duration(request.timeout_seconds)} without an answer", request.default_label() or "no value"
    elif request.default is not None and request.kind in ("input", "select", "review"):
        yield "default", request.default_label() or ""


def _how_many(request: HumanRequest) -> str:
    low, high = request.min, request.max
    if low is None and high is None:
        return ""
    return f"{low or 0} to {high} " if high is not None else f"at least {low} "


def _listed(texts: list[str]) -> str:
    shown = ", ".join(one_line(text, 80) for text in texts[:_MAX_CHOICES])
    return shown if len(texts) <= _MAX_CHOICES else f"{shown}, … ({len(texts) - _MAX_CHOICES} more)"


def _field_text(field: RequestField) -> str:
    return f"{field.id} ({field.type}: {field.message})" if field.message else f"{field.id} ({field.type})"


def _duration(seconds: float) -> str:
    """A timeout as it would be said: ``90 s``, ``5 min``, ``2 h``, ``3 d``."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} s"


def _text_of(value: Any) -> str:
    return value if isinstance(value, str) else value_text(value, 200)


def _artifact_html(request: HumanRequest) -> str:
    artifact = request.artifact
    if request.artifact_type == "image":
        return el.block(el.muted("an image; the form shows it"))
    if request.artifact_type == "markdown" and isinstance(artifact, str):
        return markdown_html(artifact, _ARTIFACT)
    if request.artifact_type == "table" and not isinstance(artifact, str):
        return el.data_table(artifact, 200)
    return el.preformatted(el.safe(pretty(artifact, _ARTIFACT), _ARTIFACT))


def _example(request: HumanRequest) -> str:
    """An answer of the right form, as the command line takes it: JSON, else a string."""
    if request.kind == "approve":
        return "yes"
    if request.kind == "escalate":
        return "resolved"
    if request.kind == "multiple":
        return json.dumps({field.id: _placeholder(field.type) for field in request.fields[:6]}, ensure_ascii=False)
    if request.options:
        option = request.options[0]
        chosen = option.label if request.kind == "review" or option.value is None else option.value
        return _spoken([chosen] if request.kind == "select" and request.mode == "multiple" else chosen)
    return "JSON" if request.response_schema else "TEXT"


def _placeholder(field_type: str) -> Any:
    return True if field_type == "approve" else "…"


def _spoken(value: Any) -> str:
    """A string as it is, unless it would be read as JSON; anything else as JSON."""
    text = value_text(value, 200)
    if not isinstance(value, str):
        return text
    try:
        json.loads(value)
    except ValueError:
        return one_line(value, 200)
    return text
