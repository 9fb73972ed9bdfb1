"""A real MCP server for each test that asks for one, in another process."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lua_procedures import get_session
from lua_procedures.tools.mcp.servers import close_servers

from ...bounds import PATIENCE, eventually

SERVER = Path(__file__).with_name("server.py")


class Files:
    """How to reach a server, and what was asked of it.

    Attributes:
        path: the file in which it notes what was asked.
        spec: the fields of its ``ServerSpec``.
    """

    def __init__(self, calls: Path) -> None:
        self.path = calls
        self.spec: dict[str, Any] = {
            "command": sys.executable,
            "args": [str(SERVER), str(calls)],
            "timeout_seconds": PATIENCE,
        }

    @property
    def calls(self) -> list[str]:
        """What the server noted, a line for each start and call."""
        return self.path.read_text(encoding="utf-8").splitlines() if self.path.exists() else []

    def let_go(self) -> None:
        """Let its tool ``slow`` return."""
        with self.path.open("a", encoding="utf-8") as file:
            file.write("let go\n")

    def servers(self, **more) -> dict:
        """``mcp_servers`` with this server as ``files``."""
        return {"files": {**self.spec, **more}}


@pytest.fixture
def files(tmp_path):
    """A server that is started when it is needed, and ended after the test."""
    yield Files(tmp_path / "calls.txt")
    close_servers()


class Web(Files):
    """A server that listens on this machine."""

    def __init__(self, calls: Path) -> None:
        super().__init__(calls)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        auth = {"type": "bearer", "env_var": "MCP_TEST_TOKEN"}
        self.spec = {"url": f"http://127.0.0.1:{self._port}/mcp", "auth": auth, "timeout_seconds": PATIENCE}

    def start(self) -> None:
        """Start it, and wait until it listens."""
        self._process = subprocess.Popen([sys.executable, str(SERVER), str(self.path), "--http", str(self._port)])
        eventually(self._listens)

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self._port)) == 0

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()
        self._process.wait()


@pytest.fixture
def web(tmp_path, monkeypatch):
    """A server over HTTP that asks for the token in MCP_TEST_TOKEN."""
    monkeypatch.setenv("MCP_TEST_TOKEN", "open-sesame-17")
    found = Web(tmp_path / "calls.txt")
    found.start()
    yield found
    close_servers()
    found.kill()


@pytest.fixture
def session_servers():
    """The session's servers, none of them afterwards."""
    yield get_session().mcp_servers
    get_session().mcp_servers.clear()
    close_servers()
