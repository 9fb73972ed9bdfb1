"""A process for what may hang or kill the one that tries it."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

__all__ = ["Worker", "serve"]

_ROOT = Path(__file__).parents[2]


class Worker:
    """A process that answers questions, both as lines of JSON; it is started again when one of them ended it.

    Args:
        module: what it runs: a module that calls ``serve``.
        patience: seconds that it may take for one answer before it is ended.
    """

    def __init__(self, module: str, patience: float) -> None:
        self._module = module
        self._patience = patience
        self._process: subprocess.Popen[str] | None = None

    def ask(self, question: Any) -> Any:
        """What it answers.

        Raises:
            TimeoutError: it took too long, and was ended.
            EOFError: its process ended.
        """
        process = self._process = self._process or self._start()
        assert process.stdin
        assert process.stdout
        timer = threading.Timer(self._patience, process.kill)
        timer.start()
        print(json.dumps(question), file=process.stdin, flush=True)
        said = process.stdout.readline()
        hung = not timer.is_alive()
        timer.cancel()
        if hung or not said:
            self.close()
        if not said:
            raise TimeoutError if hung else EOFError
        return json.loads(said)

    def _start(self) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", self._module]
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=_ROOT)

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


def serve(answer: Callable[[Any], Any]) -> None:
    """Be the worker: answer what is asked until nobody asks any more."""
    for line in sys.stdin:
        sys.stdout.write(json.dumps(answer(json.loads(line)), default=repr) + "\n")
        sys.stdout.flush()
