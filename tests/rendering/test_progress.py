"""What the live panel knows, from events alone."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lua_procedures.events import (
    Answered,
    Asked,
    CheckpointFinished,
    CheckpointStarted,
    Event,
    GraphGrew,
    Noticed,
    RunEnded,
    RunStarted,
    StageMoved,
    StagesDeclared,
    StopRequested,
    Waiting,
)
from lua_procedures.graphs import Graph, GraphNode
from lua_procedures.human.requests import HumanRequest, HumanResponse
from lua_procedures.rendering.panel import panel_html
from lua_procedures.rendering.progress import KEPT, Progress
from lua_procedures.runs import Notice, Run, RunData, RunStatus

from ..bounds import lines_run
from .pages import Page


def run_of(status: RunStatus = "running", name: str = "triage") -> Run:
    return Run(RunData(name=name, status=status))


def finished(path: str, name: str = "fetch", *, replayed: bool = False, failed: bool = False, line: int = 3) -> Event:
    return CheckpointFinished(path, "step", name, line, replayed, failed, 0.5)


def after(*events: Event) -> Progress:
    progress = Progress()
    for event in (RunStarted(run_of()), *events):
        progress(event)
    return progress


def test_checkpoints_of_one_name_in_a_row_are_one_line() -> None:
    """Checkpoints of one kind and name in a row fold, with their count, failures, lines and time."""
    progress = after(
        finished("0", line=4), finished("1", line=9, failed=True), finished("2", "save"), finished("3"), finished("4")
    )
    assert [(line.name, line.count, line.failed) for line in progress.lines] == [
        ("fetch", 2, 1),
        ("save", 1, 0),
        ("fetch", 2, 0),
    ]
    assert progress.lines[0].place == "lines 4-9"
    assert progress.lines[0].seconds == 1.0


def test_only_the_outermost_frame_is_counted() -> None:
    """``replayed`` and ``executed`` count top-level checkpoints only."""
    progress = after(finished("0", replayed=True), finished("1/0"), finished("1/0/0"), finished("1"))
    assert (progress.replayed, progress.executed) == (1, 1)


def test_what_happens_inside_is_shown_while_the_outer_one_runs() -> None:
    """Inner checkpoints are known until their outermost one finishes, then they fold away."""
    progress = after(
        CheckpointStarted("0", "agent_turn", "writer", 7), CheckpointStarted("0/0", "model_call", "gpt", 7)
    )
    progress(finished("0/0", "gpt"))
    progress(CheckpointStarted("0/1", "tool_call", "search", 7))
    html = panel_html(progress)
    assert [html.index(text) for text in ("writer", "gpt", "search")] == sorted(
        html.index(text) for text in ("writer", "gpt", "search")
    )
    progress(finished("0", "writer"))
    assert "search" not in panel_html(progress)
    assert not progress.running
    assert not progress.inside


def test_the_panel_says_how_far_the_run_is() -> None:
    """The panel's first line has name, status and what was spared."""
    progress = after(finished("0", replayed=True), finished("1"))
    assert "<strong>triage</strong>" in panel_html(progress)
    assert "running…" in panel_html(progress)
    assert "kept 1, ran 1" in panel_html(progress)
    progress(RunEnded(run_of("failed")))
    assert progress.ended
    assert "failed" in panel_html(progress)


def test_stages_are_known_by_order_and_by_visit() -> None:
    """Declared stages keep their order; the current one is the last move's."""
    progress = after(
        StagesDeclared(("plan", "act", "check")),
        StageMoved(None, "plan"),
        StageMoved("plan", "act"),
        StageMoved("act", "act"),
    )
    assert progress.stages_declared == ("plan", "act", "check")
    assert list(progress.stages_visited) == ["plan", "act"]
    assert progress.stage == "act"


def test_an_open_question_is_known_until_it_is_answered() -> None:
    """The panel waits while a person is asked and runs again afterwards."""
    request = HumanRequest(id="r1", kind="approve", message="Ship?", asked_at=0.0)
    progress = after(Asked(request))
    assert progress.request is request
    assert "waiting for an answer" in panel_html(progress)
    progress(Answered(request, HumanResponse(request_id="r1", value=True, responded_at=1.0)))
    assert progress.request is None
    assert "running…" in panel_html(progress)


def test_memory_is_bounded_and_says_what_was_left_out() -> None:
    """Only the last lines and notices are kept; what was before is counted."""
    progress = after(*(finished(str(i), f"item {i // 2}") for i in range(2 * KEPT + 20)))
    for number in range(KEPT + 7):
        progress(Noticed(Notice(kind="print", message=f"line {number}")))
    assert (len(progress.lines), progress.lines_left_out) == (KEPT, 20)
    assert (len(progress.notices), progress.notices_left_out) == (KEPT, 7)
    assert progress.notices[-1].message == f"line {KEPT + 6}"
    html = panel_html(progress)
    assert "390 earlier checkpoints" in html
    assert "7 earlier notices left out" in html


def test_a_new_pass_starts_from_nothing() -> None:
    """``RunStarted`` forgets the pass before, which replays."""
    progress = after(finished("0"), Noticed(Notice(kind="print", message="hi")), RunEnded(run_of("paused")))
    progress(RunStarted(run_of()))
    assert (progress.executed, len(progress.lines), len(progress.notices)) == (0, 0, 0)
    assert not progress.ended


def test_an_operation_that_raises_through_its_frame_leaves_nothing_running() -> None:
    """Starts without an outcome inside of a finished checkpoint are dropped, and those of its neighbours stay."""
    progress = after(*(CheckpointStarted(path, "step", path, 1) for path in ("1", "1/0", "1/0/2", "12")))
    progress(finished("1", failed=True))
    assert list(progress.running) == ["12"]


@given(st.lists(st.tuples(st.sampled_from("ab"), st.booleans(), st.booleans()), max_size=600))
def test_nothing_is_lost_in_folding(checkpoints: list[tuple[str, bool, bool]]) -> None:
    """Lines and what was left out add up to the checkpoints that finished, whatever their order."""
    progress = after(
        *(finished(str(i), name, replayed=kept, failed=bad) for i, (name, kept, bad) in enumerate(checkpoints))
    )
    assert sum(line.count for line in progress.lines) + progress.lines_left_out == len(checkpoints)
    assert progress.replayed == sum(kept for _, kept, _ in checkpoints)
    assert progress.replayed + progress.executed == len(checkpoints)


@pytest.mark.parametrize("names", [1, 100_000])
def test_an_event_costs_the_same_after_ten_thousand(names: int) -> None:
    """What an event costs does not grow with what came before, folded or not."""
    progress = after()
    events = [finished(str(at), f"item {at % names}") for at in range(12_000)]
    early = lines_run(lambda: told(progress, events[:1_000]))
    told(progress, events[1_000:11_000])
    assert lines_run(lambda: told(progress, events[11_000:])) < 1.1 * early


def told(progress: Progress, events: list[Event]) -> None:
    for event in events:
        progress(event)


def tree_of(size: int) -> Graph:
    nodes = [GraphNode(id=str(at), label=f"idea {at}", parent_id="0" if at else None) for at in range(size)]
    return Graph(nodes, "0")


def test_the_tree_is_read_when_somebody_looks() -> None:
    """Growth costs nothing until the panel looks; then a few nodes are read, and the rest is counted."""
    limits: list[int] = []

    def read(limit: int) -> Graph:
        limits.append(limit)
        return tree_of(min(limit, 5))

    progress = after(*(GraphGrew(size, read) for size in range(1, 1000)))
    assert "tree" not in panel_html(progress)
    progress.look_at_tree()
    progress.look_at_tree()
    assert len(limits) == 1
    assert limits[0] <= 100
    html = panel_html(progress)
    assert "tree (999 nodes" in html
    assert "idea 4" in html
    assert "… 994 more nodes" in html


def test_the_tree_of_an_ended_pass_is_not_read() -> None:
    """After the end Lua is gone: nothing of it is read, and the next pass starts without a tree."""
    progress = after(GraphGrew(1, tree_of), RunEnded(run_of("completed")))
    progress.look_at_tree()
    assert progress.tree is None
    progress = after(GraphGrew(1, tree_of))
    progress.look_at_tree()
    progress(RunStarted(run_of()))
    assert "idea" not in panel_html(progress)


NOON = 1.8e9


def clock(moment: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(moment))


def at_noon(*events: Event) -> str:
    progress = Progress(now=lambda: NOON)
    for event in (RunStarted(run_of()), *events):
        progress(event)
    return Page(panel_html(progress)).text


@pytest.mark.parametrize("kind", ["human", "model_call", "tool_call", "procedure_call", "step"])
def test_what_goes_on_says_since_when(kind: str) -> None:
    """A question, a model, a tool, a sub-procedure: each says at what time it was begun."""
    assert f"since {clock(NOON)}" in at_noon(CheckpointStarted("0", kind, "x", 3))


def test_a_sleep_says_until_when() -> None:
    """A sleeping run says when it goes on."""
    text = at_noon(CheckpointStarted("0", "sleep", "", 3), Waiting("0", NOON + 90, ""))
    assert f"until {clock(NOON + 90)}" in text
    assert "since" not in text


def test_a_retry_says_what_failed_and_when_it_is_tried_again() -> None:
    """Between two attempts the panel says how many failed and when the next one comes."""
    text = at_noon(CheckpointStarted("0", "sleep", "", 3), Waiting("0", NOON + 4, "attempt 1 of 3 failed"))
    assert f"attempt 1 of 3 failed; again at {clock(NOON + 4)}" in text


def test_a_requested_stop_is_shown() -> None:
    """The panel says that a stop was requested, why, and whether the program knows."""
    assert "stop" not in at_noon()
    waiting = at_noon(StopRequested("enough", success=False, seen=False))
    assert "stop requested: enough (without success); the program has not looked yet" in waiting
    seen = at_noon(StopRequested("enough", success=True, seen=False), StopRequested("enough", success=True, seen=True))
    assert "stop requested: enough" in seen
    assert "has not looked" not in seen


def test_what_is_inside_of_what_goes_on_moves_no_column() -> None:
    """Inner checkpoints of a running one are rows of the same table, so that nothing shifts when they come and go."""
    started = [CheckpointStarted(path, "step", f"step {path}", 3) for path in ("0", "0/0", "0/0/0")]
    progress = after(*started, finished("0/0/0"))
    page = Page(panel_html(progress))
    assert page.tags.count("table") == 1
    assert page.tags.count("tr") == 3
    assert "details" not in page.tags


def flood(count: int) -> Progress:
    progress = after()
    for at in range(count):
        progress(CheckpointStarted(str(at), "step", f"step {at:06}", 3))
        progress(finished(str(at), f"step {at:06}"))
        progress(Noticed(Notice(kind="log", message=f"log line {at:06}", context={"at": 100_000 + at})))
    progress(GraphGrew(3_000, lambda limit: tree_of(min(limit, 3_000))))
    progress.look_at_tree()
    return progress


def test_a_drawing_costs_the_same_after_ten_thousand_steps() -> None:
    """What a drawing costs, and how long it is, does not depend on how much happened."""
    few, many = flood(1_000), flood(10_000)
    assert lines_run(lambda: panel_html(many)) < 1.05 * lines_run(lambda: panel_html(few))
    assert len(panel_html(many)) < 1.05 * len(panel_html(few))
    assert len(panel_html(many)) < 60_000
