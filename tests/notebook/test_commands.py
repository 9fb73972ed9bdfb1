"""The subcommands of ``%procedures``: what is there is in the help."""

from __future__ import annotations

import pytest

from lua_procedures.notebook import commands
from lua_procedures.notebook.extension import PROCEDURES_HELP


@pytest.mark.parametrize(("name", "usage"), [(name, usage) for name, (_, usage) in commands._COMMANDS.items()])
def test_help_lists_every_subcommand(name, usage):
    """Each of them stands there as it is called, with a word on what it does."""
    line = next(line for line in PROCEDURES_HELP.splitlines() if f"%procedures {name}" in line)
    assert f"%procedures {name} {usage}".rstrip() in line
    assert max(map(len, PROCEDURES_HELP.splitlines())) <= 120
