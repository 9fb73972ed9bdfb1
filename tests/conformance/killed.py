"""Run by `test_kills.py`: forks a process for each line it reads, which runs the program until it is killed.

Arguments: the store's path, the program's file. A line is the run's name and the seconds after which the process is
killed, or 0 to let it end. The answer is its exit code, negative for a signal.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

from lua_procedures import run


def main(store: str, file: str) -> None:
    program = Path(file).read_text(encoding="utf-8")
    run("Step.run('warm', function() return Human.approve('?') end)", answers="default")
    for line in sys.stdin:
        name, seconds = line.split()
        process = os.fork()
        if process == 0:
            run(program, name=name, store=store, seed=5, answers=["Ada"])
            os._exit(0)
        if float(seconds):
            time.sleep(float(seconds))
            os.kill(process, signal.SIGKILL)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
