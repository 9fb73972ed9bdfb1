"""The options of the command line."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, NoReturn

from ..errors import UsageError
from ..language.hints import meant

__all__ = ["DEFAULT_STORE", "parse", "program_name"]

#: Where runs are kept when ``--store`` names no other place.
DEFAULT_STORE: Final = "lua-procedures.db"

_DESCRIPTION: Final = "Durable Lua procedures: run programs, answer their questions, and see what they did."
_EPILOG: Final = f"""\
Runs are kept in ./{DEFAULT_STORE} unless --store names another place. Values go to stdout, all else to stderr.
Exit codes: 0 completed, 1 failed, 2 wrong usage, 3 waiting for a person, 130 stopped."""
_STORE: Final = (
    f"where runs are kept: path.db, sqlite:///path.db or postgresql://… (default: ./{DEFAULT_STORE});\n"
    "memory: forgets everything when the command ends"
)

_INVALID: Final = re.compile(r"argument COMMAND: invalid choice: '(.*?)'.*", re.DOTALL)

_Add = Callable[..., Any]


class _Parser(argparse.ArgumentParser):
    """An argument parser whose errors are short."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"formatter_class": argparse.RawTextHelpFormatter, "allow_abbrev": False, **options})

    def error(self, message: str) -> NoReturn:
        """Raise instead of ending the process."""
        wrong = _INVALID.fullmatch(message)
        if wrong is not None:
            message = f"unknown command {wrong[1]!r}{meant(wrong[1], _COMMANDS)}"
        raise UsageError(message, hint=f"`{self.prog} --help` lists what there is.")


def program_name() -> str:
    """What the person typed to get here, for messages that say what to type next."""
    return "python -m lua_procedures" if Path(sys.argv[0]).stem == "__main__" else "lua-procedures"


def parse(words: Sequence[str], prog: str) -> argparse.Namespace:
    """The options of a command; ``command`` is its name.

    Raises:
        UsageError: a word is unknown or missing; a close one is named.
        SystemExit: the help or the version was asked for, and is written.
    """
    parser, commands = _parser(prog)
    options, unknown = parser.parse_known_args(words)
    if unknown:
        _refuse(unknown[0], commands[options.command])
    return options


def _refuse(word: str, parser: argparse.ArgumentParser) -> NoReturn:
    if not word.startswith("-"):
        parser.error(f"unexpected {word!r}")
    known = parser._option_string_actions  # noqa: SLF001 - argparse tells nobody its options otherwise
    parser.error(f"unknown option {word}{meant(word.partition('=')[0], known)}")


def _parser(prog: str) -> tuple[_Parser, dict[str, _Parser]]:
    from .._version import __version__

    parser = _Parser(prog=prog, description=_DESCRIPTION, epilog=_EPILOG)
    parser.add_argument("--version", action="version", version=f"lua-procedures {__version__}")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands: dict[str, _Parser] = {}
    for name, (summary, arguments) in _COMMANDS.items():
        command = commands[name] = subparsers.add_parser(name, help=summary, description=summary, epilog=_EPILOG)
        arguments(command.add_argument)
        _common(command.add_argument)
    return parser, commands


def _common(add: _Add) -> None:
    add("--store", metavar="URL", help=_STORE)
    add("--json", action="store_true", help="write the result as JSON")
    add("--traceback", action="store_true", help="show an error with Python's traceback")


def _run(add: _Add) -> None:
    add("file", metavar="FILE", help="a .lua or .tac file, or - for stdin")
    add("-p", action="append", default=[], dest="pairs", metavar="KEY=VALUE", help="an input: JSON, else a text")
    add("--params", metavar="FILE.json", help="a JSON object of inputs")
    _driving(add)
    add("--name", metavar="NAME", help="the run's name (default: the file's, without its suffix);\n"
        "a name that the store knows goes on with that run")  # fmt: skip
    add("--fresh", action="store_true", help="start over; the old journal is kept as history")
    add("--strict", action="store_true", help="a changed checkpoint is an error")
    add("--plan", action="store_true", help="only say what would run, and why")
    add("--redo", action="append", metavar="WHAT", help="run again a step by name, a path such as 3/0, or failed")
    add("--seed", type=int, metavar="N", help="seed of math.random")


def _driving(add: _Add) -> None:
    add("--answers", metavar="FILE.json", help="scripted answers: a JSON list or object, or the word default")
    add("--record", metavar="FILE", help="write the results of models and tools, and the answers, to a fixture")
    add("--replay", metavar="FILE", help="go on from a fixture: no key, no network")
    add("--files", metavar="DIR", help="the folder that File may use (default: the current one)")
    add("--max-seconds", type=float, metavar="N", help="CPU seconds of Lua between two checkpoints")
    add("--max-memory", type=float, metavar="MB", dest="max_memory_mb", help="memory of the Lua, in MB")
    add("--max-tokens", type=int, metavar="N", help="beyond N tokens a person is asked whether to go on")
    add("--quiet", action="store_true", help="no lines on what happens while it runs")


def _resume(add: _Add) -> None:
    _name(add)
    _driving(add)


def _name(add: _Add) -> None:
    add("name", metavar="NAME", help="the run's name")


def _fork(add: _Add) -> None:
    _name(add)
    add("position", metavar="POSITION", help="what lies before it is kept: a position, a path, or a step's name")
    add("new_name", metavar="NEW", help="the name of the fork")


def _diff(add: _Add) -> None:
    add("a", metavar="A", help="a run's name")
    add("b", metavar="B", help="another one's")


def _clear(add: _Add) -> None:
    _name(add)
    add("--after", metavar="STEP", help="forget only what comes after it: a position, a path, or a step's name")


def _answer(add: _Add) -> None:
    _name(add)
    add("value", metavar="VALUE", help="JSON, else a text; yes or no for an approval")
    add("--request", metavar="ID", help="the question it is meant for; refused where another one is open")
    add("--resume", action="store_true", help="go on with the run")
    _driving(add)


def _export(add: _Add) -> None:
    _name(add)
    add("path", metavar="PATH", help=".md, .html or .json; with any other suffix a file that import takes")


def _import(add: _Add) -> None:
    add("path", metavar="PATH", help="a file that export wrote")
    add("--as", dest="new_name", metavar="NAME", help="another name for the run")


def _nothing(_add: _Add) -> None:
    return None


_COMMANDS: Final[dict[str, tuple[str, Callable[[_Add], None]]]] = {
    "run": ("Run a program, or go on with it.", _run),
    "resume": ("Go on with a run from its own program and inputs.", _resume),
    "list": ("List the runs.", _nothing),
    "show": ("Show a run: its checkpoints, its question, its value.", _name),
    "history": ("Show the history of a run.", _name),
    "fork": ("Begin another run with what a run did before a position.", _fork),
    "diff": ("Show which checkpoints of two runs differ, from what to what.", _diff),
    "clear": ("Delete a run with its history, or forget what comes after a checkpoint.", _clear),
    "answer": ("Answer the question that a run waits for.", _answer),
    "export": ("Write a run to a file.", _export),
    "import": ("Take a run from a file into the store.", _import),
}
