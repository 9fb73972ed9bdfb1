"""Tactus: checkpoints of a procedure with its file storage. Arguments: how many, and a folder."""

import asyncio
import logging
import sys

from tactus.adapters.file_storage import FileStorage
from tactus.core.runtime import TactusRuntime
from timing import report

COUNT, FOLDER = int(sys.argv[1]), sys.argv[2]
PROGRAM = """
Procedure {{ input = {{}}, output = {{}}, function(input)
  for i = 1, {} do Step.checkpoint(function() return i end) end
  {}
  return {}
end }}
"""
MORE = "Step.checkpoint(function() return 0 end)"


def go(name: str, count: int, more: str = "") -> None:
    """Run the procedure, or go on with the one of that name."""
    runtime = TactusRuntime(procedure_id=name, storage_backend=FileStorage(f"{FOLDER}/runs"))
    ended = asyncio.run(runtime.execute(PROGRAM.format(count, more, count), {}, format="lua"))
    assert ended["success"], ended


logging.disable()
go("warm", 10)
report(COUNT, lambda: go("a", COUNT), lambda: go("a", COUNT), lambda: go("a", COUNT, MORE))
