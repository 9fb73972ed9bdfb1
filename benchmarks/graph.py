"""Building a tree of 100,000 nodes in Lua and drawing it, against the same in dicts of plain Python."""

from __future__ import annotations

import gc
import statistics
import time
from collections import deque
from collections.abc import Callable
from html import escape
from typing import Any

from lua_procedures import Run, run
from lua_procedures.graphs import Graph
from lua_procedures.rendering.graph import tree_html
from lua_procedures.rendering.record import record_html

NODES = 100_000
DRAWN = 1_000
ROUNDS = 7

PROGRAM = f"""
local made = {{}}
for i = 1, {NODES} do
  made[i] = GraphNode.create{{label = "node " .. i, score = i / {NODES}, parent = made[i // 3]}}
end
"""


def _plain_tree() -> list[dict[str, Any]]:
    """The same nodes as dicts, in order of creation."""
    made: list[dict[str, Any]] = []
    for i in range(1, NODES + 1):
        parent = made[max(i // 3, 1) - 1] if made else None
        node: dict[str, Any] = {
            "id": f"n{i}", "label": f"node {i}", "content": None, "parent": parent, "children": [],
            "metadata": {"score": i / NODES},
        }  # fmt: skip
        made.append(node)
        if parent is not None:
            parent["children"].append(node)
    return made


def _plain_html(made: list[dict[str, Any]]) -> str:
    """1,000 of the nodes, breadth first, as nested sections, with how many are not shown, and the best of all."""
    below = dict.fromkeys((node["id"] for node in made), 0)
    for node in reversed(made):
        if node["parent"] is not None:
            below[node["parent"]["id"]] += below[node["id"]] + 1
    shown: set[str] = set()
    queue = deque(made[:1])
    while queue and len(shown) < DRAWN:
        node = queue.popleft()
        shown.add(node["id"])
        queue.extend(node["children"])
    best = max(made, key=lambda node: node["metadata"]["score"])
    return f"<p>{escape(best['label'])}</p>{_section(made[0], shown, below)}"


def _section(node: dict[str, Any], shown: set[str], below: dict[str, int]) -> str:
    title = f"{escape(node['label'])} <span>{node['metadata']['score']:.4g}</span>"
    inside = [_section(child, shown, below) for child in node["children"] if child["id"] in shown]
    hidden = below[node["id"]] - sum(below[child["id"]] + 1 for child in node["children"] if child["id"] in shown)
    rest = f"<li>… {hidden:,} more below</li>" if hidden else ""
    return f"<li><details><summary>{title}</summary><ul>{''.join(inside)}{rest}</ul></details></li>"


def _cpu(call: Callable[[], Any]) -> tuple[float, Any]:
    gc.collect()
    started = time.process_time()
    result = call()
    return time.process_time() - started, result


def _ours() -> str:
    ran: Run = run(PROGRAM)
    return record_html(ran)


def _theirs() -> str:
    return _plain_html(_plain_tree())


def graph() -> list[str]:
    """Run and record of a program that builds the tree, against the dicts and their drawing."""
    run("return 1")
    ratios, ours = [], []
    for _ in range(ROUNDS):
        plain, _html = _cpu(_theirs)
        mine, _html = _cpu(_ours)
        ratios.append(mine / plain)
        ours.append(mine)
    read: Graph = run(PROGRAM).graph
    drawing = min(_cpu(lambda: tree_html(read, DRAWN))[0] for _ in range(3))
    return [
        f"{NODES:,} nodes / in dicts: {min(ratios):.2f} (median {statistics.median(ratios):.2f}; target 1.5)",
        f"{NODES:,} nodes, run and record: {min(ours) * 1000:.0f} ms of CPU, {drawing * 1000:.0f} ms of it drawing",
    ]


if __name__ == "__main__":
    for line in graph():
        print(line)
