"""SIGKILL at operations of the store, of a program with agents, tools, people and sub-procedures (see `killing.py`)."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(os.name != "posix", reason="forks")


def killed(store: str, points: int) -> re.Match[str]:
    """What the harness says, once it has found no fault."""
    script = Path(__file__).with_name("killing.py")
    command = [sys.executable, str(script), "--store", store, "--points", str(points)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    said = re.search(r"(\d+) kills in (\d+) runs of (\d+) operations and (\d+) effects", done.stdout)
    assert said
    return said


def test_kills_at_operations_of_a_sqlite_store():
    """No finished effect is repeated, none is lost, and each run ends as the one that nobody killed."""
    kills, runs, operations, effects = map(int, killed("sqlite:///{folder}/runs.db", 12).groups())
    assert kills >= 12
    assert runs > 1
    assert operations > 50
    assert effects >= 20


@pytest.mark.database
def test_kills_at_operations_of_a_postgresql_store(cluster):
    """The same on a server, whose locks end with the connections of the killed process."""
    assert int(killed(cluster.url(), 6)[1]) >= 6
