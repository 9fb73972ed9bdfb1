"""The node tree, drawn: what it says, how much of a large tree is shown, and that nothing in it can act."""

from __future__ import annotations

import json
import random
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lua_procedures.graphs import Graph, GraphNode
from lua_procedures.rendering.graph import graph_bundle, graph_html, nodes_html, tree_html
from lua_procedures.rendering.graph_text import graph_line, graph_text, nodes_text, score_text
from lua_procedures.rendering.outline import Branch, outline
from lua_procedures.rendering.record import record_html, record_text
from lua_procedures.runs import Run, RunData

from ..bounds import lines_run
from .pages import Page

#: Elements that JupyterLab's sanitizer and GitHub keep.
KEPT_TAGS = set("div span strong pre details summary ul li".split())
HOSTILE = "</pre></details></li><script>x()</script><img src=x onerror=x()>\"'>\x1b[31m\u202e$a$"


def tree_of(*parents: int | None, scores: dict[int, float] | None = None, current: int = 0, **more: Any) -> Graph:
    """A tree of nodes "0", "1", …, each with the place of its parent."""
    nodes = [
        GraphNode(
            id=f"id{at}",
            label=f"node {at}",
            parent_id=None if parent is None else f"id{parent}",
            score=(scores or {}).get(at),
            **more,
        )
        for at, parent in enumerate(parents)
    ]
    return Graph(nodes, f"id{current}" if nodes else None)


def chain_of(length: int, **more: Any) -> Graph:
    """Nodes each of which is the only child of the one before."""
    return tree_of(None, *range(length - 1), **more)


def large_tree(parents: list[int]) -> Graph:
    """A tree as Lua hands it over, with random scores; parents count from 1."""
    draw = random.Random(1)
    size = len(parents)
    columns = {
        "size": size, "current": f"n{size // 2}", "labels": [f"node {at}" for at in range(size)], "parents": parents,
        "scores": [draw.random() for _ in parents], "ids": {}, "contents": {}, "metadata": {},
    }  # fmt: skip
    return Graph.read(json.dumps(columns))


def some_parents(size: int) -> list[int]:
    draw = random.Random(2)
    return [0, *(draw.randint(max(1, at - 50), at) for at in range(1, size))]


def branches(branch: Branch) -> list[Branch]:
    return [branch, *(inner for child in branch.children for inner in branches(child))]


def test_the_text_reads_as_a_whole() -> None:
    """The text of a tree: what there is in all, then an indented line for each node, with marks and scores."""
    graph = tree_of(None, 0, 0, 1, 1, scores={0: 0.2, 1: 0.5, 3: 0.3, 4: 0.93}, current=3)
    assert graph_text(graph).split("\n") == [
        'tree: 5 nodes, * current "node 3", > best "node 4" (0.93)',
        " > node 0      0.2",
        " >   node 1    0.5",
        "*      node 3  0.3",
        " >     node 4  0.93",
        "     node 2",
    ]
    assert graph_line(graph) == 'tree: 5 nodes, current "node 3", best "node 4" (0.93)'


def test_an_empty_tree_is_a_line() -> None:
    """A run without nodes has a tree of none, and nothing of it in its record."""
    assert graph_text(Graph()) == "tree: 0 nodes"
    assert tree_html(Graph(), 1000) == ""
    assert Page(graph_html(Graph())).text.strip() == "tree · 0 nodes"
    run = Run(RunData(name="r"))
    assert "tree" not in record_text(run) + record_html(run)


def test_the_html_marks_in_words() -> None:
    """The current node and the best path are told in words, the score in digits, content and metadata when unfolded."""
    graph = Graph(
        [
            GraphNode(id="a", label="claim", content="claim\nin full", score=0.25),
            GraphNode(id="b", label="idea", parent_id="a", score=0.5, metadata={"score": 0.5, "kind": "insight"}),
        ],
        "b",
    )
    page = Page(graph_html(graph))
    assert "best path: claim › idea" in page.text
    assert re.search(r"idea 0\.5\s+★ best path ● current", page.text)
    assert "in full" in page.text
    assert '{"kind": "insight"}' in page.text
    assert "id" not in page.attribute_names
    assert page.tags.count("details") == 3  # the claim, its content, the idea


def test_a_score_has_a_bar_on_one_scale() -> None:
    """Bars are as long as the scores: from 0 to 1, or to the highest; scores below zero move the scale."""

    def bars(*scores: float) -> list[int]:
        graph = tree_of(*[None, *[0] * (len(scores) - 1)], scores=dict(enumerate(scores)))
        return [int(width) for width in re.findall(r"border-left:(\d+)px solid rgb\(70", graph_html(graph))]

    assert bars(0.5, 1.0, 0.0) == [24, 48, 0]
    assert bars(0.5, 0.25) == [24, 12]
    assert bars(50, 100) == [24, 48]
    assert bars(-1, 0, 1) == [0, 24, 48]
    assert bars(-2, -1) == [0, 48]


@pytest.mark.parametrize(
    ("score", "text"),
    [(0.93, "0.93"), (1.0, "1"), (2 / 3, "0.6667"), (12_345.6, "12,346"), (1e300, "1e+300"), (-3.0, "-3"), (None, "")],
)
def test_scores_are_short(score: float | None, text: str) -> None:
    """A score has four digits, and thousands are told apart."""
    assert score_text(score) == text


@pytest.mark.parametrize(
    "parents", [some_parents(100_000), [0, *[1] * 99_999], [*range(100_000)]], ids=["tree", "wide", "deep"]
)
def test_a_large_tree_makes_a_short_drawing(parents: list[int]) -> None:
    """Of 100,000 nodes at most 1,000 are drawn, in at most 60 lines of text, with little work for each other one."""
    graph = large_tree(parents)
    assert graph.columns.children  # the pass over all nodes
    assert lines_run(lambda: (graph_html(graph), graph_text(graph))) < 30 * 100_000
    html, text = graph_html(graph), graph_text(graph)
    assert len(text.split("\n")) <= 60
    assert len(set(re.findall(r"node \d+(?=<)|node \d+(?= 0)", html))) <= 1000
    assert len(html) < 1_000_000
    assert "100,000 nodes" in text
    Page(html)


def test_what_is_not_shown_is_counted_where_it_is() -> None:
    """Each branch says how many nodes are hidden in it, and their best score."""
    parents = [None, *[0] * 3, *[1] * 200, *[4] * 5]
    graph = tree_of(*parents, scores={at: at / 1000 for at in range(4, 209)})
    assert "… 148 more below, best score 0.203" in graph_text(graph)


def test_the_path_to_the_best_and_to_the_current_node_are_shown_first() -> None:
    """Whatever is cut, the best and the current node are there, where they belong."""
    parents = [None, *[0] * 500, 400, 501, 450, 503]
    text = graph_text(tree_of(*parents, scores={502: 0.9, 1: 0.1}, current=504))
    assert re.search(r"^ >   node 400\n >     node 501\n >       node 502 +0\.9$", text, re.MULTILINE)
    assert re.search(r"^     node 450\n       node 503\n\*        node 504$", text, re.MULTILINE)


def test_a_long_row_is_folded() -> None:
    """A thousand nodes in a row are not nested a thousand deep; the current and the best one stay visible."""
    graph = chain_of(1000, scores={at: at / 1000 for at in range(1000)}, current=500)
    assert graph_text(graph).split("\n")[1:] == [
        " > node 0        0",
        " >   … 499 nodes in a row",
        "*>   node 500    0.5",
        " >     … 498 nodes in a row",
        " >     node 999  0.999",
    ]
    page = Page(graph_html(graph))
    assert page.deepest <= 4
    assert "… 499 nodes in a row ★ best path" in page.text
    assert "… 399 more nodes" in page.text
    assert "node 50 " in page.text
    assert "… 4 nodes in a row" not in graph_text(chain_of(6))


def test_a_deep_tree_with_branches_is_cut_at_its_depth() -> None:
    """Branches nest at most 30 deep; what is below is counted."""
    parents: list[int | None] = [None]
    for at in range(0, 400, 2):
        parents += [at, at]
    page = Page(graph_html(tree_of(*parents)))
    assert page.deepest <= 32
    assert "more below" in page.text


@given(st.lists(st.integers(0, 10**6), max_size=150), st.integers(1, 60), st.randoms())
def test_every_node_is_shown_or_counted(draws: list[int], limit: int, chance: random.Random) -> None:
    """Nodes that are shown, folded in a row or hidden below a branch are all that there are, and fit."""
    size = len(draws) + 1
    scores = {at: chance.choice([0.1, 0.5, 0.9]) for at in range(size) if chance.random() < 0.5}
    graph = tree_of(
        None, *(draw % (at + 1) for at, draw in enumerate(draws)), scores=scores, current=chance.randrange(size)
    )
    shown = outline(graph, limit, levels=10)
    assert shown is not None
    every = branches(shown.root)
    places = [place for branch in every for place in (*branch.row, branch.place)]
    assert len(places) == len(set(places))
    assert len(places) + sum(branch.hidden for branch in every) == size
    assert len(every) + sum(bool(branch.row) + bool(branch.hidden) for branch in every) <= max(limit, 2)
    best = [branch.best for branch in every if branch.best is not None]
    hidden = [score for at, score in scores.items() if at not in places]
    assert max(best, default=None) == max(hidden, default=None)


@pytest.mark.parametrize("content", [HOSTILE, {HOSTILE: HOSTILE}, [HOSTILE] * 3])
def test_no_node_can_act(content: Any) -> None:
    """Labels, contents and metadata are text, whatever they hold."""
    graph = Graph(
        [
            GraphNode(id=HOSTILE, label=HOSTILE, content=content, score=1.0, metadata={HOSTILE: HOSTILE}),
            GraphNode(id="b", label=HOSTILE, parent_id=HOSTILE, content=content),
        ],
        "b",
    )
    for html in (graph_html(graph), nodes_html(graph, list(graph.nodes))):
        page = Page(html)
        assert set(page.tags) <= KEPT_TAGS
        assert page.attribute_names <= {"style", "class", "open"}
        assert "\x1b" not in page.text
    assert "\x1b" not in graph_text(graph) + nodes_text(graph, list(graph.nodes))


def test_huge_nodes_are_bounded() -> None:
    """A thousand nodes with a megabyte each make a page of no more than a megabyte."""
    big = "x<" * 500_000
    nodes = [
        GraphNode(id=str(at), label=big, content=big + "y", parent_id=None if at == 0 else "0", metadata={big: [big]})
        for at in range(1000)
    ]
    graph = Graph(nodes, "0")
    assert len(graph_html(graph)) < 1_500_000
    assert max(map(len, graph_text(graph).split("\n"))) < 250
    assert len(nodes_html(graph, nodes)) < 1_500_000
    assert len(nodes_text(graph, nodes).split("\n")) <= 60


def test_a_text_has_no_ids() -> None:
    """Two runs of one program have the same text: neither ids nor addresses are in it."""
    assert "id1" not in graph_text(tree_of(None, 0, content=object()))


def test_found_nodes_stand_with_their_paths() -> None:
    """What was searched is listed with the labels above it, the nearest ones of a deep path."""
    graph = chain_of(100, scores={99: 0.5})
    found = [graph.nodes[1], graph.nodes[99]]
    assert nodes_text(graph, found).split("\n") == [
        "2 nodes of 100",
        "node 0 › node 1",
        "… › " + " › ".join(f"node {at}" for at in range(92, 100)) + "  0.5",
    ]
    assert "node 0 › node 1" in Page(nodes_html(graph, found)).text


def test_a_tree_shows_itself() -> None:
    """A tree that was given a renderer is drawn where it is displayed; without one it says its size."""
    nodes = [GraphNode(id="a", label="claim")]
    assert (
        Graph(nodes, "a", graph_bundle)._repr_mimebundle_()["text/plain"] == 'tree: 1 node, * current "claim"\n*  claim'
    )
    assert Graph(nodes, "a")._repr_mimebundle_() == {"text/plain": "<Graph of 1 node>"}


def test_the_record_has_the_tree_folded() -> None:
    """A record holds its run's tree in a folded section, and one line of it in its text."""
    run = Run(RunData(name="search", status="completed", graph=tree_of(None, 0, scores={1: 0.5})))
    assert record_text(run).endswith('\ntree: 2 nodes, current "node 0", best "node 1" (0.5)')
    before, section, _ = record_html(run).partition("tree (2 nodes")
    assert re.search(r"<details class=\"lpf-section-tree\"><summary[^>]*><span[^>]*>$", before)
    assert section
