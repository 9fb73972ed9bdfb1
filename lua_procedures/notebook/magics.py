"""``%%procedure`` and ``%procedures``: thin; the work is done elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from .options import define, job_from, parse, runs_file

if TYPE_CHECKING:
    import argparse

    from ..runs import Run
    from .cells import Cell
    from .config import Procedures

__all__ = ["Magics"]


class Magics:
    """The magics of one shell.

    Args:
        shell: the IPython shell.
        defaults: what ``%config Procedures`` sets.
    """

    def __init__(self, shell: Any, defaults: Procedures) -> None:
        self._shell = shell
        self._defaults = defaults
        self._shown: tuple[int, WeakSet[Run]] = (0, WeakSet())

    async def awaited(self, line: str, source: str) -> Run | None:
        """``%%procedure`` in a cell that awaits it."""
        options = parse(line, self._defaults)
        if options.define:
            define(options, source)
            return None
        cell = self._open(options, source, may_wait=True)
        try:
            return self._done(await cell.drive())
        finally:
            self._bind(cell, options)

    def here(self, line: str, source: str) -> Run | None:
        """``%%procedure`` where nothing can be awaited, such as inside ``%%time``."""
        from ..jobs import run_here

        options = parse(line, self._defaults)
        if options.define:
            define(options, source)
            return None
        cell = self._open(options, source, may_wait=False)
        try:
            return self._done(run_here(cell.job, cell.drive))
        finally:
            self._bind(cell, options)

    def line(self, line: str) -> Any:
        """``%procedure`` as a line: runs a file, or is ``%procedures``."""
        return self.here(line, "") if runs_file(line) else self.procedures(line)

    def _open(self, options: argparse.Namespace, source: str, *, may_wait: bool) -> Cell:
        from .cells import open_cell
        from .kernel import cell_id
        from .session_hints import with_session_hints

        job = job_from(options, source, self._shell.user_ns, cell_id(self._shell))
        cell = open_cell(self._shell, job, quiet=bool(options.quiet), may_wait=may_wait)
        job.sink = with_session_hints(job.sink, self._shell)
        return cell

    def _bind(self, cell: Cell, options: argparse.Namespace) -> None:
        run = cell.panel.shown or cell.job.run
        if options.into and run is not None:
            self._shell.user_ns[options.into] = run

    def _done(self, run: Run) -> Run:
        if run.error is not None:
            raise run.error
        self.note_shown(run)
        return run

    def note_shown(self, run: Run) -> None:
        """The cell that runs now has this run's record in its output already, as it may have those of others."""
        cell, runs = self._shown
        if cell != self._shell.execution_count:
            runs = WeakSet()
        runs.add(run)
        self._shown = self._shell.execution_count, runs

    def was_shown(self, run: Run) -> bool:
        """Whether it has, which is said once for each time that it was noted."""
        cell, runs = self._shown
        if cell != self._shell.execution_count or run not in runs:
            return False
        runs.remove(run)
        return True

    def procedures(self, line: str) -> Any:
        """``%procedures``: what runs there are, and what can be done with them."""
        from .commands import command

        return command(self._shell, line)
