"""``%%procedure`` and ``%procedures``: option lines to jobs. The work is done elsewhere."""

from __future__ import annotations

import argparse
import json
import shlex
from collections.abc import Mapping
from difflib import get_close_matches
from hashlib import blake2b
from keyword import iskeyword
from typing import TYPE_CHECKING, Any, NoReturn

from ..errors import UsageError

if TYPE_CHECKING:
    from ..api import Job
    from ..runs import Run
    from .cells import Cell
    from .config import Procedures

__all__ = ["PROCEDURE", "job_from", "parse", "procedure_parser"]

PROCEDURE = "procedure"


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

    def _refuse(self, word: str) -> NoReturn:
        if not word.startswith("-"):
            self.error(f"unexpected {word!r}: one NAME is enough (quote a name with spaces)")
        near = get_close_matches(word.split("=", maxsplit=1)[0], self._option_string_actions, n=1, cutoff=0.5)
        self.error(f"unknown option {word}" + (f"; did you mean {near[0]}?" if near else ""))


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
    add("--answers", metavar="VAR", help="scripted answers, or the word default")
    add("-o", "--into", metavar="VAR", dest="into", help="bind the Run to VAR, whatever comes of it")
    add("--fresh", action="store_true", default=None, help="start over; the old journal is kept as history")
    add("--strict", action="store_true", default=None, help="a changed checkpoint is an error")
    add("--plan", action="store_true", default=None, help="only say what would run, and why")
    add("--redo", action="append", metavar="WHAT", help="run again a step by name, a path such as 3/0, or failed")
    add("--no-wait", action="store_true", default=None, help="do not hold the cell while a person is asked")
    add("--seed", type=int, metavar="N", help="seed of math.random")
    add("--store", metavar="URL", help="memory: (this kernel session), path.db or sqlite:///path.db")
    add("--max-seconds", type=float, metavar="N", help="CPU seconds of Lua between two checkpoints")
    add("--max-memory", type=float, metavar="MB", help="memory of the Lua, in MB")
    add("--quiet", action="store_true", default=None, help="no live panel")
    return parser


def parse(line: str, defaults: Procedures) -> argparse.Namespace:
    """The options of a line, with the configured defaults filled in.

    Raises:
        UsageError: the line cannot be read, or ``-o`` names no variable.
    """
    options = procedure_parser().read(line)
    if options.into is not None and (not options.into.isidentifier() or iskeyword(options.into)):
        raise UsageError(f"-o {options.into}: that is no name of a Python variable")
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
    from ..api import Job

    limits = {"max_seconds": options.max_seconds, "max_memory_mb": options.max_memory}
    return Job(
        source=source,
        name=_unnamed(source, cell) if options.name is None else options.name,
        title="procedure" if options.name is None else "",
        params=_params(options, namespace),
        texts=dict(pair.split("=", 1) for pair in options.pairs if "=" in pair),
        store=options.store or "memory:",
        answers=_answers(options, namespace),
        wait=not options.no_wait,
        first_line=2,
        fresh=bool(options.fresh),
        strict=bool(options.strict),
        plan=bool(options.plan),
        redo=options.redo or (),
        seed=options.seed,
        limits={name: limit for name, limit in limits.items() if limit is not None},
    )


def _unnamed(source: str, cell: str | None) -> str:
    return cell or f"cell-{blake2b(source.encode(), digest_size=6).hexdigest()}"


def _variable(namespace: Mapping[str, Any], name: str, option: str) -> Any:
    if name not in namespace:
        near = get_close_matches(name, [each for each in namespace if not each.startswith("_")], n=1)
        raise UsageError(
            f"{option} {name}: there is no variable {name} in the notebook"
            + (f"; did you mean {near[0]}?" if near else "")
        )
    return namespace[name]


def _answers(options: argparse.Namespace, namespace: Mapping[str, Any]) -> Any:
    if options.answers is None or options.answers == "default":
        return options.answers
    return _variable(namespace, options.answers, "--answers")


def _params(options: argparse.Namespace, namespace: Mapping[str, Any]) -> dict[str, Any]:
    params: dict[str, Any] = {}
    if options.params:
        given = _variable(namespace, options.params, "--params")
        if not isinstance(given, Mapping):
            raise UsageError(f"--params {options.params}: a dict expected, got {type(given).__name__}")
        params.update(given)
    for name in filter(None, (options.inputs or "").split(",")):
        params[name.strip()] = _input(_variable(namespace, name.strip(), "-i"))
    for pair in options.pairs:
        key, separator, value = pair.partition("=")
        if not separator or not key:
            raise UsageError(f"-p {pair}: KEY=VALUE expected")
        params[key] = _json_or_text(value)
    return params


def _json_or_text(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_no_constant)
    except ValueError:
        return text


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)  # NaN and Infinity are no JSON


def _input(value: Any) -> Any:
    """A variable as an input: a DataFrame as a list of rows, a Run as its value."""
    from ..runs import Run

    if isinstance(value, Run):
        return value.value
    if type(value).__module__.partition(".")[0] == "pandas" and hasattr(value, "to_dict") and hasattr(value, "columns"):
        rows = value.astype(object).where(value.notna(), None).to_dict(orient="records")
        return [{str(key): _scalar(item) for key, item in row.items()} for row in rows]
    return value


def _scalar(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else value


class Magics:
    """The magics of one shell.

    Args:
        shell: the IPython shell.
        defaults: what ``%config Procedures`` sets.
    """

    def __init__(self, shell: Any, defaults: Procedures) -> None:
        self._shell = shell
        self._defaults = defaults
        self.shown: tuple[int, int] | None = None

    async def awaited(self, line: str, source: str) -> Run:
        """``%%procedure`` in a cell that awaits it."""
        cell, options = self._open(line, source, may_wait=True)
        try:
            return self._done(await cell.drive())
        finally:
            self._bind(cell, options)

    def here(self, line: str, source: str) -> Run:
        """``%%procedure`` where nothing can be awaited, such as inside ``%%time``."""
        from ..api import run_here

        cell, options = self._open(line, source, may_wait=False)
        try:
            return self._done(run_here(cell.job, cell.drive))
        finally:
            self._bind(cell, options)

    def _open(self, line: str, source: str, *, may_wait: bool) -> tuple[Cell, argparse.Namespace]:
        from .cells import open_cell
        from .kernel import cell_id

        options = parse(line, self._defaults)
        job = job_from(options, source, self._shell.user_ns, cell_id(self._shell))
        return open_cell(self._shell, job, quiet=bool(options.quiet), may_wait=may_wait), options

    def _bind(self, cell: Cell, options: argparse.Namespace) -> None:
        run = cell.panel.shown or cell.job.run
        if options.into and run is not None:
            self._shell.user_ns[options.into] = run

    def _done(self, run: Run) -> Run:
        if run.error is not None:
            raise run.error
        self.shown = (id(run), self._shell.execution_count)
        return run

    def is_shown(self, run: Run) -> bool:
        """Whether the cell that runs now has this run's record in its output already."""
        return self.shown == (id(run), self._shell.execution_count)

    def procedures(self, line: str) -> Any:
        """``%procedures``: what runs there are, and what can be done with them."""
        from .commands import command

        return command(self._shell, line)
