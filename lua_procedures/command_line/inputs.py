"""What a command reads before it begins: the program, its inputs, answers."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..errors import UsageError
from ..given import typed_inputs
from ..human.parsing import parse_json
from ..limits import Limits
from ..modules import Module, read_module

__all__ = ["answers", "folder", "limits", "params", "program", "texts"]


def program(options: Namespace) -> Module:
    """The program of ``FILE``, or of stdin for ``-``.

    Raises:
        UsageError: it cannot be read.
    """
    if options.file == "-":
        return Module(sys.stdin.read(), "stdin")
    return read_module(Path(options.file))


def params(options: Namespace) -> dict[str, Any]:
    """The inputs; those of ``-p`` count before those of ``--params``.

    Raises:
        UsageError: a pair has no ``=``, or the file holds no JSON object.
    """
    given = _json_file("--params", options.params) if options.params else {}
    if not isinstance(given, dict):
        raise UsageError(f"--params {options.params}: a JSON object expected")
    return {**given, **typed_inputs(options.pairs)}


def texts(pairs: Sequence[str]) -> dict[str, str]:
    """Inputs as they were typed, for fields that are declared as strings."""
    return dict(pair.split("=", 1) for pair in pairs)


def answers(options: Namespace) -> Any:
    """The scripted answers, or None.

    Raises:
        UsageError: the file holds no JSON list or object.
    """
    if options.answers in (None, "default"):
        return options.answers
    given = _json_file("--answers", options.answers)
    if not isinstance(given, (list, dict)):
        raise UsageError(f"--answers {options.answers}: a JSON list or object expected, or the word default")
    return given


def limits(options: Namespace) -> Limits:
    """The limits that were given, over the default ones.

    Raises:
        UsageError: one of them is none.
    """
    names = ("max_seconds", "max_memory_mb", "max_tokens")
    return Limits.of({name: getattr(options, name) for name in names if getattr(options, name) is not None})


def folder(options: Namespace) -> Path | None:
    """The folder of ``--files``, or None.

    Raises:
        UsageError: there is no such folder.
    """
    if options.files is None:
        return None
    if not Path(options.files).is_dir():
        raise UsageError(f"--files {options.files}: there is no such folder")
    return Path(options.files)


def _json_file(option: str, path: str) -> Any:
    try:
        return parse_json(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{option} {path}: {error.strerror}") from None
    except json.JSONDecodeError as error:
        raise UsageError(f"{option} {path}: no JSON: {error}") from None
    except ValueError as error:
        raise UsageError(f"{option} {path}: {error}") from None
