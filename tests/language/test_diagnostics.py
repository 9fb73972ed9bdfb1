"""Lua's errors told in the cell's lines; every message here is one that the real Lua 5.5 gives."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lupa import lua55

from lua_procedures.errors import LuaRuntimeError, LuaSyntaxError
from lua_procedures.language import hints
from lua_procedures.language.diagnostics import (
    closest,
    mark,
    runtime_error,
    split_position,
    syntax_error,
    tidy_traceback,
    unknown_name_hint,
)
from lua_procedures.language.hints import LONGEST, place_of
from lua_procedures.language.slips import slip_of
from lua_procedures.language.source import split_lines
from lua_procedures.primitives.names import primitive_names

KNOWN = [
    "Agent", "Human", "Human.approve", "Human.input", "Human.select", "State", "State.get", "Step", "Step.run",
    "print", "string", "string.format", "string.rep", "table", "table.insert",
]  # fmt: skip

# Loads and runs a program as the package does: chunk "=cell", first line 2, errors caught with their traceback.
FAIL = """
function(text, lines, chunk)
  local world = {Human = {approve = print}, null = {}}
  local env = setmetatable(world, {__index = _G})
  local prelude = assert(load("return function(f, ...) local x = f(...) return x end", "=(lua_procedures)"))
  world.Step = {run = prelude()}
  function world.helper(text) return assert(load(text, "=helpers.lua", "t", env))() end
  local program, message = load(("\\n"):rep(lines) .. text, "=" .. chunk, "t", env)
  if not program then return "syntax", message, "" end
  local ok, message = coroutine.wrap(function()
    return xpcall(program, function(raised) return {raised, debug.traceback("", 2)} end)
  end)()
  if ok then return "none", "", "" end
  return "runtime", message[1], message[2]
end
"""


def failure(text: str, lines: int = 1, chunk: str = "cell") -> tuple[str, Any, str]:
    """How a program fails: when, its message or value, and the traceback."""
    fail = lua55.LuaRuntime().execute(f"return {FAIL}", name="=(lua_procedures)")
    when, raised, traceback = fail(text, lines, chunk)
    return when, raised, traceback


def syntax(text: str) -> LuaSyntaxError:
    """The error of a program that does not compile."""
    when, message, _ = failure(text)
    assert when == "syntax"
    return syntax_error(message, text)


def raised(text: str, known: list[str] = KNOWN) -> LuaRuntimeError:
    """The error of a program that fails when it runs."""
    when, message, traceback = failure(text)
    assert when == "runtime"
    return runtime_error(message if isinstance(message, str) else "", None, traceback, text, known)


# --- positions --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("cell:3: boom", ("cell", 3, "boom")),
        ("helpers.lua:12: a: b", ("helpers.lua", 12, "a: b")),
        ("my helpers.lua:1: x", ("my helpers.lua", 1, "x")),
        ('[string "x:1: y"]:4: boom', ('[string "x:1: y"]', 4, "boom")),
        ("cell:?: boom", ("cell", None, "boom")),
        ("cell:3: two\nlines", ("cell", 3, "two\nlines")),
        ("cell:3: ", ("cell", 3, "")),
        ("boom", (None, None, "boom")),
        ("boom at 3: no", (None, None, "boom at 3: no")),
        ("http://host:80: refused", (None, None, "http://host:80: refused")),
        ("", (None, None, "")),
    ],
)
def test_split_position(message: str, expected: tuple[str | None, int | None, str]) -> None:
    """Chunk, line and text of a message, and none of the first two where it has no position."""
    assert split_position(message) == expected


@given(st.text(max_size=40))
def test_a_raised_text_comes_out_whole(text: str) -> None:
    """Whatever a program raises with ``error(text)``, the message is that text and the line that of the call."""
    error = runtime_error(f"cell:7: {text}", text, "", "x", ())

    assert error.line == 7
    assert error.message.startswith(text) or not text or "cell:" in text


# --- syntax errors ----------------------------------------------------------------------------------------------

SYNTAX_HINTS = [
    ("if x != 1 then end", 2, "~="),
    ("x = 1 !== 2", 2, "~="),
    ("if !x then end", 2, "not x"),
    ("if x === 1 then end", 2, "=="),
    ("x += 1", 2, "write x = x + …"),
    ("t[i].n -= 1", 2, "write t[i].n = t[i].n - …"),
    ('s ..= "a"', 2, "write s = s .. …"),
    ("x = 1; i++", 2, "write i = i + 1"),
    ("++i", 2, "write i = i + 1"),
    ("i--\ny = 1", 3, "write i = i - 1"),
    ("x = 2 ** 3", 2, "x ^ 2"),
    ("if a && b then end", 2, "'and'"),
    ("if a || b then end", 2, "'or'"),
    ("# a comment", 2, "--"),
    ("// a comment", 2, "--"),
    ("x = 1\ny = 2 # don't", 3, "--"),
    ("f( # one\n1)", 3, "--"),
    ("return 1 # one", 2, "--"),
    ("x = [1, 2, 3]", 2, "{1, 2, 3}"),
    ("f([])", 2, "{1, 2, 3}"),
    ("for v in [1] do end", 2, "{1, 2, 3}"),
    ("if x then\n y = 1\nelif y then\nend", 4, "elseif"),
    ("if x not in y then end", 2, "t[key] ~= nil"),
    ("if not x in y then end", 2, "t[key] ~= nil"),
    ("if x is None then end", 2, "nil"),
    ("def f(x):\n  return x", 2, "function name(a, b)"),
    ("import json", 2, "inputs"),
    ("from os import path", 2, "inputs"),
    ("class A:\n  x = 1", 2, "tables"),
    ("try:\n  x = 1", 3, "pcall"),
    ("x = 1\nraise x", 3, "error("),
    ("if x then\n  pass\nend", 4, "leave it out"),
    ("for i = 1, 2 do\n  continue\nend", 4, "goto"),
    ("let x = 1", 2, "'local', not 'let'"),
    ("x = lambda y: y", 2, "function(x)"),
    ("x = (a) => 1", 2, "function(x)"),
    ("return await x", 2, "Leave 'await' out"),
    ("switch x", 2, "elseif"),
    ("if x == nil:\n  y = 1", 2, "if … then … end"),
    ("for x in y:\n  print(x)", 3, "for … do … end"),
    ("x = y ? 1 : 2", 2, "condition and a or b"),
    ("x = 1 if y else 2", 2, "condition and a or b"),
    ("function f(a, b=1) end", 2, "defaults"),
    ("function f(a: string) end", 2, "types"),
    ("f(a=1)", 2, "f{a = 1}"),
    ('x = {"a": 1}', 2, "{key = 1"),
    ("x = {a: 1}", 2, "{key = 1"),
    ('Agent {\n  prompt: "hi",\n}', 3, "{key = 1"),
    ('x = {"a" = 1}', 2, '["a key"] = 2'),
    ("x := 1", 2, "assigns with ="),
    ("if x = 1 then end", 2, "=="),
    ("x == 1", 2, "written ="),
    ("function f() { return 1 }", 2, "no braces"),
    ("if (x) { y = 1 }", 2, "no braces"),
    ("x = '''abc'''", 2, "[["),
    ('x = """abc\ndef"""', 2, "[["),
    ('x = "abc\ny = 1', 2, "[["),
    ('x = "C:\\q"', 2, "[["),
    ("x = 1..2", 2, "spaces around"),
    ("local 1x = 2", 2, "begin with a digit"),
    ("x = “hello”", 2, "plain quotes"),
    ("größe = 1", 2, "letters A to Z"),
    ("x = `abc`", 2, "plain quotes"),
    ("@tool\nfunction f() end", 2, "decorators"),
    ("if x then end end", 2, "'end' too many"),
    ("return 1\nx = 2", 3, "'return' must be the last"),
    ("if a then return 1\nx = 2 end", 3, "'return' must be the last"),
    ("if x y = 1 end", 2, "if … then … end"),
    ("while x\n y = 1 end", 3, "while … do … end"),
    ("x = {a = 1\nb = 2}", 3, "comma"),
    ("global x\ny = 1", 3, "global *"),
    ("print x", 2, "print(…)"),
    ("for i = 1, 3 do i = i + 1 end", 2, "local copy = i"),
    ("for k, v in pairs({}) do\n  k = 1\nend", 3, "local copy = k"),
    ("local x <const> = 1\nx = 2", 3, "<const>"),
]


@pytest.mark.parametrize(("text", "line", "hint"), SYNTAX_HINTS)
def test_syntax_errors_have_a_hint(text: str, line: int, hint: str) -> None:
    """The habits of other languages, and Lua 5.5's own rules, are told at the line where Lua met them."""
    error = syntax(text)

    assert error.line == line
    assert hint in (error.hint or "")
    assert "cell:" not in error.message


@pytest.mark.parametrize("text", ["x = y or", "local x = 5 5", "x = foo(1,\n2\ny = 3", "goto out", "if x then"])
def test_no_hint_is_better_than_a_wrong_one(text: str) -> None:
    """Where nothing is known to help there is no hint."""
    assert syntax(text).hint is None


@pytest.mark.parametrize("habit", ["x = '!= += && elif'", "y = 1 -- x += 1 # no !=", "z = [[ try: ]]"])
def test_strings_and_comments_are_no_code(habit: str) -> None:
    """What stands in strings and comments gives no hint."""
    assert syntax(f"{habit}\nx = = 1 -- {habit!r}").hint is None


def test_what_is_never_closed_is_shown_where_it_opens() -> None:
    """The line is that of the opening, and the message keeps both."""
    error = syntax("x = 1\n\nif x then\n  y = 1\n\n\n")

    assert error.line == 4
    assert error.message == "'end' expected (to close 'if' at line 4) near <eof> at line 8"
    assert syntax("x = 1\ny = [[ abc\n\n").line == 3
    assert syntax("x = 1\n--[[ abc\n\n").line == 3


def test_what_is_closed_wrongly_is_shown_where_lua_met_it() -> None:
    """Not at the end of the program, the line is that of the error."""
    error = syntax("x = {\n  1,\n  2\ny = 3")

    assert error.line == 5
    assert "at line 2" in error.message


def test_else_if_is_told_from_a_missing_end() -> None:
    """A chain of ``else if`` lacks an ``end`` for each: the first one is named."""
    error = syntax("if x then\n  y = 1\nelse if z then\n  y = 2\nend\nreturn y")

    assert error.line == 2
    assert error.hint == "'else if' at line 4 opens a second 'if' with an 'end' of its own: write 'elseif'."


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("function f()\n  if x then\n    y()\nend\nreturn f", "'if' at line 3"),
        ("function f()\n  for i = 1, 2 do\n    g(function() y() end)\nend\nf()", "'do' at line 3"),
        ("t = {\n  f = function()\n    repeat\n      y()\n  end,\n}\nif x then y() end", None),
    ],
)
def test_indentation_tells_which_end_is_missing(text: str, hint: str | None) -> None:
    """Lua names the outermost block; the one whose ``end`` stands too far left is the one without."""
    found = syntax(text).hint

    assert hint in (found or "") if hint else found is None


def test_a_long_message_is_cut() -> None:
    """Lua quotes the whole token; a book in a string is not shown."""
    assert len(syntax(f'x = "a" "{"b" * 5000}"').message) < 400


def test_syntax_errors_of_a_file() -> None:
    """A file's program begins on line 1."""
    _, message, _ = failure("x = 1\nx += 1", lines=0)
    error = syntax_error(message, "x = 1\nx += 1", first_line=1)

    assert error.line == 2
    assert error.hint == "Lua has no '+=': write x = x + …"


# --- runtime errors ---------------------------------------------------------------------------------------------

RUNTIME_HINTS = [
    ("Stepp.run('a')", "Did you mean 'Step'?"),
    ("stepp('a')", "Did you mean 'Step'?"),
    ("Human.aprove {}", "Did you mean 'Human.approve'?"),
    ("Human.APROVE {}", "Did you mean 'Human.approve'?"),
    ("Human:aprove {}", "Did you mean 'Human.approve'?"),
    ("Human.zzz {}", "It has Human.approve, Human.input, Human.select"),
    ("string.formt('a')", "Did you mean 'string.format'?"),
    ("zzz()", "'zzz' is not defined. Is it set before"),
    ("x = zzz + 1", "'zzz' is not defined"),
    ("x = None + 1", "'nil'"),
    ("print(True .. 'a')", "'true'"),
    ("x = undefined.a", "'nil'"),
    ("x = len({})", "#x"),
    ("for i in range(3) do end", "for i = 1, n do"),
    ("x = str(1)", "tostring"),
    ("raise('a')", "error("),
    ("time.sleep(1)", "Sleep(seconds)"),
    ("requests.get('a')", "by tools"),
    ('x = f"hello {y}"', "no f-strings"),
    ("x = f'hello'", "no f-strings"),
    ("local t = {}\nlocal x = t[0].name", "begin at 1"),
    ("local t = {}\nlocal x = t[0] + 1", "begin at 1"),
    ('x = "a" + "b"', "with .."),
    ('x = "a" + 1', "with .."),
    ('x = "%s" % 1', "string.format"),
    ('x = "a" * 3', "string.rep"),
    ('x = 10 / "a"', "tonumber"),
    ('x = 1 < "2"', "tonumber"),
    ("x = nil < 1", "nil"),
    ('x = "a" .. nil', "tostring(x)"),
    ('x = "a" .. {}', "Json.encode"),
    ('x = "a" .. true', "tostring(x)"),
    ("local a = {}\nprint(a.b.c)", "'b' is nil here"),
    ("local a\nprint(a.b)", "'a' is nil here"),
    ("local a = {}\na.append(1)", "table.insert"),
    ("local a = {}\na:append(1)", "table.insert"),
    ("local a = {}\ntostring(a):append(1)", "table.insert"),
    ('local s = "a,b"\ns:split(",")', "gmatch"),
    ("for v in {1} do end", "ipairs(list)"),
    ("for i in 1, 3 do end", "for i = 1, n do"),
    ("for k, v in pairs(nil) do end", "not a table"),
    ("local t\nfor i, v in ipairs(t) do end", "ipairs is given is nil"),
    ('local s = "a"\nprint(s.upper())', "x:upper()"),
    ("local function f() return 1 + f() end\nf()", "without end"),
    ("x = 1.5 | 1", "math.floor"),
]


@pytest.mark.parametrize(("text", "hint"), RUNTIME_HINTS)
def test_runtime_errors_have_a_hint(text: str, hint: str) -> None:
    """What is missing, misspelt or meant differently in other languages is told at the program's line."""
    error = raised(text)

    assert hint in (error.hint or "")
    if "without end" not in hint:
        assert error.line == len(split_lines(text)) + 1


@pytest.mark.parametrize(
    "text",
    ['error("boom")', "assert(false)", "local h = {} h.x()", "local r = {} r:create{}", "local f = 5 f()", "error()"],
)
def test_other_runtime_errors_have_none(text: str) -> None:
    """A program's own errors need no hint."""
    assert raised(text).hint is None


def test_a_known_global_that_is_nil() -> None:
    """A name that exists and is nil at the moment is not called undefined."""
    assert raised("draft()", ["draft"]).hint == "'draft' is nil at this point."


def test_message_and_line_of_a_raised_text() -> None:
    """The message is what was raised, without the position."""
    error = raised('x = 1\nerror("boom: 3: x")')

    assert (error.message, error.line) == ("boom: 3: x", 3)
    assert str(error) == "line 3: boom: 3: x"


def test_the_line_of_a_message_without_position() -> None:
    """Where the message tells no line it is that of the program's innermost frame."""
    error = raised('local function f()\n  error("localhost:80: refused", 0)\nend\nf()')

    assert (error.message, error.line) == ("localhost:80: refused", 3)


def test_a_raised_table() -> None:
    """A table is the error's value; the message tells it, or is its own."""
    _, _, traceback = failure("x = 1\nerror {code = 5}")
    error = runtime_error("", {"code": 5}, traceback, "x = 1\nerror {code = 5}", KNOWN)

    assert (error.line, error.value, error.message) == (3, {"code": 5}, 'raised {"code": 5}')
    assert runtime_error("", {"message": "no"}, traceback, "", KNOWN).message == "no"


def test_an_error_in_another_chunk() -> None:
    """The message names the other chunk's line; the error's line is where the program called it."""
    error = raised('x = 1\nhelper("\\n\\n\\nerror(1 .. 2)")')

    assert error.line == 3
    assert error.message == "helpers.lua:4: 12"


def test_an_error_in_the_prelude() -> None:
    """Our own lines are nobody's business."""
    error = raised("x = 1\nStep.run(5)")

    assert error.line == 3
    assert error.message == "attempt to call a number value (local 'f')"


def test_an_error_that_was_raised_again() -> None:
    """Positions inside the message read as lines of the cell."""
    text = 'local ok, err = pcall(function()\n  error("boom")\nend)\nerror("failed after 3: " .. err)'
    error = raised(text)

    assert (error.message, error.line) == ("failed after 3: line 3: boom", 5)


def test_runtime_errors_of_a_file() -> None:
    """Another chunk name and first line are taken into account."""
    text = "x = 1\nStepp()"
    _, message, traceback = failure(text, lines=0, chunk="triage.lua")
    error = runtime_error(message, message, traceback, text, KNOWN, chunk="triage.lua", first_line=1)

    assert (error.message, error.line) == ("attempt to call a nil value (global 'Stepp')", 2)
    assert error.hint == "'Stepp' is not defined. Did you mean 'Step'?"


HOSTILE = ["=", "a=", '"', "'\\\\", "if else ", "x--", "[", "[=", "- ", "a.b"]


@pytest.mark.parametrize("piece", HOSTILE)
def test_hints_look_at_the_beginning_of_a_line(piece: str) -> None:
    """Of a line of any length and kind 300 characters are looked at, also of one so long that no pattern would end."""
    line = piece * (1_000_000 // len(piece))
    place = place_of(f"{line}\n{line}", 3, 2, KNOWN)
    assert max(len(place.code), len(place.before)) <= LONGEST

    syntax = syntax_error("cell:2: unexpected symbol near '='", line)
    runtime = runtime_error("cell:2: attempt to call a nil value (field 'x')", None, "", line, KNOWN)
    assert max(len(error.hint or "") for error in (syntax, runtime)) < 4 * LONGEST


@given(st.text(max_size=60), st.text(max_size=60), st.integers(-3, 9))
def test_any_message_and_text_give_an_error(message: str, text: str, line: int) -> None:
    """No message and no program, however odd, is too much."""
    assert syntax_error(f"cell:{line}: {message}", text).args
    assert runtime_error(message, None, message, text, KNOWN).args
    assert isinstance(mark(text, line), str)


# --- names ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Stepp", ["Step"]),
        ("STEP", ["Step"]),
        ("step", ["Step"]),
        ("Human.aprove", ["Human.approve"]),
        ("human.approve", ["Human.approve"]),
        ("Humann.approve", ["Human.approve"]),
        ("Human.zzz", []),
        ("Human.", []),
        ("zzz", []),
        ("", []),
        ("aprove", []),
    ],
)
def test_closest(name: str, expected: list[str]) -> None:
    """Members are compared with those of the same owner, globals with globals, whatever the case."""
    assert closest(name, KNOWN) == expected


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        *(("lable", "label"), ("Label", "label"), ("labell", None), ("labbel", "label"), ("labl", "label")),
        *(("context", None), ("contant", "content"), ("contents", None), ("scored", None), ("core", None)),
        *(("source", None), ("scope", None), ("label", None), ("", None), ("l", None)),
    ],
)
def test_slip_of(name: str, meant: str | None) -> None:
    """Letters in another order, one too few or too many inside, a vowel for another; no word of its own."""
    assert slip_of(name, ["content", "label", "score"]) == meant


def test_closest_gives_several() -> None:
    """Up to ``n``, the best first."""
    assert closest("stat", ["State", "Stage", "Step", "start"], 2) == ["State", "start"]
    assert closest("state", ["State", "state"], 1) == ["State"]


@given(st.lists(st.from_regex(r"[A-Z][a-z]{1,8}", fullmatch=True), max_size=8), st.data())
def test_closest_finds_a_name_itself(known: list[str], data: st.DataObject) -> None:
    """A known name is its own best match in any case, and nothing unknown is ever proposed."""
    name = data.draw(st.sampled_from([*known, "Other"]))
    found = closest(name.swapcase(), known, 3)

    assert set(found) <= set(known)
    assert found[:1] == [name] if name in known else True


def test_unknown_name_hint() -> None:
    """For the warning about an unknown global: a habit, or a name that is close, or nothing."""
    assert unknown_name_hint("True", KNOWN) == "In Lua it is 'true'."
    assert unknown_name_hint("Sate", KNOWN) == "Did you mean 'State'?"
    assert unknown_name_hint("zzz", KNOWN) is None


# --- marking ----------------------------------------------------------------------------------------------------


def test_mark_shows_the_line_and_its_neighbours() -> None:
    """Lines are numbered as the editor counts, with an arrow at the one that is meant."""
    assert mark("a = 1\nb = = 2\n\nd = 4\n", 3) == "   2 | a = 1\n-> 3 | b = = 2\n   4 |"
    assert mark("a\nb\nc", 3, context=0) == "-> 3 | b"
    assert mark("a\nb\nc", 1, first_line=1) == "-> 1 | a\n   2 | b"


def test_mark_aligns_numbers() -> None:
    """Numbers of different length end in one column."""
    assert mark("\n".join("x" * 20), 9) == "    8 | x\n->  9 | x\n   10 | x"


def test_mark_outside_the_program() -> None:
    """Behind the end it is the last line; before the beginning, and in an empty program, there is nothing to mark."""
    assert mark("a\nb\n\n", 99) == "   2 | a\n-> 3 | b"
    assert mark("a", 1) == ""
    assert mark("", 2) == ""


@given(st.lists(st.text(alphabet="ab =", min_size=1, max_size=5), min_size=1, max_size=30), st.data())
def test_mark_marks_one_line(lines: list[str], data: st.DataObject) -> None:
    """Exactly one line is marked: the one asked for, with its number."""
    lines[-1] = "end"
    place = data.draw(st.integers(0, len(lines) - 1))
    shown = mark("\n".join(lines), place + 2).splitlines()

    assert [line for line in shown if line.startswith("->")] == [
        next(line for line in shown if re.match(rf"->\s+{place + 2} \|", line))
    ]
    assert len(shown) <= 3


# --- tracebacks -------------------------------------------------------------------------------------------------


def test_what_the_language_has_is_no_habit_from_elsewhere() -> None:
    """No hint says of a name of ours that it is not there."""
    assert set(primitive_names()) & set(hints._GLOBAL_HABITS) == set()


def test_traceback_is_tidied() -> None:
    """Only the program's frames are left, innermost first, without those of C and of ours."""
    text = """local function g() error("x") end
local f = function()
  g()
end
Step.run(function() local x = f() return x end)"""
    _, _, traceback = failure(text)

    assert "[C]" in traceback
    assert "(lua_procedures)" in traceback
    assert tidy_traceback(traceback) == "line 2, in 'g'\nline 4, in 'f'\nline 6, in 'f'\nline 6, in the program"


def test_traceback_of_several_chunks() -> None:
    """Frames of another chunk begin with its name; functions without one are told by their line."""
    _, _, traceback = failure('local t = {}\ntable.sort({1, 2}, function() return helper("\\nerror(1)") + 1 end)')
    frames = tidy_traceback(traceback).splitlines()

    assert frames == [
        "helpers.lua, line 2, in its main part",
        "line 3, in the function at line 3",
        "line 3, in the program",
    ]


def test_traceback_of_nothing() -> None:
    """No frame of the program, no text."""
    assert tidy_traceback("") == ""
    assert tidy_traceback("stack traceback:\n\t[C]: in ?") == ""
