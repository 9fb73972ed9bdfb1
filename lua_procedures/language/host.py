"""What the prelude calls on its way, without suspending the program."""

from __future__ import annotations

from typing import Final, Protocol

__all__ = ["HOST_CALLS", "Host"]


class Host(Protocol):
    """The host of one Lua world.

    Answers are None, a boolean or a number: a callback that returned data while Lua is at its memory limit would
    hang. Of a text, as ``begin_step`` may answer, the ``Guest`` lifts the limit first. A ``ProcedureError`` raised
    here ends the program and cannot be caught in it.
    """

    def notice(self, kind: str, text: str, line: int) -> int:
        """Something is shown: its kind and the JSON text of what was given."""

    def warn(self, message: str, line: int) -> None:
        """A warning of our own."""

    def remark(self, message: str, line: int) -> None:
        """Something of ours that is worth knowing and no warning."""

    def unknown_global(self, name: str, line: int) -> None:
        """A global that is not defined was read for the first time."""

    def unknown_field(self, said: str, name: str, known: str, line: int) -> None:
        """A declaration has a field without a meaning; the known ones are separated by the ASCII unit separator."""

    def unknown_key(self, primitive: str, name: str, known: str, line: int) -> None:
        """A key without a meaning was kept, which may be a slip; the known ones are separated alike."""

    def stages_declared(self, names: str) -> None:
        """The stages in order, separated by the ASCII unit separator."""

    def stage_moved(self, name: str, timestamp: float) -> None:
        """The current stage changed, at that UNIX time in seconds."""

    def stop_requested(self, reason: str, success: bool) -> None:  # noqa: FBT001 - called by Lua, by place
        """A stop was requested."""

    def refuse_tokens(self, spent: int) -> int:
        """A person let the run not go on beyond so many tokens: raises, or 1 where an earlier run was told so."""

    def poll_stop(self) -> int:
        """The number of the stop from outside that this look at ``Stop`` sees, or 0."""

    def captured_changed(self, message: str, name: str) -> None:
        """A step changed what it captured."""

    def begin_step(self, kind: str, name: str, asked: str, line: int) -> bool | str | int | float | None:
        """A step begins: True where it runs, its result where that is recorded, False where it must be asked for."""

    def end_step(self, text: str) -> bool:
        """A step returned this scalar (as a JSON list) and did nothing else: whether that is recorded."""

    def declare_hitl(self, key: str, text: str) -> None:
        """``Hitl(key, {…})``: the JSON text of the options."""

    def next_position(self) -> int:
        """The position that the next operation takes."""

    def step_position(self, depth: int) -> int:
        """The position at that depth, from 0, in the path of the innermost step that is open; -1 beyond its end."""

    def now(self) -> int:
        """The program's time in microseconds since 1970."""

    def looked_at(self) -> int:
        """The time that the program sees where it asks for it, on the same clock as ``now``."""

    def elapsed(self) -> int:
        """Microseconds since the run was started, on the same clock as ``now``."""

    def seed(self) -> int:
        """The seed of the innermost frame's random numbers, as a signed 64-bit integer."""


#: The names of all calls of a host.
HOST_CALLS: Final = tuple(name for name in vars(Host) if not name.startswith("_"))
