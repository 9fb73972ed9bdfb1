"""The node tree as Python has it: from records, and from the text that Lua gives."""

from __future__ import annotations

import pytest

from lua_procedures import Graph, GraphNode, run

NODES = (
    GraphNode(id="n1", label="root"),
    GraphNode(id="n2", label="a", parent_id="n1", score=0.5, metadata={"score": 0.5}),
    GraphNode(id="n3", label="b", parent_id="n1", score=0.9, metadata={"score": 0.9}),
    GraphNode(id="n1@0", label="c", content="c\nmore", parent_id="n3", score=0.9, metadata={"score": 0.9, "k": [1]}),
)

#: The same tree, made by a program.
PROGRAM = """
    GraphNode.create{label = "root"}
    GraphNode.create{label = "a", score = 0.5}
    local b = GraphNode.create{label = "b", score = 0.9}
    Step.run("c", function() GraphNode.create{content = "c\\nmore", parent = b, score = 0.9, k = {1}} end)
    GraphNode.set_current(b)"""


@pytest.fixture(params=["records", "text"])
def graph(request):
    return Graph(NODES, "n3") if request.param == "records" else run(PROGRAM).graph


def test_nodes_are_listed_in_order_of_creation(graph):
    """As records, of which a slice is a list; the length of the tree is their number."""
    assert list(graph.nodes) == list(NODES)
    assert graph.nodes[-1] == NODES[-1]
    assert graph.nodes[1:3] == list(NODES[1:3])
    assert len(graph) == len(graph.nodes) == len(NODES)


def test_nodes_are_found_by_their_id(graph):
    """With their parents and children; an unknown id has none of them."""
    assert graph.root == NODES[0]
    assert graph.node("n1@0") == NODES[3]
    assert graph.parent("n1@0") == NODES[2]
    assert graph.parent("n1") is None
    assert graph.children("n1") == [NODES[1], NODES[2]]
    assert graph.children("n2") == []
    assert (graph.node("n9"), graph.parent("n9"), graph.children("n9")) == (None, None, [])
    assert graph.current_id == "n3"


def test_the_best_path_leads_to_the_first_of_the_best(graph):
    """From the root; two nodes have the highest score, and the earlier one counts."""
    assert [node.id for node in graph.best_path()] == ["n1", "n3"]


@pytest.mark.parametrize("score", [None, -2.0], ids=["none", "negative"])
def test_the_best_path_of_a_single_node(score):
    """Empty where no node has a score; a negative one is a score."""
    graph = Graph([GraphNode(id="n1", label="x", score=score)])
    assert len(graph.best_path()) == (score is not None)


def test_a_node_is_one_record(graph):
    """Whoever asks for it, and however."""
    assert graph.node("n3") is graph.nodes[2] is graph.children("n1")[1] is graph.parent("n1@0")


def test_an_empty_tree():
    """It has no root, no path and no nodes, and is false."""
    graph = run("return GraphNode.root() == nil and GraphNode.current() == nil").graph
    assert (list(graph.nodes), graph.root, graph.current_id, graph.best_path(), bool(graph)) == (
        [],
        None,
        None,
        [],
        False,
    )
    assert graph == Graph()


def test_trees_are_compared_by_what_is_in_them():
    """The same nodes and the same current one."""
    assert run(PROGRAM).graph == Graph(NODES, "n3") != Graph(NODES, "n1")
    assert Graph(NODES, "n3") != Graph(NODES[:3], "n3")
    assert repr(Graph(NODES[:1])) == "<Graph of 1 node>"
