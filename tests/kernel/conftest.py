"""Real kernels, each in a folder and a process of its own."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .kernels import ROOT, Kernel, write_kernel_spec

collect_ignore = ["test_terminal.py"] if sys.platform == "win32" else []  # it has no pseudo-terminals
if sys.version_info >= (3, 14):
    collect_ignore.append("test_tactus.py")  # Tactus has no release for it

OLD = "ipykernel==6.30.1"
TACTUS = "tactus==0.53.4"


@pytest.fixture
def start_kernel(tmp_path) -> Iterator[Any]:
    """A function that starts a kernel of the test's own: ``start_kernel(NAME=value)`` sets environment variables."""
    started = []

    def start(**options: Any) -> Kernel:
        started.append(Kernel(tmp_path, **options))
        return started[-1].start()

    yield start
    for kernel in started:
        kernel.stop()


@pytest.fixture(scope="module")
def module_kernel(tmp_path_factory) -> Iterator[Kernel]:
    """A kernel that the tests of one file share."""
    kernel = Kernel(tmp_path_factory.mktemp("kernel")).start()
    yield kernel
    kernel.stop()


@pytest.fixture
def kernel(module_kernel) -> Iterator[Kernel]:
    """The file's kernel; one that a test leaves busy is restarted."""
    yield module_kernel
    module_kernel.listen(0.02)
    if any(not execution.done for execution in module_kernel.executions):
        module_kernel.restart()


@pytest.fixture(scope="session")
def old_specs(pytestconfig, tmp_path_factory) -> Path:
    """A kernel spec of an ipykernel that delivers no click to an awaiting cell; installed once and kept."""
    wanted = [OLD, *(each for each in _dependencies() if not each.startswith("ipykernel"))]
    return write_kernel_spec(tmp_path_factory.mktemp("old"), _python_with(pytestconfig, OLD, wanted))


@pytest.fixture(scope="session")
def tactus_specs(pytestconfig, tmp_path_factory) -> Path:
    """A kernel spec of an environment that has Tactus, too; installed once and kept."""
    python = _python_with(pytestconfig, TACTUS, [TACTUS, *_dependencies()])
    return write_kernel_spec(tmp_path_factory.mktemp("tactus"), python)


def _python_with(config: pytest.Config, title: str, wanted: list[str]) -> str:
    """The interpreter of an environment with these packages, which is kept in pytest's cache."""
    folder = Path(config.cache.mkdir(f"{title.replace('==', '-')}-{sys.implementation.cache_tag}"))
    python = folder / "venv" / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    done = folder / "installed.txt"
    if not done.exists() or done.read_text() != "\n".join(wanted) or not python.exists():
        _install(folder / "venv", python, wanted)
        done.write_text("\n".join(wanted))
    return str(python)


def _dependencies() -> list[str]:
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
