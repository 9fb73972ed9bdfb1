"""Real kernels, each in a folder and a process of its own."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ..environments import dependencies, old_python, python_with
from .kernels import Kernel, write_kernel_spec

collect_ignore = ["test_terminal.py"] if sys.platform == "win32" else []  # it has no pseudo-terminals
if sys.version_info >= (3, 14):
    collect_ignore.append("test_tactus.py")  # Tactus has no release for it

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
    return write_kernel_spec(tmp_path_factory.mktemp("old"), old_python(pytestconfig))


@pytest.fixture(scope="session")
def tactus_specs(pytestconfig, tmp_path_factory) -> Path:
    """A kernel spec of an environment that has Tactus, too; installed once and kept."""
    python = python_with(pytestconfig, TACTUS, [TACTUS, *dependencies()])
    return write_kernel_spec(tmp_path_factory.mktemp("tactus"), python)
