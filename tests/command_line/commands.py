"""The command line as people have it: real processes, with and without a terminal."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

from ..bounds import PATIENCE

ROOT = Path(__file__).parents[2]
COMMAND = (sys.executable, "-m", "lua_procedures")

ASK = 'local ok = Human.approve{message = "Ship?"}\nreturn {ok = ok}'


class Done(NamedTuple):
    """What a command did: its exit code, and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The result that ``--json`` wrote."""
        return json.loads(self.out)


class Folder:
    """A folder in which commands run.

    Attributes:
        path: the folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def environment(self) -> dict[str, str]:
        """The variables of a process that finds this repository."""
        return {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error"}

    def write(self, name: str, text: str) -> str:
        """A file in the folder; its name."""
        (self.path / name).write_text(text, encoding="utf-8")
        return name

    def __call__(self, *words: str, stdin: str = "", **variables: str) -> Done:
        """Run a command without a terminal."""
        done = subprocess.run(
            [*COMMAND, *words], cwd=self.path, env={**self.environment, **variables}, input=stdin, capture_output=True,
            encoding="utf-8", timeout=PATIENCE, check=False,
        )  # fmt: skip
        return Done(done.returncode, done.stdout, done.stderr)

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start a command without a terminal, and do not wait for it."""
        return subprocess.Popen(
            [*COMMAND, *words], cwd=self.path, env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, encoding="utf-8",
        )  # fmt: skip

    def terminal(self, *words: str, into: str = "/dev/tty", stream: int = 1, **variables: str) -> Any:
        """A command at a terminal, without a movable cursor unless ``TERM`` says else; a stream may go into a file."""
        import pexpect  # type: ignore[import-untyped]  # not on Windows

        line = f"exec {shlex.join([*COMMAND, *words])} {stream}> {into}"
        return pexpect.spawn(
            "/bin/sh", ["-c", line], cwd=str(self.path), env={**self.environment, "TERM": "dumb", **variables},
            encoding="utf-8", timeout=PATIENCE, echo=False, dimensions=(40, 120),
        )  # fmt: skip


def ended(child: Any) -> tuple[int, str]:
    """Wait until a command at a terminal ends: its exit code, and what it wrote since."""
    import pexpect

    child.expect(pexpect.EOF)
    child.close()
    return child.exitstatus, child.before.replace("\r\n", "\n")
