"""Tools of a real MCP server in another process, as programs see them."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time

import psutil
import pytest

import lua_procedures
from lua_procedures import SchemaError, ServerSpec, ToolError, ToolSpec, UsageError, get_session
from lua_procedures.testing import ScriptedChatModel
from lua_procedures.tools.mcp.catalog import Catalog
from lua_procedures.tools.mcp.servers import close_servers
from lua_procedures.tools.registry import Registry

from ...bounds import eventually
from .conftest import SERVER

PATIENT = {"timeout_seconds": 7200}


def run(source, files, **options):
    return lua_procedures.run(source, mcp_servers=files.servers(**options.pop("spec", {})), **options)


@pytest.mark.parametrize(
    "call",
    [
        "files_add{a = 2, b = 3}",
        'Tool("files_add"){a = 2, b = 3}',
        'Tool("mcp.files.add"){a = 2, b = 3}',
        'Tool.get("mcp.files.add"){a = 2, b = 3}',
    ],
)
def test_a_tool_in_every_spelling(files, call):
    """A server's tool is a global, and known by both of its names, which are the same tool."""
    found = run(
        f'local sum = {call} return sum, Tool("mcp.files.add").call_count(), Tool.called("mcp.files.add")', files
    )
    assert found.value == [5, 1, True]
    assert [(each.kind, each.name) for each in found.checkpoints] == [("tool_call", "files_add")]
    assert [(each.name, each.args, each.result) for each in found.tool_calls] == [("files_add", {"a": 2, "b": 3}, 5)]


def test_a_name_that_lua_cannot_say(files):
    """A tool is a global by its name with _ for what Lua cannot say, and has its own name after the server's."""
    found = run('return files_read_file("a.txt"), Tool("mcp.files.read-file"){path = "b.txt"}', files)
    assert found.value == ["text of a.txt", "text of b.txt"]


def test_results_keep_their_kind(files):
    """Structured content is a table, one text a string, several a list, nothing is nil."""
    found = run(
        "return {s = files_structured(), t = files_texts(), e = files_echo('x'), n = files_nothing() == nil}", files
    )
    assert found.value == {"s": {"x": 1, "label": "here"}, "t": ["first", "second"], "e": "x", "n": True}


def test_arguments_are_checked_before_the_call(files):
    """Arguments that miss the server's schema are refused with all faults, and the server hears nothing."""
    with pytest.raises(SchemaError) as caught:
        run("return files_add{a = 'two'}", files)
    assert caught.value.faults == [{"field": "a", "expected": "an integer", "actual": '"two"'}]
    assert caught.value.line == 1
    assert files.calls == ["started"]


def test_an_error_of_a_tool_is_a_tool_error(files):
    """A tool that fails raises a ToolError that says which server and why, and the program may catch it."""
    found = run("local ok, why = pcall(files_fail, {text = 'no'}) return ok, tostring(why), files_add{a = 1}", files)
    assert found.value[0] is False
    assert "files: Error executing tool fail" in found.value[1]
    assert found.value[2] == 1
    with pytest.raises(ToolError, match="files: Error executing tool fail"):
        run("files_fail{text = 'no'}", files)


def test_a_program_that_mentions_no_server_starts_none(files):
    """Only servers that the program can mean are started: not for a variable that is named like a tool."""
    source = "local files_left = 2\nfiles_count = files_left + 1\nfunction files_of(x) return x end\n"
    assert run(source + "return files_of(files_count)", files).value == 3
    assert files.calls == []


def test_a_mocked_tool_starts_no_server(files):
    """A mocked run makes no call: where all tools that are mentioned are mocked, their server is not started."""
    assert run("Mocks { files_add = {returns = 7} } return files_add{a = 1}", files).value == 7
    assert not run("Mocks { files_add = {returns = 7} } return 1", files).notices
    assert files.calls == []


def test_a_module_may_use_a_server(files, monkeypatch):
    """A server that only a required cell mentions is started too."""
    monkeypatch.setitem(
        get_session().definitions, "sums", lua_procedures.modules.Module("return {add = files_add}", "sums")
    )
    assert run('return require("sums").add{a = 4}', files).value == 4


def test_servers_of_the_session(files, session_servers):
    """The session's servers are there for every run, as ServerSpec or dict; a call's own come first."""
    session_servers["files"] = ServerSpec(**files.spec)
    assert lua_procedures.run("return files_add{a = 4}").value == 4
    session_servers["files"] = {"command": "no-such-program"}
    assert run("return files_add{a = 5}", files).value == 5


def test_one_connection_is_kept(files):
    """Later runs of the session use the connection of the first."""
    assert [run("return files_add{a = 1}", files).value for _ in range(3)] == [1, 1, 1]
    assert files.calls.count("started") == 1


def test_only_some_tools(files):
    """A spec may name the tools to take; others are not there."""
    with pytest.raises(lua_procedures.LuaRuntimeError, match='unknown tool "files_echo"; the tools are files_add'):
        run('return Tool("files_echo")', files, spec={"tools": ["add"]})


def test_all_tools_of_a_server(files):
    """A server's name means all of its tools, as programs call them; a name that is no server's means nothing."""
    servers = Catalog(files.servers(tools=["add", "read-file"]))
    servers.expect('tools = {"mcp.files"}')
    servers.contact_here()
    registry = Registry([], {}, servers=servers)
    rows = registry.rows()
    assert registry.bundle("mcp.files", rows) == registry.bundle("files", rows) == ["files_add", "files_read_file"]
    assert (registry.bundle("web", rows), registry.bundle("mcp.web", rows)) == (None, None)
    assert rows["files_add"]["schema"]["required"] == ["a"]
    silent = Registry([], {}, servers=Catalog(files.servers()))
    assert silent.bundle("files", silent.rows(rows)) == ["files_add", "files_read_file"]


def test_an_agent_uses_a_server(files):
    """An agent that is given a server has its tools, and its calls are tool calls of the turn."""
    model = ScriptedChatModel([{"tool_calls": [{"name": "files_add", "args": {"a": 1, "b": 2}}]}, "three"])
    source = 'worker = Agent { tools = {"mcp.files"} } return worker("add").content'
    found = run(source, files, chat_model=model, spec={"tools": ["add", "echo"]})
    assert found.value == "three"
    assert model.requests[0]["tools"] == ["files_add", "files_echo"]
    assert [(each.name, each.result) for each in found.tool_calls] == [("files_add", 3)]


# --- servers that fail ------------------------------------------------------------------------------------------


def test_a_server_that_dies_gives_a_tool_error_and_is_started_again(files):
    """A death in the middle of a call is a ToolError with the last words; the next call has a new server."""
    source = "local ok, why = pcall(files_die) return ok, tostring(why), files_add{a = 1}"
    found = run(source, files)
    assert found.value[0] is False
    assert found.value[1].endswith("files: the server ended: fatal: the disk is gone")
    assert found.value[2] == 1
    assert files.calls == ["started", "die", "started", "add 1 0"]
    assert run(source, files).value[2] == 1


def test_a_server_that_was_killed_between_calls(files):
    """A server that is gone before a call is started again for it: the program notices nothing."""
    run("return files_add{a = 1}", files)
    for each in psutil.Process().children():
        each.kill()
        each.wait()
    time.sleep(0.3)  # until the end of its output was read
    assert run("return files_add{a = 2}", files).value == 2
    assert files.calls == ["started", "add 1 0", "started", "add 2 0"]


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ({"command": "no-such-program", "args": []}, "cannot be started: .*no-such-program"),
        ({"args": ["-c", "import sys; print('one'); sys.exit('no config')"]}, r"cannot be started: [^\n]*\nno config"),
        (
            {"args": ["-c", "import time; time.sleep(60)"], "timeout_seconds": 0.5},
            "longer than 0.5 seconds to be started",
        ),
    ],
)
def test_a_server_that_does_not_start(files, spec, why, capfd):
    """The call says why, with what the server wrote, none of which spills; the rest of the program runs."""
    with pytest.raises(ToolError, match=f"files: the server {why}|files: the server took {why}"):
        run("Step.run('a', function() return 1 end) return files_add{a = 1}", files, spec=spec)
    assert run("return pcall(files_add, {a = 1})", files, spec=spec).value[0] is False
    assert capfd.readouterr() == ("", "")


def test_a_call_that_takes_too_long(files):
    """A timeout is a ToolError, and the server lives on."""
    run("files_add{a = 1}", files, spec=PATIENT)
    source = "local ok, why = pcall(files_slow, {seconds = 3600}) return tostring(why), files_add{a = 1}"
    spec = ToolSpec(name="slow", tool_type="mcp", mcp_server="files", timeout_seconds=0.3)
    found = run(source.replace("files_slow", "slow"), files, tools=[spec], spec=PATIENT)
    assert found.value[0].endswith("files: slow took longer than 0.3 seconds")
    assert found.value[1] == 1
    assert files.calls.count("started") == 1


def test_no_such_tool(files):
    """A tool that the server does not have is an error that lists those it has."""
    with pytest.raises(lua_procedures.LuaRuntimeError, match='unknown tool "files_subtract"; the tools are files_add'):
        run('return Tool("files_subtract")', files)


# --- waiting ----------------------------------------------------------------------------------------------------


def test_awaited_runs(files):
    """From a coroutine a tool is awaited: other tasks go on, and two runs call side by side."""

    async def both():
        servers = files.servers(**PATIENT)

        async def let_go():
            await asyncio.to_thread(eventually, lambda: files.calls.count("slow begins") == 2)
            files.let_go()

        runs = [lua_procedures.arun("return files_slow{seconds = 3600}", mcp_servers=servers) for _ in range(2)]
        *found, _ = await asyncio.gather(*runs, let_go())
        return [each.value for each in found]

    assert asyncio.run(both()) == ["done", "done"]
    assert files.calls[-5:] == ["slow begins", "slow begins", "let go", "slow ends", "slow ends"]


def test_run_inside_a_running_loop(files):
    """`run` works inside a running loop, too."""

    async def main():
        return run("return files_add{a = 3}", files).value

    assert asyncio.run(main()) == 3


@pytest.mark.skipif(sys.platform == "win32", reason="a process cannot send itself an interrupt there")
@pytest.mark.parametrize("inside", [False, True])
def test_the_stop_button_ends_a_call(files, inside):
    """KeyboardInterrupt comes through while the server still works, and the next run goes on with the same server."""
    run("files_add{a = 1}", files, spec=PATIENT)

    def stop():
        eventually(lambda: "slow begins" in files.calls)
        os.kill(os.getpid(), signal.SIGINT)

    def stopped():
        threading.Thread(target=stop).start()
        with pytest.raises(KeyboardInterrupt):
            run("files_slow{seconds = 3600}", files, name="stopped", spec=PATIENT)

    async def within():
        stopped()

    if inside:
        asyncio.run(within())
    else:
        stopped()
    assert "slow ends" not in files.calls
    assert get_session().runs["stopped"].status == "cancelled"
    assert run("return files_add{a = 2}", files, spec=PATIENT).value == 2
    assert files.calls.count("started") == 1


# --- the journal ------------------------------------------------------------------------------------------------


def test_a_recorded_run_needs_no_server(files, tmp_path):
    """A call is made once; a run that is recorded is shown and replayed where its server cannot be started."""
    store = f"sqlite:///{tmp_path}/runs.db"
    source = "local sum = files_add{a = 2} return sum, Tool('mcp.files.add').call_count()"
    assert run(source, files, name="r", store=store).executed == 1
    assert run(source, files, name="r", store=store).replayed == 1
    close_servers()
    gone = {"command": "no-such-program", "args": []}
    again = run(source, files, name="r", store=store, spec=gone)
    assert (again.value, again.replayed, again.executed) == ([2, 1], 1, 0)
    assert lua_procedures.resume("r", store=store).value == [2, 1]
    assert lua_procedures.api.show("r", store=store).value == [2, 1]
    assert files.calls == ["started", "add 2 0"]
    with pytest.raises(ToolError, match="files: the server cannot be started"):
        run(source.replace("a = 2", "a = 3"), files, name="r", store=store, spec=gone)


def test_showing_a_run_starts_nothing(files, tmp_path, session_servers):
    """A run is shown from its store alone."""
    session_servers.update(files.servers())
    store = f"sqlite:///{tmp_path}/runs.db"
    lua_procedures.run("return files_add{a = 2}", name="r", store=store)
    close_servers()
    assert lua_procedures.api.show("r", store=store).value == 2
    assert files.calls == ["started", "add 2 0"]


def test_a_changed_schema_runs_the_call_again(files, tmp_path):
    """A call is repeated when the tool's schema changes; its description may change."""
    source = SERVER.read_text(encoding="utf-8")
    edits = [("", "", 1), ('"""Adds two numbers."""', '"""Adds numbers."""', 0), ("b: int = 0", "b: int = 5", 1)]
    for number, (old, new, executed) in enumerate(edits):
        changed = tmp_path / f"server{number}.py"
        changed.write_text(source.replace(old, new), encoding="utf-8")
        spec = {"args": [str(changed), str(files.path)]}
        assert run("return files_add{a = 2}", files, name="changing", spec=spec).executed == executed


def test_secrets_stay_out(files, tmp_path, monkeypatch):
    """The server gets the secret; journal, record and export do not, also where the server prints it as it dies."""
    monkeypatch.setenv("MCP_TEST_SECRET", "hunter2-hunter2")
    store = f"sqlite:///{tmp_path}/runs.db"
    source = """
    local long = files_knows{name = "FILES_TOKEN"}
    local ok, why = pcall(files_tell, {name = "FILES_TOKEN"})
    return long, tostring(why), files_knows{name = "MCP_TEST_SECRET"}
    """
    found = run(source, files, name="r", store=store, spec={"env": {"FILES_TOKEN": "MCP_TEST_SECRET"}})
    assert found.value[0] == "15"
    assert found.value[1].endswith("files: the server ended: bad token [MCP_TEST_SECRET]")
    assert found.value[2] == "0"
    for name in ("r.json", "r.html", "r.md", "r.pickle"):
        found.export(tmp_path / name)
    shown = json.dumps(found._repr_mimebundle_())
    assert "hunter2" not in shown
    assert [path.name for path in tmp_path.iterdir() if b"hunter2" in path.read_bytes()] == []


def test_approval(files):
    """A tool for which the spec asks for approval is run only when a person says yes."""
    spec = {"requires_approval": ["add"]}
    with pytest.raises(ToolError, match="a person did not approve the call"):
        run("return files_add{a = 1}", files, answers=[False], spec=spec)
    assert files.calls == ["started"]
    found = run("return files_add{a = 1}, files_echo('x')", files, answers=[True], spec=spec)
    assert found.value == [1, "x"]
    asked = run("return files_add{a = 1}", files, spec={"requires_approval": True})
    assert (asked.status, asked.pending.artifact) == ("paused", {"a": 1})


# --- specs ------------------------------------------------------------------------------------------------------


def test_a_tool_spec_gives_a_tool_under_its_own_name(files):
    """A ToolSpec of type mcp has its own name, description, schema, and tool of the server."""
    spec = ToolSpec(
        name="plus", tool_type="mcp", mcp_server="files", metadata={"tool": "add"}, requires_approval=True,
        schema_def={"properties": {"a": {"type": "integer", "maximum": 10}}, "required": ["a"]},
    )  # fmt: skip
    found = run("return plus(3), plus.description", files, tools=[spec], answers=[True])
    assert found.value == [3, "Adds two numbers."]
    with pytest.raises(SchemaError, match="at most 10"):
        run("return plus(30)", files, tools=[spec], answers=[True])


def test_a_tool_spec_of_an_unknown_server(files):
    """A spec whose server is not there is an error that lists the servers."""
    spec = ToolSpec(name="plus", tool_type="mcp", mcp_server="sums")
    with pytest.raises(ToolError, match="there is no MCP server 'sums'\nThe servers in mcp_servers: files"):
        run("return plus(3)", files, tools=[spec])


# --- HTTP -------------------------------------------------------------------------------------------------------


def test_a_server_over_http(web):
    """A server that runs already is reached by its address, with the token from the environment."""
    found = run("return files_add{a = 2, b = 3}, files_structured().x, files_echo('é')", web)
    assert found.value == [5, 1, "é"]
    assert "http unknown" not in web.calls


def test_http_without_the_right_token(web, monkeypatch):
    """A server that refuses the token is a ToolError, and so is a variable that is not set."""
    monkeypatch.setenv("MCP_TEST_TOKEN", "wrong-wrong-wrong")
    with pytest.raises(ToolError, match="files: the server cannot be reached") as caught:
        run("return files_add{a = 2}", web)
    assert "wrong" not in str(caught.value)
    monkeypatch.delenv("MCP_TEST_TOKEN")
    close_servers()
    with pytest.raises(ToolError, match="the environment variable MCP_TEST_TOKEN is not set"):
        run("return files_add{a = 2}", web)


def test_http_server_that_is_started_again(web):
    """A server that was restarted is met again; one that is gone is a ToolError."""
    assert run("return files_add{a = 2}", web).value == 2
    web.kill()
    web.start()
    assert run("return files_add{a = 3}", web).value == 3
    web.kill()
    with pytest.raises(ToolError, match="files: "):
        run("return files_add{a = 4}", web)


def test_a_process_ends_its_servers(files):
    """When Python ends, the servers that it started end, and nothing is written."""
    code = f"""
import lua_procedures
print(lua_procedures.run("return files_add{{a = 1}}", mcp_servers={files.servers()!r}).value)
"""
    command = [sys.executable, "-W", "error", "-X", "dev", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert (done.stdout, [line for line in done.stderr.splitlines() if "Warning" in line]) == ("1\n", [])
    commands = [each.info["cmdline"] or [] for each in psutil.process_iter(["cmdline"])]
    assert [command for command in commands if str(files.path) in command] == []


def test_without_the_package(files, monkeypatch):
    """Where the SDK is not installed the call says how to get it."""
    monkeypatch.setitem(sys.modules, "mcp", None)
    with pytest.raises(
        ToolError, match=r"the package mcp is not installed\nInstall it: pip install 'lua-procedures\[mcp\]'"
    ):
        run("return files_add{a = 1}", files)


@pytest.mark.parametrize(
    ("servers", "why"),
    [
        ([], "mcp_servers: a dict by name expected, got list"),
        ({"files": 3}, "mcp_servers: files: a ServerSpec or a dict expected, got a int"),
        ({"a b": {"command": "x"}}, "mcp_servers: a name of letters"),
        ({"files": {}}, "mcp_servers: files: either command"),
        ({"files": {"command": "x", "url": "http://h"}}, "mcp_servers: files: either command"),
        ({"files": {"command": "x", "headers": {"A": "B"}}}, "headers belongs to url, not to command"),
        ({"files": {"url": "http://h", "env": {"A": "B"}}}, "env belongs to command, not to url"),
        ({"files": {"url": "ftp://h"}}, "url: an http or https address expected"),
        ({"files": {"url": "http://me:secret@h"}}, "url: no user and password in the address"),
        ({"files": {"command": "x", "env": {"TOKEN": "hunter2-secret"}}}, "env: the name of an environment variable"),
        ({"files": {"command": "x", "timeout_seconds": 0}}, "timeout_seconds"),
        ({"files": {"comand": "x"}}, "comand"),
    ],
)
def test_contradictory_specs_are_refused(servers, why):
    """A spec that cannot be meant is a UsageError that says what is wrong, and repeats no value."""
    with pytest.raises(UsageError, match=why) as caught:
        lua_procedures.run("return 1", mcp_servers=servers)
    assert "me:secret" not in str(caught.value)
    assert "hunter2" not in str(caught.value)
