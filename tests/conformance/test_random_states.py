"""Random programs that change State in every way there is: the second run is the first, and runs nothing again."""

from __future__ import annotations

import random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lua_procedures import ProcedureError

from .cells import Cell, differing, outcome

KEYS, FIELDS = "pqs", "abc"
CHANGES = """\
State.set('$k', $v)
pcall(State.append, '$k', $v)
State.increment('$k')
State.delete('$k')
state.$k = state.$l
if type(state.$k) == 'table' and #state.$k == 0 then state.$k.$f = $v end
if type(state.$k) == 'table' and state.$k[1] ~= nil then table.insert(state.$k, 1, $v) end
if type(state.$k) == 'table' and state.$k[1] ~= nil then table.remove(state.$k, 1) end
if type(state.$k) == 'table' and state.$k[1] ~= nil then local t = state.$k t[1], t[#t] = t[#t], t[1] end
if type(state.$k) == 'table' and type(state.$k.$f) == 'table' then state.$l = state.$k.$f end
if type(state.$k) == 'table' then state.$k.$f = nil end
local v = state.$k if type(v) == 'table' and #v == 0 then local w = {$v} v.$f = w state.$l = w end
Stage.set('$f')
Stop.request('$f')
print(State.get('$k'), Stage.current(), Stage.count(), Stop.requested(), Stop.reason())
for k, v in pairs(state) do print(k, v) end
print(State.all())
print(math.random(100))""".splitlines()
VALUES = ["1", "'x'", "true", "{}", "object{}", "{1, 2}", "{a = 1}", "{a = {b = {3}}}", "{{1}, {2}}"]
RESULTS = ["1", "state.p", "nil, 2", "{a = state.q}", "State.all()"]


class Writer:
    """Writes one program from a seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._steps = 0

    def program(self) -> str:
        lines = [self.step(0) if self._random.random() < 0.5 else self.change(0) for _ in range(8)]
        return "\n".join([*lines, "return State.all()"])

    def change(self, depth: int) -> str:
        pick = self._random.choice
        if depth < 3 and self._random.random() < 0.3:
            return self.step(depth + 1)
        text = pick(CHANGES)
        for mark, choices in (("$k", KEYS), ("$l", KEYS), ("$f", FIELDS), ("$v", VALUES)):
            text = text.replace(mark, pick(choices))
        return f"do {text} end"

    def step(self, depth: int) -> str:
        pick = self._random.choice
        self._steps += 1
        number = self._steps
        body = "\n".join(self.change(depth) for _ in range(self._random.randrange(1, 5)))
        end = f"error({{e = {number}}})" if self._random.random() < 0.2 else f"return {pick(RESULTS)}"
        captured = f"local held = state.{pick(KEYS)}\n" if self._random.random() < 0.5 else ""
        used = f"if type(held) == 'table' and #held == 0 then held.w{number} = 1 end\n" if captured else ""
        return f"""do {captured}
local ok, v = pcall(Step.run, 's{number}', function()
{used}{body}
{end} end)
print(ok, v) if ok and type(v) == 'table' then state.r = v end end"""


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 10**9))
def test_a_second_run_is_the_first(seed):
    """Whatever it did to State and through which reference: the same outcome, from the journal alone."""
    cell, program = Cell(), Writer(seed).program()
    try:
        first = cell(program)
    except ProcedureError as error:
        assert str(cell.fails(program)) == str(error)  # noqa: PT017 - either way is right
        return
    second = cell(program)
    assert not differing(outcome(first), outcome(second)), program
    assert second.executed == 0, f"{second._data.change}\n{program}"
