"""A recorded step is answered the same whether its result is a string, a number or anything else."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lua_procedures import LimitExceeded, run
from lua_procedures.durable.serialization import dumps, loads, only_scalar

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
SCALARS = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | FLOATS | TEXTS
RESULTS = [
    "", "0", "1", "-7", "math.maxinteger", "math.mininteger", "1.0", "-0.0", "1/3", "1e300", "''", "'a'", "'\"q\\\\'",
    "'\\n\\0'", "('x'):rep(3000)", "'é€'", "true", "false", "nil", "nil, 1", "1, 2", "{}", "{1, 'a'}", "'[1]'",
]  # fmt: skip
PROGRAM = """
local function shown(...)
  local texts = {{}}
  for i = 1, select("#", ...) do
    local v = select(i, ...)
    texts[i] = math.type(v) or type(v)
    texts[i] = texts[i] .. ":" .. (type(v) == "table" and Json.encode(v) or tostring(v))
  end
  return table.concat(texts, ";")
end
local all = {{}}
for i = 1, 3 do all[i] = shown(Step.run("s" .. i, function() {} return {} end)) end
return all
"""


@pytest.mark.parametrize("also", ["", "print('so')", "State.increment('n')"])
@pytest.mark.parametrize("result", RESULTS)
def test_a_replay_gives_what_the_first_run_gave(result, also, tmp_path):
    """Value by value and type by type, from a file and after a comment was added, whatever else the step did."""
    program = PROGRAM.format(also, result)
    first = run(program, name="same", store=str(tmp_path / "runs.db"))
    again = run(program + " -- again", name="same", store=str(tmp_path / "runs.db"))
    assert (again.executed, again.replayed) == (0, 3)
    assert again.value == first.value


@pytest.mark.parametrize("call", ["Sleep(0)", "Checkpoint.get('none')", "Checkpoint.clear_after(0)"])
def test_what_has_no_result_gives_nil(call):
    """One nil, as their descriptions say."""
    assert run(f"Step.run('a', function() end) return select('#', {call}), type({call})").value == [1, "nil"]


@settings(deadline=None)
@given(st.lists(SCALARS, max_size=2) | st.lists(st.lists(SCALARS, max_size=2), max_size=2))
def test_only_a_scalar_is_taken_as_one(values):
    """The quick way gives what the parser gives, or nothing."""
    text = dumps(values)
    only = only_scalar(text)
    if only is not None:
        assert (repr([only]), [type(only)]) == (repr(loads(text)), [type(values[0])])


@pytest.mark.parametrize(
    "text", ['["a","b"]', '["a\\"b"]', "[1,2]", "[[1]]", '[{"a":1}]', "[]", "[01]", "[1", "1]", "[-]", ""]
)
def test_what_is_no_single_scalar_is_not_taken(text):
    """Damaged texts and lists of more go to the parser."""
    assert only_scalar(text) is None


def test_a_text_from_the_journal_respects_the_memory_limit(tmp_path):
    """What is replayed counts like what is computed: the program ends at its limit, and the process lives."""
    program = (
        "local all = {} for i = 1, 60 do all[i] = Step.run('s' .. i, function() return ('x'):rep(1000000) end) end"
    )
    store = str(tmp_path / "runs.db")
    kept = program.replace("all[i] =", "local _ =")
    assert run(kept, name="large", store=store).status == "completed"
    with pytest.raises(LimitExceeded, match="used more than 30 MB"):
        run(program + " return #all", name="large", store=store, limits={"max_memory_mb": 30})
    assert run(program + " return #all", name="large", store=store).value == 60
