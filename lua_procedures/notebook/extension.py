"""Loading into IPython: the magics, the awaiting cells, the display of runs. Light: nothing heavy is imported here."""

from __future__ import annotations

import ast
import asyncio
from typing import Any

from IPython.core.magic import no_var_expand

from ..errors import RunStopped
from ..session import get_session
from .completion import describe, is_procedure, matcher
from .config import Procedures
from .kernel import in_kernel, running_code
from .magics import Magics
from .options import PROCEDURE, procedure_parser, runs_file

__all__ = ["Extension", "load", "unload"]

_ATTRIBUTE = "lua_procedures"
_CELL = "get_ipython().run_cell_magic"
_LINE = "get_ipython().run_line_magic"
_CALLS = (_CELL, _LINE)
_MEMORY = "memory:"

#: What ``%procedures?`` shows.
PROCEDURES_HELP = """The runs of this kernel session, or of a store, and what can be done with them.

%procedures                           the list, also as %procedures list
%procedures show NAME                 the record of a run
%procedures answer NAME VALUE         answer its question and go on; VALUE is JSON, else text; yes or no for an approval
%procedures resume NAME               go on with it
%procedures graph NAME [--find TEXT]  its tree of nodes, or the nodes in which the text is found
%procedures export NAME PATH          write it to a file: .md and .html to read, .json as data, else to be imported
%procedures import PATH [--as NAME]   bring it in from a file, under its own name or another one
%procedures history NAME              its journals, and what each keeps that was superseded
%procedures fork NAME POSITION NEW    a new run with what lies before a position, a path or a step's name
%procedures diff A B                  which checkpoints of two runs differ, from what to what
%procedures clear NAME [--after STEP] delete it, or forget what comes after a checkpoint

All take --store URL; %procedure without a cell's text is the same. %config Procedures sets the defaults."""


class Extension:
    """What is installed in one shell.

    Args:
        shell: the IPython shell.
    """

    def __init__(self, shell: Any) -> None:
        self.shell = shell
        self.defaults = Procedures(parent=shell)
        self.magics = Magics(shell, self.defaults)
        self._python_inspect: Any = None
        self._inspect_before: Any = None
        self._installed = False

    def install(self) -> None:
        """Register everything."""
        shell = self.shell

        @no_var_expand
        def procedure(line: str, cell: str | None = None) -> Any:
            return self.magics.line(line) if cell is None else self.magics.here(line, cell)

        @no_var_expand
        def procedures(line: str) -> Any:
            return self.magics.procedures(line)

        procedure.__doc__ = procedure_parser().format_help()
        procedures.__doc__ = PROCEDURES_HELP
        shell.register_magic_function(procedure, "line_cell", PROCEDURE)
        shell.register_magic_function(procedures, "line", "procedures")
        shell.configurables.append(self.defaults)
        shell.input_transformers_post.append(self.await_cell)
        formatter = shell.display_formatter.ipython_display_formatter
        formatter.for_type_by_name("lua_procedures.runs", "Run", self._display_once)
        get_session().default_store = lambda: self.defaults.store or _MEMORY
        shell.Completer.custom_matchers.append(matcher)
        if in_kernel(shell):
            self._join_kernel(shell.kernel)
        self._installed = True

    def _join_kernel(self, kernel: Any) -> None:
        """Show jobs in cells, let runs that are paused go on by themselves, and describe primitives."""
        get_session().show = self.show
        for each in [*get_session().waiting.values()]:
            each.attend()
        self._inspect_before = vars(kernel).get("do_inspect")
        self._python_inspect = kernel.do_inspect
        kernel.do_inspect = self._inspect

    def _leave_kernel(self, kernel: Any) -> None:
        """Undo that; what another extension has put over our description stays, and ours below it is mute."""
        get_session().show = None
        for each in [*get_session().waiting.values()]:
            each.rest()
        if vars(kernel).get("do_inspect") != self._inspect:
            return
        if self._inspect_before is None:
            del kernel.do_inspect
        else:
            kernel.do_inspect = self._inspect_before

    def _inspect(self, code: str, cursor_pos: int, *args: Any, **options: Any) -> Any:
        """Shift-Tab: a primitive inside a ``%%procedure`` cell, Python's own everywhere else; there is no hook."""
        described = describe(code, cursor_pos) if self._installed and is_procedure(code) else None
        if described is None:
            return self._python_inspect(code, cursor_pos, *args, **options)
        return {"status": "ok", "found": True, "data": {"text/plain": described}, "metadata": {}}

    async def show(self, job: Any) -> Any:
        """Drive a job of ``arun`` in the output of the cell that awaits it, with forms."""
        from .cells import open_cell

        try:
            run = await open_cell(self.shell, job, quiet=False, may_wait=True).drive()
        except RunStopped:
            # `arun` may be in a task of the user's, and a KeyboardInterrupt out of one ends the kernel's process
            raise asyncio.CancelledError from None
        self.note_shown(run)
        return run

    def uninstall(self) -> None:
        """Take everything out again."""
        shell = self.shell
        for kind, name in (("cell", PROCEDURE), ("line", PROCEDURE), ("line", "procedures")):
            shell.magics_manager.magics[kind].pop(name, None)
        shell.configurables.remove(self.defaults)
        shell.input_transformers_post.remove(self.await_cell)
        shell.Completer.custom_matchers.remove(matcher)
        if in_kernel(shell):
            self._leave_kernel(shell.kernel)
        self._installed = False
        get_session().default_store = lambda: _MEMORY
        formatter = shell.display_formatter.ipython_display_formatter
        formatter.deferred_printers.pop(("lua_procedures.runs", "Run"), None)
        for kind in [each for each in formatter.type_printers if each.__qualname__ == "Run"]:
            if kind.__module__ == "lua_procedures.runs":
                formatter.pop(kind)

    def await_cell(self, lines: list[str]) -> list[str]:
        """Make a ``%%procedure`` cell of a kernel await its run, since IPython awaits no magic.

        A blocked kernel receives no click, and a coroutine in the cell itself is what the stop button cancels.
        """
        call = next((each for each in _CALLS if lines and lines[0].startswith(f"{each}('{PROCEDURE}',")), None)
        if call is None or not in_kernel(self.shell) or not self.shell.autoawait or running_code():
            return lines
        try:
            _, line, cell = (*ast.literal_eval("".join(lines).strip().removeprefix(call)), "")[:3]
        except (SyntaxError, ValueError):  # a call that a person wrote, with more around it
            return lines
        if call is _LINE and not runs_file(line):
            return lines
        return [f"await get_ipython().{_ATTRIBUTE}.magics.awaited({line!r}, {cell!r})\n"]

    def note_shown(self, run: Any) -> None:
        """The cell that runs now has this run's record in its output already."""
        self.magics.note_shown(run)

    def _display_once(self, run: Any) -> None:
        """A cell's value is its run, whose record is its output already: show it once."""
        if not self.magics.was_shown(run):
            raise NotImplementedError  # IPython's word for "display it as any other object"


def load(shell: Any) -> None:
    """Install the extension; a second time changes nothing."""
    if getattr(shell, _ATTRIBUTE, None) is None:
        extension = Extension(shell)
        extension.install()
        setattr(shell, _ATTRIBUTE, extension)


def unload(shell: Any) -> None:
    """Remove the extension and end its MCP servers; runs and their journals stay in the session."""
    extension = getattr(shell, _ATTRIBUTE, None)
    if extension is not None:
        from ..tools.mcp.servers import close_servers

        extension.uninstall()
        close_servers()
        delattr(shell, _ATTRIBUTE)
