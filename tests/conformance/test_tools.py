"""Tools: written in Lua, given by Python, bundled, counted, checked, approved."""

from __future__ import annotations

import asyncio
import json
import threading

import pytest
from langchain_core.tools import tool as langchain_tool

import lua_procedures
from lua_procedures import SchemaError, ToolError, UsageError, current_run, get_session, tool
from lua_procedures.testing import ScriptedChatModel

from .cells import messages, paths

ADD = "add = Tool { description = 'adds', input = {a = field.integer{required = true}, b = 'integer'}, "
ADD += "function(t) return t.a + (t.b or 0) end }"


class Counted:
    """Python tools that remember how often they were called."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def search(self, query: str, limit: int = 2) -> list[str]:
        """Search for something."""
        self.calls.append(query)
        if query == "boom":
            raise ValueError("no such thing")
        return [f"{query} {number}" for number in range(limit)]


@pytest.fixture
def counted():
    return Counted()


@pytest.fixture
def session_tools():
    """The session's tools, empty again afterwards."""
    yield get_session().tools
    get_session().tools.clear()


# --- written in Lua ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "declared",
    [
        "t = Tool { input = {x = 'integer'}, function(a) return a.x end }",
        "local t = Tool { input = {x = 'integer'}, handler = function(a) return a.x end }",
        "local t = Tool 't' { function(a) return a.x end }",
        "Tool('t') { function(a) return a.x end } local t = Tool('t')",
        "Tool { name = 't', function(a) return a.x end } local t = Tool.get('t')",
    ],
)
def test_a_lua_tool_in_every_spelling(cell, declared):
    """A tool takes its name from the assignment, from before its table, or from the field."""
    ran = cell.twice(f"{declared} return {{t{{x = 3}}, Tool('t'){{x = 4}}, t.name}}")

    assert ran.value == [3, 4, "t"]
    assert [(each.kind, each.name) for each in ran.checkpoints] == [("tool_call", "t")] * 2


def test_arguments_and_results_are_checked(cell):
    """A call that does not fit is a SchemaError with all faults, and a wrong result too."""
    error = cell.fails(f"{ADD} add{{b = 'x'}}")
    assert isinstance(error, SchemaError)
    assert {fault["field"] for fault in error.faults} == {"a", "b"}
    wrong = cell.fails("t = Tool { output = {n = field.integer{required = true}}, function() return {} end } t()")
    assert isinstance(wrong, SchemaError)
    assert wrong.message.startswith("t: the output does not fit: n: ")


def test_a_single_argument_needs_no_name(cell, counted):
    """t(value) is for tools with one argument; for others it says what they take."""
    up = "up = Tool { input = {text = 'string'}, function(t) return t.text:upper() end }"
    assert cell(f"{up} return up('a')").value == "A"
    assert cell("return search('cat')[1]", tools=[counted.search]).value == "cat 0"
    assert "arguments: a table of named arguments expected, got a string" in cell.fails(f"{ADD} add('x')").message


def test_what_a_lua_tool_does_is_done_again(cell):
    """A Lua tool is entered on each pass; what is inside replays, and its effects come back."""
    ran = cell.twice("""
        local work = Tool { function(t)
          State.increment("calls")
          return Step.run("slow", function() State.append("log", t.x) return t.x * 2 end)
        end }
        return {work{x = 1}, work{x = 2}, state.calls, state.log}
    """)
    assert ran.value == [2, 4, 2, [1, 2]]
    assert paths(ran) == ["0", "0/0", "1", "1/0"]


def test_a_tool_without_a_name_says_how_to_give_one(cell):
    """A tool in a table's field has no name of its own."""
    error = cell.fails("local t = {f = Tool { function() end }} t.f()")
    assert "a tool needs a name" in error.message


def test_an_unknown_tool_lists_the_known(cell, counted):
    """Lua's and Python's tools are listed together."""
    error = cell.fails(f"{ADD} Tool('nope')", tools=[counted.search])
    assert 'unknown tool "nope"; the tools are add, search' in error.message


# --- tracking ---------------------------------------------------------------------------------------------------

TRACKED = """
local before = {add.called(), add.call_count(), add.last_call() == nil, add.last_result() == nil}
add{a = 1, b = 2}
add{a = 5}
pcall(add, {a = "x"})
local last = add.last_call()
return {before = before, called = add.called(), count = add.call_count(), last = last.args.a, error = last.error ~= nil,
        result = add.last_result() == nil, by_name = Tool.called("add"), of = Tool.get_call_count("add"),
        all = Tool.get_call_count(), names = Tool.get_all_calls()[1].name,
        fresh = (function() add.reset() return add.called() end)()}
"""


def test_calls_are_tracked_whoever_calls(cell):
    """A call is counted once, also one that failed; reset forgets what the handle tells."""
    value = cell.twice(f"{ADD} {TRACKED}").value

    assert value["before"] == [False, 0, True, True]
    assert (value["called"], value["count"], value["of"], value["all"]) == (True, 3, 3, 3)
    assert (value["last"], value["error"], value["result"]) == ("x", True, True)
    assert (value["by_name"], value["names"], value["fresh"]) == (True, "add", False)


def test_the_run_lists_every_call(cell, counted):
    """run.tool_calls has name, arguments and result of each call, in order, results with their type."""
    program = f"{ADD} add{{a = 1}} search{{query = 'cat', limit = 1}} pcall(search, {{query = 'boom'}})"
    ran = cell(program, tools=[counted.search])

    assert [(call.name, call.args, call.result) for call in ran.tool_calls] == [
        ("add", {"a": 1}, 1),
        ("search", {"query": "cat", "limit": 1}, ["cat 0"]),
        ("search", {"query": "boom"}, None),
    ]
    assert ran.tool_calls[2].error.endswith("search: ValueError: no such thing")


def test_tracking_inside_a_step_is_put_back(cell, counted):
    """A replayed step's calls count as if it had run, and what it read of the tracking it depends on."""
    program = """
        %s
        local n = Step.run("s", function() search{query = "in"} return Tool.get_call_count() end)
        return {n, search.call_count(), search.last_result()[1]}
    """
    assert cell.twice(program % "", tools=[counted.search]).value == [1, 1, "in 0"]
    edited = cell(program % "search{query = 'first'}", tools=[counted.search])
    assert edited.value[0] == 2
    assert counted.calls == ["in", "first", "in"]


# --- given by Python --------------------------------------------------------------------------------------------


def test_a_python_tool_is_called_once(cell, counted):
    """Its result is recorded with its type, and a second run does not call it."""
    program = "return {search{query = 'cat'}, Tool('search'){query = 'dog', limit = 1}}"

    assert cell.twice(program, tools=[counted.search]).value == [["cat 0", "cat 1"], ["dog 0"]]
    assert counted.calls == ["cat", "dog"]


def test_a_failing_python_tool_is_a_tool_error(cell, counted):
    """It can be caught, replays as the same error, and ends the run as a ToolError with its cause."""
    caught = cell.twice("local ok, why = pcall(search, {query = 'boom'}) return why", tools=[counted.search])
    assert caught.value == "cell:1: search: ValueError: no such thing"
    assert counted.calls == ["boom"]

    error = cell.fails("\nsearch{query = 'boom'}", tools=[counted.search], fresh=True)
    assert isinstance(error, ToolError)
    assert error.line == 2
    assert isinstance(error.__cause__, ValueError)


def test_arguments_of_python_tools_are_checked(cell, counted):
    """Signature, hints and defaults make the schema."""
    error = cell.fails("search{limit = 'many'}", tools=[counted.search])

    assert isinstance(error, SchemaError)
    assert {fault["field"] for fault in error.faults} == {"query", "limit"}
    assert counted.calls == []


def test_a_changed_tool_runs_again(cell):
    """Its source is part of what was asked, in a call and in a step that captures it."""

    def make(answer):
        namespace: dict = {}
        source = f"def ask(x: int) -> int:\n    return x + {answer}\n"
        import linecache

        linecache.cache[f"<tool {answer}>"] = (len(source), None, source.splitlines(keepends=True), f"<tool {answer}>")
        exec(compile(source, f"<tool {answer}>", "exec"), namespace)
        return namespace["ask"]

    program = "return {ask{x = 1}, Step.run('s', function() return ask{x = 2} end)}"
    assert cell(program, tools=[make(1)]).value == [2, 3]
    assert cell(program, tools=[make(1)]).executed == 0
    changed = cell(program, tools=[make(5)])
    assert changed.value == [6, 7]
    assert "source" in changed._data.change


@pytest.mark.asyncio
async def test_async_tools_are_awaited_and_sync_tools_run_in_the_callers_thread(cell):
    """A sync tool may use what belongs to its thread; an async one lets the loop turn."""
    threads = []

    def here() -> int:
        threads.append(threading.current_thread())
        return 1

    async def later() -> int:
        threads.append(threading.current_thread())
        await asyncio.sleep(0.01)
        return 2

    ran = await lua_procedures.arun("return {here(), later()}", tools=[here, later])
    assert ran.value == [1, 2]
    assert set(threads) == {threading.current_thread()}
    assert cell("return {here(), later()}", tools=[here, later]).value == [1, 2]


def test_langchain_tools_and_the_sessions_tools(cell, session_tools):
    """LangChain tools work as they are, and what the session has is there by its name."""

    @langchain_tool
    def shout(text: str) -> str:
        """Say it loudly."""
        return text.upper()

    session_tools["whisper"] = lambda text: text.lower()
    assert cell("return {shout{text = 'a'}, whisper{text = 'B'}}", tools=[shout]).value == ["A", "b"]


def test_a_tool_asks_the_run_to_stop(cell):
    """current_run().request_stop is put back with the tool's result, and works in tools only."""

    def enough(why: str) -> str:
        current_run().request_stop(why, success=False)
        return "asked"

    program = "local r = enough('tired') return {r, Stop.requested(), Stop.reason(), Stop.success()}"
    ran = cell.twice(program, tools=[enough])
    assert ran.value == ["asked", True, "tired", False]
    with pytest.raises(UsageError):
        current_run()


@pytest.mark.parametrize("ending", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_in_a_tool_cancels_the_run(cell, ending):
    """It is no failure of the tool: nothing is recorded, and pcall does not see it."""

    def stop() -> None:
        raise ending

    with pytest.raises(KeyboardInterrupt):
        cell("return pcall(stop)", tools=[stop])
    assert cell("return 1").executed == 0


def test_a_clash_of_names_is_refused(cell, counted):
    """A tool may not have the name of a primitive, and two may not share one."""
    with pytest.raises(UsageError, match="'State' is a name of the language"):
        cell("return 1", tools={"State": counted.search})
    with pytest.raises(UsageError, match="two tools are named 'search'"):
        cell("return 1", tools=[counted.search, counted.search])


def test_a_recorded_run_can_be_shown_without_its_tools(tmp_path, counted):
    """What a replay needs to know of a tool is kept with the run; only what must run needs the tool itself."""
    store = f"sqlite:///{tmp_path / 'runs.db'}"
    program = """
        local a = search{query = 'cat'} pcall(search, {limit = 'x'})
        Human.approve('go?')
        return search{query = 'dog'}
    """
    lua_procedures.run(program, name="r", store=store, tools=[counted.search])
    get_session().given.clear()

    shown = lua_procedures.api.show("r", store=store)
    assert (shown.status, shown.replayed) == ("paused", 2)
    lua_procedures.answer("r", value=True, store=store)
    with pytest.raises(UsageError, match="the tool 'search' is not here"):
        lua_procedures.resume("r", store=store)
    assert lua_procedures.resume("r", store=store, tools=[counted.search]).value == ["dog 0", "dog 1"]


# --- approval ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("written", ["Lua", "Python"])
def test_a_tool_that_requires_approval_asks_first(cell, written):
    """The question shows the arguments; a refusal is a ToolError and the tool does not run."""
    ran_with = []

    @tool(requires_approval=True)
    def drop(table: str) -> str:
        ran_with.append(table)
        return "dropped"

    head = "" if written == "Python" else "drop = Tool { requires_approval = true, function(t) return 'dropped' end }"
    tools = [drop] if written == "Python" else []
    program = f"{head} return drop{{table = 'users'}}"
    asked = cell(program, tools=tools)

    assert asked.status == "paused"
    assert (asked.pending.kind, asked.pending.message) == ("approve", "Run the tool drop?")
    assert asked.pending.artifact == {"table": "users"}
    assert ran_with == []
    assert cell(program, tools=tools, answers=[True]).value == "dropped"
    refused = cell.fails(program, tools=tools, answers=[False], fresh=True)
    assert isinstance(refused, ToolError)
    assert "a person did not approve the call" in refused.message


REFUSED = {
    "outermost": "local ok, said = pcall(drop, {table = 'users'})",
    "in a step": "local ok, said = Step.run('all', function() return pcall(drop, {table = 'users'}) end)",
    "in a turn": "local agent = Agent {tools = {drop}} local said = agent('Go').tool_calls[1].result",
}


@pytest.mark.parametrize("written", ["Lua", "Python"])
@pytest.mark.parametrize("place", REFUSED)
def test_redo_of_a_tool_asks_again_what_was_refused(cell, written, place):
    """The question whether a tool may run belongs to it, wherever it was asked; a refusal is no failure."""

    @tool(requires_approval=True)
    def drop(table: str) -> str:
        return "dropped " + table

    head = (
        "" if written == "Python" else "drop = Tool { requires_approval = true, function() return 'dropped users' end }"
    )
    calling = {"tool_calls": [{"name": "drop", "args": {"table": "users"}}]}
    options = {"tools": [drop] if written == "Python" else [], "chat_model": ScriptedChatModel([calling, "no", "yes"])}
    program = f"{head} {REFUSED[place]} Step.run('before', function() end) return said"

    assert cell(program, answers=[False], **options).value != "dropped users"
    assert cell(program, redo="failed", **options).executed == 0
    again = cell(program, redo="drop", answers=[True], **options)
    assert again.value == "dropped users"
    assert again._data.change.endswith("runs again, as asked")
    assert not again.notices
    assert cell(program, **options).executed == 0


@pytest.mark.parametrize("written", ["Lua", "Python"])
def test_arguments_to_approve_have_an_order(cell, written):
    """That of the Python signature, else that of the alphabet, also inside of them."""

    @tool(requires_approval=True)
    def send(whom: str, subject: str, body: dict[str, int], at: int = 0, copies: int = 0) -> str:
        return whom

    head = "" if written == "Python" else "send = Tool { requires_approval = true, function(t) return t.whom end }"
    given = "send{at = 1, body = {delta = 1, alpha = 2, gamma = 3, beta = 4}, whom = 'Ann', copies = 2, subject = 'x'}"
    asked = cell(f"{head} return {given}", tools=[send] if written == "Python" else [])

    signature = ["whom", "subject", "body", "at", "copies"]
    assert list(asked.pending.artifact) == (signature if written == "Python" else sorted(signature))
    assert list(asked.pending.artifact["body"]) == ["alpha", "beta", "delta", "gamma"]
    bare = cell("drop = Tool { requires_approval = true, function() end } drop()", fresh=True)
    assert bare.pending.artifact == {}


@pytest.mark.parametrize("given", ["input", "{x = state.list}", "{x = GraphNode.create('n')}", "{['\\0'] = 1, x = 2}"])
def test_any_arguments_can_be_approved(cell, given):
    """The program's own inputs, what stands in State, a node, a key that means something to us."""
    program = f"""
        state.list = {{1, 2}}
        t = Tool {{ requires_approval = true, function(t) return Json.encode(t.x) end }}
        return t({given})
    """
    asked = cell(program, params={"x": 5})
    shown = json.loads(cell(program, params={"x": 5}, answers=[True]).value)
    assert asked.pending.artifact["x"] == shown


def test_arguments_are_checked_before_a_person_is_asked(cell):
    """Nobody is asked to approve a call that cannot be made."""

    @tool(requires_approval=True)
    def drop(table: str) -> str:
        return table

    assert isinstance(cell.fails("drop{}", tools=[drop]), SchemaError)


# --- bundles and done -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "declared", ["math2 = Toolset {", "local math2 = Toolset 'math2' {", "local math2 = Toolset {"]
)
def test_a_toolset_names_its_tools(cell, counted, declared):
    """For tracking they are set_tool, in Lua set.tool; a tool's own name is taken or a key given."""
    ran = cell.twice(
        f"{ADD} {declared} tools = {{add, 'search'}} }} local named = Toolset 'n' {{ tools = {{plus = add}} }}\n"
        "return {math2.add{a = 1, b = 1}, #math2.search{query = 'x'}, named.plus{a = 4}, Tool.called('math2_add'), "
        "add.called(), Tool('n_plus').call_count(), math2.name}",
        tools=[counted.search],
    )
    assert ran.value == [2, 2, 4, True, False, 1, "math2"]


def test_a_toolset_says_what_it_has(cell):
    """An unknown member is an error that lists the tools."""
    error = cell.fails(f"{ADD} s = Toolset {{tools = {{add}}}} s.minus()")
    assert "no tool minus in this toolset; it has add" in error.message


@pytest.mark.parametrize("name", ["done", "tactus.tools.done"])
def test_done_requests_a_stop(cell, name):
    """It returns the reason, which has a default, and its arguments are tracked."""
    ran = cell.twice(f"""
        local done = require("{name}")
        local first = {{done(), Stop.reason()}}
        local second = done{{reason = "all found", success = false}}
        local given = done.last_call().args.reason
        return {{first, second, Stop.reason(), Stop.success(), given, Tool.called("done")}}
    """)
    assert ran.value == [["Task completed", "Task completed"], "all found", "all found", False, "all found", True]


# --- what steps capture -----------------------------------------------------------------------------------------


def test_a_step_depends_on_the_tools_it_captures(cell):
    """An edit of a Lua tool's function or schema runs the step again, without a warning."""
    declared = "t = Tool { input = {x = 'integer'}, function(a) return a.x + 1 end }"
    program = f"{declared} return Step.run('s', function() return t{{x = 1}} end)"
    assert messages(cell(program), "warning") == []
    assert cell(program).executed == 0
    assert cell(program.replace("a.x + 1", "a.x + 2")).value == 3
    assert cell(program.replace("'integer'", "'number'")).executed == 1


# --- replayed ---------------------------------------------------------------------------------------------------

KEEPS = "keeps = Tool { function(t) State.append('list', t.x) return state.list end }"


def test_a_record_keeps_the_result_as_it_was(cell):
    """What becomes of a result afterwards changes no record, neither live nor when a step puts the record back."""
    ran = cell.twice(f"{KEEPS} Step.run('s', function() keeps{{x = 1}} end) keeps{{x = 2}} State.append('list', 3)")
    assert [call.result for call in ran.tool_calls] == [[1], [1, 2]]


def test_a_record_put_back_is_the_record(cell):
    """A dict in it is visited in the same order, and what the journal does not keep is not in it."""
    program = """
        local echo = Tool { function(t) return t end }
        Step.run('s', function() echo{z = 1, y = {}, x = {k = null}, w = object{}, v = {1, null}} end)
        local keys = {}
        for k in pairs(echo.last_result()) do keys[#keys + 1] = k end
        return {keys, Json.encode(echo.last_call())}"""
    assert cell.twice(program).value[0] == ["v", "w", "x", "y", "z"]


@pytest.mark.parametrize("call", ["fetch{x = print}", "any{x = print}", "local t = {} t.t = t any(t)"])
def test_a_call_with_what_cannot_be_kept_is_recorded_as_text(cell, call):
    """One such call spoils neither the step it stands in nor the records of all others."""

    def fetch(x: int) -> int:
        return x

    program = f"""
        any = Tool {{ function() return 1 end }}
        Step.run('s', function() pcall(function() {call} end) end)
        any{{x = 2}}"""
    ran = cell.twice(program, tools=[fetch])
    assert isinstance(ran.tool_calls[0].args, str)
    assert ran.tool_calls[1].args == {"x": 2}


def test_a_step_that_looks_at_all_calls_depends_on_them(cell):
    """A call with other arguments is another one, also of a tool that has nothing to replay."""
    program = """
        local one = Tool { function() return 1 end }
        one{x = %d}
        return Step.run('s', function()
          one{x = 9}
          return {Tool.get_all_calls()[1].args.x, Tool.get_call_count()}
        end)"""
    assert cell.twice(program % 1).value == [1, 2]
    assert cell(program % 2).value == [2, 2]


def test_errors_of_tools_are_readable_text(cell):
    """Whatever is raised: bytes, and tables with a message."""
    program = """
        t = Tool { function(a) error(a.x == 1 and "\\xff" or {code = 5, message = "quota"}) end }
        pcall(t, {x = 1}) pcall(t, {x = 2})
        return 1
    """
    assert [each.error for each in cell.twice(program).tool_calls] == ["cell:2: ÿ", "quota"]


def test_calls_of_tools_beyond_max_bytes_are_left_out_with_a_notice(cell):
    """The newest ones; what is left fits."""
    program = "t = Tool { function() return ('x'):rep(1000) end } for i = 1, 10 do t{} end"
    ran = cell.twice(program, limits={"max_bytes": 5000})
    assert len(ran.tool_calls) == 4
    assert "the last 6 of 10 tool calls are left out of the run" in messages(ran, "warning")[0]
