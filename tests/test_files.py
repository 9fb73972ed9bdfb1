"""The files of a folder: what is in it is read and written, and nothing leads out of it."""

from __future__ import annotations

import os
import stat
import sys
import threading
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from lua_procedures import files
from lua_procedures.files import FileFault, Folder

posix = pytest.mark.skipif(sys.platform == "win32", reason="needs links that any user can make, and FIFOs")


@pytest.fixture(params=["walked", "resolved"])
def folder(request, tmp_path, monkeypatch):
    """A folder with something beside it, reached in each of the two ways that platforms allow."""
    if request.param == "walked" and not files._WALKS:
        pytest.skip("this platform cannot open relative to a folder")
    monkeypatch.setattr(files, "_WALKS", request.param == "walked")
    (tmp_path / "inside").mkdir()
    (tmp_path / "beside").mkdir()
    (tmp_path / "beside" / "secret.txt").write_text("secret")
    return Folder(tmp_path / "inside", 1000)


@pytest.fixture
def inside(folder, tmp_path):
    return tmp_path / "inside"


def refused(path, call, *more):
    """The fault that a call raises, without the path that it begins with."""
    with pytest.raises(FileFault) as fault:
        call(path, *more)
    text = str(fault.value)
    assert text.startswith(f"{path}: ")
    return text.removeprefix(f"{path}: ")


@pytest.mark.parametrize("data", [b"", b"text\r\nof lines\n", b"\xff\x00\xfe", "é😀".encode()])
def test_what_is_written_is_read(folder, inside, data):
    """Byte by byte; the size is the number of bytes."""
    folder.write("a.bin", data)
    assert (folder.read("a.bin"), folder.size("a.bin"), folder.exists("a.bin")) == (data, len(data), True)
    assert (inside / "a.bin").read_bytes() == data


def test_folders_on_the_way_are_created(folder, inside):
    """A path may have folders that are not there yet, and steps back inside the folder."""
    folder.write("a/b/./c/../d.txt", b"deep")
    assert (inside / "a" / "b" / "d.txt").read_bytes() == b"deep"
    assert folder.read("a//b/d.txt") == b"deep"


OUTSIDE = ["/etc/passwd", "../beside/secret.txt", "a/../../beside/secret.txt", "..", "C:\\secret.txt", "\\secret.txt"]


@pytest.mark.parametrize("path", OUTSIDE)
def test_paths_that_lead_out_are_refused(folder, path):
    """By every call, whether there is something or not."""
    for call, *more in ((folder.read,), (folder.write, b"x"), (folder.exists,), (folder.size,)):
        assert "leads out" in refused(path, call, *more) or "absolute" in refused(path, call, *more)


@posix
@pytest.mark.parametrize(
    ("link", "target", "path"),
    [
        ("out", "../beside", "out/secret.txt"),
        ("out.txt", "../beside/secret.txt", "out.txt"),
        ("self", ".", "self/there.txt"),
        ("near.txt", "there.txt", "near.txt"),
        ("gone.txt", "nowhere", "gone.txt"),
        ("gone", "../beside/new", "gone/new.txt"),
        ("loop", "loop", "loop"),
    ],
)
def test_links_are_refused(folder, inside, link, target, path):
    """At the end and in the middle, out of the folder and inside it; by `exists` too; nothing is written over them."""
    (inside / "there.txt").write_text("there")
    (inside / link).symlink_to(target)
    for call, *more in ((folder.read,), (folder.write, b"x"), (folder.exists,), (folder.size,)):
        assert refused(path, call, *more) == "is a link"
    assert (inside / link).is_symlink()
    assert [each.name for each in (inside.parent / "beside").iterdir()] == ["secret.txt"]


@posix
def test_the_folder_itself_may_be_a_link(folder, inside, tmp_path):
    """What the user gave as the folder is the user's choice."""
    (tmp_path / "link").symlink_to(inside)
    Folder(tmp_path / "link", 1000).write("a.txt", b"a")
    assert folder.read("a.txt") == b"a"


@posix
def test_only_regular_files_are_opened(folder, inside):
    """A FIFO would wait for ever; a folder is no file either."""
    os.mkfifo(inside / "fifo")
    (inside / "sub").mkdir()
    for path, why in (("fifo", "not a regular file"), ("sub", "a folder, not a file")):
        for call, *more in ((folder.read,), (folder.write, b"x"), (folder.size,)):
            assert refused(path, call, *more) == why
        assert folder.exists(path) is False
    assert stat.S_ISFIFO((inside / "fifo").stat().st_mode)


def test_what_is_not_there(folder, inside):
    """Read and size say so, exists is false; a file is no folder."""
    (inside / "file").write_text("x")
    for path in ("no.txt", "no/such/file.txt"):
        assert (refused(path, folder.read), refused(path, folder.size)) == ("no such file",) * 2
        assert folder.exists(path) is False
    assert folder.exists("file/below.txt") is False
    assert refused("file/below.txt", folder.read)
    assert refused("file/below.txt", folder.write, b"x")


@pytest.mark.parametrize("path", [".", "./", "sub/", "sub/.", "a/.."])
def test_the_name_of_a_folder_is_no_file(folder, path):
    """Writing says that it is a folder, exists is false."""
    assert refused(path, folder.write, b"x") == "a folder, not a file"
    assert folder.exists(path) is False


def test_a_folder_that_is_gone(tmp_path):
    """Every call says that the folder is not there, and which."""
    folder = Folder(tmp_path / "gone", 1000)
    for call, *more in ((folder.read,), (folder.write, b"x"), (folder.exists,), (folder.size,)):
        assert refused("a.txt", call, *more).endswith(f"is not there: {tmp_path / 'gone'}")


def test_files_have_a_largest_size(folder, inside):
    """A larger one is neither read nor written; what was there stays."""
    (inside / "large").write_bytes(b"x" * 1001)
    folder.write("a", b"x" * 1000)
    assert "larger than 1,000 bytes" in refused("large", folder.read)
    assert "larger than 1,000 bytes" in refused("a", folder.write, b"y" * 1001)
    assert (folder.read("a"), folder.size("large")) == (b"x" * 1000, 1001)


def test_a_read_only_file_is_not_replaced(folder, inside):
    """Replacing a file needs no right to write to it; it is refused all the same."""
    folder.write("a", b"old")
    (inside / "a").chmod(0o444)
    assert refused("a", folder.write, b"new") == "is read-only"
    (inside / "a").chmod(0o644)
    assert folder.read("a") == b"old"


@posix
def test_a_replaced_file_keeps_its_mode(folder, inside):
    """And a new one has the mode that any new file has."""
    folder.write("new", b"")
    folder.write("a", b"old")
    (inside / "a").chmod(0o640)
    folder.write("a", b"new")
    (inside / "plain").touch()
    assert stat.S_IMODE((inside / "a").stat().st_mode) == 0o640
    assert (inside / "new").stat().st_mode == (inside / "plain").stat().st_mode


def test_a_write_that_fails_leaves_nothing_behind(folder, inside, monkeypatch):
    """The old file is there as it was, and no draft."""
    folder.write("a", b"old")

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    assert refused("a", folder.write, b"new") == "no space left on device"
    assert [(each.name, each.read_bytes()) for each in inside.iterdir()] == [("a", b"old")]


@contextmanager
def meanwhile(change):
    """A thread that does this over and over."""
    done = threading.Event()

    def work():
        while not done.is_set():
            change()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


@posix
@pytest.mark.skipif(not files._WALKS, reason="only what walks is safe against races")
def test_a_race_reads_nothing_outside(tmp_path):
    """A folder that turns into a link and back, over and over, gives the file inside or a fault, never the secret."""
    for name, text in (("inside/sub", "fine"), ("beside", "secret")):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "a.txt").write_text(text)
    sub, aside = tmp_path / "inside" / "sub", tmp_path / "inside" / "aside"

    def swap():
        sub.rename(aside)
        sub.symlink_to(Path("..") / "beside")
        sub.unlink()
        aside.rename(sub)

    folder = Folder(tmp_path / "inside", 1000)
    seen: set[object] = set()
    with meanwhile(swap):
        for _ in range(3000):
            try:
                seen.add(folder.read("sub/a.txt"))
            except FileFault as fault:
                seen.add(str(fault))
    assert b"fine" in seen
    assert seen <= {b"fine", *(f"sub/a.txt: {why}" for why in ("is a link", "no such file", "not a directory"))}


@posix
@pytest.mark.skipif(not files._WALKS, reason="only what walks is safe against races")
def test_a_race_writes_nothing_outside(tmp_path):
    """A file that turns into a link, over and over, is replaced itself; what the link leads to stays."""
    (tmp_path / "inside").mkdir()
    (tmp_path / "secret.txt").write_text("secret")
    target, link = tmp_path / "inside" / "a.txt", tmp_path / "inside" / "link"

    def swap():
        link.symlink_to(Path("..") / "secret.txt")
        link.replace(target)

    folder, written = Folder(tmp_path / "inside", 1000), 0
    with meanwhile(swap):
        for _ in range(3000):
            with suppress(FileFault):
                target.unlink(missing_ok=True)
                folder.write("a.txt", b"mine")
                written += 1
    assert written
    assert (tmp_path / "secret.txt").read_text() == "secret"
