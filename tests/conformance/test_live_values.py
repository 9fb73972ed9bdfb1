"""Live values: an object that is no plain data lives in a store in memory, and nowhere else."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from lua_procedures import StoreError, UsageError, difference, fork, history, import_run
from lua_procedures.api import show
from lua_procedures.durable.stores import open_store
from lua_procedures.durable.stores.memory import MemoryStore

from .cells import Cell

PROGRAM = """
local x = make{}
print(x)
local kept = Step.run("kept", function() return {x = x, n = 1} end)
State.set("x", x)
local _, read = pcall(function() return x.a end)
local _, length = pcall(function() return #x end)
return {kept.x, use{value = x}, tostring(x), read, length}
"""


class Named:
    """What no one can look at: each way to do so raises."""

    __hash__ = None  # type: ignore[assignment]  # that is the point

    def __repr__(self) -> str:
        raise RuntimeError("no text")

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("no comparison")

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(f"no {name}")


class Unpicklable:
    """Its pickling fails."""

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise RuntimeError("no pickle")


class Exiting:
    """Its pickling wants the process to end."""

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise SystemExit(3)


class Slotted:
    """It cannot be referred to weakly."""

    __slots__ = ()


class Cyclic:
    """It holds itself."""

    def __init__(self) -> None:
        self.self = [self]


def numbers() -> Iterator[int]:
    """A generator."""
    yield 1


#: What makes an object, and why it has no pickle (None: it has one).
MAKERS: dict[str, tuple[Callable[[], Any], str | None]] = {
    "a frame": (lambda: pd.DataFrame({"a": [1, 2]}), None),
    "a series": (lambda: pd.Series([1.5, None]), None),
    "one that raises": (Named, None),
    "one that cannot be pickled": (Unpicklable, "RuntimeError: no pickle"),
    "one whose pickle exits": (Exiting, "SystemExit: 3"),
    "one without weak references": (Slotted, None),
    "a cycle": (Cyclic, None),
    "a lock": (threading.Lock, "TypeError: cannot pickle"),
    "a generator": (numbers, "TypeError: cannot pickle"),
    "a module": (lambda: sys, "TypeError: cannot pickle"),
    "a class": (lambda: Slotted, None),
}


class World:
    """Tools that make an object and take it.

    Attributes:
        value: the object.
        made: how often it was made.
    """

    def __init__(self, value: Any) -> None:
        self.value = value
        self.made = 0

    @property
    def tools(self) -> dict[str, Callable[..., Any]]:
        return {"make": self.make, "use": self.use}

    def make(self) -> object:
        """Make it."""
        self.made += 1
        return self.value

    def use(self, value: object) -> bool:
        """Whether it is the very object."""
        return value is self.value


@pytest.fixture(params=MAKERS)
def maker(request) -> tuple[Callable[[], Any], str | None]:
    return MAKERS[request.param]


def test_a_live_object_is_the_same_in_every_pass(cell, maker):
    """Lua holds it, names its type and passes it on, and no more; a replay gives the very object and makes none."""
    world = World(maker[0]())
    first, second = cell(PROGRAM, tools=world.tools), cell(PROGRAM, tools=world.tools)
    kind = type(world.value).__name__
    for run in (first, second, show(cell.name, store=cell.store)):
        kept, used, shown, read, length = run.value
        assert kept is world.value
        assert run.state["x"] is world.value
        assert (used, shown) == (True, kind)
        assert f"a handle of type {kind} can only be passed on" in read
        assert "can only be passed on" in length
        assert [notice.message for notice in run.notices] == [kind]
        shown_as = run._repr_mimebundle_()
        assert kind in shown_as["text/plain"]
        assert kind in shown_as["text/html"]
    assert (second.executed, world.made) == (0, 1)


def test_a_live_object_has_a_history(cell, maker):
    """History, difference and fork take runs with live objects like any others."""
    world = World(maker[0]())
    first = cell(PROGRAM, tools=world.tools)
    assert history(cell.name, store=cell.store).journals[0].checkpoints == 3
    assert difference(first, first).changes == ()
    assert fork(cell.name, 2, "forked", store=cell.store).kept == 2
    forked = Cell(cell.store, "forked")(PROGRAM, tools=world.tools)
    assert (forked.value[0] is world.value, forked.replayed, forked.executed, world.made) == (True, 2, 1, 1)


@pytest.mark.parametrize("suffix", ["pickle", "json", "md", "html"])
def test_every_export_takes_a_live_object(cell, maker, tmp_path, suffix):
    """A record shows its type; the pickle file has it, or the export says why not, checkpoint by checkpoint."""
    make, why = maker
    run = cell(PROGRAM, tools=World(make()).tools)
    exported = run.export(tmp_path / f"run.{suffix}")
    content = (tmp_path / f"run.{suffix}").read_bytes()
    assert type(run.value[0]).__name__.encode() in content
    if suffix != "pickle" or why is None:
        assert exported.left_out == ()
        return
    assert [each.partition(",")[0] for each in exported.left_out] == ['0 tool "make"', '1 step "kept"']
    assert all(why in each for each in exported.left_out)
    imported = import_run(tmp_path / "run.pickle", store=MemoryStore(), trusted=True)
    assert len(imported.left_out) == 2


def test_a_store_on_disk_refuses_a_live_object_by_name(maker, tmp_path):
    """It names the checkpoint, keeps what was before it, and takes no such input."""
    store = open_store(str(tmp_path / "runs.db"))
    world, on_disk = World(maker[0]()), Cell(store)
    error = on_disk.fails(f"Step.run('first', function() return 1 end) {PROGRAM}", tools=world.tools)
    kind = type(world.value).__name__
    assert isinstance(error, StoreError)
    assert error.message == f'tool "make" returned a {kind}, which a store on disk cannot keep'
    assert [each.name for each in show(on_disk.name, store=store).checkpoints] == ["first"]
    refused = Cell(store, "given").fails("return 1", params={"x": world.value})
    assert isinstance(refused, UsageError)
    assert f"an input of type {kind}" in refused.message
    store.close()


def test_a_run_with_a_live_input_goes_on(cell, maker):
    """Paused, shown, answered and resumed in its process, it has the very object that it was given."""
    value = maker[0]()
    source = 'local name = Human.input("Name?") return {name, input.x}'
    assert cell(source, params={"x": value}).status == "paused"
    assert show(cell.name, store=cell.store).pending is not None
    cell.answer("Ada")
    for run in (cell.resume(), cell(source, params={"x": value}), show(cell.name, store=cell.store)):
        assert run.value[0] == "Ada"
        assert run.value[1] is value
    assert len(cell.store.journals()) == 1


def test_a_live_input_is_left_out_of_an_export(cell, tmp_path):
    """The export says so; in the other store the run starts over with the input that it is given there."""
    frame = pd.DataFrame({"a": [1]})
    source = "return Step.run('first', function() return 1 end)"
    path = tmp_path / "run.pickle"
    exported = cell(source, params={"x": frame}).export(path)
    [said] = exported.left_out
    assert said.startswith("inputs: a DataFrame was not exported")
    other = Cell()
    import_run(path, store=other.store)
    assert other(source, params={"x": frame.copy()}).executed == 1


def test_an_open_file_lives_on(cell):
    """Nothing closes or copies what a program holds."""
    with Path(os.devnull).open("rb") as file:
        assert cell("return input.file", params={"file": file}).value is file
        assert not file.closed
