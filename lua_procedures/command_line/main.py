"""From the words of a command to its exit code."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Callable, Sequence
from typing import Final

from ..errors import ProcedureError, UsageError
from .options import parse, program_name

__all__ = ["main"]

_FAILED: Final = 1
_USAGE: Final = 2
_STOPPED: Final = 130
_OURS: Final = "That is a fault of lua-procedures; --traceback shows where."


def main(words: Sequence[str] | None = None) -> int:
    """Do what a command says.

    Args:
        words: the command's words; those of this process by default.

    Returns:
        The exit code: 0 completed, 1 failed, 2 wrong usage, 3 waiting for a person, 130 stopped.
    """
    from .output import error_object, error_text, say, write_json

    words = sys.argv[1:] if words is None else words
    options = Namespace(json="--json" in words, traceback=False)
    try:
        options = parse(words, program_name())
        return _command(options.command)(options)
    except KeyboardInterrupt:
        say("stopped")
        return _STOPPED
    except ProcedureError as error:
        say(error_text(error, whole=options.traceback))
        if options.json:
            write_json({"error": error_object(error)})
        return _USAGE if isinstance(error, UsageError) else _FAILED
    except Exception as error:
        if options.traceback:
            raise
        fault = ProcedureError(f"{type(error).__name__}: {error}", hint=_OURS)
        say(error_text(fault))
        if options.json:
            write_json({"error": error_object(fault)})
        return _FAILED


def _command(name: str) -> Callable[[Namespace], int]:
    from . import running, stored

    commands: dict[str, Callable[[Namespace], int]] = {
        "run": running.run,
        "resume": running.resume,
        "list": stored.list_runs,
        "show": stored.show,
        "history": stored.history,
        "fork": stored.fork,
        "diff": stored.diff,
        "clear": stored.clear,
        "answer": stored.answer,
        "export": stored.export,
        "import": stored.import_file,
    }
    return commands[name]
