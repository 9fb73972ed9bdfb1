"""LangGraph: tasks of an entrypoint with the synchronous SQLite checkpointer. Arguments: how many, and a folder."""

import contextlib
import sqlite3
import sys

from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.func import entrypoint, task
from timing import report

COUNT, FOLDER = int(sys.argv[1]), sys.argv[2]
saver = SqliteSaver(sqlite3.connect(f"{FOLDER}/runs.db", check_same_thread=False))
stopping: list[bool] = []


@task
def step(number: int) -> int:
    """Give its number."""
    return number


@entrypoint(checkpointer=saver)
def program(count: int) -> int:
    """So many steps, and one more, unless it is stopped between them."""
    total = sum(step(number).result() for number in range(count))
    if stopping:
        raise InterruptedError
    return total + step(0).result()


def go(thread: str, given: int | None) -> None:
    """Run the entrypoint; None goes on with the thread."""
    program.invoke(given, {"configurable": {"thread_id": thread}}, durability="sync")


go("warm", 10)
stopping.append(True)
with contextlib.suppress(InterruptedError):
    go("b", COUNT)
stopping.clear()
report(COUNT, lambda: go("a", COUNT), lambda: go("a", None), lambda: go("b", None))
