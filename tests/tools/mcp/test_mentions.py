"""Which servers a program's text can mean."""

from __future__ import annotations

import pytest

from lua_procedures.tools.mcp.mentions import mentions, texts

SERVERS = ["files", "web-search"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("files_read{}", {"files": {"read"}}),
        ("local read = files_read", {"files": {"read"}}),
        ("worker = Agent { tools = {files_read, 'web_search_find'} }", {"files": {"read"}, "web-search": {"find"}}),
        ('Tool("files_read-it")', {"files": {"read-it"}}),
        ('Tool("mcp.files.read-it")', {"files": {"read-it"}}),
        ('tools = {"mcp.web-search"}', {"web-search": set()}),
        ('Agent { tools = {"files"} }', {"files": set()}),
        ('input["files"]', {}),
        ("my_files_read() state.files_read() state:files_read() files", {}),
        ("files_count = 1 return files_count", {}),
        ("for i = 1, 2 do files_count = i end", {}),
        ("if files_count == 1 then end", {"files": {"count"}}),
        ("local function files_of() end files_of()", {}),
    ],
)
def test_what_is_mentioned(text, found):
    """A tool's name in use or in quotes mentions its server; a field, or a variable of the program's own, does not."""
    assert {server: set(each.tools) for server, each in mentions(text, SERVERS).items()} == found


@pytest.mark.parametrize(
    ("text", "needed"),
    [
        ("Mocks { files_read = {returns = 1} } files_read{}", False),
        ("Mocks { ['files_read'] = {returns = 1} } files_read{}", False),
        ("Mocks {\n  files_read = {returns = 1},\n}\nfiles_read{}", False),
        ("Mocks { files_read = {returns = 1} } files_write{}", True),
        ("files_read{}", True),
    ],
)
def test_mocks_need_no_server(text, needed):
    """A server is needed unless all of its tools that are mentioned are mocked; they are tools all the same."""
    found = mentions(text, SERVERS)["files"]
    assert (found.is_needed, "read" in found.tools) == (needed, True)


def test_texts_of_modules():
    """What is required by name counts, also by what is required, each once."""
    modules = {"a": "require 'b' A", "b": "require('a') require(\"c\") B"}
    assert texts('require("a")', modules.get) == "require(\"a\")\nrequire 'b' A\nrequire('a') require(\"c\") B\n"
