"""Programs of everything inside everything: a replay equals the first run, after deaths and edits too."""

from __future__ import annotations

import random
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from lua_procedures import ProcedureError, Run
from lua_procedures.durable.stores import Store
from lua_procedures.durable.stores.memory import MemoryStore
from lua_procedures.durable.stores.sqlite import SqliteStore

from .cells import Cell, Died, DyingStore, differing, outcome, timeless
from .families import chance_and_time, declarations, journal
from .helpers import Helpers
from .nesting import FAMILIES, declared
from .writing import Text, Writer

SEED = 11

#: What may differ after an edit: what the journal held, numbers drawn anew, and who was the first to be warned.
HISTORIC = (journal, chance_and_time, declarations)


def written(chance: random.Random) -> Text:
    """A program, by chance."""
    return Writer(chance, FAMILIES).program(declared)


def ended(cell: Cell, text: Text, helpers: Helpers) -> Run:
    """The run at its end, which may be an error."""
    try:
        return cell(str(text), seed=SEED, **helpers.options)
    except ProcedureError as error:
        if error.run is None:
            raise
        return error.run


def told(run: Run) -> dict[str, Any]:
    """What a replay must bring back, the error that ended it included."""
    return {**outcome(run), "error": run.error and run.error.message, "iterations": run.iterations}


def check_replayed(cell: Cell, text: Text, helpers: Helpers, before: Run) -> None:
    """Run it once more: it comes out as before; one that had completed asks nobody and runs nothing."""
    asked = helpers.asked.copy()
    again = ended(cell, text, helpers)
    seen = told
    if before.status == "completed":
        assert again.executed == 0, again._data.change
        assert helpers.asked == asked, helpers.asked - asked
    else:
        seen = _timeless  # what ended with an error is entered again, where time goes on
    difference = differing(seen(before), seen(again))
    assert not difference, difference


def check_second_run(text: Text) -> None:
    cell, helpers = Cell(), Helpers()
    check_replayed(cell, text, helpers, ended(cell, text, helpers))


def check_edit_undone(text: Text, edited: Text) -> None:
    cell, helpers = Cell(), Helpers()
    first = ended(cell, text, helpers)
    second = ended(cell, edited, helpers)
    check_replayed(cell, text, helpers, first)
    check_replayed(cell, edited, helpers, second)


def check_edit(text: Text, edited: Text) -> None:
    """What is kept after an edit is what a run of the edited program alone would have done."""
    cell = Cell()
    ended(cell, text, Helpers())
    alone, after = ended(Cell(), edited, Helpers()), ended(cell, edited, Helpers())
    difference = differing(_timeless(alone), _timeless(after))
    difference.pop("answers", None)  # a question asked again in another frame has another id
    assert not difference, difference


def die(store: Store, text: Text, chance: random.Random) -> Helpers:
    """Run it in a process that dies at a write or in a call, if it gets so far."""
    if chance.randrange(3) == 0:
        helpers = Helpers(dies=chance.randrange(6))
        with suppress(KeyboardInterrupt):
            ended(Cell(store), text, helpers)
    else:
        helpers = Helpers()
        with suppress(Died):
            ended(Cell(DyingStore(store, chance.randrange(40), before=chance.random() < 0.5)), text, helpers)
    return helpers


def check_deaths(store: Store, text: Text, chance: random.Random) -> None:
    """Killed some times, it ends as if it had not been, and at each death at most the call in flight is repeated."""
    alone = Helpers()
    undisturbed = ended(Cell(), text, alone)
    processes = [die(store, text, chance) for _ in range(1 + chance.randrange(4))]
    processes.append(Helpers())
    last = ended(Cell(store), text, processes[-1])
    difference = differing(_timeless(undisturbed), _timeless(last))
    assert not difference, difference
    if undisturbed.status == "completed":
        asked = sum((each.asked for each in processes), start=alone.asked.__class__())
        assert not alone.asked - asked, "not asked"
        assert (asked - alone.asked).total() < len(processes), f"asked again: {asked - alone.asked}"


def _timeless(run: Run) -> dict[str, Any]:
    return {**told(run), **timeless(run)}


# -- by chance -----------------------------------------------------------------------------------------------------

CHANCE = st.randoms(use_true_random=False)
modest = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))


@modest
@given(CHANCE)
def test_a_second_run_is_the_first(chance):
    """Value, State, tree, stages, conversation, tool records, notices, stop: all as in the first, and nothing runs."""
    text = written(chance)
    note(str(text))
    check_second_run(text)


@modest
@given(CHANCE)
def test_an_edit_undone_is_as_if_it_had_not_been(chance):
    """Both the program and its edit find all that they had recorded."""
    writer = Writer(chance, FAMILIES)
    text = writer.program(declared)
    edited = text.edited(chance.randrange(10), writer.statement())
    note(str(edited))
    check_edit_undone(text, edited)


@modest
@given(CHANCE)
def test_what_is_kept_after_an_edit_is_right(chance):
    """A run of the edited program alone ends the same: nothing is kept that depends on what changed."""
    writer = Writer(chance, [family for family in FAMILIES if family not in HISTORIC])
    text, place, (before, after) = writer.program(declared), chance.randrange(10), writer.alike()
    note(str(text.edited(place, before)))
    check_edit(text.edited(place, before), text.edited(place, after))


@modest
@given(CHANCE)
def test_a_process_may_die_anywhere(chance):
    """At any write and in any call, again and again."""
    text = written(chance)
    note(str(text))
    check_deaths(MemoryStore(), text, chance)


@pytest.mark.parametrize("seed", range(6))
def test_a_process_on_sqlite_may_die_anywhere(seed):
    """The same on a file."""
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        store = SqliteStore(str(Path(folder) / "runs.db"), "normal")
        try:
            check_deaths(store, written(chance), chance)
        finally:
            store.close()
