"""Run by `test_kills.py`: forks a process for each line it reads, which runs the program until it is killed.

Arguments: the store's path, the program's file. A line is the run's name. It prints the process's number, and when
that has ended, its exit code, negative for a signal.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from lua_procedures import run


def main(store: str, file: str) -> None:
    program = Path(file).read_text(encoding="utf-8")
    run("Step.run('warm', function() return Human.approve('?') end)", answers="default")
    for line in sys.stdin:
        process = os.fork()
        if process == 0:
            run(program, name=line.strip(), store=store, seed=5, answers=["Ada"])
            os._exit(0)
        print(process, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
