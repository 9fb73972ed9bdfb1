"""What one drawing of the live panel costs after a long run, against the same after a short one."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from lua_procedures import Run
from lua_procedures.events import CheckpointFinished, CheckpointStarted, GraphGrew, Noticed, RunStarted
from lua_procedures.graphs import Graph, GraphNode
from lua_procedures.rendering.panel import panel_html
from lua_procedures.rendering.progress import Progress
from lua_procedures.runs import Notice, RunData

NODES = 3_000
ROUNDS = 20


def _told(count: int) -> Progress:
    """A panel that was told of so many steps and logs, and of a tree."""
    progress = Progress()
    progress(RunStarted(Run(RunData(name="long", status="running"))))
    for at in range(count):
        progress(CheckpointStarted(str(at), "step", f"step {at}", 3))
        progress(CheckpointFinished(str(at), "step", f"step {at}", 3, replayed=False, failed=False, seconds=0.01))
        progress(Noticed(Notice(kind="log", message=f"log line {at} {'lorem ipsum ' * 8}", context={"at": at})))
    nodes = [
        GraphNode(id=str(at), label=f"idea {at}", parent_id=str((at - 1) // 3) if at else None) for at in range(NODES)
    ]
    progress(GraphGrew(NODES, lambda limit: Graph(nodes[:limit], "5")))
    progress.look_at_tree()
    return progress


def _best(call: Callable[[], Any]) -> float:
    times = []
    for _ in range(ROUNDS):
        started = time.process_time()
        call()
        times.append(time.process_time() - started)
    return min(times)


def panel() -> list[str]:
    """A drawing, which happens at most four times a second, and an event."""
    few, many = _told(1_000), _told(10_000)
    short, long = (_best(lambda seen=seen: panel_html(seen)) for seen in (few, many))  # type: ignore[misc]
    event = _best(lambda: _told(1_000)) / 3_000
    size = len(panel_html(many)) / 1e3
    after = f"after 10,000 steps, 10,000 logs and {NODES:,} nodes"
    return [
        f"panel, one drawing {after}: {long * 1e3:.1f} ms, {size:.0f} kB; {long / short:.2f} of one after 1,000",
        f"panel, one event: {event * 1e6:.1f} µs",
    ]
