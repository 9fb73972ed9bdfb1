"""Tools of an MCP server in a recorded run, which is replayed without the server."""

from __future__ import annotations

import lua_procedures
from lua_procedures.durable.stores.memory import MemoryStore
from lua_procedures.testing import ScriptedChatModel

SOURCE = """
local adder = Agent{tools = {"mcp.files"}}
return {adder("Add 2 and 3").output, files_add{a = 4, b = 5}, Tool("mcp.files.add").call_count()}
"""


def test_a_server_is_not_needed(files, tmp_path):
    """Its tools and what a model was told of them are in the fixture; it is not started, configured or not."""
    calls = [{"name": "files_add", "args": {"a": 2, "b": 3}}]
    model = ScriptedChatModel(answers=[{"content": "", "tool_calls": calls}, "5"])
    path = tmp_path / "sums.json"
    live = lua_procedures.run(SOURCE, name="sums", chat_model=model, mcp_servers=files.servers(), record=path)
    asked = list(files.calls)
    assert asked

    for servers in ({}, files.servers(), {"files": {"command": "no-such-command"}}):
        again = lua_procedures.run(SOURCE, name="sums", replay=path, mcp_servers=servers, store=MemoryStore())
        assert again.value == live.value == ["5", 9, 2]
    assert files.calls == asked
