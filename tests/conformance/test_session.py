"""Session and MessageHistory: one conversation, put back when a step is not run again."""

# ruff: noqa: E501 - a Lua program or a row of a table reads best in one line

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from lua_procedures import ConversionError, LuaRuntimeError
from lua_procedures.runs import Message

from .cells import Cell, messages, paths
from .programs import programs_of, statements_of

BOTH = pytest.mark.parametrize("name", ["Session", "MessageHistory"])


def said(run):
    """The messages of a run, in short."""
    return [(message.role, message.content) for message in run.messages]


@BOTH
def test_messages_in_their_order(cell, name):
    """Each way to add one, with a dot and with a colon; `history` and `get` give them all, `count` their number."""
    ran = cell.twice(f"""
        {name}.append{{role = "user", content = "one"}}
        {name}.append("assistant", "two")
        {name}:append("tool", {{answer = 3}})
        {name}:append{{role = "user", content = {{1, 2}}}}
        {name}.inject_system("five")
        {name}:inject_system("six")
        return {{{name}.history(), {name}:get(), {name}.count(), {name}:count()}}
    """)
    history, got, *counts = ran.value
    expected = [
        ("user", "one"), ("assistant", "two"), ("tool", {"answer": 3}), ("user", [1, 2]), ("system", "five"), ("system", "six"),
    ]  # fmt: skip
    assert [(row["role"], row["content"]) for row in history] == expected
    assert (got, counts) == (history, [6, 6])
    assert said(ran) == expected
    assert ran.messages[0] == Message(role="user", content="one")


def test_both_names_are_one_list(cell):
    """What one adds or clears, the other sees."""
    ran = cell("""
        Session.append("user", "a")
        MessageHistory.append("assistant", "b")
        local before = {Session.count(), MessageHistory.history()[1].content, Session.get()[2].content}
        MessageHistory.clear()
        return {before, Session.count(), #Session.history()}
    """)
    assert ran.value == [[2, "a", "b"], 0, 0]
    assert ran.messages == []


def test_an_empty_history_is_a_list(cell):
    """Also where it leaves Lua."""
    assert cell("return Session.history()").value == []


def test_messages_are_copies(cell):
    """Neither what was given nor what is handed out is a way to the message itself; State is taken as it is now."""
    ran = cell("""
        local given = {parts = {"a"}}
        Session.append("user", given)
        given.parts[1] = "changed"
        local out = Session.history()
        out[1].content.parts[1], out[2] = "changed", "more"
        state.k = {1}
        Session.append("user", state)
        Session.append("user", {state = state})
        state.k[1] = 2
        return Session.history()
    """)
    assert [row["content"] for row in ran.value] == [{"parts": ["a"]}, {"k": [1]}, {"state": {"k": [1]}}]


def test_messages_of_a_failed_run_are_there(cell):
    """Up to the error."""
    assert said(cell.failed("Session.append('user', 'a') error('x')")) == [("user", "a")]


def test_messages_that_are_not_text(cell):
    """Bytes come out as bytes, an object as itself."""
    handle = object()
    ran = cell("Session.append('user', '\\255') Session.append('tool', {input.it})", params={"it": handle})
    assert said(ran) == [("user", b"\xff"), ("tool", [handle])]


@BOTH
@pytest.mark.parametrize(
    ("call", "told"),
    [
        ("append{role = 'robot', content = 'x'}", 'role: one of system, user, assistant, tool expected, got "robot"'),
        ("append('User', 'x')", 'role: one of system, user, assistant, tool expected, got "User"'),
        ("append{content = 'x'}", "role: one of"),
        ("append{role = 'user'}", "content: a value that can be kept expected, got nil"),
        ("append('user')", "content: a value that can be kept expected, got nil"),
        ("append()", "message: a role or a message {role=, content=} expected, got nil"),
        ("append(5, 'x')", "message: a role or a message {role=, content=} expected, got a number"),
        ("append({'user', 'x'})", "message: a role or a message {role=, content=} expected, got a list"),
        ("inject_system()", "text: a string expected, got nil"),
        ("inject_system{}", "text: a string expected, got an empty table"),
    ],
)
def test_misuse(cell, name, call, told):
    """Roles and contents that there are not are an error at the line, which names the call and what it knows."""
    error = cell.fails(f"local a = 1\n{name}.{call}")
    assert isinstance(error, LuaRuntimeError)
    assert str(error).startswith(f"line 2: {name}.{call.partition('(')[0].partition('{')[0]}: {told}")


def test_what_cannot_be_kept_is_refused(cell):
    """By its path, before it is part of the conversation."""
    error = cell.fails("Session.append('user', {parts = {1, print}})")
    assert isinstance(error, ConversionError)
    assert error.path == "$.content.parts[2]"
    assert error.run is not None
    assert error.run.messages == []


def test_unknown_fields_are_left_out_with_a_warning(cell):
    """A message has a role and a content."""
    ran = cell("Session.append{role = 'user', content = 'a', name = 'Ada'}")
    assert said(ran) == [("user", "a")]
    assert messages(ran, "warning") == ["Session.append: unknown field name is left out"]


# -- in steps ----------------------------------------------------------------------------------------------


def test_what_a_step_does_to_the_conversation_is_put_back(cell):
    """At any depth, in order, also where the step failed."""
    ran = cell.twice("""
        Session.append("user", "0")
        Step.run("outer", function()
          Session.append("user", {b = 1, a = {2}})
          Step.run("inner", function() Session.inject_system("2") end)
          Session.append("user", "3")
        end)
        pcall(Step.run, "bad", function() Session.append("tool", "4") error("x") end)
        Session.append("user", "5")
        local order = {}
        for k in pairs(Session.history()[2].content) do order[#order + 1] = k end
        return {Session.count(), order}
    """)
    assert [content for _, content in said(ran)] == ["0", {"a": [2], "b": 1}, "2", "3", "4", "5"]
    assert ran.value == [6, ["a", "b"]]


def test_clearing_in_a_step_is_put_back(cell):
    """What was there before is gone, what came after stays."""
    ran = cell.twice("""
        Session.append("user", "old")
        Step.run("s", function() Session.append("user", "x") Session.clear() Session.append("user", "new") end)
        return Session.history()
    """)
    assert said(ran) == [("user", "new")]


#: Whether a step runs again when an earlier message changes.
DEPENDS = {
    "return Session.count()": True,
    "return Session.history()": True,
    "return MessageHistory.get()": True,
    "Session.append('user', 'mine')": False,
    "Session.append('user', 'mine') return Session.count()": True,
    "Session.clear() Session.append('user', 'x') return Session.count()": False,
    "local n = Session.count() Session.clear() return n": True,
    "Session.append('user', 'x') Session.clear() return Session.count()": False,
    "Step.run('t', function() Session.append('user', 'x') end)": False,
    "Step.run('t', function() return Session.count() end)": True,
    "Step.run('t', function() Session.clear() end) return Session.count()": False,
}


@pytest.mark.parametrize("body", DEPENDS)
def test_a_step_depends_on_the_messages_that_it_reads(cell, body):
    """Not on those that it only adds to, nor on those that it has cleared."""
    program = "Session.append('user', '%s')\nStep.run('s', function() " + body + " end)"
    cell(program % "first")
    assert ("0" in paths(cell(program % "second"), replayed=False)) is DEPENDS[body]
    assert paths(cell(program % "first"), replayed=False) == []


def test_a_step_does_not_depend_on_its_own_messages(cell):
    """One that appends and then reads is replayed after the same messages, and found again."""
    ran = cell.twice("""
        local seen = {}
        for i = 1, 3 do
          seen[i] = Step.run("s" .. i, function() Session.append("user", i) return Session.count() end)
        end
        return seen
    """)
    assert ran.value == [1, 2, 3]


# -- the rule ----------------------------------------------------------------------------------------------

CONTENTS = st.sampled_from(["'x'", "5", "true", "{}", "{1, 2}", "{b = 1, a = {c = 2}}", "'%(name)s'", "state.a"])
SIMPLE = st.one_of(
    st.builds("Session.append('{}', {} or 'none')".format, st.sampled_from(["user", "assistant"]), CONTENTS),
    st.builds("MessageHistory.append{{role = 'tool', content = {} or 'none'}}".format, CONTENTS),
    st.builds("state.a = {}".format, st.sampled_from(["1", "{x = 1, y = 2}", "Session.history()"])),
    st.sampled_from(
        [
            "Session.inject_system('%(name)s')",
            "Session.clear()",
            "note(out, Session.count())",
            "note(out, Json.encode(Session.history()))",
            "note(out, Session.count() > 0 and type(Session.get()[1].content))",
            "Sleep(0)",
        ]
    ),
)
STATEMENTS = statements_of(SIMPLE, "{code = 5}")
PROGRAMS = programs_of(STATEMENTS)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(PROGRAMS, st.integers(0, 6), STATEMENTS)
def test_a_second_run_is_the_first(program, place, statement):
    """Whatever is said inside and outside of steps, before and after an edit."""
    note(program.text)
    cell = Cell()
    first = cell.twice(program.text)
    edited = program.edited(place, statement).text
    assert cell(edited).value == Cell()(edited).value
    assert said(cell.twice(program.text)) == said(first)
