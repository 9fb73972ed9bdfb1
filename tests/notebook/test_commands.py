"""The subcommands of ``%procedures``: what is there is in the help."""

from __future__ import annotations

import shlex
from types import SimpleNamespace

import pytest

from lua_procedures import answer, get_session, resume, run
from lua_procedures.durable.stores import open_store
from lua_procedures.errors import StoreError
from lua_procedures.notebook import commands
from lua_procedures.notebook.extension import PROCEDURES_HELP


@pytest.mark.parametrize(("name", "usage"), [(name, usage) for name, (_, usage) in commands._COMMANDS.items()])
def test_help_lists_every_subcommand(name, usage):
    """Each of them stands there as it is called, with a word on what it does."""
    line = next(line for line in PROCEDURES_HELP.splitlines() if f"%procedures {name}" in line)
    assert f"%procedures {name} {usage}".rstrip() in line
    assert max(map(len, PROCEDURES_HELP.splitlines())) <= 120


ASK = 'return Human.approve{message = "Ship?"}'


def shell(store="memory:"):
    """A shell whose configured store is that one."""
    return SimpleNamespace(lua_procedures=SimpleNamespace(defaults=SimpleNamespace(store=store)))


def told(paused):
    """The line that answers a run, as its record says it."""
    [line] = [line for line in paused._repr_mimebundle_()["text/plain"].split("\n") if "to answer: " in line]
    return line.partition("or %procedures ")[2]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The current folder, empty."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("store", ["r.db", "my runs.db", "sqlite:///r.db"])
def test_the_line_to_type_names_a_store_as_it_was_typed(folder, store):
    """A run in another store than the session's is found by what the line in its record says, and there answered."""
    paused = run(ASK, name="z9", store=store)
    line = told(paused)
    assert line.startswith("answer z9 yes --store ")
    assert str(folder) not in line
    assert commands.command(shell(), line.replace("answer z9 yes", "show z9")).pending == paused.pending
    get_session().runs.clear()
    assert told(commands.command(shell(), line.replace("answer z9 yes", "show z9"))) == line
    named = shlex.split(line)[-1]
    answer("z9", value=True, store=named)
    assert resume("z9", store=named).value is True


def test_the_line_to_type_leaves_the_default_out(folder, monkeypatch):
    """In memory, or in the store that is configured, no store is named; memory is where another one is configured."""
    assert told(run(ASK, name="z8")) == "answer z8 yes"
    monkeypatch.setattr(get_session(), "default_store", lambda: "r.db")
    assert told(run(ASK, name="z8", store="r.db")) == "answer z8 yes"
    assert told(run(ASK, name="z8")) == "answer z8 yes --store memory:"
    assert told(run(ASK, name="z8", store=open_store("s.db"))).endswith("/s.db")


def test_a_run_in_another_store_is_found(folder):
    """Where the store knows no such run and the session has it from another one, the error says what to add."""
    run(ASK, name="z7", store="r.db")
    for line in ("show z7", "answer z7 yes", "resume z7", "history z7"):
        with pytest.raises(StoreError, match="no run 'z7' in memory:") as caught:
            commands.command(shell(), line)
        assert caught.value.hint == "z7 is in r.db: add --store r.db"
    with pytest.raises(StoreError, match="no run 'z6'") as caught:
        commands.command(shell(), "show z6")
    assert "add --store" not in str(caught.value.hint)
