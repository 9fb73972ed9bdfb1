"""What Tab offers of stores and variables, and that a look changes nothing."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from lua_procedures import run
from lua_procedures.durable.stores.sqlite import SqliteStore
from lua_procedures.notebook import offers


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A store with one run of one step."""
    path = tmp_path / "runs.db"
    run("Step.run('fetch', function() end)", name="triage", store=str(path))
    return path


@pytest.mark.parametrize("form", ["{}", "sqlite:///{}", "{}?synchronous=full"])
def test_runs_and_steps_of_a_store(kept: Path, form: str) -> None:
    """Names of what a store keeps, however it is named."""
    store = form.format(kept)
    assert offers.runs(store) == ["triage"]
    assert offers.recorded(store, "triage") == ["fetch"]


def _empty(path: Path) -> None:
    path.touch()


def _text(path: Path) -> None:
    path.write_text("customers, one in each line\n" * 20)


def _without_tables(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.executescript("CREATE TABLE t(x); DROP TABLE t")
    connection.close()


def _of_others(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE journal(name)")
    connection.close()


def _older(path: Path) -> None:
    SqliteStore(path).close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 1")
    connection.close()


@pytest.mark.parametrize("make", [_empty, _text, _without_tables, _of_others, _older])
def test_a_file_that_is_no_store_yet_is_left(tmp_path: Path, make) -> None:
    """Tab makes no store of a file, and brings none to this version."""
    path = tmp_path / "other.db"
    make(path)
    before = path.read_bytes()
    assert offers.runs(str(path)) == offers.recorded(str(path), "triage") == []
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


def test_a_missing_file_and_a_folder_are_left(tmp_path: Path) -> None:
    """Nothing is made where nothing is."""
    assert offers.runs(str(tmp_path / "missing.db")) == offers.runs(str(tmp_path)) == []
    assert [*tmp_path.iterdir()] == []


def test_tools_are_imported_at_the_first_tab() -> None:
    """To load the extension takes nothing that only an option's value needs."""
    code = "import lua_procedures.notebook.completion, sys; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "lua_procedures.notebook.offers" in loaded
    assert not any(name.startswith("lua_procedures.tools") for name in loaded)
