"""DBOS: steps of a workflow, its system database in a SQLite file. Arguments: how many, and a folder."""

import sys

from dbos import DBOS, SetWorkflowID
from timing import report

COUNT, FOLDER = int(sys.argv[1]), sys.argv[2]
DBOS(
    config={
        "name": "bench",
        "system_database_url": f"sqlite:///{FOLDER}/runs.db",
        "log_level": "ERROR",
        "run_admin_server": False,
    }
)


@DBOS.step()
def step(number: int) -> int:
    """Give its number."""
    return number


@DBOS.workflow()
def program(count: int) -> int:
    """So many steps, and one more."""
    return sum(step(number) for number in range(count)) + step(0)


def go(name: str, count: int) -> None:
    """Run the workflow, or get the result of the one of that name."""
    with SetWorkflowID(name):
        program(count)


DBOS.launch()
go("warm", 10)
report(
    COUNT,
    lambda: go("a", COUNT),
    lambda: go("a", COUNT),
    lambda: DBOS.fork_workflow("a", COUNT + 1).get_result(),
)
DBOS.destroy()
