"""What the command line writes: results to stdout, all else to stderr."""

from __future__ import annotations

import json
import os
import sys
import traceback
from typing import TYPE_CHECKING, Any, TextIO

from ..durable.serialization import dumps, normalise
from ..rendering.text import clean, shorten

if TYPE_CHECKING:
    from ..errors import ProcedureError
    from ..human.requests import HumanRequest
    from ..runs import Run

__all__ = ["error_object", "error_text", "plain", "run_object", "say", "write_json", "write_result", "write_value"]


def say(text: str) -> None:
    """Write a line to the person at the terminal."""
    _write(sys.stderr, clean(text))


def write_result(text: str) -> None:
    """Write a line of the command's result."""
    _write(sys.stdout, text)


def write_value(value: Any) -> None:
    """Write what a program returned: a text as it is, nothing for None, all else as JSON."""
    if isinstance(value, str):
        write_result(clean(value) if sys.stdout.isatty() else value)
    elif value is not None:
        write_json(plain(value))


def write_json(value: Any) -> None:
    """Write a result as JSON."""
    write_result(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def _write(stream: TextIO, text: str) -> None:
    try:
        stream.write(text + "\n")
        stream.flush()
    except UnicodeEncodeError:
        encoding = stream.encoding or "ascii"
        stream.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")
        stream.flush()
    except BrokenPipeError:  # the reader has gone, as `head` does; nothing is left to say to it
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def run_object(run: Run) -> dict[str, Any]:
    """A run as plain JSON."""
    return {
        "name": run.name,
        "run_id": run.run_id,
        "status": run.status,
        "value": plain(run.value),
        "error": None if run.error is None else error_object(run.error),
        "pending": None if run.pending is None else request_object(run.pending),
        "stage": run.stage,
        "state": plain(run.state),
        "replayed": run.replayed,
        "executed": run.executed,
        "usage": plain(run.usage),
        "change": run._data.change,  # noqa: SLF001 - what a record shows too
        "planned": [{"path": each.path, "kind": each.kind, "name": each.name} for each in run.planned],
        "store": run._data.store_url,  # noqa: SLF001 - the same
    }


def request_object(request: HumanRequest) -> dict[str, Any]:
    """A question as plain JSON, without the fields that it has no use for."""
    kept: dict[str, Any] = plain(request.model_dump(exclude_defaults=True))
    return kept


def error_object(error: ProcedureError) -> dict[str, Any]:
    """An error as plain JSON."""
    return {"type": type(error).__name__, "message": error.message, "line": error.line, "hint": error.hint}


def plain(value: Any) -> Any:
    """A value as JSON has it; bytes and live objects as the tags of the journal."""
    return json.loads(dumps(normalise(value), []))


def error_text(error: ProcedureError, *, chunk: str | None = None, whole: bool = False) -> str:
    """An error for a person: a sentence, the program's own line marked, and what to do about it.

    Args:
        error: the error.
        chunk: the name of the program's file, for an error in it.
        whole: with Python's traceback.
    """
    if whole:
        return "".join(traceback.format_exception(error)).rstrip()
    place = f"line {error.line}: " if error.line else ""
    file = f"{chunk}, " if chunk and place else ""
    return "\n".join(filter(None, [f"{file}{place}{shorten(error.message, 2000)}", error.excerpt, error.hint]))
