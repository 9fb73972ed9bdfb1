"""A real MCP server for each test that asks for one, in another process."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lua_procedures import get_session
from lua_procedures.tools.mcp.servers import close_servers

SERVER = Path(__file__).with_name("server.py")


class Files:
    """How to reach a server, and what was asked of it.

    Attributes:
        spec: the fields of its ``ServerSpec``.
    """

    def __init__(self, calls: Path) -> None:
        self._calls = calls
        self.spec = {"command": sys.executable, "args": [str(SERVER), str(calls)], "timeout_seconds": 60}

    @property
    def calls(self) -> list[str]:
        """What the server noted, a line for each start and call."""
        return self._calls.read_text(encoding="utf-8").splitlines() if self._calls.exists() else []

    def servers(self, **more) -> dict:
        """``mcp_servers`` with this server as ``files``."""
        return {"files": {**self.spec, **more}}


@pytest.fixture
def files(tmp_path):
    """A server that is started when it is needed, and ended after the test."""
    yield Files(tmp_path / "calls.txt")
    close_servers()


@pytest.fixture
def web(tmp_path, monkeypatch):
    """A server that listens on this machine, and asks for the token in MCP_TEST_TOKEN."""
    monkeypatch.setenv("MCP_TEST_TOKEN", "open-sesame-17")
    found = Files(tmp_path / "calls.txt")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, str(SERVER), str(tmp_path / "calls.txt"), "--http", str(port)]
    found.spec = {
        "url": f"http://127.0.0.1:{port}/mcp", "auth": {"type": "bearer", "env_var": "MCP_TEST_TOKEN"},
        "timeout_seconds": 60,
    }  # fmt: skip

    def start():
        process = subprocess.Popen(command)
        until = time.monotonic() + 60
        while time.monotonic() < until:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return process
            time.sleep(0.05)
        raise TimeoutError("the server does not listen")

    found.start, found.process = start, start()
    yield found
    close_servers()
    found.process.kill()
    found.process.wait()


@pytest.fixture
def session_servers():
    """The session's servers, none of them afterwards."""
    yield get_session().mcp_servers
    get_session().mcp_servers.clear()
    close_servers()
