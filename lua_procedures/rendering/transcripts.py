"""Agents' turns as they are read: what was said to the agent, what it answered, the tools it used; all bounded."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from ..language.diagnostics import split_position
from .text import one_line, pretty, value_text, without_addresses

if TYPE_CHECKING:
    from ..runs import Checkpoint

__all__ = ["Answer", "ToolUse", "Turn", "end_of", "frame_of", "turns_of"]

_TEXT: Final = 20_000  # characters of an answer
_VALUE: Final = 2_000  # characters of a tool's arguments and of its result
_BRIEF: Final = 48  # characters of them on one line
_ERROR: Final = 4_000
_MOST_ANSWERS: Final = 24
_MOST_TOOLS: Final = 24
_MOST_SAID: Final = 8
_STREAMED: Final = 4_000  # characters that are kept of a text that is under way


@dataclass(slots=True)
class ToolUse:
    """A tool that the model asked for.

    Attributes:
        args, result: as text; ``args_line`` and ``result_line`` are their starts on one line.
        settled: whether its result or its failure is known.
    """

    name: str
    args: str
    args_line: str
    result: str = ""
    result_line: str = ""
    failed: bool = False
    settled: bool = False

    def settle(self, result: Any, *, failed: bool) -> None:
        """It came to its end with this result, or error."""
        if failed and isinstance(result, str):
            _, _, message = split_position(result[:_ERROR])
            result = without_addresses(message).removeprefix("Error: ")
        self.result, self.result_line = pretty(result, _VALUE), _brief(result)
        self.failed, self.settled = failed, True


@dataclass(slots=True)
class Answer:
    """What came of one model call, and before it what was said to the agent.

    Attributes:
        text: the end of it while it streams, else all that is shown of it.
        data: whether the text is data rather than prose.
        streaming: whether it is under way.
        error: why there is none.
        tools_left_out: how many tools it asked for beside ``tools``.
    """

    said: Sequence[str] = ()
    text: str = ""
    data: bool = False
    streaming: bool = False
    error: str = ""
    tools: Sequence[ToolUse] = ()
    tools_left_out: int = 0


@dataclass(slots=True)
class Turn:
    """One turn of an agent.

    Attributes:
        agent: its name; empty until it is known.
        line: the cell's line of the call.
        answers: the last ones; ``answers_left_out`` came before.
        tokens: what its model calls took.
        running: whether it goes on.
        halted: why it has no end in a run that is over: ``waiting``, ``stopped`` or ``failed``.
        kept: whether all of it came from the journal.
        error: why it failed.
    """

    agent: str = ""
    line: int = 0
    answers: deque[Answer] = field(default_factory=lambda: deque(maxlen=_MOST_ANSWERS))
    answers_left_out: int = 0
    tokens: int = 0
    running: bool = False
    halted: str = ""
    kept: bool = False
    error: str = ""

    @property
    def text(self) -> str:
        """What it last answered."""
        return next((answer.text for answer in reversed(self.answers) if answer.text), "")

    @property
    def tools(self) -> int:
        """How many tools it asked for, in the answers that are here."""
        return sum(len(answer.tools) + answer.tools_left_out for answer in self.answers)

    def asked(self, said: Sequence[str]) -> None:
        """The model is asked and nothing of its answer is there yet; again, where a call is tried again."""
        self._drop_unfinished()
        self._add(Answer(said=tuple(said[-_MOST_SAID:]), streaming=True))

    def streamed(self, piece: str) -> None:
        """A piece of the answer's text came."""
        if not (self.answers and self.answers[-1].streaming):
            self._add(Answer(streaming=True))
        answer = self.answers[-1]
        answer.text += piece
        if len(answer.text) > 4 * _STREAMED:
            answer.text = end_of(answer.text, _STREAMED)

    def answered(self, value: Any) -> None:
        """A model call has its answer."""
        self._drop_unfinished()
        given = value if isinstance(value, Mapping) else {}
        calls = given.get("tool_calls") or ()
        tools = [_use_of(call) for call in islice(calls, _MOST_TOOLS)]
        is_data = given.get("data") is not None
        text = pretty(given["data"], _TEXT) if is_data else str(given.get("content") or "")[: _TEXT + 1]
        said = [str(each) for each in given.get("said") or ()][-_MOST_SAID:]
        self._add(Answer(said, text, is_data, tools=tools, tools_left_out=len(calls) - len(tools)))
        usage = given.get("usage")
        self.tokens += int(usage.get("total_tokens") or 0) if isinstance(usage, Mapping) else 0

    def gave_no_answer(self, error: Any) -> None:
        """A model call failed."""
        said = self.answers[-1].said if self.answers and self.answers[-1].streaming else ()
        self._drop_unfinished()
        self._add(Answer(said, error=one_line(without_addresses(str(error)), 300)))

    def used(self, name: str, result: Any, *, failed: bool) -> None:
        """A tool that it asked for came to its end."""
        waiting = [tool for tool in self._tools() if not tool.settled]
        tool = next((each for each in waiting if each.name == name), None)
        if tool is not None:
            tool.settle(result, failed=failed)

    def ended(self, value: Any) -> None:
        """The turn is over; its result knows of the tools that failed before they were called."""
        self.running = False
        calls = value.get("tool_calls") or () if isinstance(value, Mapping) else ()
        for call in calls:
            if isinstance(call, Mapping) and call.get("error") is not None:
                self.used(str(call.get("name")), call["error"], failed=True)
        if isinstance(value, Mapping) and value.get("error"):
            self.error = one_line(str(value["error"]), 300)

    def failed(self, error: Any) -> None:
        """The turn came to no end."""
        self.running = False
        self.error = one_line(without_addresses(str(error)), 300)

    def _tools(self) -> list[ToolUse]:
        return [tool for answer in self.answers for tool in answer.tools]

    def _drop_unfinished(self) -> None:
        if self.answers and self.answers[-1].streaming:
            self.answers.pop()

    def _add(self, answer: Answer) -> None:
        self.answers_left_out += len(self.answers) == _MOST_ANSWERS
        self.answers.append(answer)


def _use_of(call: Any) -> ToolUse:
    given = call if isinstance(call, Mapping) else {}
    args = given.get("args")
    use = ToolUse(str(given.get("name", "")), pretty(args, _VALUE), _brief(args) if args else "")
    if given.get("error"):
        use.settle(given["error"], failed=True)
    return use


def _brief(value: Any) -> str:
    return one_line(value, _BRIEF) if isinstance(value, str) else value_text(value, _BRIEF)


def end_of(text: str, limit: int) -> str:
    """The end of a markdown text, from the beginning of a line where that is near; a block of code stays one."""
    if len(text) <= limit:
        return text
    cut = text.find("\n", len(text) - limit, len(text) - limit // 2) + 1 or len(text) - limit
    fence = "```\n" if text.count("```", 0, cut) % 2 else ""
    return f"…\n{fence}{text[cut:]}"


def frame_of(path: str) -> str:
    """The path of the checkpoint that this one is directly inside of; empty in the outermost frame."""
    return path.rpartition("/")[0]


def turns_of(
    checkpoints: Iterable[Checkpoint],
    limit: int,
    halted: Mapping[str, str] = MappingProxyType({}),
    cut_off: tuple[str, str] = ("", ""),
) -> tuple[list[Turn], int]:
    """The last turns of a run, and how many were before them.

    Args:
        checkpoints: in path order, outer before inner.
        limit: how many turns.
        halted: path → why, of those that have no outcome.
        cut_off: the path of a model call that was stopped, and its text so far.
    """
    listed = list(checkpoints)
    paths = [each.path for each in listed if each.kind == "agent_turn"]
    shown = {path: Turn() for path in paths[-limit:]}
    for checkpoint in listed:
        if checkpoint.path in shown and checkpoint.kind == "agent_turn":
            _begin(shown[checkpoint.path], checkpoint)
            shown[checkpoint.path].halted = halted.get(checkpoint.path, "")
        elif (turn := shown.get(frame_of(checkpoint.path))) is not None:
            _take(turn, checkpoint)
    for checkpoint in listed:
        if checkpoint.path in shown and checkpoint.error is None and checkpoint.path not in halted:
            shown[checkpoint.path].ended(checkpoint.value)
    stopped = shown.get(frame_of(cut_off[0])) if cut_off[1] else None
    if stopped is not None and stopped.halted:
        stopped.answered({"content": f"{cut_off[1]} …"})
    return list(shown.values()), len(paths) - len(shown)


def _begin(turn: Turn, checkpoint: Checkpoint) -> None:
    turn.agent, turn.line, turn.kept = checkpoint.name, checkpoint.line or 0, checkpoint.replayed
    if checkpoint.error is not None:
        turn.failed(checkpoint.error)


def _take(turn: Turn, checkpoint: Checkpoint) -> None:
    if checkpoint.kind == "tool_call":
        failed = checkpoint.error is not None
        turn.used(checkpoint.name, checkpoint.error if failed else checkpoint.value, failed=failed)
    elif checkpoint.kind == "model_call" and checkpoint.error is not None:
        turn.gave_no_answer(checkpoint.error)
    elif checkpoint.kind == "model_call":
        turn.answered(checkpoint.value)
