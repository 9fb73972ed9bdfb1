"""Files are whole or not there, and their suffix says what they are."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys

import pytest

import lua_procedures
from lua_procedures import api
from lua_procedures.durable.stores.memory import MemoryStore
from lua_procedures.errors import StoreError
from lua_procedures.exports.writing import write
from lua_procedures.runs import Run, RunData


@pytest.fixture
def done() -> Run:
    """A run with a step, in a store of its own."""
    source = 'return Step.run("one", function() return {1, 2} end)'
    return lua_procedures.run(source, name="triage", store=MemoryStore())


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("a.md", b"# triage\n"),
        ("a.html", b"<!DOCTYPE html>"),
        ("a.JSON", b"{\n"),
        ("a.pickle", b"\x80\x04"),
        ("a", b"\x80\x04"),
    ],
)
def test_the_suffix_chooses(done, tmp_path, name, start):
    """Markdown, HTML and JSON by suffix, in any case of letters; anything else is a pickle."""
    wrote = done.export(tmp_path / name)
    assert (tmp_path / name).read_bytes().startswith(start)
    assert (wrote.path, wrote.checkpoints, wrote.left_out) == (str(tmp_path / name), 1, ())
    assert repr(wrote) == f"wrote {tmp_path / name}: 1 checkpoint"
    assert [*tmp_path.iterdir()] == [tmp_path / name]


def test_a_pickle_needs_none_of_the_classes(done, tmp_path):
    """A process that cannot import the package reads the file with nothing but `pickle`."""
    done.export(tmp_path / "a.pickle")
    code = f"""
import pickle, sys
sys.modules["lua_procedures"] = None
held = pickle.load(open({str(tmp_path / "a.pickle")!r}, "rb"))
entry = dict(zip(held["fields"], held["entries"][0]))
print(held["format"], held["version"], held["run"]["name"], entry["kind"], entry["outcome"])
"""
    told = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout == "lua-procedures/run 1 triage step [[1,2]]\n"


def test_the_program_may_be_a_kind_of_text(tmp_path):
    """A subclass of `str` as the program's text names no class in the file."""

    class Text(str):
        __slots__ = ()

    ended = lua_procedures.run(Text("return 1"), name="text", store=MemoryStore())
    ended.export(tmp_path / "a.pickle")
    assert lua_procedures.import_run(tmp_path / "a.pickle", store=MemoryStore()).status == "completed"
    assert type(pickle.loads((tmp_path / "a.pickle").read_bytes())["run"]["program"]) is str


def test_what_was_there_is_replaced_and_keeps_its_rights(tmp_path):
    """A file that is written again has the new content and the old mode."""
    path = tmp_path / "a.json"
    path.write_bytes(b"old")
    path.chmod(0o600)
    write(path, b"new")
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o600 or sys.platform == "win32"


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_a_link_stays_a_link(tmp_path):
    """What a link points to is written."""
    (tmp_path / "real.json").write_bytes(b"old")
    (tmp_path / "link.json").symlink_to("real.json")
    write(tmp_path / "link.json", b"new")
    assert (tmp_path / "link.json").is_symlink()
    assert (tmp_path / "real.json").read_bytes() == b"new"


@pytest.mark.parametrize("failing", ["fsync", "write"])
def test_a_failure_leaves_what_was_there(done, tmp_path, monkeypatch, failing):
    """On a full disk the old file stays whole, and no draft is left."""
    path = tmp_path / "a.json"
    path.write_bytes(b"old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    if failing == "fsync":
        monkeypatch.setattr(os, "fsync", full)
    else:
        monkeypatch.setattr("pathlib.Path.replace", full)
    with pytest.raises(StoreError, match=r"a\.json cannot be written: No space left on device\nChoose another"):
        done.export(path)
    assert path.read_bytes() == b"old"
    assert [*tmp_path.iterdir()] == [path]


def test_no_place_is_a_store_error(done, tmp_path):
    """A folder, and a file in a folder that is missing, are refused with what to do."""
    with pytest.raises(StoreError, match="is a folder or a device, no file"):
        done.export(tmp_path)
    with pytest.raises(StoreError, match="cannot be made: its folder is missing"):
        done.export(tmp_path / "no" / "a.md")


def test_a_killed_process_leaves_no_half_file(tmp_path):
    """Killed between any two writes of a large content, the file is the old one or the new one."""
    path = tmp_path / "a.bin"
    code = f"""
from pathlib import Path
from lua_procedures.exports.writing import write
number = 0
while True:
    number += 1
    print(number, flush=True)
    write(Path({str(path)!r}), bytes([number % 251]) * 3_000_000)
"""
    write(path, b"\x01" * 3_000_000)
    for writes in (1, 2, 7):
        with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            for _ in range(writes):
                assert writer.stdout.readline()
            writer.kill()
        content = path.read_bytes()
        assert len(content) == 3_000_000
        assert len(set(content)) == 1


def test_a_run_without_a_journal_says_so(tmp_path):
    """A `Run` that was made by hand has nothing to export."""
    with pytest.raises(StoreError, match="the run 'none' has no journal to export"):
        Run(RunData(name="none")).export(tmp_path / "a.json")


def test_a_run_of_another_process_can_be_exported(tmp_path):
    """What `api.show` reads from a store exports the same data as the run itself."""
    url = f"sqlite:///{tmp_path / 'runs.db'}"
    code = f"""
import lua_procedures
r = lua_procedures.run('State.set("k", 1) return {{Human.approve("Ship?")}}', name="far", store={url!r}, answers=[True])
r.export({str(tmp_path / "there.json")!r})
"""
    subprocess.run([sys.executable, "-c", code], check=True)
    api.show("far", store=url).export(tmp_path / "here.json")
    there, here = (json.loads((tmp_path / name).read_text()) for name in ("there.json", "here.json"))
    assert there == here
    assert here["run"]["answers"][0]["value"] is True
