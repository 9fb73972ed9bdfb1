"""Run by `test_ownership.py`: drives runs in a process of its own, as far as it is told.

The argument is the store. A line of input is a run's name, and after a blank ``forked`` where the process forks before
it drives. The program's tool prints ``holding`` and goes on with the next line. What came of the run is the last line:
a JSON list of what happened, and what the run returned or the error says.
"""

from __future__ import annotations

import json
import os
import sys
import time

from lua_procedures import ProcedureError, RunLocked, run

PROGRAM = """
local first = Step.run("first", function() return 1 end)
local held = hold{}
local last = Step.run("last", function() return held end)
return {first, held, last}
"""


def say(*what: object) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def drive(store: str, name: str, *, forks: bool) -> None:
    def hold() -> str:
        """Wait for a line."""
        if forks and os.fork() == 0:
            os.close(1)  # nobody shall wait for it
            time.sleep(20)
            os._exit(0)
        say("holding")
        return sys.stdin.readline().strip()

    try:
        say("done", run(PROGRAM, name=name, store=store, tools={"hold": hold}).value)
    except RunLocked as error:
        say("locked", error.process, error.host, error.message)
    except ProcedureError as error:
        say(type(error).__name__, error.message)


def main(store: str) -> None:
    say("ready")
    while line := sys.stdin.readline():
        name, *forked = line.split()
        drive(store, name, forks=bool(forked))


if __name__ == "__main__":
    main(sys.argv[1])
