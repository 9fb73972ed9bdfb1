"""Rules that hold for every program with agents: replay, edits undone, and deaths at any write."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from typing import Any

from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from lua_procedures.durable.entries import HIDDEN_KINDS
from lua_procedures.durable.stores.memory import MemoryStore
from lua_procedures.testing import ScriptedChatModel

from .cells import Cell, Died, DyingStore, differing, outcome, timeless
from .programs import SIMPLE, Program, answer, programs_of, statements_of
from .scripts import thinking

AGENTS = """
done = require("done")
jot = Tool { function(t)
  State.increment("jotted")
  Session.append("user", "jotted " .. (t.x or ""))
  return state.jotted
end }
fails = Tool { function(t) if t.x then error("no " .. t.x) end end }
helper = Agent { system_prompt = "Help." }
consult = Tool { function(t) return helper("consulted " .. (t.x or "")) end }
one = Agent { system_prompt = "One, {state.a}, {state.n}.", tools = {"fetch", jot, fails, consult, done} }
two = Agent { tools = {jot, "fetch"}, history = false, max_tool_rounds = 1 }
"""

TURNS = st.sampled_from(
    [
        "note(out, one('%(name)s').output)",
        "note(out, one().output)",
        "note(out, one{message = '%(name)s', tools = {}}.output)",
        "note(out, one{inject = '%(name)s', history = false}.output)",
        "note(out, two('again').error)",
        "note(out, two{message = {type = 'text', text = '%(name)s'}, history = true}.output)",
        "note(out, helper(two('again')).content)",
        "one.reset()",
        "note(out, #one.history)",
        "note(out, two.output)",
        "Session.append('user', '%(name)s')",
        "Session.append('assistant', '%(name)s')",
        "Session.inject_system('%(name)s')",
        "Session.clear()",
        "note(out, Session.count())",
        "note(out, Iterations.current())",
        "note(out, Stop.reason())",
        "note(out, jot.call_count())",
        "note(out, Tool.last_result('fetch'))",
        "note(out, fetch{x = 5})",
        "jot.reset()",
        "note(out, Tool.get_call_count())",
    ]
)
#: No text of an error, which has a line, and no look at the journal: an edited program differs there from a new one.
STATEMENTS = statements_of(st.one_of(TURNS, TURNS, SIMPLE.filter(lambda text: "Checkpoint" not in text)), "{code = 5}")
PROGRAMS = programs_of(STATEMENTS)
modest = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


class Outside:
    """The model and the tool of one run, which remember what they were asked."""

    def __init__(self) -> None:
        self.model = ScriptedChatModel(thinking)
        self.fetched: Counter[int] = Counter()

    def fetch(self, x: int = 0) -> dict[str, Any]:
        """Gets something."""
        self.fetched[x] += 1
        return {"got": [x, None]}

    @property
    def options(self) -> dict[str, Any]:
        return {"chat_model": self.model, "tools": [self.fetch], "answers": answer, "seed": 11}

    @property
    def asked(self) -> int:
        return len(self.model.requests) + self.fetched.total()


def text_of(program: Program) -> str:
    return AGENTS + program.text


@modest
@given(PROGRAMS)
def test_a_second_run_is_the_first(program):
    """All that can be seen is the same, nothing runs, and nothing outside is asked."""
    note(text_of(program))
    outside, cell = Outside(), Cell()
    cell(text_of(program), **outside.options)
    asked = outside.asked
    cell.twice(text_of(program), **outside.options)
    assert outside.asked == asked


@modest
@given(PROGRAMS, st.integers(0, 6), st.none() | STATEMENTS)
def test_an_edit_is_as_a_new_run_and_undone(program, place, statement):
    """The edited program ends as if it had never been another; the first one finds all that it had recorded."""
    note(text_of(program))
    cell, outside, text = Cell(), Outside(), text_of(program.edited(place, statement))
    first = cell(text_of(program), **outside.options)
    edited = cell(text, **outside.options)
    anew = Cell()(text, **Outside().options)
    assert differing(untimed(anew), untimed(edited)) == {}
    assert anew.usage == edited.usage
    again = cell(text_of(program), **outside.options)
    assert again.executed == 0
    assert differing(outcome(first), outcome(again)) == {}


def untimed(run: Any) -> dict[str, Any]:
    """What an edited run has in common with a new one: not the lines of what was said before the edit."""
    said = [(notice.kind, notice.message) for notice in run.notices]
    return {**timeless(run), "answers": None, "notices": said}


@modest
@given(PROGRAMS, st.lists(st.tuples(st.integers(0, 25), st.booleans()), min_size=1, max_size=4))
def test_a_process_may_die_at_any_write(program, deaths):
    """It ends as one that never did; what was finished is not asked again."""
    text = text_of(program)
    note(text)
    undisturbed, outside, store = Outside(), Outside(), MemoryStore()
    expected = Cell()(text, **undisturbed.options)
    for write, before in deaths:
        with suppress(Died):
            Cell(DyingStore(store, write, before=before))(text, **outside.options)
    ended = Cell(store)(text, **outside.options)
    assert differing(timeless(expected), timeless(ended)) == {}
    entries = [entry for entry in store.entries(1) if entry.kind not in HIDDEN_KINDS]
    assert set(Counter((entry.key, entry.reads) for entry in entries).values()) <= {1}
    assert outside.asked <= undisturbed.asked + sum(before for _, before in deaths)
