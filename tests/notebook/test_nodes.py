"""``%procedures graph``: the tree of a run, and what is found in it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from lua_procedures import run
from lua_procedures.errors import StoreError, UsageError
from lua_procedures.notebook.commands import command

PROGRAM = """
local claim = GraphNode.create("Water is wet")
GraphNode.create{label="The sea", score=0.9}
GraphNode.create{label="A drop of water", score=0.4}
"""


@pytest.fixture
def shell(tmp_path):
    """A shell whose store holds one run, but not this process."""
    store = f"sqlite:///{tmp_path / 'runs.db'}"
    run(PROGRAM, name="search", store=store)
    return SimpleNamespace(lua_procedures=SimpleNamespace(defaults=SimpleNamespace(store=store)))


def test_the_tree_of_a_run_is_shown(shell):
    """The tree comes from the journal alone, and is drawn as text and as HTML."""
    shown = command(shell, "graph search")._repr_mimebundle_()
    assert shown["text/plain"].split("\n")[0] == 'tree: 3 nodes, * current "Water is wet", > best "The sea" (0.9)'
    assert "A drop of water" in shown["text/html"]


def test_nodes_are_found_with_their_paths(shell):
    """``--find`` gives the nodes that have the text in them, each with the labels above it."""
    found = command(shell, 'graph search --find "WATER"')
    assert [node.label for node in found] == ["Water is wet", "A drop of water"]
    assert (len(found), found[1].score) == (2, 0.4)
    assert repr(found) == "2 nodes of 3\nWater is wet\nWater is wet › A drop of water  0.4"
    assert "A drop of water" in found._repr_html_()
    assert repr(command(shell, "graph search --find nothing")) == "0 nodes of 3"


def test_a_wrong_line_says_how_it_is_called(shell):
    """Without a name, without a text, or with a name that no run has, the error says so."""
    with pytest.raises(UsageError, match=r"%procedures graph NAME \[--find TEXT\]"):
        command(shell, "graph")
    with pytest.raises(UsageError, match="--find needs a TEXT"):
        command(shell, "graph search --find")
    with pytest.raises(StoreError, match="no run 'other'"):
        command(shell, "graph other")
    with pytest.raises(UsageError, match=r"unknown subcommand 'grpah'; did you mean graph\?"):
        command(shell, "grpah search")
    with pytest.raises(UsageError, match="unknown subcommand 'zz'; there are list, "):
        command(shell, "zz")
