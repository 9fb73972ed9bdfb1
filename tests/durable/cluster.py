"""A PostgreSQL server of its own for the tests, from the system's binaries."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

_PLACES = ("/usr/lib/postgresql/*/bin", "/opt/homebrew/opt/postgresql*/bin", "/usr/local/opt/postgresql*/bin")
_SETTINGS = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 200
fsync = off
log_min_messages = fatal
"""


def binaries() -> Path | None:
    """The folder of initdb and pg_ctl: on the path, where ``PGBIN`` says, or where packages put it; the newest."""
    on_path = shutil.which("initdb")
    named = [Path(each) for each in [os.environ.get("PGBIN", ""), on_path and str(Path(on_path).parent)] if each]
    found = [folder for place in _PLACES for folder in Path("/").glob(place[1:])]
    found.sort(
        key=lambda folder: [int(part) for part in "".join(c if c.isdigit() else " " for c in str(folder)).split()]
    )
    return next((each for each in [*named, *reversed(found)] if any(each.glob("initdb*"))), None)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class Cluster:
    """A server with its data in a temporary folder, reachable on this machine only.

    Args:
        folder: of the server's binaries.
    """

    def __init__(self, folder: Path) -> None:
        self._binaries = folder
        self.folder = Path(tempfile.mkdtemp(prefix="lua-procedures-"))
        if self._by_root:
            shutil.chown(self.folder, "postgres")
        self.data = self.folder / "data"
        self.port = free_port()
        self._call("initdb", "-D", str(self.data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--data-checksums")
        with (self.data / "postgresql.conf").open("a", encoding="utf-8") as settings:
            settings.write(f"{_SETTINGS}port = {self.port}\n")
        rules = self.data / "pg_hba.conf"
        rules.write_text(f"host all guarded 127.0.0.1/32 scram-sha-256\n{rules.read_text()}")
        self._schemas = 0

    @property
    def _by_root(self) -> bool:
        return hasattr(os, "geteuid") and os.geteuid() == 0

    def _call(self, program: str, *arguments: str) -> None:
        user = ["runuser", "-u", "postgres", "--"] if self._by_root else []  # the server refuses to run as root
        command = [*user, str(self._binaries / program), *arguments]
        done = subprocess.run(command, cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
        assert done.returncode == 0, done.stderr.decode(errors="replace")

    def start(self) -> None:
        """Start it and wait until it takes connections."""
        self._call("pg_ctl", "-D", str(self.data), "-l", str(self.folder / "log"), "-w", "start")

    def stop(self) -> None:
        """Stop it at once, by the process id in its own folder."""
        self._call("pg_ctl", "-D", str(self.data), "-m", "fast", "-w", "stop")

    def remove(self) -> None:
        """Stop it where it runs, and delete all that it wrote."""
        if (self.data / "postmaster.pid").exists():
            self.stop()
        shutil.rmtree(self.folder)

    def url(self, database: str = "postgres") -> str:
        """The URL of a store that is not there yet."""
        self._schemas += 1
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}?schema=s{self._schemas}"

    def execute(self, statement: str, database: str = "postgres") -> list[tuple]:
        """What a statement finds, as the administrator."""
        target = f"postgresql://postgres@127.0.0.1:{self.port}/{database}"
        with psycopg.connect(target, autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []


@contextmanager
def serving() -> Iterator[Cluster | None]:
    """A server that runs as long as this lasts; None where its binaries are not installed."""
    folder = binaries()
    if folder is None:
        yield None
        return
    cluster = Cluster(folder)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.remove()
