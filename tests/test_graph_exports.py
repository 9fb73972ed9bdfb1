"""The node tree in other libraries' own forms, and the search in it."""

from __future__ import annotations

import sys

import networkx as nx
import pytest

from lua_procedures import run
from lua_procedures.graphs import Graph, GraphNode

PROGRAM = """
local claim = GraphNode.create("Water is wet\\nas everybody knows")
local drop = GraphNode.create{label="A drop: \\"<b>\\" \\\\n", score=0.4, content={kind="Physics", pages={3, 4}}}
local sea = GraphNode.create{label="The sea", parent=claim, score=0.9, source="Encyclopedia"}
GraphNode.set_current(sea)
GraphNode.create("Salt")
"""


@pytest.fixture(scope="module")
def graph() -> Graph:
    """The tree of a run."""
    return run(PROGRAM).graph


def test_networkx_has_the_tree(graph: Graph) -> None:
    """Nodes keep their order and what they hold; edges lead from parent to child; what is not there is not None."""
    made = graph.to_networkx()
    assert isinstance(made, nx.DiGraph)
    assert nx.is_arborescence(made)
    assert list(made) == [node.id for node in graph.nodes]
    assert [*made.edges] == [("n1", "n2"), ("n1", "n3"), ("n3", "n4")]
    assert made.graph == {"root": "n1", "current": "n3"}
    assert nx.get_node_attributes(made, "score") == {"n2": 0.4, "n3": 0.9}
    assert made.nodes["n2"]["content"] == {"kind": "Physics", "pages": [3, 4]}
    assert made.nodes["n3"]["metadata"]["source"] == "Encyclopedia"
    assert nx.shortest_path(made, made.graph["root"], "n4") == ["n1", "n3", "n4"]


def test_graphviz_has_the_tree(graph: Graph) -> None:
    """The text in DOT shows labels as they are, with scores, the current node filled and the best path thicker."""
    source = graph.to_graphviz().source
    assert 'n2 [label="A drop: \\"<b>\\" \\\\n (0.4)"]' in source
    assert 'n3 [label="The sea (0.9)" penwidth=2 style=filled]' in source
    assert "n1 -> n3 [penwidth=2]" in source
    assert "n3 -> n4\n" in source


def test_a_label_is_no_markup_for_graphviz() -> None:
    """A label in angle brackets, and one that is very long, stay plain and short."""
    source = Graph([GraphNode(id="a", label="<i>x</i>"), GraphNode(id="b", label="y" * 10_000)]).to_graphviz().source
    assert 'a [label="<i>x</i>"]' in source
    assert len(source) < 400


def test_an_empty_tree_goes_out_empty() -> None:
    """A run without nodes gives graphs without nodes."""
    assert len(Graph().to_networkx()) == 0
    assert "->" not in Graph().to_graphviz().source


@pytest.mark.parametrize(("library", "method"), [("networkx", "to_networkx"), ("graphviz", "to_graphviz")])
def test_a_missing_library_is_named(monkeypatch, graph: Graph, library: str, method: str) -> None:
    """Without the library the error says who needs it and how to get it."""
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(ImportError, match=rf"Graph\.{method} needs {library}: pip install 'lua-procedures\[graph\]'"):
        getattr(graph, method)()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("WATER", ["n1"]),
        ("everybody", ["n1"]),
        ("physics", ["n2"]),
        ("encyclo", ["n3"]),
        ("s", ["n1", "n2", "n3", "n4"]),
        ("score", []),
        ("0.9", []),
        ("nobody", []),
    ],
)
def test_find_looks_in_labels_contents_and_metadata(graph: Graph, text: str, found: list[str]) -> None:
    """A search goes through all that a node says, whatever its case, and through no scores."""
    assert [node.id for node in graph.find(text)] == found
