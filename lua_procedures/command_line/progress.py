"""What happens in a run, as lines for whoever watches the terminal."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

from ..durable.kinds import word_of
from ..events import Changed, CheckpointFinished, CheckpointStarted, Event, Noticed, RunEnded, StageMoved
from ..rendering.lines import Line
from ..rendering.notices import notice_lines
from ..rendering.text import count_of, one_line

__all__ = ["ProgressLines"]

_FOLDED: Final = 0.5  # seconds in which checkpoints of one name in a row are one line


class ProgressLines:
    """An event sink that writes a line for what is new; what is replayed is only counted.

    Args:
        write: writes one line.
        now: the time in seconds, from any start.
    """

    def __init__(self, write: Callable[[str], object], now: Callable[[], float] = time.monotonic) -> None:
        self._write = write
        self._now = now
        self._written = -_FOLDED
        self._kept = 0
        self._line: Line | None = None
        self._depth = 0
        self._handlers: dict[type, Callable[[Any], None]] = {
            Changed: self._changed,
            CheckpointStarted: self._started,
            CheckpointFinished: self._finished,
            Noticed: self._noticed,
            StageMoved: self._moved,
            RunEnded: self._ended,
        }

    def __call__(self, event: Event) -> None:
        """Take one event; unknown ones are passed over."""
        handle = self._handlers.get(type(event))
        if handle is not None:
            handle(event)

    def _changed(self, event: Changed) -> None:
        self._say(event.sentence)

    def _noticed(self, event: Noticed) -> None:
        for line in notice_lines(event.notice):
            self._say(line)

    def _moved(self, event: StageMoved) -> None:
        self._say(f"stage: {one_line(event.to_stage, 80)}")

    def _ended(self, _event: RunEnded) -> None:
        self.flush()

    def _started(self, _event: CheckpointStarted) -> None:
        self._tell_kept()

    def _finished(self, event: CheckpointFinished) -> None:
        depth = event.path.count("/")
        if event.replayed:
            self._kept += depth == 0
            return
        if self._line is None or (self._line.kind, self._line.name, self._depth) != (event.kind, event.name, depth):
            self.flush()
            self._line, self._depth = Line(event.kind, event.name), depth
        self._line.add(event.line, replayed=False, failed=event.failed, seconds=event.seconds)
        if self._now() - self._written >= _FOLDED:
            self.flush()

    def flush(self) -> None:
        """Write what is known and not written yet."""
        self._tell_kept()
        line, self._line = self._line, None
        if line is not None:
            self._write(f"{'  ' * self._depth}{_text(line)}")
            self._written = self._now()

    def _tell_kept(self) -> None:
        if self._kept:
            kept, self._kept = self._kept, 0
            self._write(f"kept {count_of(kept, 'checkpoint')}")

    def _say(self, line: str) -> None:
        self.flush()
        self._write(line)


def _text(line: Line) -> str:
    """``step fetch ×3, 1 failed (line 4, 0.52 s)``."""
    failed = "failed: " if line.mark == "failed" else ""
    parts = [word_of(line.kind), one_line(line.name, 80), line.tally]
    facts = ", ".join(filter(None, [line.place, f"{line.seconds:.2f} s"]))
    return f"{failed}{' '.join(filter(None, parts))} ({facts})"
