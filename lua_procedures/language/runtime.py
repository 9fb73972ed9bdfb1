"""One Lua world per run: made, loaded, resumed, dropped.

The guest is driven as coroutines (*threads*). ``Guest.resume`` runs Lua until the thread asks for
something, ends or fails, and gives that back as a tuple of plain texts and numbers. Nothing of Python is
reachable from Lua: the callbacks that the prelude holds return nothing, a boolean, a number or a text.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache, partial
from importlib.resources import files
from typing import Any, Final

from lupa import lua55

from ..errors import LimitExceeded, LuaSyntaxError, ProcedureError
from ..limits import Limits
from .conversion import Converter, closed
from .diagnostics import syntax_error
from .host import HOST_CALLS, Host
from .source import FunctionText, assigned_names, declared_names, marked

__all__ = ["MAIN", "Guest", "Interrupted", "compile_only"]

#: The host's number of the thread that runs the program.
MAIN: Final = 1

_CHUNK: Final = "=(lua_procedures)"
_SEED: Final = 0x5EED  # of Lua's string hash: with it, `pairs` visits string keys alike in every process
_LIBRARY: Final = ("stdlib", "guards", "patterns", "matcher", "strings", "tables")
_PARTS: Final = (
    "world", "values", "ordering", "scalars", "explain", "codec",
    "misuse", "fingerprint", "snapshots", "effects", "put_back", "state_limits", "state",
    "steps", "entering", "people", "time", "json",
    "tree", "graph", "node", "tree_text",
    "conversation", "files", "retry",
    "program", "declarations", "procedures", "modules", "mocks", "tool_calls", "tools", "toolsets", "models",
    "templates", "turn_options", "turn_results", "told", "turns", "agent_fields", "agents",
)  # fmt: skip


class Interrupted(Exception):
    """The person pressed stop while Lua ran."""


#: A function that names one of these may read and assign any global.
_WHOLE_WORLD: Final = frozenset(("_G", "_ENV", "load", "rawset", "setmetatable"))
_STEPS: Final = ("begin_step", "end_step")
#: What takes its name from the variable it is assigned to, or from a text before its table.
_DECLARING: Final = ("Agent", "Mocks", "Model", "Procedure", "Tool", "Toolset")
_INPUT: Final = frozenset(("input", "params"))


@cache
def _source(name: str) -> str:
    return files(__package__).joinpath(f"{name}.lua").read_text(encoding="utf-8")


@cache
def _compiled() -> dict[str, bytes]:
    """The prelude's files as bytecode, compiled once per process: a new world needs a quarter of the time so."""
    scratch = lua55.LuaRuntime(encoding=None, register_eval=False, register_builtins=False)
    dump = scratch.execute(
        b"return function(text) return string.dump(assert(load(text, '=(lua_procedures)', 't'))) end"
    )
    return {name: dump(_source(name).encode()) for name in (*_LIBRARY, *_PARTS)}


class Guest:
    """A Lua world with one program in it.

    Args:
        host: what the prelude calls while Lua runs.
        limits: bounds on time, memory and sizes.
        arguments: what primitives expect of their arguments, as ``language/misuse.lua`` reads it.
    """

    def __init__(self, host: Host, limits: Limits, arguments: str = "") -> None:
        self._limits = limits
        self._lua = lua55.LuaRuntime(
            unpack_returned_tuples=False,
            register_eval=False,
            register_builtins=False,
            max_memory=0,
            string_hash_seed=_SEED,
        )
        self._memory = int(limits.max_memory_mb * 1_000_000)
        self.interrupted = False
        self._fault: ProcedureError | None = None
        self._ticks = 0
        self._started = 0.0
        table = self._lua.table_from
        callbacks: dict[str, Any] = {name: self._guarded(getattr(host, name)) for name in HOST_CALLS}
        callbacks |= {name: self._guarded(getattr(host, name), passes=True) for name in _STEPS}
        callbacks |= {"tick": self._tick, "limit_memory": self._limit_memory, "out_of_memory": self._out_of_memory}
        assemble = self._lua.execute(_source("assemble"), name=_CHUNK)
        self.kit = assemble(
            table(callbacks),
            table({"leaves": limits.max_leaves, "bytes": limits.max_bytes, "string": limits.max_string}),
            table({**_compiled(), "order": table(_PARTS), "arguments": arguments}),
        )
        self.converter = Converter(self._lua, self.kit)
        self._resume: Callable[..., Any] = self.kit.resume
        self._lift = self._lua.set_max_memory

    def _guarded(self, call: Callable[..., Any], *, passes: bool = False) -> Callable[..., Any]:
        """A callback for Lua: an exception must not enter it, so it becomes the fault that ends the program.

        One that ``passes`` an operation answers False where it did not; where it did, the time limit counts anew.
        Where it answers a text, the memory limit is lifted, and the prelude must set it again: running out of memory
        while a text is pushed would abort the process.
        """

        def guarded(*arguments: Any) -> Any:
            try:
                answer = call(*arguments)
            except ProcedureError as fault:
                self.latch(fault)
            except Exception as error:  # noqa: BLE001 - whatever it is, Lua must not see it
                self.latch(ProcedureError(f"{type(error).__name__}: {error}"))
            else:
                if passes and answer is not False:
                    self._ticks = 0
                if type(answer) is str:
                    self._lift(0)
                return answer
            return False if passes else 0

        return guarded

    def load(self, text: str, chunk: str, *, first_line: int) -> Any:
        """Compile a chunk; its lines count from ``first_line``.

        Raises:
            LuaSyntaxError: it does not compile.
        """
        try:
            text.encode()
        except UnicodeEncodeError as error:
            line = first_line + text.count("\n", 0, error.start)
            raise LuaSyntaxError("half of a surrogate pair is no character", line=line) from None
        above = "\n" * (first_line - 1)
        compiled = self.kit.load(above + text, f"={chunk}")
        if isinstance(compiled, tuple):
            raise syntax_error(str(compiled[1]), text, first_line)
        found = marked(text, first_line)
        if found.by_mark:
            compiled = self.kit.load(above + found.text, f"={chunk}")
        # first and last line of a function, as Lua tells them, in one number; the marks count down from -1
        table: dict[int, Any] = {
            first << 24 | last: self._function(function) for (first, last), function in found.by_lines.items()
        }
        table |= {-number: self._function(function) for number, function in found.by_mark.items()}
        self.kit.set_functions(f"={chunk}", self._lua.table_from(table))
        if any(callee in text for callee in _DECLARING):
            push = partial(self._lua.table_from, recursive=True)
            names = assigned_names(text, _DECLARING, first_line)
            self.kit.set_names(chunk, push(names), push(declared_names(text, _DECLARING)))
        return compiled

    def _function(self, function: FunctionText | None) -> Any:
        """What a fingerprint needs of a function; True where its mark must be looked up."""
        if function is None:
            return True
        return self._lua.table_from(
            [
                function.digest,
                self._lua.table_from(function.names),
                not _WHOLE_WORLD.isdisjoint(function.names),
                not _INPUT.isdisjoint(function.names),
            ]
        )

    def start(self, compiled: Any) -> None:
        """Make the program's thread; the first ``resume`` runs it."""
        self.kit.start(MAIN, compiled)

    def resume(self, thread: int, *values: Any) -> tuple[Any, ...]:
        """Run Lua until it asks, ends or fails.

        Args:
            thread: the host's number of the thread.
            values: what the last request is answered with: scalars and Lua tables of the converter.

        Returns:
            The operation's name and its arguments; ``("done", text)`` or ``("failed", text, class, detail,
            line, traceback)`` at the end.

        Raises:
            Interrupted: the person stopped it.
            LimitExceeded: it passed a limit. Neither can be caught by the program.
        """
        returned = self._resume(thread, *values)
        self._lift(0)
        said: tuple[Any, ...] = returned if type(returned) is tuple else (returned,)
        if said[0] == "latched" or self._fault is not None:
            self._raise_fault()
        if said[0] == "memory":
            raise self._memory_fault()
        return said

    def read(self, call: Any) -> str | None:
        """What a reader of the prelude says of the guest's own tables; None where that cannot cross."""
        self._lift(0)
        try:
            text = call()
        except lua55.LuaError:
            return None
        return text if isinstance(text, str) else None

    def restart_clock(self) -> None:
        """A durable operation was passed: the time limit counts anew."""
        self._ticks = 0

    def latch(self, fault: ProcedureError) -> None:
        """End the program with this error; nothing in it can catch it."""
        self._fault = self._fault or fault

    def _raise_fault(self) -> None:
        if self._fault is not None:
            raise self._fault
        if self.interrupted:
            raise Interrupted
        raise LimitExceeded("the program was stopped")

    def _tick(self) -> int:
        """Called by the hook at every 1,000 instructions; anything but 0 ends the program."""
        if self.interrupted or self._fault is not None:
            return 1
        self._ticks += 1
        if self._ticks == 1:  # most programs reach their next checkpoint before the clock need be read
            return 0
        if self._ticks == 2:
            self._started = time.thread_time()
        if time.thread_time() - self._started > self._limits.max_seconds:
            self._fault = LimitExceeded(
                f"the Lua ran for more than {self._limits.max_seconds:g} s of CPU time without a checkpoint",
                hint="Look for an endless loop, put the work into a tool, or raise --max-seconds.",
            )
            return 1
        return 0

    def _limit_memory(self) -> None:
        self._lift(self._memory)

    def _memory_fault(self) -> LimitExceeded:
        return LimitExceeded(
            f"the Lua used more than {self._limits.max_memory_mb:g} MB of memory",
            hint="Keep less in Lua at once, or raise --max-memory.",
        )

    def _out_of_memory(self) -> None:
        self._fault = self._fault or self._memory_fault()

    def interrupt(self) -> None:
        """The person pressed stop: end the program where it is."""
        self.interrupted = True

    def close(self) -> None:
        """Drop the world, and with it all that its callbacks refer to; its memory is free at once."""
        self.kit = self._lua = None
        self._resume = self._lift = closed
        self.converter.close()


def compile_only(text: str, *, first_line: int) -> None:
    """Compile a text in a world of its own, without running it.

    Raises:
        LuaSyntaxError: it does not compile.
    """
    scratch = lua55.LuaRuntime(register_eval=False, register_builtins=False)
    load = scratch.execute("return function(text) return select(2, load(text, '=cell', 't')) end")
    message = load("\n" * (first_line - 1) + text)
    if message is not None:
        raise syntax_error(str(message), text, first_line)
