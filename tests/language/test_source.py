"""Reading a program without running it, held against the real Lua 5.5."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lupa import lua55

from lua_procedures.language.source import (
    KEYWORDS,
    LineNumbers,
    assigned_names,
    emptied,
    functions,
    marked,
    split_lines,
    tokens,
)

from ..bounds import lines_run

# Runs a program in which every function is given to `reg`, which calls it too, and returns what Lua knows of them.
REGISTER = """
function(text)
  local seen = {}
  local env = {t = {u = {v = {}}}}
  function env.reg(f)
    local info = debug.getinfo(f, "Su")
    seen[#seen + 1] = {info.linedefined, info.lastlinedefined, info.nparams}
    f()
    return f
  end
  assert(load("\\n" .. text, "=cell", "t", env))()
  return seen
end
"""

GAPS = [" ", "\n", "\r\n", "\n\n", "  -- said ( end function\n", "--[[ one\n two ]]", "\t", "--[==[ ]]\r\n]==]\n"]


def known_to_lua(text: str) -> list[tuple[int, ...]]:
    """(first line, last line, parameters) of every function, as Lua tells them."""
    seen = lua55.LuaRuntime().eval(REGISTER)(text)
    return sorted(tuple(row.values()) for row in seen.values())


def read_from(text: str) -> list[tuple[int, ...]]:
    """The same, as the text tells them."""
    return sorted((f.first_line, f.last_line, f.parameters) for f in functions(text))


def digests(text: str) -> list[str]:
    """The digests of the functions of a text, in order."""
    return [function.digest for function in functions(text)]


def names(text: str) -> tuple[str, ...]:
    """The names of the first function of a text."""
    return functions(text)[0].names


# --- tokens ---------------------------------------------------------------------------------------------------

TOKENS = st.one_of(
    st.sampled_from(sorted(KEYWORDS)).map(lambda word: ("keyword", word)),
    st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True)
    .filter(lambda word: word not in KEYWORDS)
    .map(lambda word: ("name", word)),
    st.sampled_from(["0", "3", "3.14", ".5", "1e10", "2E-3", "0xFF", "0x.8p-2", "0XA.p+1", "7."]).map(
        lambda word: ("number", word)
    ),
    st.sampled_from(['""', '"a"', "'it\"s'", r'"\""', r"'\\'", '"a\\\nb"', '"\\z  \n  b"', "[[]]", "[[a\n]b]]"]).map(
        lambda word: ("string", word)
    ),
    st.sampled_from([r'"\x41\u{1F600}\065"', "[==[ ]] ]=] ]==]", '"--no comment"', '"Grüße, 世界"']).map(
        lambda word: ("string", word)
    ),
    st.sampled_from("+ - * / // % ^ # & ~ | << >> .. ... == ~= <= >= < > = ( ) { } [ ] :: ; : , .".split()).map(
        lambda word: ("operator", word)
    ),
    st.sampled_from(["-- note\n", "--[[ two\nlines ]]", "--[=[ ]] ]=]", "--\n", "--[ short\n"]).map(
        lambda word: ("comment", word.rstrip("\n"))
    ),
)


@given(st.lists(TOKENS, max_size=40))
def test_tokens_round_trip(sequence: list[tuple[str, str]]) -> None:
    """Any sequence of Lua tokens, written out with line ends between them, is read back as it was."""
    text = "\n".join(word for _, word in sequence)

    assert [(token.kind, token.text) for token in tokens(text)] == sequence


@given(st.text(alphabet="ab1=-[]\"'\\z{}.:#! \n\r\té\0", max_size=60))
def test_nothing_of_the_text_is_lost(text: str) -> None:
    """Whatever the text is, tokens and the white space between them make it up again."""
    rebuilt, place = "", 0
    for token in tokens(text):
        gap = text[place : token.start]
        assert gap.strip() == ""
        rebuilt, place = rebuilt + gap + token.text, token.end
    assert rebuilt + text[place:] == text
    assert text[place:].strip() == ""


def test_comments_can_be_left_out() -> None:
    """``comments=False`` gives what counts for Lua."""
    assert [token.text for token in tokens("x --[[ a\n]] = 1 -- b", comments=False)] == ["x", "=", "1"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('x = "abc\ny = 1', ["x", "=", '"abc', "y", "=", "1"]),
        ("x = [[abc\ny = 1", ["x", "=", "[[abc\ny = 1"]),
        ("x = 1 --[==[ abc ]]\ny", ["x", "=", "1", "--[==[ abc ]]\ny"]),
        ("x = é + 1", ["x", "=", "é", "+", "1"]),
        ("if x != 1", ["if", "x", "!", "=", "1"]),
    ],
)
def test_what_never_ends_is_an_error_token(text: str, expected: list[str]) -> None:
    """A string, a comment or a character that is no Lua becomes an error token, and reading goes on."""
    found = tokens(text)

    assert [token.text for token in found] == expected
    assert sum(token.kind == "error" for token in found) == 1


@given(st.text(alphabet="ab=[]-\"'\\z\n\r .,"))
def test_emptied_text_is_code(text: str) -> None:
    """Strings and comments are emptied, and all else stays where it is, line by line."""
    pieces, place = [], 0
    for token in tokens(text):
        if token.kind in {"string", "comment"}:
            mark = '""' if token.kind == "string" else "--"
            pieces += [text[place : token.start], mark, "\n" * (len(split_lines(token.text)) - 1)]
            place = token.end
    code = "".join([*pieces, text[place:]])
    assert [line.rstrip() for line in split_lines(emptied(text))] == [line.rstrip() for line in split_lines(code)]


@pytest.mark.parametrize(
    "text",
    ['"\\z' + " " * 60_000 + "\\z" * 500_000, "[=" * 500_000, "[[" * 500_000, " " * 2_000_000, "--[" * 500_000],
    ids=["strings", "long brackets", "brackets", "blanks", "comments"],
)
def test_hostile_text_is_read_once(text: str) -> None:
    """No text makes the lexer try again and again: with a million characters it would never come to an end."""
    assert len(tokens(text)) <= 1
    assert functions(text) == ()
    assert len(split_lines(emptied(text))) == 1


@given(st.text(alphabet=" \n\r", max_size=20))
def test_lines_are_lua_lines(text: str) -> None:
    """A carriage return and a line feed in either order end one line, as in Lua."""
    error = lua55.LuaRuntime().eval('function(text) return select(2, load(text .. "?", "=cell")) end')(f"--{text}\n")
    line_of = LineNumbers(f"--{text}\n", first_line=1)

    assert error.startswith(f"cell:{line_of(len(text) + 3)}:")
    assert len(split_lines(f"--{text}\n")) == line_of(len(text) + 3)


# --- lines of functions -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "reg(function() end)",
        "reg(function\n\n(a, b)\n\nend)",
        "function f(a, b, ...) end reg(f)",
        "function\nf\n(a)\nend reg(f)",
        "function t.u\n.v.w\n(a)\nreturn 1\nend reg(t.u.v.w)",
        "function t.u:m\n(a)\nend reg(t.u.m)",
        "local function f\n\n(a)\nend reg(f)",
        "local\nfunction\nf(a)\nend reg(f)",
        "global * global function f\n\n(a)\nend reg(f)",
        "local f <const> =\nfunction\n(...)\nend reg(f)",
        "local f = function(a, ...rest) return rest end reg(f)",
        "reg(function() for i = 1, 2 do while i < 0 do end end\nrepeat local x = 1 until x\nend)",
        "reg(function() if a then elseif b then else do end end\ngoto done\n::done::\nend)",
        "t.list = {\nreg(function() end),\nf = reg(function\n() end); [1] = reg(function()\nend)}",
        'local s = [[\nfunction() end\n]] reg(function() return "end" .. [==[\n]] end ]==]\n-- end\nend)',
        "reg(function() return reg(function(a)\nreturn reg(function(b) end) end)\nend)",
        "reg(function()\r\nreturn 1\r\nend)",
        "local x = {\nx\n\n\n, f = reg(function() end)}",
        't.end_ = 1 t.u.v["end"] = 2 reg(function(end2) local function_ = end2\nend)',
        'reg(function() local s = "a\\\nb" .. "\\z\n\n c"\nend)',
    ],
)
def test_lines_of_a_function_are_those_that_lua_reports(text: str) -> None:
    """However a function is written, its lines and parameters are those of ``debug.getinfo``."""
    assert read_from(text) == known_to_lua(text)


def _blocks(body: st.SearchStrategy[list[str]]) -> st.SearchStrategy[list[str]]:
    """Statements that hold other statements, functions of every spelling among them."""
    lists = st.sampled_from([[], ["a"], ["a", ",", "b"], ["..."], ["a", ",", "..."]])
    statement = st.sampled_from(
        [("f",), ("t", ".", "f"), ("t", ".", "u", ".", "f"), ("t", ":", "f"), ("t", ".", "u", ":", "f")]
    )

    def plain(name: tuple[str, ...], listed: list[str], inner: list[str]) -> list[str]:
        value = ["." if word == ":" else word for word in name]
        return ["function", *name, "(", *listed, ")", *inner, "end", "reg", "(", *value, ")", ";"]

    def local(listed: list[str], inner: list[str]) -> list[str]:
        return ["local", "function", "g", "(", *listed, ")", *inner, "end", "reg", "(", "g", ")", ";"]

    def anonymous(before: list[str], listed: list[str], inner: list[str], after: list[str]) -> list[str]:
        return [*before, "reg", "(", "function", "(", *listed, ")", *inner, "end", ")", *after, ";"]

    wraps = st.sampled_from(
        [
            ([], []),
            (["t", ".", "k", "="], []),
            (["local", "k", "=", "{", "1", ",", "k", "=", "{"], ["}", "}"]),
            (["k", "=", '"end"', "and"], ["and", "[[\nend]]"]),
        ]
    )
    around = st.sampled_from(
        [
            ("do", "end"),
            ("if 1 then", "end"),
            ("if nil then else", "end"),
            ("for i = 1 , 1 do", "end"),
            ("while 1 do", "break end"),
            ("repeat", "until 1"),
        ]
    )
    return st.one_of(
        st.builds(plain, statement, lists, body),
        st.builds(local, lists, body),
        st.builds(lambda wrap, listed, inner: anonymous(wrap[0], listed, inner, wrap[1]), wraps, lists, body),
        st.builds(lambda pair, inner: [*pair[0].split(), *inner, *pair[1].split()], around, body),
        st.builds(lambda one, two: [*one, *two], body, body),
    )


PROGRAMS = st.recursive(st.sampled_from([[], ["t", ".", "k", "=", '"end"', ";"]]), _blocks, max_leaves=12)


@given(PROGRAMS, st.data())
def test_lines_of_nested_functions_in_any_layout(words: list[str], data: st.DataObject) -> None:
    """Nested programs in any layout, comments between all tokens: the lines are those of ``debug.getinfo``."""
    gaps = data.draw(st.lists(st.sampled_from(GAPS), min_size=len(words), max_size=len(words)))
    text = ";" + "".join(gap + word for gap, word in zip(gaps, words, strict=True))

    assert read_from(text) == known_to_lua(text)


@given(PROGRAMS, st.data())
def test_layout_does_not_count(words: list[str], data: st.DataObject) -> None:
    """Digests, names and parameters are the same in any layout and with any comments."""
    gaps = data.draw(st.lists(st.sampled_from(GAPS), min_size=len(words), max_size=len(words)))
    text = "".join(gap + word for gap, word in zip(gaps, words, strict=True))

    assert [function[2:5] for function in functions(text)] == [function[2:5] for function in functions(" ".join(words))]


def test_lines_can_be_counted_from_another() -> None:
    """A file's program begins on line 1, a cell's on line 2."""
    text = "\nf = function()\nend"

    assert functions(text)[0][:2] == (3, 4)
    assert functions(text, 1)[0][:2] == (2, 3)


def test_a_function_without_its_end_is_left_out() -> None:
    """Text that does not compile gives the functions that are whole."""
    assert [function[:2] for function in functions("function f()\nlocal g = function() end\nif x then end")] == [(3, 3)]
    assert [function[:2] for function in functions("f = function() x = {\nend")] == [(2, 3)]
    assert [function[:2] for function in functions("end end }\nfunction end )")] == [(3, 3)]
    assert functions("") == ()


# --- digests ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "same",
    [
        "function g(a) return a + 1 end",
        "local function g(a) return a + 1 end",
        "function t.u.g(a) return a + 1 end",
        "x = function(a) return a + 1 end",
        "\n\nfunction f(a) -- adds\n\n  return a+1\nend",
    ],
)
def test_name_and_layout_do_not_count(same: str) -> None:
    """A function's own name, place, layout and comments are no part of its digest."""
    assert digests(same) == digests("function f(a) return a + 1 end")


@pytest.mark.parametrize(
    "other",
    [
        "function f(a) return a + 2 end",
        "function f(b) return b + 1 end",
        "function f(a, b) return a + 1 end",
        "function t:f(a) return a + 1 end",
        'function f(a) return a + "1" end',
        "function f(a) return a +1; end",
    ],
)
def test_every_token_counts(other: str) -> None:
    """Another number, parameter, string or implicit ``self`` is another function."""
    assert digests(other) != digests("function f(a) return a + 1 end")


def test_a_method_has_its_self() -> None:
    """``t:m(a)`` is ``t.m(self, a)``."""
    assert digests("function t:m(a) end") == digests("function t.m(self, a) end")
    assert digests("function t:m() end") == digests("function t.m(self) end")
    assert functions("function t:m(a) return self end")[0][3:5] == ((), 2)


def test_the_name_of_an_inner_function_counts() -> None:
    """What a function defines inside is part of it."""
    one, two = (f"function f() function {name}() end end" for name in ("g", "h"))

    assert digests(one)[0] != digests(two)[0]
    assert digests(one)[1] == digests(two)[1]


def test_digests_are_stable() -> None:
    """Journals keep digests: they are 16 hex digits and never change."""
    assert digests("function f(a) return a + 1 end") == ["09f4140fd9dfcca4"]


# --- names ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("f = function() return helper(limit) end", ("helper", "limit")),
        ("function f() x = 1 end", ("x",)),
        ("f = function() return a.b.c, a:m(b) end", ("a", "b")),
        ("f = function() return {k = v, [w] = 1; l = 2, u} end", ("u", "v", "w")),
        ("f = function() return {g = function() x = 1; y = 2 end} end", ("x", "y")),
        ("f = function() return {k == v, (k)} end", ("k", "v")),
        ("f = function() goto out ::out:: end", ()),
        ("f = function(a) return a .. b end", ("b",)),
        ("f = function(a) global a; a = 1 end", ("a", "global")),
        ('f = function() return [[x]] .. "y" -- z\n end', ()),
        ("function f() return 1 end", ()),
        ("function f() return f() end", ("f",)),
    ],
)
def test_names_are_what_may_be_global(text: str, expected: tuple[str, ...]) -> None:
    """Fields, methods, keys, labels and parameters are no globals; what may be one is listed."""
    assert names(text) == expected


@given(PROGRAMS)
def test_no_global_is_missed(words: list[str]) -> None:
    """Every name that the program's functions look up in their environment is among their names."""
    text = f"outer = function() {' '.join(words)} end"
    looked_up = _globals_read(text)

    assert looked_up <= {name for function in functions(text) for name in function.names} | {"outer"}


def _globals_read(text: str) -> set[str]:
    """Runs ``outer`` in a world that notes which globals are read and written."""
    lua = lua55.LuaRuntime()
    run = lua.eval("""
    function(text)
      local seen, world = {}, {t = {u = {}}, reg = function(f) f() return f end}
      local env = setmetatable({}, {
        __index = function(_, key) seen[key] = true return world[key] end,
        __newindex = function(_, key, value) seen[key] = true world[key] = value end,
      })
      assert(load(text, "=cell", "t", env))()
      world.outer()
      return seen
    end
    """)
    return set(run(text))


# --- the table for fingerprints ---------------------------------------------------------------------------------


def test_functions_alone_on_their_lines_are_known_by_them() -> None:
    """A program without functions that share lines is left as it is."""
    text = "local function f()\n  return g()\nend\nreturn function() return 1 end"
    found = marked(text)
    assert found.text == text
    assert not found.by_mark
    assert {lines: one and one.names for lines, one in found.by_lines.items()} == {(2, 4): ("g",), (5, 5): ()}


def test_functions_that_share_lines_are_marked() -> None:
    """Each of them has its own mark in its bytecode, before those of the functions inside it, and no line changes."""
    text = "return function(a, ...) return function() return 1 end, 2 end, function() return 3 end"
    found = marked(text)
    assert found.by_lines == {(2, 2): None}
    runtime = lua55.LuaRuntime(encoding=None)
    marks = runtime.execute(
        b"return function(text) local outer, last = load(text)() local inner = outer()"
        b" local function mark(f) return tonumber(string.match(string.dump(f, true), '\\31(%d+)\\31')) end"
        b" return {mark(outer), mark(inner), mark(last)} end"
    )(found.text.encode())
    digests = [found.by_mark[number].digest for number in marks.values()]
    assert digests == [function.digest for function in functions(text)]
    assert found.text.count("\n") == text.count("\n")


# --- assigned names ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "writer = Agent { model = 'm' }",
        "local writer = Agent {",
        "local writer <const> = Agent {}",
        "local writer =\n  Agent {}",
        'writer = Agent "w" {}',
        "writer = Agent [[w]] {}",
        "writer = kit.agents.Agent({})",
        "writer = kit:agent {}",
        "do writer = Agent { tools = list() } end",
        "f(function() writer = Agent {} end)",
        "x = 1; writer = Agent {}",
    ],
)
def test_assigned_name_of_a_call(text: str) -> None:
    """The variable to which a call is assigned, local or global, is its name; the line is where its arguments begin."""
    (names,) = assigned_names(text, ["Agent", "kit.agents.Agent", "kit:agent", "kitagent", "agent"]).values()

    assert list(names.values()) == [["writer"]]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "=",
        "Agent {}",
        "writer = 1",
        "writer = other",
        "writer = other + f()",
        "(writer) = Agent {}",
        "t.writer = Agent {}",
        "t['writer'] = Agent {}",
        "a, writer = Agent {}, Agent {}",
        "team = {\n writer = Agent {} }",
        "writer == Agent {}",
        "return Agent {}",
        "-- writer = Agent {}",
        "f(a > b) = Agent {}",
    ],
)
def test_no_assigned_name(text: str) -> None:
    """Fields and several targets give no name."""
    assert assigned_names(text, ["Agent"]) == {}


def test_assigned_names_by_callee() -> None:
    """Each callee has its own names, those of one line in their order."""
    text = "local writer = Agent {} search = Tool {} find = Tool {}"

    assert assigned_names(text, ["Agent", "Tool"]) == {"Agent": {2: ["writer"]}, "Tool": {2: ["search", "find"]}}
    assert assigned_names(text, ["Agent"], first_line=1) == {"Agent": {1: ["writer"]}}


# --- cost -------------------------------------------------------------------------------------------------------

SAMPLE = """local function helper(a, b)
  -- adds
  local total = a + b * 2
  for i = 1, 10 do
    total = total + i; State.set("total", { value = total, name = "x" .. tostring(i) })
  end
  if total > 10 then return Human.approve { message = "ok?", timeout = 5 } end
  return total
end
result = Step.run("work", function(x, ...) return helper(x, 2) end)
"""


def test_cost_is_linear() -> None:
    """Ten times the lines cost ten times as much."""
    small, large = (lines_run(partial(functions.__wrapped__, SAMPLE * times)) for times in (20, 200))

    assert large < small * 11


def test_the_same_text_is_read_once() -> None:
    """A second reading costs nothing."""
    first: Any = functions(SAMPLE)

    assert functions(SAMPLE) is first
