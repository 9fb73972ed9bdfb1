"""Configuration of the whole test suite: a complete run may leave no real part untried.

With ``--complete``, as ``scripts/dev.py test`` runs it, at least one test of each mark in ``REAL`` must have
passed. With it, and wherever the variable ``CI`` is set, none of them may have been skipped or deselected.
"""

from __future__ import annotations

import os
import shutil
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .durable.cluster import Cluster

REAL = ("browser", "database", "kernel", "notebook")
INCOMPLETE = 6  # the exit code of a run that left something out; pytest's own end at 5

# A slow machine finds no fault by being slow.
settings.register_profile(
    "patient",
    settings(),
    deadline=None,
    suppress_health_check=[*settings().suppress_health_check, HealthCheck.too_slow],
)
settings.load_profile("patient")


class Completeness:
    """Watches which tests of the real parts ran, and fails the run for those that did not.

    Where pytest-xdist spreads the tests over processes, each of them watches its own, and the first one judges.

    Attributes:
        everything: whether a mark without a test that passed is a fault, too.
        passed: how many tests of each mark passed.
        faults: what was left out, in the order seen.
    """

    def __init__(self, *, everything: bool) -> None:
        self.everything = everything
        self.passed: Counter[str] = Counter()
        self.faults: list[str] = []
        self._marks: dict[str, list[str]] = {}

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        self.faults += [f"deselected: {item.nodeid}" for item in items if _marks(item)]

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self._marks = {item.nodeid: _marks(item) for item in session.items}

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.skipped:  # a whole file or folder: what it holds is not known
            self.faults.append(f"skipped: {report.nodeid}")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        marks = self._marks.get(report.nodeid, [])  # of another process they are not known
        if report.skipped and marks:
            self.faults.append(f"skipped: {report.nodeid}")
        elif report.passed and report.when == "call":
            self.passed.update(marks)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        passed, faults = getattr(node, "workeroutput", {}).get("completeness", ({}, []))
        self.passed.update(passed)
        self.faults += [fault for fault in faults if fault not in self.faults]  # each process collects all tests

    @pytest.hookimpl(wrapper=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Iterator[None]:
        told = getattr(session.config, "workeroutput", None)
        if told is not None:
            told["completeness"] = [dict(self.passed), self.faults]
            return (yield)
        if self.everything:
            self.faults += [f"no test passed that is marked {mark}" for mark in REAL if not self.passed[mark]]
        if self.faults and session.exitstatus in {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED}:
            session.exitstatus = INCOMPLETE
        return (yield)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.faults:
            terminalreporter.section("the run is not complete", red=True, bold=True)
            terminalreporter.write_line("\n".join(self.faults))


def _marks(item: pytest.Item) -> list[str]:
    return [mark for mark in REAL if item.get_closest_marker(mark)]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--complete", action="store_true", help=f"fail unless tests of each kind ran: {', '.join(REAL)}")


def pytest_configure(config: pytest.Config) -> None:
    everything = config.getoption("--complete")
    if everything or os.environ.get("CI"):
        config.pluginmanager.register(Completeness(everything=everything), "completeness")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests come last: Playwright keeps an event loop running in this thread until the end of the session."""
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A PostgreSQL server that runs until the last test has ended; skips where its binaries are not installed."""
    from .durable.cluster import serving

    with serving() as found:
        if found is None:
            pytest.skip("no PostgreSQL server is installed (on Debian and Ubuntu: apt install postgresql)")
        yield found


@pytest.fixture(scope="session")
def chromium() -> str | None:
    """Path of the system's Chromium; None where Playwright's own is to be used."""
    return shutil.which("chromium")
