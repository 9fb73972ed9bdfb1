"""``GraphNode``: the tree that a program makes, what steps did to it put back, and what they read of it."""

# ruff: noqa: E501 - a Lua program reads best in one line

from __future__ import annotations

import random
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lua_procedures import GraphNode, ProcedureError, run
from lua_procedures.durable.stores.sqlite import SqliteStore

from .cells import Cell, differing, messages, outcome


def value(source):
    return run(source).value


# -- creating and moving -------------------------------------------------------------------------------------


def test_the_first_node_is_root_and_current():
    """Later ones become its children, until another one is made the current one."""
    ran = run("""
        local a = GraphNode.create("a")
        local b, c = GraphNode.create("b"), GraphNode.create("c")
        local moved = GraphNode.set_current(c)
        local d = GraphNode.create("d")
        return {GraphNode.root() == a, GraphNode.current() == c, moved, a:parent() == nil, d:parent().label}""")
    assert ran.value == [True, True, True, True, "c"]
    assert [(node.id, node.parent_id) for node in ran.graph.nodes] == [
        ("n1", None),
        ("n2", "n1"),
        ("n3", "n1"),
        ("n4", "n3"),
    ]
    assert ran.graph.current_id == "n3"


def test_a_parent_is_a_node_or_an_id():
    """In both forms of the call; it does not become the current node."""
    ran = run("""
        local a = GraphNode.create("a")
        local b = GraphNode.create("b")
        GraphNode.create("c", nil, b)
        GraphNode.create("d", {k = 1}, "n2")
        GraphNode.create{label = "e", parent = b}
        GraphNode.create{label = "f", parent = b.id}
        return {GraphNode.current().id, #b:children(), #a:children()}""")
    assert ran.value == ["n1", 4, 1]


LABELS = {
    "a string's first line": ('"one\\ntwo"', "one"),
    "up to a carriage return": ('"one\\r\\ntwo"', "one"),
    "an empty string": ('""', ""),
    "a number": ("42", "42"),
    "a boolean": ("false", "false"),
    "a list": ("{1, 2}", "{1, 2}"),
    "a table's content": ("{content = {a = {1}}}", "{a = {1}}"),
    "a label of its own": ('{label = "x", content = "y"}', "x"),
    "nothing": ("{score = 1}", "n1"),
    "a long line": ('("x"):rep(3000)', "x" * 999 + "…"),
    "not UTF-8": ('"\\xff"', "ÿ"),
}


@pytest.mark.parametrize(("given", "label"), LABELS.values(), ids=LABELS)
def test_labels(given, label):
    """The label is what was given, else it is made of the content, else it is the id; in Lua as in Python."""
    ran = run(f"return GraphNode.create({given}).label")
    assert ran.value == ran.graph.nodes[0].label
    assert ran.value[:990] == label[:990]
    assert len(ran.value) <= 1000


CONTENTS = [
    '"text"',
    "5",
    "2.5",
    "false",
    "{1, {2}}",
    "{content = {a = {b = 1}}}",
    "array{}",
    '"\\xff"',
    '{content = "quo\\"ted\\\\"}',
]


@pytest.mark.parametrize("given", CONTENTS)
def test_contents_are_plain_values(given):
    """Each comes back in Lua as in Python, and as its own copy."""
    ran = run(f"local n = GraphNode.create({given}) return n.content")
    assert ran.graph.nodes[0].content == ran.value
    assert ran.value is not None


def test_what_was_given_is_copied():
    """Neither the program's tables nor those that a node gives change it."""
    ran = run("""
        local content, metadata = {1}, {tags = {"a"}}
        local node = GraphNode.create(content, metadata)
        table.insert(content, 2) table.insert(metadata.tags, "b")
        table.insert(node.content, 3) table.insert(node:metadata().tags, "c") node:metadata().k = 1
        table.insert(node:children(), 4)
        return {node.content, node:metadata(), #node:children()}""")
    assert ran.value == [[1], {"tags": ["a"]}, 0]


def test_scores_and_metadata():
    """The score is the number in the metadata's score, however it came there."""
    assert value("""
        local a = GraphNode.create{label = "a", score = 0.5, kind = "x"}
        local b = GraphNode.create("b", {score = 2})
        local c = GraphNode.create("c", {score = "high"})
        local d = GraphNode.create{label = "d", metadata = {score = 7, k = 1}, l = 2}
        local before = {a:score(), b:score(), c:score() == nil, d:score(), c:metadata().score, d:metadata()}
        a:set_score(1) b:set_metadata("score", nil) c:set_metadata("score", 3) d:set_metadata("score", false) d:set_metadata("k", nil)
        return {before, {a:metadata(), b:score() == nil, c:score(), c:metadata(), d:score() == nil, d:metadata()}}""") == [
        [0.5, 2, True, 7, "high", {"score": 7, "k": 1, "l": 2}],
        [{"kind": "x", "score": 1}, True, 3, {"score": 3}, True, {"score": False, "l": 2}],
    ]  # fmt: skip


def test_one_node_one_truth():
    """Every way to a node leads to the same, which sees every change."""
    assert value("""
        local a = GraphNode.create("a")
        local b = GraphNode.create("b")
        a:children()[1]:set_score(3)
        local same = {GraphNode.get("n2") == b, a:children()[1] == b, b:parent() == a, GraphNode.root() == GraphNode.get("n1"), a ~= b}
        return {b.score(b), same, b.children(a)[1] == b}""") == [3, [True] * 5, True]


def test_a_node_shows_its_label():
    """As text, with its label cut to a length; printed within a table too."""
    ran = run(
        'local n = GraphNode.create("idea\\nmore") print(n, {n}) return tostring(GraphNode.create(("x"):rep(100)))'
    )
    assert messages(ran, "print") == ['node "idea"\t{node "idea"}']
    assert len(ran.value) < 80


def test_a_node_crosses_as_its_record():
    """Out of the program, into State, into another node, and into JSON; pairs visits the same."""
    record = {"id": "n1", "label": "a", "content": "a", "metadata": {"k": 1}}
    ran = run("""
        local n = GraphNode.create("a", {k = 1})
        state.best = n
        local keys = {}
        for k in pairs(n) do keys[#keys + 1] = k end
        GraphNode.create({n, n}) GraphNode.create("c", {of = n})
        return {n, Json.decode(Json.encode(n)), keys, state.best == n}""")
    assert ran.value == [record, record, sorted(record), True]
    assert ran.state == {"best": record}
    assert ran.graph.nodes[1].content == [record, record]
    assert ran.graph.nodes[2].metadata == {"of": record}


# -- misuse --------------------------------------------------------------------------------------------------

MISUSE = {
    "GraphNode.create()": "GraphNode.create: content: a value that can be kept expected, got nil",
    "GraphNode.create(print)": "GraphNode.create: content: a value that can be kept expected, got a function",
    "GraphNode.create(0 / 0)": "NaN (not a number) cannot be kept or passed on, at $.content",
    "GraphNode.create({1, {print}})": "a function cannot be kept or passed on, at $.content[2][1]",
    "GraphNode.create{label = 5}": "GraphNode.create: label: a string expected, got a number",
    "GraphNode.create{label = ('x'):rep(1001)}": "GraphNode.create: label: more than 1,000 bytes long",
    "GraphNode.create{label = 'x', score = 'high'}": "GraphNode.create: score: a finite number expected, got a string",
    "GraphNode.create{score = 1 / 0}": "GraphNode.create: score: a finite number expected, got inf",
    "GraphNode.create{kind = print}": "a function cannot be kept or passed on, at $.metadata.kind",
    "GraphNode.create('x', 5)": "GraphNode.create: metadata: a table with named keys expected, got a number",
    "GraphNode.create('x', {1})": "GraphNode.create: metadata: a table with named keys expected, got a list",
    "GraphNode.create('x', nil, 5)": "GraphNode.create: parent: a node or its id expected, got a number",
    "GraphNode.create('x', nil, 'n9')": 'GraphNode.create: parent: there is no node "n9"',
    "GraphNode.create{label = 'x', parent = 'n9'}": 'GraphNode.create: parent: there is no node "n9"',
    "GraphNode.create('x', nil, {id = 'n1'})": "GraphNode.create: parent: a node or its id expected, got a table with named keys",
    "GraphNode.set_current()": "GraphNode.set_current: node: a node or its id expected, got nil",
    "GraphNode.set_current(5)": "GraphNode.set_current: node: a node or its id expected, got a number",
    "GraphNode.get(5)": "GraphNode.get: id: a string expected, got a number",
    "node.score()": "GraphNode.score: node: a node expected, got nil; call it as node:score(…)",
    "node.children{}": "GraphNode.children: node: a node expected, got a table",
    "node:set_score('x')": "GraphNode.set_score: n: a finite number expected, got a string",
    "node:set_score(0 / 0)": "GraphNode.set_score: n: a finite number expected, got",
    "node:set_metadata(5, 1)": "GraphNode.set_metadata: key: a string expected, got a number",
    "node:set_metadata('k', print)": "GraphNode.set_metadata: a function cannot be kept or passed on, at $.k",
    "node.score = 3": "GraphNode: a node's score cannot be assigned; set_score(n) and set_metadata(key, value) change a node",
    "setmetatable(node, {})": "cannot change a protected metatable",
}


@pytest.mark.parametrize("call", MISUSE)
def test_misuse_is_an_error_at_the_line(call):
    """It names the primitive, the argument, what was given and what is expected, and leaves the tree as it was."""
    ran = run(
        f"local node = GraphNode.create('root')\nlocal ok, why = pcall(function()\n{call}\nend)\nreturn {{ok, why}}"
    )
    assert ran.value[0] is False
    assert MISUSE[call] in ran.value[1]
    assert "cell:3:" in ran.value[1] or "metatable" in call
    assert len(ran.graph) == 1


def test_unknown_ids():
    """set_current says false, get nil, and neither moves anything."""
    assert value("""
        local a = GraphNode.create("a")
        return {GraphNode.set_current("n9"), GraphNode.set_current(""), GraphNode.get("n9") == nil, GraphNode.get("n0") == nil,
          GraphNode.get("n01") == nil, GraphNode.get("n1e0") == nil, GraphNode.get("\\xff") == nil, GraphNode.current() == a}""") == [
        False, False, True, True, True, True, True, True,
    ]  # fmt: skip


def test_a_tree_has_an_upper_size():
    """One that holds more than a value may have is an error at the node that was too much, whatever it refers to."""
    with pytest.raises(ProcedureError, match="the tree holds more than 5000 bytes"):
        run("local s = ('x'):rep(900) for i = 1, 9 do GraphNode.create(s) end", limits={"max_bytes": 5000})
    with pytest.raises(ProcedureError, match="the tree holds more than 5000 bytes"):
        run("for i = 1, 200 do GraphNode.create{label = 'x'} end", limits={"max_bytes": 5000})


# -- steps ---------------------------------------------------------------------------------------------------

DOINGS = {
    "creates": "GraphNode.create('x')",
    "creates with everything": "GraphNode.create{label = 'x', content = {1, {a = null}}, parent = 'n2', score = 0.5, k = {object{}}}",
    "creates a chain": "for i = 1, 3 do GraphNode.set_current(GraphNode.create('x' .. i)) end",
    "moves": "GraphNode.set_current('n2')",
    "moves to nowhere": "GraphNode.set_current('n9')",
    "scores": "GraphNode.get('n2'):set_score(1.5)",
    "metadata": "GraphNode.root():set_metadata('k', {1, 2}) GraphNode.root():set_metadata('score', 'high')",
    "takes metadata away": "GraphNode.get('n2'):set_metadata('k', nil) GraphNode.get('n2'):set_metadata('score', nil)",
    "changes what it made": "local n = GraphNode.create('x') n:set_score(2) n:set_metadata('k', true) return n:score()",
    "reads what it made": "local n = GraphNode.create('x') return {#GraphNode.root():children(), n:parent().label, n.id}",
    "inner steps": "GraphNode.create('x') Step.run('i', function() GraphNode.create('y') Step.run('j', function() GraphNode.set_current(GraphNode.create('z')) end) end) GraphNode.create('w')",
    "a failed inner step": "pcall(Step.run, 'i', function() GraphNode.create('y') error('no') end) GraphNode.create('w')",
}


@pytest.mark.parametrize("body", DOINGS.values(), ids=DOINGS)
def test_what_a_step_did_is_put_back(cell, body):
    """The tree, its ids and the current node are the same after a replay; nodes made later go on from there."""
    ran = cell.twice(f"""
        GraphNode.create("root")
        GraphNode.create{{label = "second", score = 1, k = 1}}
        local did = Step.run("s", function() {body} end)
        local last = GraphNode.create("last")
        return {{did or "nothing", last.id, GraphNode.current().id, #GraphNode.root():children()}}""")
    assert ran.value[1] == "n3"


def test_a_step_may_make_the_first_node(cell):
    """It is root and current as any first node."""
    ran = cell.twice("""
        Step.run("s", function() GraphNode.create("root") GraphNode.create("child") end)
        return {GraphNode.root().id, GraphNode.current().id, GraphNode.create("x"):parent().id}""")
    assert ran.value == ["n1@0", "n1@0", "n1@0"]


def test_a_captured_node_is_checked_by_its_id(cell):
    """It is no value that could not be checked; another node in its place runs the step again."""
    text = """
        local a = GraphNode.create("a")
        local b = GraphNode.create("b")
        local known = {%s}
        return Step.run("s", function() return #known + os.clock() end)"""
    first = cell.twice(text % "a")
    assert messages(first, "warning") == []
    assert cell(text % "b").executed == 1
    assert cell(text % "a").value == first.value


READS = {
    "the current node": ("GraphNode.current()", "GraphNode.set_current(b)"),
    "where a node is made": ("GraphNode.create('x')", "GraphNode.set_current(b)"),
    "the root": ("GraphNode.root().label", "a:set_score(1)"),
    "a label": ("GraphNode.get('n2').label", None),
    "content": ("b.content", None),
    "a score": ("b:score()", "b:set_score(5)"),
    "metadata": ("b:metadata()", "b:set_metadata('k', 1)"),
    "children": ("#b:children()", "GraphNode.create('x', nil, b)"),
    "an id that is not there yet": ("GraphNode.get('n3') == nil", "GraphNode.create('x', nil, b)"),
    "a node as a result": ("b", "b:set_metadata('k', 1)"),
    "a parent by id": ("GraphNode.create('x', nil, 'n2')", None),
}
UNRELATED = {"the root", "a label", "content", "a parent by id"}


@pytest.mark.parametrize("what", READS)
def test_a_step_depends_on_what_it_read(cell, what):
    """It runs again where that is another, and only then; the first state of things finds the first run again."""
    read, change = READS[what]
    text = f"""
        local a = GraphNode.create("a")
        local b = GraphNode.create("b")
        %s
        Step.run("s", function() local read = {read} print(os.clock()) return read end)"""
    first = cell(text % "")
    assert cell(text % (change or "a:set_metadata('unrelated', 1)")).executed == (what not in UNRELATED)
    assert differing(outcome(first), outcome(cell(text % ""))) == {}


def test_other_nodes_do_not_count(cell):
    """A step that works on one node replays whatever else the tree has and gets."""
    text = """
        local a = GraphNode.create("a")
        local b = GraphNode.create("b")
        %s
        Step.run("s", function()
          local n = GraphNode.create("x", nil, b)
          n:set_score((b:score() or 0) + #b:children()) b:set_metadata("k", b.label)
        end)"""
    cell(text % "")
    assert (
        cell(text % "a:set_score(1) local c = GraphNode.create('c') c:set_score(2) GraphNode.set_current(c)").executed
        == 0
    )


def test_another_text_of_a_node_counts(cell):
    """Where the node at an id is another one after an edit, the step that read its text runs again."""
    text = 'GraphNode.create("%s") return Step.run("s", function() return GraphNode.root().label end)'
    assert [cell(text % label).value for label in ("a", "b", "a")] == ["a", "b", "a"]


# -- ids -----------------------------------------------------------------------------------------------------


def test_ids_made_outside_do_not_count_what_steps_make(cell):
    """An edit inside a step leaves the ids outside of it, and one outside those of replayed steps."""
    text = """
        GraphNode.create("root")
        %s
        local made = Step.run("s", function() %s return GraphNode.create("x").id end)
        return {made, GraphNode.create("y").id}"""
    assert cell(text % ("", "")).value == ["n1@0", "n2"]
    assert cell(text % ("", "GraphNode.create('w')")).value == ["n2@0", "n2"]
    ran = cell(text % ("GraphNode.create('v')", ""))
    assert (ran.value, ran.executed) == (["n1@0", "n3"], 0)


def test_ids_in_nested_steps_tell_their_paths(cell):
    """Each step counts its own."""
    ran = cell.twice("""
        Step.run("o", function()
          GraphNode.create("a")
          Step.run("i", function() GraphNode.create("b") end)
          GraphNode.create("c")
        end)
        checkpoint(function() GraphNode.create("d") end)""")
    assert [node.id for node in ran.graph.nodes] == ["n1@0", "n1@0/0", "n2@0", "n1@1"]


def test_a_step_after_a_cut_takes_the_next_ids(cell):
    """It stands at the same path as one that the cut has forgotten, whose nodes are still there."""
    text = """
        Step.run("a", function() GraphNode.create("a") GraphNode.create("a2") end)
        Checkpoint.clear_after("a")
        return Step.run("b", function() return GraphNode.create("b").id end)"""
    ran = cell(text)
    assert ran.value == "n3@0"
    assert len({node.id for node in ran.graph.nodes}) == 3
    again = cell(text)
    assert (again.value, again.graph) == (ran.value, ran.graph)


def test_a_replayed_step_never_meets_its_ids_taken(cell):
    """What a forgotten step left at the path is read: with more nodes there, the step after the cut runs again."""
    text = """
        state.n = %d
        Step.run("a", function() for i = 1, state.n do GraphNode.create("a") end end)
        Checkpoint.clear_after("a")
        return Step.run("b", function() return GraphNode.create("b").id end)"""
    for n in (1, 3, 1, 2):
        ran = cell(text % n)
        assert ran.value == f"n{n + 1}@0"
        assert len({node.id for node in ran.graph.nodes}) == n + 1


# -- any program ---------------------------------------------------------------------------------------------

CHANGES = """\
GraphNode.create('c$n')
GraphNode.create{label = 'l$n', score = $n, k = $n}
GraphNode.create('p$n', {m = {$n}}, some($n))
GraphNode.create{content = {a = {$n}}, parent = some($n)}
GraphNode.set_current(some($n))
GraphNode.set_current('n$n')
if some($n) then some($n):set_score($n) end
if some($n) then some($n):set_metadata('k', some($n).label) end
if some($n) then some($n):set_metadata('k', nil) end
if some($n) then print(#some($n):children(), some($n):score(), some($n):parent()) end
print(GraphNode.current(), GraphNode.root(), GraphNode.get('n$n'))
if some($n) then print(some($n).id, some($n):metadata(), some($n).content) end
state.s = some($n)
print(state.s)""".splitlines()
HEAD = """
local function some(n)
  local node = GraphNode.root()
  while node and n > 0 do
    local list = node:children()
    if #list == 0 then return node end
    node, n = list[n % #list + 1], n // 2
  end
  return node
end
GraphNode.create("root")
"""


class Writer:
    """Writes one program from a seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._steps = 0

    def program(self) -> str:
        return "\n".join([HEAD, *(self.change(0) for _ in range(10)), "return #GraphNode.root():children()"])

    def change(self, depth: int) -> str:
        if depth < 3 and self._random.random() < 0.35:
            return self.step(depth + 1)
        return f"do {self._random.choice(CHANGES).replace('$n', str(self._random.randrange(7)))} end"

    def step(self, depth: int) -> str:
        self._steps += 1
        name = f"s{self._steps}"
        body = "\n".join(self.change(depth) for _ in range(self._random.randrange(1, 5)))
        end = "error('no')" if self._random.random() < 0.2 else "return some(3)"
        return f"print(pcall(Step.run, '{name}', function()\n{body}\n{end} end))"


any_program = settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))


@any_program
@given(st.integers(0, 10**9))
def test_a_second_run_is_the_first(seed):
    """The tree, ids, order of children, current node and all that was read: from the journal alone."""
    Cell().twice(Writer(seed).program())


@settings(any_program, max_examples=25)
@given(st.integers(0, 10**9))
def test_a_restart_on_sqlite_is_the_first(seed):
    """The same in another process's view of the file."""
    text = Writer(seed).program()
    with tempfile.TemporaryDirectory() as folder:
        runs = []
        for _ in range(2):
            store = SqliteStore(str(Path(folder) / "runs.db"), "normal")
            runs.append(Cell(store)(text))
            store.close()
    assert differing(outcome(runs[0]), outcome(runs[1])) == {}
    assert runs[1].executed == 0


@settings(any_program, max_examples=50)
@given(st.integers(0, 10**9), st.integers(0, 9))
def test_ids_are_unique_after_any_edit(seed, place):
    """A statement put in anywhere: no id stands for two nodes, and undoing the edit finds the first tree again."""
    writer = Writer(seed)
    text = writer.program()
    lines = text.split("\n")
    at = next(i for i in range(len(lines)) if lines[i].startswith("GraphNode.create"))
    edited = "\n".join([*lines[: at + 1], "GraphNode.create('new')", *lines[at + 1 :]]) if place else text + " + 1"
    cell = Cell()
    first, second = cell(text), cell(edited)
    for ran in (first, second):
        ids = [node.id for node in ran.graph.nodes]
        assert len(ids) == len(set(ids))
    assert cell(text).graph == first.graph


def test_a_tree_of_the_run_is_there_after_an_error():
    """As far as the program came."""
    with pytest.raises(ProcedureError) as caught:
        run('GraphNode.create("a") error("no")')
    assert caught.value.run is not None
    assert list(caught.value.run.graph.nodes) == [GraphNode(id="n1", label="a", content="a")]
