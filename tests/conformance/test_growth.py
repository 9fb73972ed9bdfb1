"""The node tree as somebody sees it who watches the run."""

from __future__ import annotations

from lua_procedures.events import Event, GraphGrew
from lua_procedures.jobs import Job, run_here
from lua_procedures.rendering.panel import panel_html
from lua_procedures.rendering.progress import Progress

PROGRAM = """
GraphNode.create("claim")
for i = 1, 200 do GraphNode.create{label="idea " .. i, score=i / 1000} end
Sleep(0)
Sleep(0)
GraphNode.set_current(GraphNode.create{label="proof", parent=GraphNode.create("detour")})
Sleep(0)
"""


def watched(source: str) -> list[tuple[int, list[str], str | None]]:
    """What each growth told: the size, and of at most eight nodes their labels, and the current node's."""
    seen: list[tuple[int, list[str], str | None]] = []

    def sink(event: Event) -> None:
        if isinstance(event, GraphGrew):
            part = event.read(8)
            current = part.node(part.current_id or "")
            seen.append((event.size, [node.label for node in part.nodes], current.label if current else None))

    job = Job(source=source, name="watched")
    job.sink = sink
    assert run_here(job).error is None
    return seen


def test_growth_is_told_before_a_wait_and_once():
    """Before the run waits, a watcher learns the size; a few nodes can be read, the path to the current one first."""
    ideas = [f"idea {at}" for at in range(1, 8)]
    assert watched(PROGRAM) == [
        (201, ["claim", *ideas], "claim"),
        (203, ["claim", *ideas[:5], "detour", "proof"], "proof"),
    ]
    assert watched("Sleep(0)") == []


def test_the_panel_shows_a_few_nodes_of_a_large_tree():
    """A panel that looks shows some nodes with the current one, and counts the others."""
    progress = Progress()
    pages: list[str] = []

    def sink(event: Event) -> None:
        progress(event)
        if isinstance(event, GraphGrew):
            progress.look_at_tree()
            pages.append(panel_html(progress))

    job = Job(source=PROGRAM, name="watched")
    job.sink = sink
    assert run_here(job).error is None
    assert "tree (203 nodes, current &quot;proof&quot;" in pages[-1]
    assert "… 163 more nodes" in pages[-1]
    assert pages[-1].count("idea ") < 60
