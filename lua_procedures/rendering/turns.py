"""Agents' turns as HTML, and what they took."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from . import elements as el
from .markdown import headline, markdown_html
from .text import count_of, money, one_line, shorten, tokens
from .transcripts import Answer, ToolUse, Turn, end_of

if TYPE_CHECKING:
    from ..runs import AgentState, Usage

__all__ = ["spent_text", "turns_html"]

_VISIBLE: Final = 15
_SAID: Final = 4_000
_SHORT: Final = 300  # characters of what is said that are shown without unfolding
_START: Final = 70  # characters of a text that is folded
_BRIEF: Final = 600  # characters of an answer where there is no room for all of it
_MOST_AGENTS: Final = 12


def turns_html(
    turns: Sequence[Turn], *, budget: int, left_out: int = 0, text: int = 20_000, asking: bool = False
) -> str:
    """Turns in order, each one folded but the last and those that go on.

    Args:
        turns: in order, oldest first.
        budget: how many characters of HTML to make, roughly; the oldest give way.
        left_out: how many turns came before these.
        text: how many characters of an answer are shown: the first ones, or the last ones while the turn goes on.
        asking: whether a person is asked, so that the tool that goes on waits for the answer.
    """
    shown: list[str] = []
    for at in range(len(turns) - 1, -1, -1):
        opened = turns[at].running or bool(turns[at].halted) or at == len(turns) - 1
        key = f"turn-{left_out + at}"
        made = _fitting(turns[at], budget, text, opened=opened, asking=asking, key=key)
        if made is None:
            left_out += at + 1
            break
        shown.insert(0, made)
        budget -= len(made)
    earlier, recent = shown[:-_VISIBLE], shown[-_VISIBLE:]
    if earlier:
        recent.insert(0, el.details(el.muted(f"… {count_of(len(earlier), 'earlier turn')}"), "\n".join(earlier)))
    if left_out:
        recent.insert(0, el.block(el.muted(f"… {count_of(left_out, 'earlier turn')} left out")))
    return "\n".join(recent)


def spent_text(agents: Iterable[AgentState], usage: Usage) -> str:
    """What the agents took: ``writer ×2 (1.2k tokens), reviewer (300 tokens); 1.5k tokens in all, cost 0.0021``."""
    states = sorted(agents, key=lambda state: -state.total_tokens)
    texts = [_agent_text(state) for state in states[:_MOST_AGENTS]]
    if len(states) > _MOST_AGENTS:
        texts.append(f"{len(states) - _MOST_AGENTS} more")
    whole = [f"{tokens(usage.total_tokens)} in all"] if usage.total_tokens and len(states) > 1 else []
    whole += [f"cost {money(usage.cost)}"] if usage.cost is not None else []
    return "; ".join([", ".join(texts), *([", ".join(whole)] if whole else [])])


def _agent_text(state: AgentState) -> str:
    times = f" ×{state.invocations:,}" if state.invocations > 1 else ""
    errors = [f"{state.errors:,} failed"] if state.errors else []
    remarks = [*([tokens(state.total_tokens)] if state.total_tokens else []), *errors]
    return f"{one_line(state.name, 40)}{times}" + (f" ({', '.join(remarks)})" if remarks else "")


def _fitting(turn: Turn, budget: int, text: int, *, opened: bool, asking: bool, key: str) -> str | None:
    """The turn as long as the budget allows, or None."""
    for length in (text, _BRIEF):
        made = _turn_html(turn, length, opened=opened, asking=asking, key=key)
        if len(made) <= budget:
            return made
    return None


def _turn_html(turn: Turn, text: int, *, opened: bool, asking: bool, key: str) -> str:
    name = el.safe(one_line(turn.agent, 80), 80)
    start = "" if opened else el.safe(headline(turn.text, _START), _START)
    summary = " ".join(part for part in (el.bold(name), start, el.muted(_facts(turn))) if part)
    if turn.error:
        summary += f" {el.colored(el.safe(turn.error, 160), el.RED)}"
    elif turn.running or turn.halted:
        color = el.RED if turn.halted == "failed" else el.AMBER
        summary += f" {el.colored(turn.halted or 'running…', color)}"
    left_out = turn.answers_left_out
    parts: list[str] = [el.muted(f"… {count_of(left_out, 'earlier answer')} left out")] if left_out else []
    parts += [_answer_html(turn, answer, text, asking=asking) for answer in turn.answers]
    return el.details(summary, el.block("\n".join(parts), color=el.GREY), opened=opened, key=key)


def _facts(turn: Turn) -> str:
    facts = [f"line {turn.line}"] if turn.line else []
    facts += [count_of(turn.tools, "tool call")] if turn.tools else []
    facts += [tokens(turn.tokens)] if turn.tokens else []
    facts += ["kept"] if turn.kept else []
    return " · ".join(facts)


def _answer_html(turn: Turn, answer: Answer, text: int, *, asking: bool) -> str:
    parts = [_said_html(turn, said) for said in answer.said]
    if answer.data:
        parts.append(el.preformatted(el.safe(answer.text, text)))
    elif answer.text or answer.streaming:
        shown = end_of(answer.text, text) if turn.running else answer.text
        parts.append(markdown_html(shown + (" ▍" if answer.streaming else ""), text + 20))
    if answer.error:
        parts.append(el.block(el.colored(el.safe(answer.error, 300), el.RED)))
    parts += [_tool_html(tool, _state_of(turn, answer, tool, asking=asking)) for tool in answer.tools]
    if answer.tools_left_out:
        parts.append(el.block(el.muted(f"… {count_of(answer.tools_left_out, 'more tool call')}")))
    return "\n".join(parts)


def _said_html(turn: Turn, said: str) -> str:
    label = el.muted(f"to {one_line(turn.agent, 40)}")
    if len(said) <= _SHORT and said.count("\n") < 5:
        return el.block(f'{label} <span style="white-space:pre-wrap">{el.safe(said, _SHORT)}</span>')
    return el.details(
        f"{label} {el.safe(headline(said, _START), _START)}", el.block(markdown_html(said, _SAID), color=el.GREY)
    )


def _state_of(turn: Turn, answer: Answer, tool: ToolUse, *, asking: bool) -> str:
    """What came of a tool, or where it is; HTML."""
    if tool.settled:
        shown = shorten(tool.result_line, 100)
        return el.colored(f"failed: {shown}", el.RED) if tool.failed else f"→ {el.safe(shown, 100)}"
    asking = asking or turn.halted == "waiting"
    if not (turn.running or asking):
        return el.muted("not run")
    if tool is not next(each for each in answer.tools if not each.settled):
        return el.muted("comes next")
    return el.colored("waiting for an answer" if asking else "running…", el.AMBER)


def _tool_html(tool: ToolUse, state: str) -> str:
    name = el.code(el.safe(one_line(tool.name, 60), 60))
    summary = " ".join(part for part in (name, el.muted(el.safe(tool.args_line, 100)), state) if part)
    result = _labelled("error" if tool.failed else "result", tool.result) if tool.settled else ""
    return el.details(summary, el.block(_labelled("arguments", tool.args) + result, color=el.GREY))


def _labelled(label: str, text: str) -> str:
    return el.muted(label) + el.preformatted(el.safe(text, 2_000))
