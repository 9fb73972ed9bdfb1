"""Checkpoints folded into the lines that people read, for the panel and the record alike."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ..human.channels import came_from
from .markdown import headline
from .text import ends, one_line, value_text

if TYPE_CHECKING:
    from ..human.requests import HumanResponse
    from ..runs import Checkpoint

__all__ = ["Line", "answer_text", "fold", "gap", "prune", "walk"]

_ANSWER = 80


@dataclass(slots=True)
class Line:
    """Checkpoints of one kind and name in a row, in one frame.

    Attributes:
        count, kept, failed: how many, how many of them came from the journal, and how many failed.
        first, last: lines of the cell where they were called; 0 where unknown.
        seconds: what they took together when they ran.
        running: whether it has started and has no outcome yet.
        halted: why it has no outcome in a run that is over: ``waiting``, ``stopped`` or ``failed``.
        planned: whether it would run; then ``tokens`` is what it had cost.
        said: the start of an agent's last answer.
        error: message of the last failure.
        answers: people's answers, each with how often it was given.
        inner: the lines of their own frames; those of several checkpoints are gathered by kind and name.
        hidden: how many checkpoints inside are not among ``inner``.
        since: UNIX time at which what runs was started.
        until: UNIX time until which it waits, 0 where that is open; ``why`` says what for, where it is no ``Sleep``.
    """

    kind: str
    name: str
    count: int = 0
    kept: int = 0
    failed: int = 0
    first: int = 0
    last: int = 0
    seconds: float = 0.0
    running: bool = False
    halted: str = ""
    planned: bool = False
    tokens: int = 0
    said: str = ""
    error: str | None = None
    answers: dict[str, int] = field(default_factory=dict)
    inner: list[Line] = field(default_factory=list)
    hidden: int = 0
    since: float = 0.0
    until: float = 0.0
    why: str = ""

    def add(self, line: int, *, replayed: bool, failed: bool, seconds: float) -> None:
        """Count one more checkpoint of this line's kind and name."""
        self.count += 1
        self.kept += replayed
        self.failed += failed
        self.first = self.first or line
        self.last = line or self.last
        self.seconds += seconds

    @property
    def mark(self) -> str:
        """``running``, ``waiting``, ``stopped``, ``failed`` or ``kept`` (all of them), ``ran``; planned: ``to run``."""
        if self.planned or self.halted:
            return self.halted or "to run"
        if self.running:
            return "waiting" if self.kind == "human" else "running"
        if self.failed and self.failed == self.count:
            return "failed"
        return "kept" if self.count and self.kept == self.count else "ran"

    @property
    def place(self) -> str:
        """``line 4``, ``lines 4-9``, or nothing where it is unknown."""
        if not self.first:
            return ""
        low, high = min(self.first, self.last), max(self.first, self.last)
        return f"line {low}" if low == high else f"lines {low}-{high}"

    @property
    def tally(self) -> str:
        """``×237, 3 failed``; nothing for a single checkpoint."""
        if self.count < 2:
            return ""
        kept = f", {self.kept:,} kept" if 0 < self.kept < self.count else ""
        failed = f", {self.failed:,} failed" if 0 < self.failed < self.count else ""
        return f"×{self.count:,}{kept}{failed}"

    @property
    def answer(self) -> str:
        """The answers of a ``human`` line: ``Approve``, or ``Approve ×10, Reject ×2``."""
        shown = list(self.answers.items())[:5]
        more = ", …" if len(self.answers) > len(shown) else ""
        return ", ".join(f"{text} ×{count}" if count > 1 else text for text, count in shown) + more


def fold(
    checkpoints: Iterable[Checkpoint],
    answers: Sequence[HumanResponse] = (),
    *,
    planned: bool = False,
    halted: Mapping[str, str] = MappingProxyType({}),
) -> list[Line]:
    """The outermost frame's lines, from checkpoints in path order.

    Args:
        checkpoints: of the run, or what a plan would run.
        answers: tell which checkpoints timed out.
        planned: whether they would run, so that their lines say what they had cost.
        halted: path → why, of those that have no outcome.
    """
    root = Line("", "")
    frames = [root]
    indexes: dict[int, dict[tuple[str, str], Line]] = {}
    waiting = iter(answers)
    for checkpoint in checkpoints:
        depth = min(checkpoint.path.count("/"), len(frames) - 1)
        del frames[depth + 1 :]
        if checkpoint.path in halted:
            line = Line(checkpoint.kind, checkpoint.name, halted=halted[checkpoint.path])
            frames[depth].inner.append(line)
        else:
            line = _line_for(frames[depth], checkpoint, indexes)
        line.add(
            checkpoint.line or 0,
            replayed=checkpoint.replayed,
            failed=checkpoint.error is not None,
            seconds=checkpoint.duration_seconds,
        )
        line.error = checkpoint.error or line.error
        if planned:
            line.planned = True
            line.tokens += checkpoint.usage.total_tokens if checkpoint.usage else 0
        if checkpoint.kind == "human" and checkpoint.error is None and not planned:
            _note_answer(line, checkpoint.value, waiting)
        elif checkpoint.kind == "agent_turn" and isinstance(checkpoint.value, dict) and not planned:
            line.said = headline(str(checkpoint.value.get("content") or ""), _ANSWER)
        frames.append(line)
    return root.inner


def _line_for(parent: Line, checkpoint: Checkpoint, indexes: dict[int, dict[tuple[str, str], Line]]) -> Line:
    """The line of the parent's frame that takes this checkpoint, a new one where none does."""
    last = parent.inner[-1] if parent.inner else None
    if last and last.kind == checkpoint.kind and last.name == checkpoint.name:
        return last
    if parent.count < 2:
        parent.inner.append(Line(checkpoint.kind, checkpoint.name))
        return parent.inner[-1]
    index = indexes.get(id(parent))
    if index is None:
        index = indexes[id(parent)] = {(line.kind, line.name): line for line in parent.inner}
    key = (checkpoint.kind, checkpoint.name)
    if key not in index:
        index[key] = Line(*key)
        parent.inner.append(index[key])
    return index[key]


def _note_answer(line: Line, value: Any, waiting: Iterator[HumanResponse]) -> None:
    """Count the answer; checkpoints carry no request id, so responses are paired in order and by value."""
    response = next(waiting, None)
    if response is not None and not _same(response.value, value):
        response = None
    text = answer_text(value, response)
    origin = "" if response is None or response.channel == "terminal" else came_from(response.channel)
    text += f" ({origin})" if origin else ""
    if text in line.answers or len(line.answers) < 6:
        line.answers[text] = line.answers.get(text, 0) + 1


def _same(first: Any, second: Any) -> bool:
    return value_text(first, 200) == value_text(second, 200)


def answer_text(value: Any, response: HumanResponse | None = None) -> str:
    """A person's answer on one line: ``Approve``, ``reject: "too long"``, ``"blue" (timed out)``, ``timed out``."""
    timed_out = response is not None and response.timed_out
    if isinstance(value, dict) and "decision" in value:
        return _decision_text(value, response)
    if isinstance(value, dict) and value.keys() == {"approved", "edited_artifact"}:
        return "Approve (edited)"
    if value is None:
        return "timed out" if timed_out else "resolved"
    text = {True: "Approve", False: "Reject"}[value] if isinstance(value, bool) else value_text(value, _ANSWER)
    return f"{text} (timed out)" if timed_out else text


def _decision_text(value: dict[str, Any], response: HumanResponse | None) -> str:
    text = one_line(str(value["decision"]), 40)
    if value.get("feedback"):
        text += f': "{one_line(str(value["feedback"]), _ANSWER)}"'
    remarks = ["edited"] * (value.get("edited_artifact") is not None)
    if value.get("timed_out") or (response is not None and response.timed_out):
        remarks += ["timed out; none of the options" if response is not None and response.unlisted else "timed out"]
    return f"{text} ({', '.join(remarks)})" if remarks else text


def walk(lines: Iterable[Line], depth: int = 0) -> Iterator[tuple[int, Line]]:
    """Every line with its depth, outer before inner."""
    for line in lines:
        yield depth, line
        yield from walk(line.inner, depth + 1)


def prune(lines: Sequence[Line], limit: int, head: int) -> list[Line]:
    """At most ``limit`` lines in all: the first ``head``, one that stands for what is left out, and the last ones.

    Outer lines come first; inner ones get the room that is left, and ``hidden`` says what found none.
    """
    first, left_out, last = ends(lines, limit, head)
    room = _Room(limit - len(first) - len(last))
    pruned = [_pruned(line, room) for line in (*first, *last)]
    return [*pruned[:head], gap(lines[head : head + left_out]), *pruned[head:]] if left_out else pruned


def gap(lines: Iterable[Line]) -> Line:
    """The line that stands for several; it has no kind."""
    total = Line("", "")
    for line in lines:
        total.count += line.count
        total.kept += line.kept
        total.failed += line.failed
    return total


@dataclass(slots=True)
class _Room:
    lines: int


def _pruned(line: Line, room: _Room) -> Line:
    if not line.inner:
        return line
    shown = line.inner[: room.lines]
    room.lines -= len(shown)
    hidden = sum(inner.count for _, inner in walk(line.inner[len(shown) :]))
    return replace(line, inner=[_pruned(inner, room) for inner in shown], hidden=line.hidden + hidden)
