"""What the live panel knows of a run, taken from its events; bounded, whatever the run does."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING, Any

from ..events import (
    Answered,
    Asked,
    Changed,
    CheckpointFinished,
    CheckpointStarted,
    GraphGrew,
    Noticed,
    RunEnded,
    RunStarted,
    StageMoved,
    StagesDeclared,
    StopRequested,
    TextStreamed,
    Told,
    Waiting,
)
from .lines import Line
from .transcripts import Turn, frame_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..events import Event
    from ..graphs import Graph
    from ..human.requests import HumanRequest
    from ..runs import Notice, RunStatus

__all__ = ["KEPT", "Progress"]

#: How many lines, and how many notices, are kept.
KEPT = 200
_KEPT_INSIDE = 20
_KEPT_NODES = 40
_KEPT_TURNS = 4


class Progress:
    """An event sink that keeps what the panel shows.

    Args:
        now: the UNIX time in seconds.

    Attributes:
        name: the run's name, empty before it starts.
        status: ``pending``, ``running``, ``paused`` while a person is asked, and at the end the run's status.
        stages_declared: the declared stages in order.
        stages_visited: stages in the order first visited.
        stage: the current stage, or None.
        lines: the outermost frame's finished checkpoints, folded.
        running: started checkpoints without an outcome, by path.
        inside: what finished inside of those, by the outermost position, folded.
        notices: everything shown, in order.
        lines_left_out, notices_left_out: how many checkpoints and notices came before those kept.
        request: the open question, or None.
        stop: the last stop that was requested, or None.
        replayed, executed: checkpoints of the outermost frame that came from the journal, and that ran.
        change: the sentence on what is not as recorded, or None.
        tokens_kept, tokens_spent: of the model calls that came from the journal, and of those that ran.
        turns: agents' last turns that are over, and those that go on; ``turns_left_out`` were over before them.
        streaming: whether a model's text is coming.
        tree: the part of the node tree that was last looked at, or None.
        tree_size: how many nodes there are in all.
        ended: whether the run ended.
    """

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self.name = ""
        self.ended = False
        self._handlers: dict[type, Callable[[Any], None]] = {
            Changed: self._changed,
            CheckpointFinished: self._finished,
            CheckpointStarted: self._started,
            Noticed: self._noticed,
            StageMoved: self._moved,
            StagesDeclared: self._declared,
            StopRequested: self._stop_requested,
            Waiting: self._waits,
            GraphGrew: self._grew,
            Told: self._told,
            TextStreamed: self._streamed,
            Asked: self._asked,
            Answered: self._answered,
            RunStarted: self._run_started,
            RunEnded: self._run_ended,
        }
        self._reset()

    def __call__(self, event: Event) -> None:
        """Take one event; the cost does not depend on what came before. Unknown events are passed over."""
        handle = self._handlers.get(type(event))
        if handle is not None:
            handle(event)

    def _reset(self) -> None:
        self.status: RunStatus = "pending"
        self.stages_declared: tuple[str, ...] = ()
        self.stages_visited: dict[str, None] = {}
        self.stage: str | None = None
        self.lines: deque[Line] = deque(maxlen=KEPT)
        self.running: dict[str, Line] = {}
        self.inside: dict[str, deque[Line]] = {}
        self.notices: deque[Notice] = deque(maxlen=KEPT)
        self.lines_left_out = 0
        self.notices_left_out = 0
        self.request: HumanRequest | None = None
        self.stop: StopRequested | None = None
        self.replayed = 0
        self.executed = 0
        self.change: str | None = None
        self.tokens_kept = 0
        self.tokens_spent = 0
        self.streaming = False
        self.turns_left_out = 0
        self._turns: dict[str, Turn] = {}  # those that go on, by path
        self._ended: deque[Turn] = deque(maxlen=_KEPT_TURNS)
        self.tree: Graph | None = None
        self.tree_size = 0
        self._read_tree: Callable[[int], Graph] | None = None

    def look_at_tree(self) -> None:
        """Read the tree, if it grew since; only while Lua rests (see ``GraphGrew``)."""
        if self._read_tree is not None:
            self.tree = self._read_tree(_KEPT_NODES)
            self._read_tree = None

    def _changed(self, event: Changed) -> None:
        self.change = event.sentence

    def _run_started(self, event: RunStarted) -> None:
        self._reset()
        self.name = event.run._data.title or event.run.name  # noqa: SLF001 - what the record calls it
        self.status = "running"
        self.ended = False

    def _run_ended(self, event: RunEnded) -> None:
        self.status = event.run.status
        self.ended = True
        self.running.clear()
        self.inside.clear()
        self._turns.clear()
        self._read_tree = None

    def _started(self, event: CheckpointStarted) -> None:
        self.running[event.path] = Line(
            event.kind, event.name, count=1, first=event.line, last=event.line, running=True, since=self._now()
        )
        if event.kind == "agent_turn":
            turn = self._turns.setdefault(event.path, Turn())
            turn.agent, turn.line, turn.running = event.name, event.line, True

    def _waits(self, event: Waiting) -> None:
        line = self.running.get(event.path)
        if line is not None:
            line.until, line.why = event.until, event.why

    def _stop_requested(self, event: StopRequested) -> None:
        self.stop = event

    def _finished(self, event: CheckpointFinished) -> None:
        path = event.path
        if event.read is not None:
            self._heard(event, event.read)
        self.running.pop(path, None)
        if self.running:
            self._drop_inside(path)
        if "/" in path:
            top = path[: path.index("/")]
            lines = self.inside.get(top)
            if lines is None:
                lines = self.inside[top] = deque(maxlen=_KEPT_INSIDE)
            _add(lines, event)
            return
        if self.inside:
            self.inside.pop(path, None)
        if event.replayed:
            self.replayed += 1
        else:
            self.executed += 1
        self.lines_left_out += _add(self.lines, event)

    def _drop_inside(self, path: str) -> None:
        """An operation that raised through its frame leaves starts without an outcome."""
        prefix = path + "/"
        for inner in [started for started in self.running if started.startswith(prefix)]:
            del self.running[inner]
            self._turns.pop(inner, None)

    # -- agents ------------------------------------------------------------------------------------------

    @property
    def turns(self) -> list[Turn]:
        """The last turns that are over, and those that go on."""
        return [*self._ended, *(turn for turn in self._turns.values() if turn.running)]

    def _told(self, event: Told) -> None:
        self.streaming = True
        self._turns.setdefault(frame_of(event.path), Turn(event.agent)).asked(event.texts)

    def _streamed(self, event: TextStreamed) -> None:
        turn = self._turns.get(frame_of(event.path))
        if turn is not None:
            turn.streamed(event.text)

    def _heard(self, event: CheckpointFinished, read: Callable[[], Any]) -> None:
        """Something came of what an agent does."""
        if event.kind == "agent_turn":
            self._end_turn(event, read())
            return
        turn = self._turns.get(frame_of(event.path))
        if event.kind == "model_call":
            self.streaming = False
            turn = turn or self._turns.setdefault(frame_of(event.path), Turn())
            before = turn.tokens
            if event.failed:
                turn.gave_no_answer(read())
            else:
                turn.answered(read())
            self.tokens_kept += (turn.tokens - before) * event.replayed
            self.tokens_spent += (turn.tokens - before) * (not event.replayed)
        elif turn is not None:
            turn.used(event.name, read(), failed=event.failed)

    def _end_turn(self, event: CheckpointFinished, value: Any) -> None:
        turn = self._turns.pop(event.path, None) or Turn()
        turn.agent, turn.line, turn.kept = event.name, event.line, event.replayed
        if event.failed:
            turn.failed(value)
        else:
            turn.ended(value)
        self.turns_left_out += len(self._ended) == _KEPT_TURNS
        self._ended.append(turn)

    def _noticed(self, event: Noticed) -> None:
        self.notices_left_out += len(self.notices) == KEPT
        self.notices.append(event.notice)

    def _declared(self, event: StagesDeclared) -> None:
        self.stages_declared = event.names

    def _moved(self, event: StageMoved) -> None:
        self.stage = event.to_stage
        if len(self.stages_visited) < KEPT:
            self.stages_visited[event.to_stage] = None

    def _grew(self, event: GraphGrew) -> None:
        self.tree_size = event.size
        self._read_tree = event.read

    def _asked(self, event: Asked) -> None:
        self.request = event.request
        self.status = "paused"

    def _answered(self, _event: Answered) -> None:
        self.request = None
        self.status = "running"


def _add(lines: deque[Line], event: CheckpointFinished) -> int:
    """Fold the checkpoint into the last line, or begin one; how many checkpoints were pushed out."""
    pushed_out = 0
    line = lines[-1] if lines else None
    if line is None or line.name != event.name or line.kind != event.kind:
        pushed_out = lines[0].count if len(lines) == lines.maxlen else 0
        line = Line(event.kind, event.name)
        lines.append(line)
    line.add(event.line, replayed=event.replayed, failed=event.failed, seconds=event.seconds)
    return pushed_out
