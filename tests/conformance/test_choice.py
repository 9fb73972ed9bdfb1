"""What `redo` and `plan` do to agents and tools: by name, by a path inside a turn, and what failed."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import BaseMessage

from lua_procedures import Run, tool
from lua_procedures.testing import ScriptedChatModel

from .cells import Cell, messages, paths
from .scripts import calls, chat

PROGRAM = """
writer = Agent{system_prompt = "Write.", tools = {search}}
local a = writer("first").content
local b = Step.run("b", function() return "same" end)
local c = writer("second").content
return {a, b, c}
"""


class World:
    """A model that answers with numbers, and a tool that does; both count."""

    def __init__(self) -> None:
        self.cell = Cell()
        self.searched = 0
        self.model = ScriptedChatModel(answers=self._answer)

    def _answer(self, said: list[BaseMessage]) -> Any:
        """First a call of the tool, then a text that is another one each time."""
        if said[-1].type == "tool":
            return f"text {self.asked}"
        return calls(("search", {"x": 1}), mark=str(len(said)))

    def search(self, x: int) -> str:
        """Search."""
        self.searched += 1
        return f"found {x}"

    def __call__(self, source: str = PROGRAM, **options: Any) -> Run:
        return self.cell(source, tools=[self.search], chat_model=self.model, **options)

    @property
    def asked(self) -> int:
        return len(self.model.requests)


@pytest.fixture
def world() -> World:
    return World()


def change(run: Run) -> str:
    assert run._data.change is not None
    return run._data.change


def test_redo_of_an_agent_takes_its_turns_again(world):
    """Every turn of that name, with each call inside it; the model is really asked, and the record says why."""
    first = world()
    assert (world.asked, world.searched) == (4, 2)
    again = world(redo="writer")
    assert (world.asked, world.searched) == (8, 4)
    assert paths(again, replayed=True) == []  # what stands between them follows another outcome
    assert again.value[1] == first.value[1]
    assert again.value[0] != first.value[0]
    assert change(again) == 'line 3: agent "writer" runs again, as asked'
    kept = world()
    assert (kept.value, kept.executed, world.asked) == (again.value, 0, 8)


def test_redo_of_a_path_takes_one_turn_again(world):
    """The last turn alone, and what is before it is kept."""
    first = world()
    again = world(redo="2")
    assert again.value[:2] == first.value[:2]
    assert again.value[2] != first.value[2]
    assert paths(again, replayed=False) == ["2", "2/0", "2/1", "2/2"]
    assert (world.asked, world.searched) == (6, 3)
    assert change(again) == 'line 5: agent "writer" runs again, as asked'


def test_redo_of_a_tool_calls_it_again_inside_its_turns(world):
    """The tool's calls run; the models are not asked again while it finds the same."""
    first = world()
    again = world(redo="search")
    assert (again.value, world.asked, world.searched) == (first.value, 4, 4)
    assert paths(again, replayed=False) == ["0", "0/1", "2", "2/1"]
    assert change(again) == 'line 3: tool "search" runs again, as asked'


@pytest.mark.parametrize(
    ("path", "ran", "asked", "searched"), [("2/1", ["2", "2/1"], 4, 3), ("2/2", ["2", "2/2"], 5, 2)]
)
def test_redo_of_a_path_inside_a_turn_runs_that_alone(world, path, ran, asked, searched):
    """What is before it in the turn is kept, and so is what follows while it comes out the same."""
    world()
    again = world(redo=path)
    assert paths(again, replayed=False) == ran
    assert (world.asked, world.searched) == (asked, searched)


def test_redo_of_a_tool_that_lua_calls(world):
    """By its name, as a step."""
    program = "return {search{x = 1}, Step.run('s', function() return search{x = 2} end), search{x = 3}}"
    first = world(program)
    again = world(program, redo="search")
    assert again.value == first.value
    assert world.searched == 6
    assert paths(again, replayed=False) == ["0", "1", "1/0", "2"]


def test_redo_failed_tries_what_failed_inside_a_turn_again(world):
    """A tool that failed when an agent called it is called again; what did not fail is kept."""
    broken = [True]

    def shaky(x: int) -> str:
        """Search."""
        if broken:
            broken.clear()
            raise ValueError("no net")
        return f"found {x}"

    program = """
        local fine = Step.run("fine", function() return math.random() end)
        reader = Agent{system_prompt = "Read.", tools = {shaky}}
        return {fine, reader("go").content}"""
    world.model = chat(calls(("shaky", {"x": 1})), "it failed", "it worked")
    run = lambda **options: world.cell(program, tools=[shaky], chat_model=world.model, **options)  # noqa: E731
    first = run()
    again = run(redo="failed")
    assert (first.value[1], again.value[1]) == ("it failed", "it worked")
    assert again.value[0] == first.value[0]
    assert paths(again, replayed=False) == ["1", "1/1", "1/2"]
    assert "runs again, as asked" in change(again)


def test_redo_failed_takes_a_failed_turn_again(world):
    """A turn whose model call failed, which the program caught."""
    answers = chat(ValueError("down"), "up")
    program = """
        reader = Agent{system_prompt = "Read.", retry = {max_attempts = 1}}
        local ok, result = pcall(reader, "go")
        return {ok, ok and result.content}"""
    first = world.cell(program, chat_model=answers)
    assert first.value[0] is False
    assert world.cell(program, chat_model=answers).value[0] is False
    again = world.cell(program, chat_model=answers, redo="failed")
    assert again.value == [True, "up"]


def test_a_plan_of_a_redo_says_what_would_run(world):
    """Nothing is asked and nothing changes; the turn and what it had cost are told."""
    world()
    before = world.cell.held()
    planned = world(redo="writer", plan=True)
    assert (planned.status, world.asked, world.cell.held()) == ("pending", 4, before)
    assert change(planned).startswith('line 3: agent "writer" runs again, as asked')
    assert planned.planned[0].name == "writer"
    inside = world(redo="0/1", plan=True)
    assert change(inside).startswith('line 3: tool "search" runs again, as asked')
    assert (world.asked, world.searched) == (4, 2)


def test_an_unknown_name_of_redo_is_told(world):
    """A warning names it, and everything is kept."""
    world()
    again = world(redo=["nobody", "search"])
    assert messages(again, "warning") == ["--redo nobody: no checkpoint has that name or path"]


def test_a_redo_that_pauses_is_gone_on_with(cell):
    """What was asked to run again and waits for a person is not forgotten when the run goes on without that option."""
    program = "return Human.approve{message = 'Deploy?'}"
    assert cell(program, answers=[True]).value is True
    assert cell(program, redo=["Deploy?"]).status == "paused"
    cell.answer(value=False)
    assert cell.resume().value is False
    assert cell(program).value is False


def test_a_redo_of_a_step_that_pauses_inside_is_gone_on_with(cell):
    """Its function runs again after the pause, and finds what it has done since the redo."""
    ran: list[str] = []

    def note(text: str) -> str:
        ran.append(text)
        return text

    program = """
        return Step.run("ask", function()
          Tool.get("note")({text = "begun"})
          local sure = Human.approve{message = "Sure?"}
          Tool.get("note")({text = sure and "yes" or "no"})
          return sure
        end)
    """
    assert cell(program, answers=[True], tools=[note]).value is True
    assert cell(program, redo=["ask"], tools=[note]).status == "paused"
    cell.answer(value=False)
    assert cell(program, tools=[note]).value is False
    assert ran == ["begun", "yes", "begun", "no"]
    assert cell(program, tools=[note]).executed == 0


def test_a_redo_inside_a_step_that_pauses_is_gone_on_with(cell):
    """The step around it is entered again, and replays what stood before."""
    program = """
        return Step.run("both", function()
          local first = Step.run("first", function() return os.time() end)
          return {first, Human.approve{message = "Sure?"}}
        end)
    """
    first = cell(program, answers=[True]).value[0]
    assert cell(program, redo=["Sure?"]).status == "paused"
    cell.answer(value=False)
    assert cell.resume().value == [first, False]


def test_a_redo_of_several_that_pauses_is_gone_on_with(cell):
    """All that was named runs again, also what comes after the pause, and each once."""
    program = """
        local one = Step.run("one", function() return {math.random(), Human.approve{message = "Sure?"}} end)
        local two = Step.run("two", function() return math.random() end)
        return {one[1], two}
    """
    first = cell(program, answers=[True]).value
    assert cell(program, redo=["one", "two"]).status == "paused"
    cell.answer(value=True)
    again = cell.resume()
    assert (again.value[0] != first[0], again.value[1] != first[1]) == (True, True)
    assert cell(program).value == again.value


def test_a_redo_of_a_tool_with_approval_runs_it(cell):
    """The answer is given after a pause; then the tool runs, once."""
    ran: list[int] = []

    @tool(requires_approval=True)
    def wipe(x: int) -> int:
        ran.append(x)
        return len(ran)

    program = "return Tool.get('wipe')({x = 7})"
    assert cell(program, tools=[wipe], answers=[True]).value == 1
    assert cell(program, tools=[wipe], redo=["wipe"]).status == "paused"
    cell.answer(value=True)
    assert cell(program, tools=[wipe]).value == 2
    assert cell(program, tools=[wipe]).value == 2
    assert ran == [7, 7]


def test_a_redo_of_a_procedure_asks_once(cell):
    """A procedure that is entered again after a pause goes on where it was."""
    program = """
        Procedure "ask" {function() return Human.approve{message = "Sure?"} end}
        return Procedure("ask")({})
    """
    assert cell(program, answers=[True]).value is True
    assert cell(program, redo=["ask"]).status == "paused"
    cell.answer(value=False)
    again = cell(program, redo=["ask"])
    assert (again.status, again.value) == ("completed", False)
    assert messages(again, "warning") == []


def test_a_redo_inside_a_step_leaves_its_neighbours_again_and_again(cell):
    """However often one of them runs again, the other is kept."""
    program = """
        return Step.run("outer", function()
          local kept = Step.run("i0", function() return math.random() end)
          return {kept, Step.run("i1", function() return math.random() end)}
        end)
    """
    cell(program)
    for _ in range(3):
        assert paths(cell(program, redo=["i1"]), replayed=False) == ["0", "0/1"]


def test_a_redo_that_fails_is_called_off(cell):
    """A plain run afterwards takes what is recorded, as before."""
    calls: list[str] = []

    def pay() -> str:
        calls.append("pay")
        if len(calls) == 2:
            raise RuntimeError("no money")
        return f"paid {len(calls)}"

    program = "return Tool.get('pay')()"
    assert cell(program, tools=[pay]).value == "paid 1"
    cell.fails(program, tools=[pay], redo=["pay"])
    assert cell(program, tools=[pay]).value == "paid 1"
    assert len(calls) == 2
