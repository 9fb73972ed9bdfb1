"""A real MCP server for the tests: ``server.py CALLS [--http PORT]``; each call is a line in the file CALLS."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pydantic import BaseModel

CALLS = Path(sys.argv[1])


def new_server() -> Any:
    """A server of the SDK, whose two major versions name it otherwise."""
    if find_spec("mcp.server.mcpserver"):
        return import_module("mcp.server.mcpserver").MCPServer("tests")
    return import_module("mcp.server.fastmcp").FastMCP("tests")


server = new_server()


def note(text: str) -> None:
    with CALLS.open("a", encoding="utf-8") as file:
        file.write(text + "\n")


def let_go() -> bool:
    return "let go" in CALLS.read_text(encoding="utf-8")


class Point(BaseModel):
    x: int
    label: str = "here"


@server.tool()
def add(a: int, b: int = 0) -> int:
    """Adds two numbers."""
    note(f"add {a} {b}")
    return a + b


@server.tool(structured_output=False)
def echo(text: str) -> str:
    """Says it again."""
    note("echo")
    return text


@server.tool(name="read-file", structured_output=False)
def read_file(path: str) -> str:
    """A tool whose name is none of Lua."""
    return f"text of {path}"


@server.tool()
def fail(text: str) -> str:
    """Fails."""
    raise ValueError(text)


@server.tool(structured_output=False)
async def slow(seconds: float) -> str:
    """Waits for so long, or until it is let go."""
    note("slow begins")
    end = time.monotonic() + seconds
    while time.monotonic() < end and not let_go():  # noqa: ASYNC110 - it is another process that lets go
        await asyncio.sleep(0.02)
    note("slow ends")
    return "done"


@server.tool(structured_output=False)
def die() -> str:
    """Ends the server."""
    note("die")
    sys.stderr.write("fatal: the disk is gone\n")
    os._exit(3)


@server.tool()
def structured() -> Point:
    """A table."""
    return Point(x=1)


@server.tool(structured_output=False)
def texts() -> list[str]:
    """Two texts."""
    return ["first", "second"]


@server.tool(structured_output=False)
def nothing() -> None:
    """Nothing."""


@server.tool(structured_output=False)
def knows(name: str) -> str:
    """Whether the environment has a value, and how long it is."""
    return str(len(os.environ.get(name, "")))


@server.tool(structured_output=False)
def tell(name: str) -> str:
    """Fails, and tells a secret."""
    sys.stderr.write(f"bad token {os.environ[name]}\n")
    os._exit(1)


def serve(port: int) -> None:
    """Serve streamable HTTP, only to who has the token."""
    import uvicorn

    app = server.streamable_http_app()

    async def guarded(scope, receive, send) -> None:
        if scope["type"] == "http":
            given = dict(scope["headers"]).get(b"authorization", b"").decode()
            note(f"http {'known' if given == 'Bearer open-sesame-17' else 'unknown'}")
            if not given.endswith("open-sesame-17"):
                await send({"type": "http.response.start", "status": 401, "headers": []})
                await send({"type": "http.response.body", "body": b"who are you"})
                return
        await app(scope, receive, send)

    uvicorn.run(guarded, host="127.0.0.1", port=port, log_level="error", ws="none")


if __name__ == "__main__":
    note("started")
    if "--http" in sys.argv:
        serve(int(sys.argv[sys.argv.index("--http") + 1]))
    else:
        server.run()
