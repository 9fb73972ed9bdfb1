"""What the language has beside durable operations: State, Stage, Stop, Iterations, Json, Log, print, time and chance."""

# ruff: noqa: E501 - a Lua program or a row of a table reads best in one line

from __future__ import annotations

import json
import math
import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lua_procedures import ConversionError, LuaRuntimeError, ProcedureError, run


def value(source, **options):
    return run(source, **options).value


# State ----------------------------------------------------------------------------------------------------------------

STATE = {
    "return State.get('k')": None,
    "return State.get('k', 5)": 5,
    "state.k = false return State.get('k', 5)": False,
    "state.k = nil return State.get('k', 5)": 5,
    "state.k = {1} return State.get('k')[1]": 1,
    "State.set('k', 2) return state.k": 2,
    "State.set('k', 2) State.set('k', nil) return State.get('k', 'gone')": "gone",
    "state.k = 1 state.k = nil local n = 0 for _ in pairs(state) do n = n + 1 end return n": 0,
    "State:set('k', 3) return {State:get('k'), State:get('none', 4), State:increment('k'), State:increment('k', 2)}": [3, 4, 4, 6],
    "State:append('l', 1) State:append('l', 2) State:delete('none') return State:all()": {"l": [1, 2]},
    "state.b = 1 state.a = 2 local t = {} for k, v in pairs(state) do t[#t + 1] = k .. v end return t": ["a2", "b1"],
    "state.k = {1} local all = State.all() all.k[1] = 2 all.x = 1 return {state.k[1], state.x == nil}": [1, True],
    "State.append('l', 1) State.append('l', {2}) return state.l": [1, [2]],
    "state.l = 'one' State.append('l', 2) return state.l": ["one", 2],
    "state.l = {} State.append('l', 2) return state.l": [2],
    "state.l = {1, 2} State.append('l', 3) return #state.l": 3,
    "State.set('l', {1}) table.insert(state.l, 2) State.append('l', 3) return state.l": [1, 2, 3],
    "return {State.increment('n'), State.increment('n', 4), State.increment('n', -1.5)}": [1, 5, 3.5],
    "return math.type(State.increment('n')) .. math.type(State.increment('m', 1.0))": "integerfloat",
    "state.n = 5 State.delete('n') return State.all()": {},
    "state.a, state.b = 1, 2 State.clear() return State.all()": {},
    "state.k = null return {state.k == null, State.get('k', 1) == null}": [True, True],
    "state['a b'] = 1 state[''] = 2 return State.all()": {"a b": 1, "": 2},
    "return tostring(state)": "state",
    "state.t = {a = {b = {}}} state.t.a.b.c = 1 return State.get('t')": {"a": {"b": {"c": 1}}},
    "local s = state s.x = 1 return state.x": 1,
}  # fmt: skip


@pytest.mark.parametrize("source", STATE)
def test_state(source):
    """State keeps values by key, by reference, with dot and colon forms alike."""
    assert value(source) == STATE[source]


@pytest.mark.parametrize("before", ["true", "'5'", "{}", "false"])
def test_increment_of_no_number(before):
    """What is no number counts as 0, with one warning that names the key."""
    done = run(f"state.k = {before} local n = State.increment('k', 2) return n")
    assert done.value == 2
    assert [(notice.kind, "k" in notice.message, notice.line) for notice in done.notices] == [("warning", True, 1)]


def test_append_to_a_dict_is_refused():
    """A table with named keys is no list."""
    with pytest.raises(LuaRuntimeError, match=r"line 1: State\.append: key: .*\"k\" holds a table with named keys"):
        run("state.k = {a = 1} State.append('k', 1)")


@settings(deadline=None, max_examples=40)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["set", "append", "increment", "delete"]), st.sampled_from("abc"), st.integers(-5, 5)
        ),
        max_size=12,
    )
)
def test_state_is_a_model(operations):
    """Any sequence of operations leaves what a plain dict would hold, live and put back by a replayed step."""
    model: dict[str, object] = {}
    lines = []
    for operation, key, number in operations:
        old = model.get(key)
        if operation == "set":
            model[key] = number
        elif operation == "append":
            model[key] = [number] if old is None else [*old, number] if isinstance(old, list) else [old, number]
        elif operation == "increment":
            model[key] = (old if isinstance(old, int) else 0) + number
        else:
            model.pop(key, None)
        lines.append(f"State.{operation}('{key}'{'' if operation == 'delete' else f', {number}'})")
    source = "\n".join(lines)
    name = f"model {hash(source)} {time.monotonic()}"
    assert run(source).state == model
    stepped = f"Step.run('s', function()\n{source}\nend)"
    assert run(stepped, name=name).state == model
    assert run(stepped, name=name).state == model


# Stages ---------------------------------------------------------------------------------------------------------------


def test_stages_in_their_order():
    """`advance` goes through the declared stages and gives nil at the end; `progress` is the place by the number."""
    source = """
      Stages{'a', 'b', 'c'}
      local seen = {Stage.current() == nil, Stage.progress(), Stage.count()}
      for i = 1, 4 do seen[#seen + 1] = Stage.advance() or 'end' seen[#seen + 1] = Stage.progress() end
      return seen"""
    assert value(source) == [True, 0, 0, "a", 1 / 3, "b", 2 / 3, "c", 1.0, "end", 1.0]


def test_stage_moves_are_rows():
    """Every move is a row, the first one and setting the same stage again included; the run lists them too."""
    before = time.time()
    done = run(
        "Stages{'a', 'b'} Stage.set('a') Stage.set('a') Stage.advance('b') return {Stage.history(), Stage.count(), Stage.is('b'), Stage.is('a')}"
    )
    rows, number, is_b, is_a = done.value
    assert [(row.get("from_stage"), row["to_stage"]) for row in rows] == [(None, "a"), ("a", "a"), ("a", "b")]
    assert (number, is_b, is_a, done.stage) == (3, True, False, "b")
    assert [(row.from_stage, row.to_stage) for row in done.stages] == [(None, "a"), ("a", "a"), ("a", "b")]
    assert all(before <= row["timestamp"] <= time.time() for row in rows)


def test_undeclared_stages_take_any_name():
    """Without a declaration any name is a stage, and progress is 0."""
    assert value("Stage.set('x') Stage.advance('y') return {Stage.current(), Stage.progress(), Stage.count()}") == [
        "y",
        0,
        2,
    ]


@pytest.mark.parametrize("call", ["Stage.set('c')", "Stage.advance('c')"])
def test_unknown_stages(call):
    """A stage that is not declared is an error that lists the valid ones."""
    with pytest.raises(LuaRuntimeError, match=r"name: one of the stages a, b expected, got \"c\""):
        run(f"Stages{{'a', 'b'}} {call}")


def test_history_is_a_copy():
    """What a program does to the list of moves changes nothing."""
    assert value(
        "Stage.set('a') local h = Stage.history() h[1].to_stage = 'x' h[2] = 1 return {Stage.count(), Stage.history()[1].to_stage}"
    ) == [1, "a"]


# Iterations and Stop --------------------------------------------------------------------------------------------------


def test_iterations():
    """No agent turn was taken; `exceeded` is at least."""
    done = run("return {Iterations.current(), Iterations.exceeded(0), Iterations.exceeded(1)}")
    assert done.value == [0, True, False]
    assert done.iterations == 0


def test_stop():
    """Before any request a stop is false, nil and true; the last request wins; it ends nothing by itself."""
    done = run("""
      local before = {Stop.requested(), Stop.reason() == nil, Stop.success()}
      Stop.request('first') Stop.request('second', false)
      return {before, Stop.requested(), Stop.reason(), Stop.success()}""")
    assert done.value == [[False, True, True], True, "second", False]
    assert (done.stop.requested, done.stop.reason, done.stop.success) == (True, "second", False)
    assert run("Stop.request('r')").stop.success is True
    assert run("return 1").stop.requested is False


# Json -----------------------------------------------------------------------------------------------------------------

ENCODED = {
    "{}": "{}",
    "array{}": "[]",
    "object{}": "{}",
    "{a = {}}": '{"a":{}}',
    "{1, 2.5, 'x'}": '[1,2.5,"x"]',
    "null": "null",
    "nil": "null",
    "{null, {a = null}}": '[null,{"a":null}]',
    "true": "true",
    "'a\"\\\\\\n\\t\\0\\1'": r'"a\"\\\n\t\u0000\u0001"',
    "'é😀'": '"é😀"',
    "2^53": "9007199254740992.0",
    "input": "{}",
    "Json.decode('[]')": "[]",
    "Json.decode('{\"a\": []}')": '{"a":[]}',
}


@pytest.mark.parametrize("expression", ENCODED)
def test_json_encode(expression):
    """JSON text is plain, with `{}` for a bare empty table."""
    text = value(f"return Json.encode({expression})")
    assert json.loads(text) == json.loads(ENCODED[expression])
    assert " " not in text.replace('" "', "")


def digits(text):
    """The number of significant digits of a number's text."""
    return len(re.sub(r"e.*|[-.]", "", text).strip("0"))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=20))
def test_floats_are_told_with_no_digit_too_many(numbers):
    """Whoever writes them: the text reads back as the same float, with no more than 15 digits or as many as needed."""
    ran = run(
        """
        local texts = {}
        for i, x in ipairs(input.x) do
          texts[i] = {tostring(x), string.format('%s', x), Json.encode(x), Json.encode{x}:sub(2, -2)}
          print(x)
        end
        return {texts, Json.encode(input.x)}
        """,
        params={"x": numbers},
    )
    texts, together = ran.value
    assert json.loads(together) == numbers
    for number, told, notice in zip(numbers, texts, ran.notices, strict=True):
        for text in (*told, notice.message):
            assert float(text) == number
            assert not re.fullmatch(r"-?\d+", text)
            if abs(math.frexp(number)[0]) != 0.5:  # the shortest text of a power of two may be no nearest one
                assert digits(text) <= max(15, digits(repr(number))) or len(text) < len(repr(number))


@pytest.mark.parametrize(
    ("expression", "text"),
    [("2/3", "0.6666666666666666"), ("0.1 + 0.2", "0.30000000000000004"), ("0.1", "0.1"), ("4 / 2", "2.0"),
     ("1e15 + 0.5", "1000000000000000.5"), ("1234567890123456.0", "1234567890123456.0"), ("math.mininteger", str(-(2**63))),
     ("1/0", "inf"), ("5e-324 * 0", "0.0"), ("-2/3 * 1e-300", "-6.666666666666667e-301")],
)  # fmt: skip
def test_numbers_are_told_as_python_tells_them(expression, text):
    """A fraction has the digits that tell it, a float that is whole keeps its .0, an integer all its digits."""
    assert value(f"return tostring({expression})") == text
    assert run(f"print({expression}, {{{expression}}})").notices[0].message == f"{text}\t{{{text}}}"


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_characters="\0")), inner, max_size=4)
    ),
    max_leaves=12,
)


def without_nulls(parsed):
    """A JSON null is nil in an object: its key is absent."""
    if isinstance(parsed, dict):
        return {key: without_nulls(item) for key, item in parsed.items() if item is not None}
    return [without_nulls(item) for item in parsed] if isinstance(parsed, list) else parsed


@settings(deadline=None, max_examples=100)
@given(JSON, st.sampled_from([None, 1]), st.booleans())
def test_json_decode(parsed, indent, ascii_only):
    """Any JSON text that Python writes is read, whatever its layout and escapes."""
    text = json.dumps(parsed, indent=indent, ensure_ascii=ascii_only)
    try:
        text.encode()
    except UnicodeEncodeError:
        return
    got = value("return {Json.decode(input.text)}", params={"text": text})
    expected = without_nulls(parsed)
    if "\\ud" not in text.lower():
        assert got == ([] if expected is None else [expected])


BAD_JSON = [
    "",
    "{",
    "[1,]",
    '{"a"}',
    '{"a":}',
    "{a: 1}",
    "'a'",
    "01",
    "1.",
    ".5",
    "+1",
    "nan",
    "[1 2]",
    "1 2",
    '"',
    '"\\x"',
    '"\\u12"',
    "tru",
    "[1,2",
    '{"a":1,}',
    "\ufeff1",
    "Infinity",
    "--1",
    "1e",
    "0x10",
]


@pytest.mark.parametrize("text", BAD_JSON)
def test_bad_json(text):
    """What is no JSON is an error that says what was expected, and at which byte."""
    with pytest.raises(LuaRuntimeError, match=r"line 1: Json\.decode: .* expected at byte \d+"):
        run("local v = Json.decode(input.text) return v", params={"text": text})


def test_json_refuses_what_json_has_not():
    """NaN, functions and texts that are not UTF-8 have no JSON."""
    for expression in ("0/0", "print", "{1, nil, 3}", "'\\255'", "{a = '\\255'}"):
        with pytest.raises(ConversionError):
            run(f"local t = Json.encode({expression}) return t")


# Showing --------------------------------------------------------------------------------------------------------------


def test_print():
    """`print` shows its values in one line, separated by tabs; tables by their contents, bounded."""
    done = run("print('a', 1, 2.0, nil, true, {1, 'x', {k = 1}}) print() print(nil) print(null, state)")
    assert [(notice.kind, notice.message) for notice in done.notices] == [
        ("print", 'a\t1\t2.0\tnil\ttrue\t{1, "x", {k = 1}}'),
        ("print", ""),
        ("print", "nil"),
        ("print", "null\tstate"),
    ]


def test_shown_tables_are_bounded():
    """A large, deep or endless table is shown in part."""
    done = run(
        "local t = {} for i = 1, 1e5 do t[i] = 'text ' .. i end local c = {} c.c = c print(t) print(c) Log.info(t, c)"
    )
    assert all(len(notice.message) < 10_000 for notice in done.notices)
    assert "…" in done.notices[0].message
    assert "…" in done.notices[1].message


@pytest.mark.parametrize(
    ("call", "level"),
    [("debug", "debug"), ("info", "info"), ("warn", "warning"), ("warning", "warning"), ("error", "error")],
)
def test_log(call, level):
    """A line of the log has its level, its line and its context."""
    done = run(f"local a = 1\nLog.{call}('text', {{k = 1}})\nLog:{call}('colon')")
    first, second = done.notices
    assert (first.kind, first.level, first.message, first.line) == ("log", level, "text", 2)
    assert "k = 1" in first.context
    assert (second.message, second.context) == ("colon", None)


def test_notices_in_their_order():
    """Everything shown is listed in order, with all fields of the call."""
    done = run("""
      print('p')
      Human.notify{message = 'n', content = '**c**', details = {{title = 't', content = 'd'}}, level = 'warning', context = {a = 1}, mine = 5}
      System.alert{message = 'a', level = 'critical', source = 's'}
      Human.notify('short')
      local _ = undefined_name
      Log.info('l')""")
    assert [notice.kind for notice in done.notices] == ["print", "notify", "alert", "notify", "warning", "log"]
    notify, alert = done.notices[1:3]
    assert (notify.message, notify.content, notify.level, notify.context, notify.fields) == (
        "n",
        "**c**",
        "warning",
        {"a": 1},
        {"mine": 5},
    )
    assert [dict(detail) for detail in notify.details] == [{"title": "t", "content": "d"}]
    assert (alert.level, alert.source) == ("critical", "s")
    assert done.notices[3].message == "short"


@pytest.mark.parametrize(
    "call", ["Human.notify{level = 'loud'}", "System.alert{level = 'debug'}", "System.alert{level = 5}"]
)
def test_unknown_levels(call):
    """An unknown level is an error that lists the known ones."""
    with pytest.raises(ProcedureError, match=r"level: .*info, warning, error, critical expected"):
        run(f"{call}\n")


# Time and chance ------------------------------------------------------------------------------------------------------


def test_time():
    """`os.time` is the run's own time; `os.clock` starts at 0; dates are made and read."""
    before = time.time()
    now, clock, year, made, difference = value(
        "return os.time(), os.clock(), os.date('%Y'), os.time{year = 2026, month = 1, day = 2, hour = 12}, os.difftime(5, 3)"
    )
    after = time.time()
    assert int(before) <= now <= after
    assert 0 <= clock <= after - before
    assert year == time.strftime("%Y", time.localtime(now))
    assert made == time.mktime((2026, 1, 2, 12, 0, 0, 0, 0, -1))
    assert difference == 2
    assert value("return os.date('!%Y-%m-%d %H:%M:%S', 0)") == "1970-01-01 00:00:00"
    assert value("return os.date('!*t', 86400).day") == 2


def test_time_stands_still_outside_of_steps():
    """Outside a step the time moves at checkpoints only, however long the Lua takes."""
    source = "local a = os.clock() local s = 0 for i = 1, 3e6 do s = s + i end return os.clock() == a"
    assert value(source) is True


def test_sleep_moves_the_time():
    """A `Sleep` waits, is a checkpoint, and moves the run's time; a replay answers it."""
    source = "local a = os.clock() Sleep(0.2) return os.clock() - a"
    before = time.time()
    first = run(source, name="sleeps")
    assert 0.2 <= first.value <= time.time() - before
    again = run(source, name="sleeps")
    assert (again.value, again.replayed) == (first.value, 1)


RANDOM = "local t = {} for i = 1, 5 do t[i] = math.random(1000000) end t[6] = math.random() return t"


def test_chance():
    """Two runs draw different numbers, the same seed and a replay the same ones."""
    assert value(RANDOM) != value(RANDOM)
    assert value(RANDOM, seed=5) == value(RANDOM, seed=5)
    assert value(RANDOM, seed=5) != value(RANDOM, seed=6)
    assert value(RANDOM, name="chance") == value(RANDOM, name="chance")


@settings(deadline=None, max_examples=50)
@given(st.integers(-(2**63), 2**63 - 1), st.integers(-(2**63), 2**63 - 1))
def test_random_stays_in_its_interval(a, b):
    """`math.random(low, high)` gives integers of the interval, up to the whole of 64 bits."""
    low, high = sorted((a, b))
    drawn = value(
        "local l, h = input.l, input.h local t = {} for i = 1, 20 do t[i] = math.random(l, h) end return t",
        params={"l": low, "h": high},
    )
    assert all(low <= number <= high for number in drawn)


def test_random_forms():
    """Without arguments a fraction, with one from 1, with 0 any integer; every value of a small interval comes."""
    source = "local t = {} for i = 1, 200 do t[i] = math.random(3) end return t, math.random(), math.type(math.random(0)), math.random(7, 7)"
    dice, fraction, kind, fixed = value(source, seed=1)
    assert set(dice) == {1, 2, 3}
    assert 0 <= fraction < 1
    assert (kind, fixed) == ("integer", 7)
    assert value("math.randomseed(5) local a = math.random() math.randomseed(5) return a == math.random()") is True
    draws = value("local t = {} for i = 1, 2000 do t[i] = math.random() end return t", seed=2)
    assert abs(sum(draws) / 2000 - 0.5) < 0.05
    assert math.isclose(max(draws), 1, abs_tol=0.01)


# Lua's own, in this world ---------------------------------------------------------------------------------------------


def test_version_and_extras():
    """The Lua is 5.5, with a global `unpack`; `_G` is the program's own world."""
    assert value("return {_VERSION, select('#', unpack({1, 2})), _G._G == _G, _G.Step == Step}") == [
        "Lua 5.5",
        2,
        True,
        True,
    ]


def test_pcall_and_error():
    """Errors of ours reach `pcall` as texts with the position and the primitive's name; tables stay tables."""
    ok, message = value("local ok, e = pcall(Stage.is, 5) return ok, e")
    assert ok is False
    assert re.match(r"cell:1: Stage\.is: name: ", message)
    assert value("return select(2, pcall(error, {code = 5})).code") == 5
    with pytest.raises(LuaRuntimeError) as error:
        run("error{code = 5, list = {1}}")
    assert error.value.value == {"code": 5, "list": [1]}
