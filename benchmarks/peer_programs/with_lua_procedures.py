"""lua_procedures: a loop of steps in Lua, in a SQLite file. Arguments: how many, and a folder."""

import sys

from timing import report

from lua_procedures import run

COUNT, FOLDER = int(sys.argv[1]), sys.argv[2]


def program(count: int, more: str = "") -> str:
    """So many steps, and what comes after them."""
    return f"for i = 1, {count} do Step.run('s' .. i, function() return i end) end {more}"


def go(source: str) -> None:
    """Run it, or go on with it."""
    run(source, name="a", store=f"{FOLDER}/runs.db")


run(program(10), store=f"{FOLDER}/warm.db")
report(
    COUNT,
    lambda: go(program(COUNT)),
    lambda: go(program(COUNT)),
    lambda: go(program(COUNT, "Step.run('more', function() return 0 end)")),
)
