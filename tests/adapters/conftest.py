"""Tactus's protocols without Tactus: stubs with the same names, fields and methods."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from lua_procedures.durable.stores import Store
from lua_procedures.durable.stores.memory import MemoryStore
from lua_procedures.durable.stores.sqlite import SqliteStore

STUBS = Path(__file__).parent / "stubs"


def _forget() -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "tactus"]:
        del sys.modules[name]


@pytest.fixture(autouse=True)
def models(monkeypatch) -> Iterator[ModuleType]:
    """The stubs' records, with the stubs in Tactus's place."""
    _forget()
    monkeypatch.syspath_prepend(STUBS)
    yield importlib.import_module("tactus.protocols.models")
    _forget()


@pytest.fixture
def exceptions(models) -> ModuleType:
    """The stubs' exceptions."""
    return importlib.import_module("tactus.core.exceptions")


@pytest.fixture(params=["memory", "sqlite"])
def store(request, tmp_path) -> Iterator[Store]:
    """A store of each kind that needs no server."""
    opened: Store = MemoryStore() if request.param == "memory" else SqliteStore(str(tmp_path / "runs.db"))
    yield opened
    opened.close()
