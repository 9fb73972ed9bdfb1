"""Turns in the journal: each call a checkpoint, nothing repeated, edits that run again."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress

import pytest

from lua_procedures import DivergenceError, tool
from lua_procedures.durable.entries import HIDDEN_KINDS
from lua_procedures.durable.stores.memory import MemoryStore
from lua_procedures.durable.stores.sqlite import SqliteStore

from .cells import Cell, Died, DyingStore, differing, paths, timeless
from .scripts import calls, chat, sent, spent

LONG = """
done = require("done")
lookup = Tool { description = "Looks.", input = {q = "string"}, function(t)
  State.increment("looked")
  local inner = Step.run("in " .. t.q, function() return t.q .. math.random(1000) end)
  return {found = fetch{x = #t.q}, inner = inner}
end }
expert = Agent { system_prompt = "You know.", tools = {"fetch"} }
consult = Tool { input = {q = "string"}, function(t) return expert(t.q).output end }
worker = Agent { system_prompt = "Work on {input.topic}.", tools = {
  lookup, consult, "fetch", "guarded", "broken", done,
} }
Session.append("user", "Mind the budget.")
local plan = worker("Plan it")
local noted = Step.run("noted", function()
  Session.append("assistant", "noted")
  return {expert("Check " .. plan).output, expert.history}
end)
local ok, why = pcall(worker, "More")
local name = Human.input("Who?")
repeat worker() until done.called() or Iterations.exceeded(9)
return {plan.output, noted[1], #noted[2], ok, name, Stop.reason(), Iterations.current(), #worker.history,
  math.random(1000)}
"""
ANSWERS = {
    "user: Plan it": calls(("lookup", {"q": "ab"}), ("consult", {"q": "why?"})),
    "user: why?": calls(("fetch", {"x": 7})),
    "tool: page 7": "because",
    "tool: because": calls(("guarded", {"x": 1}), ("broken", {"x": 2})),
    "tool: Error: broken: RuntimeError: broken 2": spent("planned", 30, 4),
    "user: Check planned": "checked",
    "user: More": ValueError("overloaded"),
    "user: Continue.": calls(("fetch", {"x": 9})),
    "tool: page 9": calls(("done", {"reason": "enough"})),
}


class World:
    """A model and tools that remember what they were asked, over several processes."""

    def __init__(self) -> None:
        self.model = chat()
        self.model.answers = lambda given: ANSWERS[sent({"messages": [self._plain(given[-1])]})[0]]
        self.called: Counter[tuple[str, int]] = Counter()

    @staticmethod
    def _plain(message):
        return {"role": {"human": "user"}.get(message.type, message.type), "content": message.content}

    def fetch(self, x: int) -> str:
        """Gets a page."""
        self.called["fetch", x] += 1
        return f"page {x}"

    def broken(self, x: int) -> None:
        """Fails."""
        self.called["broken", x] += 1
        raise RuntimeError(f"broken {x}")

    @property
    def options(self):

        @tool(requires_approval=True)
        def guarded(x: int) -> int:
            self.called["guarded", x] += 1
            return x

        tools = [self.fetch, guarded, self.broken]
        return {"tools": tools, "chat_model": self.model, "answers": _answer, "params": {"topic": "x"}, "seed": 5}


TOOLS = {("tool_call", name) for name in ("fetch", "guarded", "broken")}


def _answer(request):
    return {"approved": True, "edited_artifact": {"x": 3}} if request.editable else "Ada"


def test_each_call_is_written_before_the_next_begins(cell):
    """When the model is asked, all that came before is in the store."""
    world = World()
    answers, seen = world.model.answers, []

    def look(given):
        entries = [each for row in cell.store.journals() for each in cell.store.entries(row.id)]
        written = sum(each.kind == "model_call" or (each.kind, each.name) in TOOLS for each in entries)
        seen.append((written, len(world.model.requests) - 1 + world.called.total()))
        return answers(given)

    world.model.answers = look
    ran = cell(LONG, **world.options)
    assert len(seen) == 9
    assert all(written == made for written, made in seen)
    assert cell.twice(LONG, **world.options).value == ran.value
    assert world.called["guarded", 3] == 1
    assert len(world.model.requests) == len(seen)


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_a_kill_at_any_write_repeats_no_finished_call(kind, before, tmp_path):
    """The run ends as one that nobody killed; only a call whose outcome was not written is made again."""
    undisturbed, world = World(), World()
    expected = Cell()(LONG, **undisturbed.options)
    write = 0
    while True:
        store = MemoryStore() if kind == "memory" else SqliteStore(str(tmp_path / f"{write}.db"), "normal")
        world, died = World(), True
        with suppress(Died):
            Cell(DyingStore(store, write, before=before))(LONG, **world.options)
            died = False
        ended = Cell(store)(LONG, **world.options)
        assert differing(timeless(expected), timeless(ended)) == {}, write
        entries = [entry for entry in store.entries(1) if entry.kind not in HIDDEN_KINDS]
        assert set(Counter((entry.key, entry.reads) for entry in entries).values()) == {1}, write
        again = (
            (world.called - undisturbed.called).total() + len(world.model.requests) - len(undisturbed.model.requests)
        )
        assert again <= before, write
        store.close()
        write += 1
        if not died:
            break
    assert write > 30


def test_a_turn_in_a_completed_step_is_put_back(cell):
    """Conversation, number of turns, State, tool records and messages are as they were, also from a step in a step."""
    program = """
        note = Tool { function(t) State.increment("n") Session.append("user", "from the tool") return t.x end }
        worker = Agent { tools = {note} }
        worker("zero")
        local a = Step.run("outer", function()
          local b = Step.run("inner", function() return worker("one").output end)
          return b .. worker("two").output
        end)
        local last = worker("three")
        return {a, last.output, #worker.history, Iterations.current(), state.n, note.call_count(), Session.count()}
    """
    model = chat("0", calls(("note", {"x": 1})), "1", "2", "3")
    ran = cell.twice(program, chat_model=model)
    assert ran.value == ["12", "3", 10, 4, 1, 1, 1]
    moved = program.replace('worker("three")', 'worker("four")')
    again = cell(moved, chat_model=chat("4"))
    assert again.executed == 1


# -- edits ---------------------------------------------------------------------------------------------------------

EDITED = """
search = Tool { description = "Finds.", input = {q = "string"}, function(t) return t.q end }
first = Agent {}
worker = Agent { system_prompt = "P", model = "m", temperature = 0.5, tools = {search}, output = {a = "string"} }
first("x")
local r = worker("go")
Step.run("after", function() return r.output.a end)
first("y")
return r.output.a
"""


@pytest.mark.parametrize(
    ("old", "new", "part"),
    [
        ('"P"', '"Q"', "prompt"),
        ('"Finds."', '"Looks."', "tools"),
        ('{q = "string"}', '{q = "integer"}', "tools"),
        ('"go"', '"run"', "messages"),
        ("0.5", "0.7", "settings"),
        ('{a = "string"}', '{a = "string", b = "string"}', "output"),
        ("tools = {search}", 'tools = {search}, tool_choice = "auto"', "tool choice"),
        ('model = "m"', 'model = "n"', "model"),
    ],
)
def test_an_edit_runs_its_turn_and_what_follows(cell, old, new, part):
    """It is told what changed; what came before stays; undone, everything is found again."""
    answers = [{"data": {"a": "1"}}, {"data": {"a": "2"}}]
    models = {"m": chat(*answers), "n": chat(*answers, model_name="other"), "*": chat(*"abcdef")}
    before = cell(EDITED, chat_models=models)
    edited = cell(EDITED.replace(old, new), chat_models=models)
    assert (before.value, edited.value) == ("1", "1" if part == "model" else "2")
    assert paths(edited, replayed=True)[:2] == ["0", "0/0"]
    assert {"1", "1/0", "2"} <= set(paths(edited, replayed=False))
    assert part in edited._data.change
    undone = cell(EDITED, chat_models=models)
    assert (undone.executed, undone.value) == (0, "1")


PROGRAM = 'a = Agent {} worker = Agent {} a("x") local r = worker("go") a("z") return r.output'


def test_redo(cell):
    """By the agent's name, or by the path of a model call: it is asked again, and what follows where it differs."""
    model = chat(*"123456789")
    assert cell(PROGRAM, chat_model=model).value == "2"
    redone = cell(PROGRAM, chat_model=model, redo="worker")
    assert (redone.value, paths(redone, replayed=False)) == ("4", ["1", "1/0", "2", "2/0"])
    again = cell(PROGRAM, chat_model=model, redo="1/0")
    assert again.value not in ("2", "4")
    assert cell(PROGRAM, chat_model=model).value == again.value


def test_strict_and_plan(cell):
    """A changed turn is refused, or told; nothing is asked and nothing written."""
    model = chat("1", "2", "3")
    cell(PROGRAM, chat_model=model)
    held, edited = cell.held(), PROGRAM.replace("go", "run")
    assert isinstance(cell.fails(edited, chat_model=model, strict=True), DivergenceError)
    planned = cell(edited, chat_model=model, plan=True)
    assert "messages" in planned._data.change
    assert (len(model.requests), cell.held()) == (3, held)
