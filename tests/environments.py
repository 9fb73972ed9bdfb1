"""Environments of older or other packages, installed once and kept in pytest's cache."""

from __future__ import annotations

import importlib.util
import shutil
import sqlite3
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

__all__ = ["dependencies", "old_python", "python_with"]

ROOT = Path(__file__).parents[1]
OLD = "ipykernel==6.30.1"


def old_python(config: pytest.Config) -> str:
    """The interpreter of an environment whose ipykernel delivers no click to an awaiting cell."""
    return python_with(config, OLD, [OLD, *(each for each in dependencies() if not each.startswith("ipykernel"))])


def python_with(config: pytest.Config, title: str, wanted: list[str]) -> str:
    """The interpreter of an environment with these packages."""
    folder = Path(config.cache.mkdir(f"{title.replace('==', '-')}-{sys.implementation.cache_tag}"))
    python = folder / "venv" / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    done = folder / "installed.txt"
    with _alone(folder):
        if not done.exists() or done.read_text() != "\n".join(wanted) or not python.exists():
            _install(folder / "venv", python, wanted)
            done.write_text("\n".join(wanted))
    return str(python)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One of several processes of pytest at a time; SQLite's lock ends with its process on every system."""
    with closing(sqlite3.connect(folder / "lock.db", timeout=900, isolation_level=None)) as lock:
        lock.execute("BEGIN EXCLUSIVE")
        yield


def dependencies() -> list[str]:
    """What the package needs, as its project file says."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    found: list[str] = project["dependencies"]
    return found


def _install(venv: Path, python: Path, wanted: list[str]) -> None:
    shutil.rmtree(venv, ignore_errors=True)
    uv = shutil.which("uv") or importlib.util.find_spec("uv")
    if uv:
        command = [uv] if isinstance(uv, str) else [sys.executable, "-m", "uv"]
        create = [*command, "venv", "--python", sys.executable, str(venv)]
        install = [*command, "pip", "install", "--python", str(python), *wanted]
    else:
        create = [sys.executable, "-m", "venv", str(venv)]
        install = [str(python), "-m", "pip", "install", *wanted]
    for each in (create, install):
        done = subprocess.run(each, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
