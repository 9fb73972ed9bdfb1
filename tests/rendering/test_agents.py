"""Agents' turns in the live panel and in the record: what is shown, how much of it, and that nothing in it can act."""

from __future__ import annotations

import os
import re
import signal
import threading
from typing import Any

import pytest

from lua_procedures import Run, get_session, run
from lua_procedures.events import CheckpointFinished, CheckpointStarted, Event, RunStarted, TextStreamed, Told
from lua_procedures.rendering.panel import panel_html
from lua_procedures.rendering.progress import Progress
from lua_procedures.rendering.record import record_html, record_text
from lua_procedures.rendering.transcripts import turns_of
from lua_procedures.runs import Checkpoint, RunData, Usage
from lua_procedures.testing import ScriptedChatModel

from ..bounds import lines_run
from .pages import Page

TRIAGE = """
search = Tool{description = "Searches", input = {q = field.string{required = true}}, function(args)
  if args.q == "bad" then error("no such shelf") end
  return {hits = {args.q, "more"}}
end}
clerk = Agent{system_prompt = "You help.", tools = {search}}
writer = Agent{system_prompt = "You write."}
local facts = clerk("Find **lamps** <now>")
return writer("Write: " .. facts.content).content
"""
LOOKS = {
    "content": "I look.",
    "tool_calls": [{"name": "search", "args": {"q": "lamp"}}, {"name": "search", "args": {"q": "bad"}}],
    "usage": {"prompt_tokens": 900, "completion_tokens": 100, "total_tokens": 1000},
}
FOUND = {"content": "Found **two**.", "usage": {"prompt_tokens": 200, "completion_tokens": 100, "total_tokens": 300}}


def triage(*more: Any, **options: Any) -> Run:
    """A run of two agents, the first of which uses two tools."""
    answers = [LOOKS, FOUND, *(more or ["Dear <Ada>, here they are."])]
    return run(TRIAGE, chat_model=ScriptedChatModel(answers=answers), **options)


@pytest.fixture
def told() -> Run:
    return triage(name="told", fresh=True)


def test_the_text_has_a_line_for_each_agent(told: Run) -> None:
    """Plain words for kinds, the start of each agent's answer, tokens by agent; no id of a tool call."""
    text = record_text(told)
    assert text.split("\n") == [
        "told: completed · kept 0, ran 2 (1.3k tokens)",
        "  ran  agent  clerk                         line 8  Found two.",
        "  ran  model    ScriptedChatModel scripted  line 8",
        "  ran  tool     search ×2, 1 failed         line 8  no such shelf",
        "  ran  model    ScriptedChatModel scripted  line 8",
        "  ran  agent  writer                        line 9  Dear <Ada>, here they are.",
        "  ran  model    ScriptedChatModel scripted  line 9",
        "value: Dear <Ada>, here they are.",
        "agents: clerk (1.3k tokens), writer; 1.3k tokens in all",
        "kept in memory only; --store told.db keeps it on disk",
    ]


def test_a_replay_reads_the_same(told: Run) -> None:
    """But for what was kept, the text of a run and of its replay is one: what a model said is recorded."""
    again = run(TRIAGE, name="told", chat_model=ScriptedChatModel(answers=[]))
    first, *rest = record_text(again).split("\n")
    assert first == "told: completed · kept 2 (1.3k tokens), ran 0"
    assert [line.replace("  kept  ", "  ran  ") for line in rest] == record_text(told).split("\n")[1:]


def test_the_record_is_a_transcript(told: Run) -> None:
    """Each turn folds, with what was said to it, its text as markdown, its tools with arguments and results, tokens."""
    html = record_html(told, volatile=False)
    text = " ".join(Page(html).text.split())
    for part in (
        "clerk Found two. line 8 · 2 tool calls · 1.3k tokens",
        "to clerk Find **lamps** <now>",
        "I look.",
        'search {"q": "lamp"} → {"hits": ["lamp", "more"]}',
        'search {"q": "bad"} failed: no such shelf',
        "to writer Write: Found **two**.",
        "Dear <Ada>, here they are.",
    ):
        assert part in text
    assert "Found <strong>two</strong>." in html
    assert "<now>" not in html
    assert "scripted_" not in html


def test_only_the_last_turn_is_unfolded(told: Run) -> None:
    """A record opens at what was said last."""
    html = record_html(told, volatile=False)
    writer = html.index("<strong>writer</strong>")
    assert re.search(r'<details [^>]*open><summary style="cursor:pointer">$', html[:writer])
    clerk = html.index("<strong>clerk</strong>")
    assert re.search(r'<details class="[^"]*"><summary style="cursor:pointer">$', html[:clerk])


def turn(at: int, content: str, **more: Any) -> list[Checkpoint]:
    calls = more.pop("tool_calls", [])
    value = {"content": content, "tool_calls": calls, "usage": {"total_tokens": 10}, "said": [content], **more}
    common: dict[str, Any] = {"line": 3, "duration_seconds": 0.1}
    return [
        Checkpoint(position=at, path=str(at), kind="agent_turn", name="talker", value={"content": content}, **common),
        Checkpoint(
            position=0,
            path=f"{at}/0",
            kind="model_call",
            name="gpt",
            value=value,
            usage=Usage(total_tokens=10),
            **common,
        ),
    ]


def run_of(checkpoints: list[Checkpoint]) -> Run:
    return Run(RunData(name="long", status="completed", list_checkpoints=lambda: checkpoints))


def test_a_long_conversation_makes_a_bounded_record() -> None:
    """A thousand turns of the worst text are under 300 kB of HTML and 60 lines, with little work; the last is whole."""
    worst = "<&\"'>$*`" * 2_000
    calls = [{"name": worst, "args": {worst: worst}}] * 100
    checkpoints = [each for at in range(1000) for each in turn(at, worst, tool_calls=calls)]
    checkpoints += turn(1000, "the end " * 2_000)
    run = run_of(checkpoints)
    assert lines_run(lambda: (record_html(run), record_text(run))) < 5_000 * len(checkpoints)
    html, text = record_html(run), record_text(run)
    assert len(html.encode()) < 300_000
    assert len(text.split("\n")) <= 60
    assert html.count("the end ") > 1_990
    assert "earlier turns left out" in html


def test_a_tool_that_was_not_called_says_so() -> None:
    """A tool that the model named wrongly, or that the turn did not reach, has no result."""
    turns, _ = turns_of(turn(0, "hm", tool_calls=[{"name": "nowhere", "args": {}}]), 10)
    assert [tool.settled for answer in turns[0].answers for tool in answer.tools] == [False]
    assert "not run" in Page(record_html(run_of(turn(0, "hm", tool_calls=[{"name": "nowhere", "args": {}}])))).text


def test_data_is_shown_as_data() -> None:
    """A structured answer is no prose: its JSON stands as it is."""
    html = record_html(run_of(turn(0, "{}", data={"title": "*one*", "of": ["a" * 60, "b" * 60]})))
    assert '"title": "*one*"' in Page(html).text
    assert "<em>" not in html


APPROVED = TRIAGE.replace('description = "Searches",', 'description = "Searches", requires_approval = true,')


def test_a_paused_turn_is_in_the_record() -> None:
    """A run that waits for a person in the middle of a turn shows where it waits, and what was said so far."""
    paused = run(APPROVED, name="paused", chat_model=ScriptedChatModel(answers=[LOOKS]), fresh=True)
    assert record_text(paused).split("\n")[-3:-1] == [
        "  waiting  agent  clerk                         line 8",
        "  ran      model    ScriptedChatModel scripted  line 8",
    ]
    text = " ".join(Page(record_html(paused)).text.split())
    assert "waitingto clerk Find **lamps** <now> I look." in text
    assert 'search {"q": "lamp"} waiting for an answer' in text
    assert 'search {"q": "bad"} comes next' in text
    assert [each.path for each in paused.checkpoints] == ["0/0"]


def test_a_stopped_turn_keeps_its_text_in_the_record() -> None:
    """Of a model call that was stopped, the record has the text that was there; it is no checkpoint."""
    model = ScriptedChatModel(["It is here. " * 100], delay=0.02)
    stop = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT))
    stop.start()
    with pytest.raises(KeyboardInterrupt):
        run("a = Agent{}\nreturn a('Go').content", name="stopped", fresh=True, chat_model=model)
    stopped = get_session().runs["stopped"]
    assert "stopped  agent  a  line 2" in record_text(stopped)
    text = " ".join(Page(record_html(stopped)).text.split())
    assert "a line 2 stoppedIt is here. It is" in text
    assert text.count("It is") < 100
    assert stopped.checkpoints == []


# The panel


def after(*events: Event) -> Progress:
    progress = Progress()
    for event in (RunStarted(run_of([])), *events):
        progress(event)
    return progress


BEGUN = (
    CheckpointStarted("0", "agent_turn", "clerk", 8),
    CheckpointStarted("0/0", "model_call", "gpt", 8),
    Told("0/0", "clerk", ("Find lamps",)),
)


def finished(path: str, kind: str, name: str, value: Any, *, replayed: bool = False, failed: bool = False) -> Event:
    return CheckpointFinished(path, kind, name, 8, replayed, failed, 0.5, lambda: value)


def text_of(progress: Progress) -> str:
    return " ".join(Page(panel_html(progress)).text.split())


def test_text_is_shown_as_it_comes() -> None:
    """What was said to the agent and the text so far, as markdown, unfolded."""
    progress = after(*BEGUN, *(TextStreamed("0/0", "clerk", piece) for piece in ("Found ", "**two", "**")))
    assert progress.streaming
    assert "clerk line 8 running…to clerk Find lamps Found two ▍" in text_of(progress)
    assert "<strong>two</strong>" in panel_html(progress)


def test_a_long_text_shows_its_end() -> None:
    """Of a text that does not end, the panel holds a bounded part; a block of code that was begun stays one."""
    pieces = (TextStreamed("0/0", "clerk", f"line {at}\n") for at in range(100_000))
    progress = after(*BEGUN, TextStreamed("0/0", "clerk", "```\n"), *pieces)
    html = panel_html(progress)
    assert "line 99999\n" in html
    assert len(html) < 20_000
    assert html.count("<pre") == 1


def test_tools_fold_in_below_the_text() -> None:
    """The tool that runs, the one that comes next, the one that waits for a person, then their results."""
    answer = {**LOOKS, "said": ["Find lamps"]}
    progress = after(
        *BEGUN, finished("0/0", "model_call", "gpt", answer), CheckpointStarted("0/1", "tool_call", "search", 8)
    )
    assert not progress.streaming
    assert 'I look. search {"q": "lamp"} running…' in text_of(progress)
    assert 'search {"q": "bad"} comes next' in text_of(progress)
    assert "kept 0, ran 0 (1k tokens)" in text_of(progress)
    progress(finished("0/1", "tool_call", "search", {"hits": 2}))
    progress(finished("0/2", "tool_call", "search", "no such shelf", failed=True))
    assert 'search {"q": "lamp"} → {"hits": 2}' in text_of(progress)
    assert 'search {"q": "bad"} failed: no such shelf' in text_of(progress)


def test_an_answer_is_not_shown_twice() -> None:
    """The streamed text gives way to the answer, and to the next try's text where a call is tried again."""
    progress = after(*BEGUN, TextStreamed("0/0", "clerk", "Broken"), Told("0/0", "clerk", ("Find lamps",)))
    progress(TextStreamed("0/0", "clerk", "Found"))
    assert "Broken" not in text_of(progress)
    progress(finished("0/0", "model_call", "gpt", {"content": "Found it", "said": ["Find lamps"]}))
    assert text_of(progress).count("Found") == 1
    assert text_of(progress).count("Find lamps") == 1


def test_a_turn_that_is_over_folds() -> None:
    """The last turns that are over stay, folded, with the start of their text; older ones are counted."""
    events = []
    for at in range(10):
        events += [
            CheckpointStarted(str(at), "agent_turn", "clerk", 8),
            finished(f"{at}/0", "model_call", "gpt", {"content": f"answer {at}"}),
            finished(str(at), "agent_turn", "clerk", {"content": f"answer {at}", "tool_calls": []}),
        ]
    text = text_of(after(*events))
    assert "6 earlier turns left out" in text
    assert "answer 5" not in text
    assert "answer 6" in text
    assert "answer 9" in text


def test_a_kept_call_before_a_live_one_is_in_its_turn() -> None:
    """A turn that goes on after a kill shows what it had said before, which comes before its start is announced."""
    progress = after(
        finished("0/0", "model_call", "gpt", LOOKS, replayed=True),
        CheckpointStarted("0", "agent_turn", "clerk", 8),
        CheckpointStarted("0/1", "tool_call", "search", 8),
    )
    assert "clerk line 8 · 2 tool calls · 1k tokens running…I look." in text_of(progress)
    assert "kept 0 (1k tokens), ran 0" in text_of(progress)


def test_a_turn_that_failed_says_why() -> None:
    """A failed model call is in its turn, and the turn says why it came to no end."""
    progress = after(
        *BEGUN,
        finished("0/0", "model_call", "gpt", "429: slow down", failed=True),
        finished("0", "agent_turn", "clerk", "clerk: 429: slow down", failed=True),
    )
    assert "clerk line 8 clerk: 429: slow down" in text_of(progress)
