"""The long mixed program that `killing.py` kills, with the model, the tools and the people that it needs.

What they do is appended to a file before they answer, so that it outlives their process. Each answers by what it was
asked and by nothing else.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final

from langchain_core.messages import BaseMessage

from lua_procedures import HumanRequest, tool
from lua_procedures.testing import ScriptedChatModel

__all__ = ["PROGRAM", "World"]

PROGRAM = """
done = require("done")
note = Tool { description = "Notes a line.", input = {line = "string"}, function(given)
  State.increment("lines")
  local before = File.exists("notes.txt") and File.read("notes.txt") or ""
  File.write("notes.txt", before .. given.line .. "\\n")
  local drawn = Step.run("drawn", function() return math.random(1000) end)
  return {length = fetch{x = #given.line}, drawn = drawn}
end }
expert = Agent { system_prompt = "You know.", tools = {"fetch"} }
consult = Tool { input = {q = "string"}, function(given) return expert(given.q).output end }
worker = Agent { system_prompt = "Work.", tools = {note, consult, "fetch", "guarded", "broken", done} }
survey = Procedure {
  input = {city = field.string{required = true}}, output = {score = field.integer{required = true}},
  function(input)
    local found = Step.run("ask", function()
      State.append("asked", input.city)
      return {fetch{x = #input.city}, math.random(1000)}
    end)
    Sleep(0.002)
    GraphNode.create{label = input.city, score = found[2]}
    return {score = found[2]}
  end,
}

Stages{"plan", "work", "review"}
Stage.set("plan")
GraphNode.create("the work")
local scores = {survey{city = "Oslo"}.score, survey{city = "Rome"}.score}
local plan = worker("Plan it")
local checked = Step.run("checked", function()
  Session.append("assistant", "noted")
  return {expert("Check " .. plan.output).output, #expert.history}
end)
Stage.advance()
local name = Human.input("Who?")
local refused, why = pcall(Step.run, "failing", function()
  State.increment("failed")
  broken{x = 4}
end)
local told = select(2, pcall(worker, "More"))
local tries = 0
local retried = Retry.with_backoff(function()
  tries = tries + 1
  if tries < 2 then broken{x = 10 + tries} end
  return fetch{x = tries}
end, {initial_delay = 0.001})
Stage.advance("review")
local fine = Human.approve("Good, " .. name .. "?")
local kept = checkpoint(function() return {os.time() > 0, math.random(1000)} end)
Sleep(0.005)
repeat worker() until done.called() or Iterations.exceeded(9)
return {scores, plan.output, checked, refused, tostring(told), name, retried, fine, kept, Stop.reason(),
  Iterations.current(), #worker.history, state.lines, state.failed, math.random(1000)}
"""


def _calls(*asked: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    return {"tool_calls": [{"name": name, "args": args, "id": f"{name} {args}"} for name, args in asked]}


ANSWERS: Final[dict[tuple[str, str], Any]] = {
    ("human", "Plan it"): _calls(("note", {"line": "first"}), ("consult", {"q": "why?"})),
    ("human", "why?"): _calls(("fetch", {"x": 7})),
    ("tool", "page 7"): "because",
    ("tool", "because"): _calls(("guarded", {"x": 1}), ("broken", {"x": 2})),
    ("tool", "Error: broken: RuntimeError: broken 2"): {
        "content": "planned",
        "usage": {"prompt_tokens": 30, "completion_tokens": 4},
    },
    ("human", "Check planned"): "checked",
    ("human", "More"): ValueError("overloaded"),
    ("human", "Continue."): _calls(("note", {"line": "second"}), ("fetch", {"x": 9})),
    ("tool", "page 9"): _calls(("done", {"reason": "enough"})),
}
TOOLS: Final = frozenset({"fetch", "guarded", "broken"})


def _answer(request: HumanRequest) -> Any:
    if request.kind == "input":
        return "Ada"
    return {"approved": True, "edited_artifact": {"x": 3}} if request.editable else True


class World:
    """What the program reaches outside of itself.

    Args:
        folder: the calls are kept in it, and the program's own files.
    """

    def __init__(self, folder: Path) -> None:
        self._calls = folder / "calls"
        self.files = folder / "files"
        self.files.mkdir(exist_ok=True)

    def called(self) -> list[str]:
        """All calls of tools and models so far, by all processes."""
        return self._calls.read_text(encoding="utf-8").splitlines() if self._calls.exists() else []

    def noted(self) -> str:
        """What the program's own tool appended to its file."""
        return (self.files / "notes.txt").read_text(encoding="utf-8")

    @staticmethod
    def is_effect(kind: str, name: str) -> bool:
        """Whether an entry records a call that is in ``called``."""
        return kind == "model_call" or (kind == "tool_call" and name in TOOLS)

    @property
    def options(self) -> dict[str, Any]:
        """What `run` is given."""

        def fetch(x: int) -> str:
            """Gets a page."""
            self._append(f"fetch {x}")
            return f"page {x}"

        @tool(requires_approval=True)
        def guarded(x: int) -> int:
            """Needs a person."""
            self._append(f"guarded {x}")
            return x

        def broken(x: int) -> None:
            """Fails."""
            self._append(f"broken {x}")
            raise RuntimeError(f"broken {x}")

        model = ScriptedChatModel(self._said)
        return {"tools": [fetch, guarded, broken], "chat_model": model, "answers": _answer, "seed": 5}

    def _said(self, messages: list[BaseMessage]) -> Any:
        asked = (messages[-1].type, str(messages[-1].content))
        self._append(f"model {asked}")
        return ANSWERS[asked]

    def _append(self, line: str) -> None:
        """On disk in one write, as an effect in the world would be."""
        descriptor = os.open(self._calls, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.write(descriptor, f"{line}\n".encode())
        os.close(descriptor)
