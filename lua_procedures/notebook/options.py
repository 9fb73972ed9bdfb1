"""The options of ``%%procedure``: a line to a job."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Mapping
from hashlib import blake2b
from keyword import iskeyword
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

from ..errors import UsageError
from ..language.hints import meant

if TYPE_CHECKING:
    from ..jobs import Job
    from ..modules import Module
    from .config import Procedures

__all__ = ["PROCEDURE", "define", "job_from", "parse", "procedure_parser", "runs_file"]

PROCEDURE = "procedure"

#: Options of other tools; "" where none of ours is like it.
_ELSEWHERE: Final = {"--help": "", **dict.fromkeys(("--out", "--output", "--result"), "-o"), "--input": "-i"}


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are short, and which reads a magic's line."""

    def __init__(self, prog: str, description: str) -> None:
        super().__init__(
            prog=prog,
            description=description,
            add_help=False,
            allow_abbrev=False,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )

    def error(self, message: str) -> NoReturn:
        """Raise instead of ending the process."""
        raise UsageError(message, hint=f"%%{PROCEDURE}? lists the options.")

    def read(self, line: str) -> argparse.Namespace:
        """Parse a line by shell rules.

        Raises:
            UsageError: an option is unknown, abbreviated or lacks its value; a close one is named.
        """
        try:
            words = shlex.split(line)
        except ValueError as error:
            self.error(f"{error} in the option line")
        namespace, unknown = self.parse_known_args(words)
        if unknown:
            self._refuse(unknown[0])
        return namespace

    def destinations(self) -> dict[str, tuple[str, bool]]:
        """Each option as it is written → its name in what is parsed, and whether a value follows it."""
        return {word: (action.dest, action.nargs is None) for word, action in self._option_string_actions.items()}

    def _refuse(self, word: str) -> NoReturn:
        if not word.startswith("-"):
            self.error(f"unexpected {word!r}: one NAME is enough (quote a name with spaces)")
        name = word.partition("=")[0]
        self.error(f"unknown option {word}{meant(_ELSEWHERE.get(name, name), self._option_string_actions)}")


def procedure_parser() -> Parser:
    """The options of ``%%procedure``."""
    parser = Parser(
        f"%%{PROCEDURE}",
        "Run the cell's Lua program with durable steps, state, stages and people.\n\n"
        "Running the cell again answers every checkpoint that is unchanged from the run's journal and runs only what\n"
        "is new. The cell's value is the Run.",
    )
    add = parser.add_argument
    add("name", nargs="?", metavar="NAME", help="the run's name; re-running a cell with this name continues that run")
    add("-p", action="append", default=[], metavar="KEY=VALUE", dest="pairs", help="an input; VALUE is JSON, else text")
    add("--params", metavar="VAR", help="a dict of inputs")
    add("-i", metavar="VAR[,VAR]", dest="inputs", help="Python variables as inputs of the same name")
    add("--tools", metavar="VAR[,VAR]", help="Python functions or LangChain tools, usable by name")
    add("--chat-model", metavar="VAR", help="the LangChain chat model of agents that name none")
    add("--predictors", metavar="VAR", help='a dict of predictors for Model("name")')
    add("--answers", metavar="VAR", help="scripted answers, or the word default")
    add("-o", "--into", metavar="VAR", dest="into", help="bind the Run to VAR, whatever comes of it")
    add("--fresh", action="store_true", default=None, help="start over; the old journal is kept as history")
    add("--strict", action="store_true", default=None, help="a changed checkpoint is an error")
    add("--plan", action="store_true", default=None, help="only say what would run, and why")
    add("--redo", action="append", metavar="WHAT", help="run again a step by name, a path such as 3/0, or failed")
    add("--record", metavar="FILE", help="write the fixture of the run: what models, tools and people answered")
    add("--replay", metavar="FILE", help="run from a fixture, without a key and a network; see LUA_PROCEDURES_REPLAY")
    add("--no-wait", action="store_true", default=None, help="do not hold the cell while a person is asked")
    add("--define", action="store_true", help='only define: later cells get it with require("NAME")')
    add("--file", metavar="PATH", help="run a .lua or .tac file; as a line: %%procedure --file PATH [NAME] [options]")
    add("--files", metavar="DIR", help="the folder that File may use (default: the notebook's folder)")
    add("--seed", type=int, metavar="N", help="seed of math.random")
    add("--store", metavar="URL", help="memory: (this kernel session), path.db, sqlite:///path.db or postgresql://…")
    add("--max-seconds", type=float, metavar="N", help="CPU seconds of Lua between two checkpoints")
    add("--max-memory", type=float, metavar="MB", help="memory of the Lua, in MB")
    add("--max-tokens", type=int, metavar="N", help="beyond N tokens a person is asked whether to go on")
    add("--quiet", action="store_true", default=None, help="no live panel")
    return parser


def runs_file(line: str) -> bool:
    """Whether a line of ``%procedure`` runs a file."""
    return any(word == "--file" or word.startswith("--file=") for word in line.split())


def define(options: argparse.Namespace, source: str) -> None:
    """``--define``: keep a cell's text for ``require``, and say so.

    Raises:
        UsageError: it has no name.
        LuaSyntaxError: it does not compile.
    """
    from ..language.runtime import compile_only
    from ..modules import Module
    from ..session import get_session

    if options.name is None:
        raise UsageError("--define needs a NAME", hint=f"%%{PROCEDURE} NAME --define")
    compile_only(source, first_line=2)
    get_session().definitions[options.name] = Module(source, options.name, 2)
    print(f'defined {options.name}: require("{options.name}") gives it')  # noqa: T201 - the cell's output


def parse(line: str, defaults: Procedures) -> argparse.Namespace:
    """The options of a line, with the configured defaults filled in.

    Raises:
        UsageError: the line cannot be read, or ``-o`` names no variable.
    """
    options = procedure_parser().read(line)
    if options.into is not None and (not options.into.isidentifier() or iskeyword(options.into)):
        raise UsageError(f"-o {options.into}: that is no name of a Python variable")
    if options.record or options.replay:  # one on the line is meant instead of the other's default
        options.record, options.replay = options.record or "", options.replay or ""
    for name in defaults.trait_names(config=True):
        if getattr(options, name, None) is None:
            setattr(options, name, getattr(defaults, name))
    return options


def job_from(options: argparse.Namespace, source: str, namespace: Mapping[str, Any], cell: str | None) -> Job:
    """The job of a cell.

    Args:
        options: of ``parse``.
        source: the cell's text below the magic's line.
        namespace: the notebook's variables.
        cell: the front end's id of the cell, or None.

    Raises:
        UsageError: a variable that an option names is not there, or is of the wrong type.
    """
    from ..jobs import Job
    from .variables import answers_from, given_from, params_from

    program = _program(options, source)
    limits = {
        "max_seconds": options.max_seconds,
        "max_memory_mb": options.max_memory,
        "max_tokens": options.max_tokens,
    }
    return Job(
        source=program.text,
        chunk=program.chunk,
        first_line=program.first_line,
        folder=Path(options.file).expanduser().parent if options.file else None,
        name=_unnamed(program.text, cell) if options.name is None else options.name,
        title="procedure" if options.name is None else "",
        params=params_from(options, namespace),
        texts=dict(pair.split("=", 1) for pair in options.pairs if "=" in pair),
        store=options.store or "memory:",
        answers=answers_from(options, namespace),
        given=given_from(options, namespace),
        prices=options.prices,
        files=_folder(options.files),
        wait=not options.no_wait,
        fresh=bool(options.fresh),
        strict=bool(options.strict),
        plan=bool(options.plan),
        redo=options.redo or (),
        record=options.record or None,
        replay=options.replay or None,
        seed=options.seed,
        limits={name: limit for name, limit in limits.items() if limit is not None},
    )


def _program(options: argparse.Namespace, source: str) -> Module:
    """The cell's text, or that of the file that ``--file`` names."""
    from ..modules import Module, read_module

    if not options.file:
        return Module(source, "cell", 2)
    if source.strip():
        raise UsageError(f"--file {options.file}: the cell has a text of its own", hint="Leave the cell's text out.")
    return read_module(Path(options.file).expanduser())


def _folder(path: str | None) -> Path | None:
    if path is None:
        return None
    folder = Path(path).expanduser()
    if not folder.is_dir():
        raise UsageError(f"--files {path}: there is no such folder")
    return folder


def _unnamed(source: str, cell: str | None) -> str:
    return cell or f"cell-{blake2b(source.encode(), digest_size=6).hexdigest()}"
