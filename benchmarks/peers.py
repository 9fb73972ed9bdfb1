"""What a durable step costs here and in three other systems, side by side: one table from one run.

``python benchmarks/peers.py [--steps N] [--rounds N] [--cache FOLDER]``. Each system gets a virtual environment of its
own in the cache folder, made once from the package index; afterwards nothing needs a network. In each round the
systems take turns, each in a new process, which also times a raw commit: one insert of a step's row into a SQLite file
with a write-ahead log. Times are CPU times (the machines are noisy); the table has the medians over the rounds.

A system that cannot be installed or does not run is left out, and the reason is said. The programs are in
``peer_programs/``. They do the same in each system: a loop of steps that return a number.

- *step*: the first run, over its number of steps; a small run came before it.
- *completed run again*: the same run is asked for once more. LangGraph and DBOS keep its result, and replay nothing.
- *replay and one more*: all steps are answered from what is recorded, and one new step is done. For DBOS this is a fork
  after the last of them, for LangGraph a run that was stopped there, elsewhere a program with one more step.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import venv
from dataclasses import dataclass
from pathlib import Path

PROGRAMS = Path(__file__).parent / "peer_programs"
CACHE = Path.home() / ".cache" / "lua-procedures-peers"


@dataclass(frozen=True)
class System:
    """A system to compare.

    Attributes:
        name: how the table calls it.
        program: its file in ``peer_programs``.
        packages: what is installed for it; the first one's version is shown. None: this environment.
    """

    name: str
    program: str
    packages: tuple[str, ...] = ()


SYSTEMS = (
    System("lua_procedures", "with_lua_procedures.py"),
    System("LangGraph", "with_langgraph.py", ("langgraph", "langgraph-checkpoint-sqlite")),
    System("DBOS", "with_dbos.py", ("dbos",)),
    System("Tactus", "with_tactus.py", ("tactus",)),
)


class Unavailable(Exception):
    """A system cannot be installed or does not run here."""


def python_of(system: System, cache: Path) -> Path:
    """The interpreter that has the system; installs it on first use."""
    if not system.packages:
        return Path(sys.executable)
    folder = cache / system.name
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not (folder / "complete").exists():
        venv.create(folder, clear=True, with_pip=True)
        _output([python, "-m", "pip", "install", "--quiet", *system.packages])
        (folder / "complete").touch()
    return python


def version_of(system: System, python: Path) -> str:
    """The version that is installed."""
    code = "import lua_procedures; print(lua_procedures.__version__)"
    if system.packages:
        code = f"from importlib.metadata import version; print(version({system.packages[0]!r}))"
    return _output([python, "-c", code]).strip()


def times_of(system: System, python: Path, steps: int) -> dict[str, float]:
    """What its program measured in a process and a folder of its own, in seconds of CPU."""
    with tempfile.TemporaryDirectory(prefix="peers-") as folder:
        lines = _output([python, PROGRAMS / system.program, str(steps), folder]).splitlines()
    found: dict[str, float] = json.loads(lines[-1])
    return found


def _output(command: list[str | Path]) -> str:
    root = str(Path(__file__).parent.parent)
    done = subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": root, "PYTHONWARNINGS": "ignore"},
    )
    if done.returncode:
        raise Unavailable((done.stderr.strip() or f"exit code {done.returncode}").splitlines()[-1])
    return done.stdout


def line_of(name: str, rounds: list[dict[str, float]]) -> str:
    """One row of the table."""

    def median(key: str) -> float:
        return statistics.median(each[key] for each in rounds) * 1000

    ratio = statistics.median(each["step"] / each["raw"] for each in rounds)
    return f"| {name} | {median('step'):.3f} | {ratio:.1f} | {median('again'):.1f} | {median('replay'):.0f} |"


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--steps", type=int, default=1_000)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--cache", type=Path, default=CACHE, help=f"where the environments are ({CACHE})")
    given = options.parse_args()
    pythons: dict[System, Path] = {}
    found: dict[str, list[dict[str, float]]] = {}
    for system in SYSTEMS:
        try:
            pythons[system] = python_of(system, given.cache)
            times_of(system, pythons[system], 20)
        except Unavailable as error:
            pythons.pop(system, None)
            print(f"left out: {system.name}: {error}", file=sys.stderr)
    names = {system: f"{system.name} {version_of(system, python)}" for system, python in pythons.items()}
    for _ in range(given.rounds):
        for system, python in pythons.items():
            found.setdefault(names[system], []).append(times_of(system, python, given.steps))
    print(f"{given.steps:,} steps, medians of {given.rounds} rounds, CPU time\n")
    print("| system | step, ms | × a raw commit | completed run again, ms | replay and one more, ms |")
    print("|---|---|---|---|---|")
    for name, rounds in found.items():
        print(line_of(name, rounds))


if __name__ == "__main__":
    main()
