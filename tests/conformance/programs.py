"""Random programs for the rules that hold for every program."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count

from hypothesis import strategies as st

from lua_procedures import HumanRequest

PRELUDE = """
function note(out, v)
  if type(v) == "table" then v = v.code or "#" .. #v end
  if v == nil then v = "nil" end
  out[#out + 1] = v
end
Stages{"one", "two", "three"}
local out = {}
"""

KEYS = st.sampled_from(["a", "b", "c"])
VALUES = st.sampled_from(["1", "2.5", "'x'", "true", "{}", "{1, 2}", "{{1}, 'y'}"])

#: One statement each. `%(name)s` is a name that is used once in the program.
SIMPLE = st.one_of(
    st.builds("State.set('{}', {})".format, KEYS, VALUES),
    st.builds("state.{} = {}".format, KEYS, VALUES),
    st.builds("State.increment('n', {})".format, st.integers(-2, 5)),
    st.builds("State.append('list', {})".format, VALUES),
    st.builds("State.delete('{}')".format, KEYS),
    st.builds("if type(state.{0}) == 'table' then table.insert(state.{0}, {1}) end".format, KEYS, VALUES),
    st.builds("if type(state.{0}) == 'table' then table.remove(state.{0}, 1) end".format, KEYS),
    st.builds("note(out, State.get('{}'))".format, st.sampled_from(["a", "b", "c", "n", "list"])),
    st.builds("Stage.set('{}')".format, st.sampled_from(["one", "two", "three"])),
    st.builds("print('{}', #out)".format, st.text("xyz", max_size=3)),
    st.builds("Log.{}('message', {{n = {}}})".format, st.sampled_from(["info", "warn"]), st.integers(0, 3)),
    st.sampled_from(
        [
            "note(out, math.random(1000))",
            "note(out, Checkpoint.next_position())",
            "note(out, Checkpoint.exists('%(name)s'))",
            "note(out, Checkpoint.exists(0))",
            "note(out, Human.approve('%(name)s?'))",
            "note(out, Human.input('%(name)s?'))",
            "note(out, Stage.current())",
            "note(out, Stage.count())",
            "State.clear()",
            "for k in pairs(state) do note(out, k) end",
            "Sleep(0)",
        ]
    ),
)

STEP = """
note(out, Step.run("%%(name)s", function()
  local out = {}
  %s
  return out
end))"""

FAILING = """
note(out, select(2, pcall(Step.run, "%%(name)s", function()
  local out = {}
  %s
  error(%s)
end)))"""


def statements_of(simple: st.SearchStrategy[str], *errors: str) -> st.SearchStrategy[str]:
    """Such statements, also inside of steps that return or fail so, which may be inside each other."""

    def composite(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        body = st.lists(inner, max_size=4).map("\n".join)
        return st.one_of(
            st.builds(STEP.__mod__, body),
            st.builds(lambda text, error: FAILING % (text, error), body, st.sampled_from(errors)),
        )

    return st.recursive(simple, composite, max_leaves=8)


STATEMENTS = statements_of(SIMPLE, "'boom'", "{code = 5}", "'plain', 0")


@dataclass(frozen=True)
class Program:
    """A program as its statements."""

    statements: tuple[str, ...]

    @property
    def text(self) -> str:
        """The Lua, in which each statement has names of its own."""
        named = [_named(statement, place) for place, statement in enumerate(self.statements)]
        return "\n".join([PRELUDE, *named, "return out"])

    def edited(self, place: int, statement: str | None) -> Program:
        """The program with a statement put in, or with one taken out; all others keep their names."""
        changed = list(self.statements)
        changed[place % len(changed)] = "" if statement is None else changed[place % len(changed)] + "\n" + statement
        return Program(tuple(changed))


def _named(statement: str, place: int) -> str:
    numbers = count()
    while "%(name)s" in statement:
        statement = statement.replace("%(name)s", f"s{place}.{next(numbers)}", 1)
    return statement


def programs_of(statements: st.SearchStrategy[str]) -> st.SearchStrategy[Program]:
    """Programs of one to seven such statements."""
    return st.lists(statements, min_size=1, max_size=7).map(lambda chosen: Program(tuple(chosen)))


PROGRAMS = programs_of(STATEMENTS)


def answer(request: HumanRequest) -> bool | str:
    """The same answer to the same question each time."""
    return len(request.message) % 2 == 0 if request.kind == "approve" else request.message.upper()
