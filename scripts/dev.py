#!/usr/bin/env python3
"""One command per chore, on a machine that has only Python: ``python3 scripts/dev.py CHORE [-- ARGUMENTS]``.

Makes ``.venv`` on first use, with uv where it is installed and with venv and pip where it is not, installs
the package into it (again when ``pyproject.toml`` has changed), and runs the chore there.

Only the standard library, and only syntax that Python 3.7 reads: an old Python must get as far as the
message that says it is too old.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
QUICKSTART = "notebooks/00-quickstart.ipynb"
ANSWERS = "notebooks/answers.json"
OLDEST = (3, 11)
NEWEST = (3, 14)

RUFF_CHECK = ("ruff", "check")
RUFF_FORMAT = ("ruff", "format", "--check")
MYPY = ("mypy",)
PYTEST = ("pytest", "--complete", "-n", "2", "--dist", "loadfile", "--no-loadscope-reorder")
#: What failed, once more and one after the other: two browsers at once are at times too much for a small machine.
AGAIN = ("pytest", "--last-failed", "--last-failed-no-failures", "none")
TESTS_FAILED = 1  # pytest's exit code where all ran, and some failed; an incomplete run has another one
NBVAL = ("pytest", "--nbval", "--nbval-current-env", "notebooks")


@dataclass
class Environment:
    """A virtual environment with the package installed into it.

    Attributes:
        folder: where it is, or will be.
        uv: path of uv, or None to use venv and pip.
    """

    folder: Path
    uv: str | None

    @property
    def scripts(self) -> Path:
        """The folder of its commands."""
        return self.folder / ("Scripts" if os.name == "nt" else "bin")

    @property
    def python(self) -> str:
        """Its interpreter."""
        return str(self.scripts / ("python.exe" if os.name == "nt" else "python"))

    def prepare(self, extra: str) -> None:
        """Make the environment, and install the package with ``extra``, where that is not done yet."""
        stamp = self.folder / "lua-procedures.stamp"
        wanted = _digest()
        done = stamp.read_text(encoding="utf-8") if stamp.exists() else ""
        usable = self._usable()
        if usable and done in {f"{wanted} {extra}", f"{wanted} dev"}:
            return
        if not usable:
            self._create()
        print(f"installing lua-procedures[{extra}] into {self.folder} (once, and when pyproject.toml changes)")
        _must([*self._installer(), "--editable", f"{ROOT}[{extra}]"], "The installation failed; see above.")
        stamp.write_text(f"{wanted} {extra}", encoding="utf-8")

    def run(self, *command: str, **variables: str) -> int:
        """Run a command of the environment in the project's folder; its exit code."""
        with subprocess.Popen(self._line(command), cwd=ROOT, env=self._variables(variables)) as process:
            while True:
                try:
                    return process.wait()
                except KeyboardInterrupt:  # the command got it too, and decides: JupyterLab asks whether to stop
                    continue

    def stream(self, *command: str, **variables: str) -> tuple[int, str]:
        """The same, and also the last line that it wrote."""
        last = b""
        with subprocess.Popen(
            self._line(command),
            cwd=ROOT,
            env=self._variables(variables),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        ) as process:
            for line in process.stdout or ():
                sys.stdout.buffer.write(line)
                sys.stdout.buffer.flush()
                last = line.strip() or last
        return process.returncode, last.decode("utf-8", "replace")

    def _line(self, command: tuple[str, ...]) -> list[str]:
        program, *arguments = command
        found = shutil.which(program, path=str(self.scripts))
        if found is None:
            sys.exit(f"{self.folder} has no command {program!r}.")
        return [found, *arguments]

    def _variables(self, more: dict[str, str]) -> dict[str, str]:
        path = os.pathsep.join([str(self.scripts), os.environ.get("PATH", "")])
        return {**os.environ, "PATH": path, "VIRTUAL_ENV": str(self.folder), "PYTHONUNBUFFERED": "1", **more}

    def _usable(self) -> bool:
        """Whether an interpreter is there that is new enough and can be installed into."""
        return Path(self.python).exists() and _is_new_enough(self.python, "" if self.uv else "import pip")

    def _create(self) -> None:
        python = _base_python(self.uv)
        print(f"making {self.folder} with {python}")
        if self.uv:
            command = [self.uv, "venv", "--clear", "--python", python, str(self.folder)]
        else:
            command = [python, "-m", "venv", "--clear", str(self.folder)]
        _must(command, "The virtual environment could not be made (on Debian and Ubuntu: apt install python3-venv).")

    def _installer(self) -> list[str]:
        if self.uv:
            return [self.uv, "pip", "install", "--python", self.python]
        return [self.python, "-m", "pip", "install", "--quiet"]


def lab(environment: Environment, extra: list[str]) -> int:
    """Open the quickstart in JupyterLab; ARGUMENTS go to jupyter lab."""
    environment.prepare("notebooks")
    root = ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []  # as in most containers
    return environment.run("jupyter", "lab", f"--LabApp.default_url=/lab/tree/{QUICKSTART}", *root, *extra)


def headless(environment: Environment, extra: list[str]) -> int:
    """Run the quickstart with scripted answers and no browser, into build/; ARGUMENTS go to jupyter nbconvert."""
    environment.prepare("notebooks")
    command = ["jupyter", "nbconvert", "--to", "notebook", "--execute", "--output-dir", "build", *extra, QUICKSTART]
    return environment.run(*command, **_answers())


def test(environment: Environment, extra: list[str]) -> int:
    """Everything that must pass; with ARGUMENTS only pytest, and they go to it."""
    environment.prepare("dev")
    _provide_browser(environment)
    if extra:
        return environment.run("pytest", *extra)
    return _all(environment, RUFF_CHECK, RUFF_FORMAT, MYPY, NBVAL, PYTEST)


def check(environment: Environment, extra: list[str]) -> int:
    """Look at the code without running it: ruff and mypy."""
    environment.prepare("dev")
    return _all(environment, (*RUFF_CHECK, *extra), (*RUFF_FORMAT, *extra), (*MYPY, *extra))


def fix(environment: Environment, extra: list[str]) -> int:
    """Mend what ruff can mend, and format."""
    environment.prepare("dev")
    return _all(environment, ("ruff", "check", "--fix", *extra), ("ruff", "format", *extra))


def coverage(environment: Environment, extra: list[str]) -> int:
    """Run pytest and list the lines and branches that no test reaches."""
    environment.prepare("dev")
    _provide_browser(environment)
    return environment.run("pytest", "--cov", "--cov-report=term-missing", *extra)


def reference(environment: Environment, extra: list[str]) -> int:
    """Write docs/primitives.md again from the table of primitives."""
    environment.prepare("dev")
    write = (
        "from pathlib import Path; from lua_procedures.primitives.reference import reference_page; "
        "Path('docs/primitives.md').write_text(reference_page(), encoding='utf-8')"
    )
    return environment.run("python", "-c", write, *extra)


def build(environment: Environment, extra: list[str]) -> int:
    """Make the wheel and the source archive, in dist/."""
    environment.prepare("dev")
    return environment.run("pyproject-build", *extra)


def run(environment: Environment, extra: list[str]) -> int:
    """Run any command of the environment: ARGUMENTS are its name and its arguments."""
    environment.prepare("dev")
    return environment.run(*extra) if extra else 0


CHORES = {chore.__name__: chore for chore in (lab, headless, test, check, fix, coverage, reference, build, run)}


def main(arguments: list[str]) -> int:
    """Do the chore that the command line names; its exit code."""
    own, extra = _split(arguments)
    parser = argparse.ArgumentParser(
        usage="python3 scripts/dev.py [--venv DIR] [--no-uv] CHORE [-- ARGUMENTS]",
        epilog="\n".join(f"  {name:9} {chore.__doc__}" for name, chore in CHORES.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--venv", type=Path, default=ROOT / ".venv", help="the virtual environment (default: .venv)")
    parser.add_argument("--no-uv", action="store_true", help="use venv and pip also where uv is installed")
    parser.add_argument("chore", metavar="CHORE", choices=CHORES)
    options = parser.parse_args(own)
    environment = Environment(options.venv.resolve(), None if options.no_uv else shutil.which("uv"))
    return CHORES[options.chore](environment, extra)


def _split(arguments: list[str]) -> tuple[list[str], list[str]]:
    """The arguments before and after the first ``--``."""
    if "--" not in arguments:
        return arguments, []
    middle = arguments.index("--")
    return arguments[:middle], arguments[middle + 1 :]


def _all(environment: Environment, *commands: tuple[str, ...]) -> int:
    """Run all commands, also after one has failed, and sum up; 0 only if each of them passed."""
    lines, failed = [], False
    for command in commands:
        print(f"\n$ {' '.join(command)}", flush=True)
        started = time.monotonic()
        code, last = environment.stream(*command, **(_answers() if command == NBVAL else {}))
        if command == PYTEST and code == TESTS_FAILED:
            code, last = _again(environment, last)
        seconds = time.monotonic() - started
        lines.append(f"{'FAILED' if code else 'passed'}  {' '.join(command):50}  {seconds:4.0f} s  {last.strip('= ')}")
        failed = failed or code != 0
    print("", *lines, sep="\n", flush=True)
    return int(failed)


def _again(environment: Environment, last: str) -> tuple[int, str]:
    """What came of the tests that failed, each alone; one that passes now is unsteady, which is said."""
    print(f"\n$ {' '.join(AGAIN)}", flush=True)
    code, again = environment.stream(*AGAIN, CI="")
    return code, f"{last.strip('= ')}; again: {again.strip('= ')}"


def _answers() -> dict[str, str]:
    """The variable that scripts the answers of a notebook run; what the user has set stays."""
    return {"LUA_PROCEDURES_ANSWERS": os.environ.get("LUA_PROCEDURES_ANSWERS", str(ROOT / ANSWERS))}


def _provide_browser(environment: Environment) -> None:
    """The browser tests use the system's Chromium, and Playwright's own where there is none."""
    if shutil.which("chromium") is None and environment.run("playwright", "install", "chromium"):
        sys.exit("No Chromium for the browser tests: install the system's package chromium, and run this again.")


def _base_python(uv: str | None) -> str:
    """The Python to make the environment from: this one, else a newer one that is installed, else one that uv gets."""
    if sys.version_info[:2] >= OLDEST:
        return sys.executable
    for minor in range(NEWEST[1], OLDEST[1] - 1, -1):
        found = shutil.which(f"python3.{minor}")
        if found and _is_new_enough(found):
            return found
    if uv is None:
        sys.exit(
            f"lua-procedures needs Python {OLDEST[0]}.{OLDEST[1]} or newer, and this is {sys.version.split()[0]}: "
            "install one and run this script with it, or install uv, which brings its own."
        )
    return f">={OLDEST[0]}.{OLDEST[1]}"


def _is_new_enough(python: str, statement: str = "") -> bool:
    """Whether that interpreter starts (pyenv leaves names that do not), is new enough, and runs the statement."""
    code = f"{statement}\nimport sys; sys.exit(sys.version_info[:2] < {OLDEST})"
    return subprocess.run([python, "-c", code], stderr=subprocess.DEVNULL, check=False).returncode == 0


def _digest() -> str:
    """Changes when the package has to be installed again."""
    files = ("pyproject.toml", "lua_procedures/_version.py")
    contents = [(ROOT / file).read_bytes() for file in files]
    return hashlib.sha256(b"\0".join([str(ROOT).encode(), *contents])).hexdigest()


def _must(command: list[str], otherwise: str) -> None:
    """Run a command that everything after it needs."""
    sys.stdout.flush()
    if subprocess.run(command, check=False).returncode:
        sys.exit(otherwise)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
