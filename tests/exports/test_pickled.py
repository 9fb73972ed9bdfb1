"""Files that lie: whatever is done to one, it is refused in time, nothing of it is executed, and nothing is changed."""

from __future__ import annotations

import io
import os
import pickle
import struct
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import lua_procedures
from lua_procedures import HumanRequest
from lua_procedures.durable.entries import Entry
from lua_procedures.durable.stores.memory import MemoryStore
from lua_procedures.errors import ImportRefused
from lua_procedures.exports.checking import checked
from lua_procedures.exports.pickled import unpickled
from lua_procedures.exports.scanning import scan

from ..bounds import lines_run

fuzzing = settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))

SOURCE = """
Step.run("outer", function() Step.run("inner", function() State.set("k", 1) end) return {1, 2.5, "three"} end)
pcall(Step.run, "bad", function() error{code = 5} end)
Sleep(0)
Checkpoint.clear_after(2)
return Human.input("Name?")"""


@pytest.fixture(scope="module")
def honest(tmp_path_factory) -> bytes:
    """The content of an honest file, with something of everything in it."""
    path = tmp_path_factory.mktemp("exports") / "honest.pickle"
    lua_procedures.run(SOURCE, name="honest", store=MemoryStore(), answers=["Ann"]).export(path)
    return path.read_bytes()


@pytest.fixture
def refused(tmp_path) -> Callable[[bytes], ImportRefused]:
    """Import these bytes into a store that holds a run; the refusal, once it is sure that nothing else happened."""
    store = MemoryStore()
    lua_procedures.run('Step.run("a", function() end)', name="honest", store=store)

    def held() -> Any:
        return [(row, list(store.entries(row.id)), store.requests(row.id)) for row in store.journals()]

    def attempt(data: bytes) -> ImportRefused:
        path = tmp_path / "hostile.pickle"
        path.write_bytes(data)
        before = held()
        with pytest.raises(ImportRefused) as caught:
            lua_procedures.import_run(path, store=store, trusted=True)
        assert held() == before
        assert len(str(caught.value)) < 1000
        return caught.value

    return attempt


def signed(data: bytes) -> bytes:
    """A pickle with the check sum that makes it look like a file of ours."""
    return data + sha256(data).digest()


def changed(data: bytes, change: Callable[[dict[str, Any]], object]) -> bytes:
    """The file with its content changed by somebody who knows the format."""
    content = pickle.loads(data)
    change(content)
    buffer = io.BytesIO()
    pickler = pickle.Pickler(buffer, 4)
    pickler.fast = True
    pickler.dump(content)
    return signed(buffer.getvalue())


def test_an_honest_file_is_taken(honest):
    """The measurement itself: unchanged, and changed back and forth, the file is no lie."""
    assert checked(unpickled(honest)).row.name == "honest"
    assert checked(unpickled(changed(honest, lambda content: None))).row.name == "honest"
    kinds = {entry[4] for entry in pickle.loads(honest)["entries"]}
    assert {"step", "sleep", "human", "cut", "end"} <= kinds


# Damage


@fuzzing
@given(data=st.data())
def test_a_flipped_bit_is_refused(honest, refused, data):
    """Anywhere in the file."""
    place = data.draw(st.integers(0, len(honest) * 8 - 1))
    flipped = bytearray(honest)
    flipped[place // 8] ^= 1 << place % 8
    refused(bytes(flipped))


@fuzzing
@given(data=st.data())
def test_a_truncated_file_is_refused(honest, refused, data):
    """Cut at any place, the check sum's own bytes included."""
    refused(honest[: data.draw(st.integers(0, len(honest) - 1))])


@fuzzing
@given(data=st.data(), more=st.binary(min_size=1, max_size=50))
def test_inserted_bytes_are_refused(honest, refused, data, more):
    """At any place, also at the very end."""
    place = data.draw(st.integers(0, len(honest)))
    refused(honest[:place] + more + honest[place:])


@fuzzing
@given(st.binary(max_size=400))
@example(b"")
@example(b"\x80\x04.")
@example(b"S'\\d'\n.")
@example(b"I99999\n.")
@example(b"L" + b"9" * 10_000 + b"L\n.")
def test_any_bytes_are_refused(refused, data):
    """With and without the check sum that they would have."""
    refused(data)
    refused(signed(data))


@fuzzing
@given(data=st.data())
def test_signed_damage_is_refused_or_a_journal(honest, data):
    """Damage under a right check sum: refused, or a journal that can be opened; nothing else is raised."""
    body = bytearray(honest[:-32])
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    with suppress(ImportRefused):
        held = checked(unpickled(signed(bytes(body))))
        assert all(type(entry) is Entry for entry in held.entries)


# Code


class Calling:
    """Pickles as a call of whatever it holds."""

    def __init__(self, *call: Any) -> None:
        self.call = call

    def __reduce__(self) -> Any:
        return self.call[0], self.call[1:]


def _stack_global(module: bytes, name: bytes) -> bytes:
    return b"".join(b"\x8c" + struct.pack("B", len(each)) + each for each in (module, name)) + b"\x93"


CALLS = {
    "posix.system|nt.system": [pickle.dumps(Calling(os.system, "touch boom"), version) for version in range(6)],
    "os.system": [
        b"cos\nsystem\n(S'touch boom'\ntR.",
        b"(S'touch boom'\nios\nsystem\n.",
        b"(cos\nsystem\nS'touch boom'\no.",
        b"\x80\x04" + _stack_global(b"os", b"system") + b"\x8c\ntouch boom\x85R.",
        b"\x80\x04\x8c\x02os\x940\x8c\x06system\x940h\x00h\x01\x93\x8c\ntouch boom\x85R.",
        b"\x80\x02U\x02osq\x000U\x06systemq\x010h\x00h\x01\x93\x8c\ntouch boom\x85R.",
    ],
    "builtins.eval": [b"\x80\x04" + _stack_global(b"builtins", b"eval") + b"\x8c\x011\x85R."],
    "builtins.getattr": [pickle.dumps(Calling(getattr, "", "__class__"), version) for version in range(3, 6)],
    "copyreg extension 7": [b"\x80\x02\x82\x07.", b"\x80\x02\x83\x07\x00.", b"\x80\x02\x84\x07\x00\x00\x00."],
    "collections.OrderedDict": [pickle.dumps(__import__("collections").OrderedDict())],
}


@pytest.mark.parametrize(("name", "data"), [(name, data) for name, several in CALLS.items() for data in several])
def test_a_global_is_refused_by_its_name(refused, tmp_path, monkeypatch, name, data):
    """Each way to ask for a callable, alone: its dotted name is told, and it is not called."""
    monkeypatch.chdir(tmp_path)
    for content in (data, signed(data)):
        message = str(refused(content))
        assert any(f"asks for {each}, which is not allowed" in message for each in name.split("|")), message
    assert not Path("boom").exists()


@fuzzing
@given(data=st.data(), attack=st.sampled_from([each[:-1] for several in CALLS.values() for each in several]))
def test_a_global_inside_an_honest_file_is_refused(honest, refused, data, attack):
    """Put before any opcode of an honest file and popped again, it is found and named."""
    import pickletools

    places = [position for _, _, position in pickletools.genops(honest) if position and position > 12]
    place = data.draw(st.sampled_from(places))
    attack = attack.removeprefix(b"\x80\x04").removeprefix(b"\x80\x02")
    without_frame = honest[:2] + honest[11:place] + attack + b"0" + honest[place:-32]
    assert honest[2:3] == b"\x95"
    message = str(refused(signed(without_frame)))
    assert "asks for " in message


@pytest.mark.parametrize(
    ("opcode", "data"),
    [
        ("REDUCE", b"\x80\x04NNR."),
        ("BUILD", b"\x80\x04}}b."),
        ("NEWOBJ", b"\x80\x04NN\x81."),
        ("EMPTY_TUPLE", b"\x80\x04)."),
        ("OBJ", b"\x80\x04(No."),
        ("PERSID", b"Pid\n."),
        ("BINPERSID", b"\x80\x04NQ."),
        ("MEMOIZE", b"\x80\x04}\x94."),
        ("DUP", b"\x80\x04N2\x86."),
        ("POP", b"\x80\x04NN0."),
        ("LONG4", b"\x80\x04\x8b\x01\x00\x00\x00\x01."),
        ("EMPTY_SET", b"\x80\x04\x8f."),
        ("NEXT_BUFFER", b"\x80\x05\x97."),
        ("BYTEARRAY8", b"\x80\x05\x96\x00\x00\x00\x00\x00\x00\x00\x00."),
    ],
)
def test_an_opcode_that_no_file_needs_is_refused(refused, opcode, data):
    """By its name, also where it would be harmless."""
    assert f"the file uses {opcode}, which no exported run has" in str(refused(signed(data)))


def test_the_loader_is_a_wall_of_its_own(honest, monkeypatch):
    """Should the scan ever miss a global, the loader itself looks none up."""
    monkeypatch.setattr("lua_procedures.exports.pickled.scan", lambda data: len(data) - 32)
    with pytest.raises(ImportRefused, match=r"asks for os\.system, which is not allowed"):
        unpickled(signed(b"cos\nsystem\n(S'touch boom'\ntR."))


# Bombs


def _bounded(action: Callable[[], object], *, megabytes: int) -> None:
    """Does what would never end, or end in the machine's memory, were it not refused early."""
    tracemalloc.start()
    try:
        action()
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < megabytes << 20


BOMBS = {
    "doubling": b"\x80\x04]\x94" + b"".join(b"]\x94(h%ch%ce" % (n, n) for n in range(60)) + b".",
    "a place far out in the memo": b"\x80\x02Nr\xff\xff\xff\x7f.",
    "a text of 8 exabytes": b"\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\x7fabc.",
    "bytes of 4 gigabytes": b"\x80\x04B\xff\xff\xff\xffabc.",
    "a frame of 8 exabytes": b"\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\x7fN.",
    "an integer of 2 gigabytes": b"\x80\x04\x8b\xff\xff\xff\x7f\x01.",
    "lists in lists": b"\x80\x04" + b"]" * 300_000 + b"a" * 299_999 + b".",
    "many empty lists": b"\x80\x04](" + b"]" * 300_000 + b"e.",
    "many empty dicts": b"\x80\x04](" + b"}" * 300_000 + b"e.",
    "marks": b"\x80\x04" + b"(" * 300_000 + b".",
    "digits": b"L" + b"9" * 300_000 + b"L\n.",
    "nothing but texts": b"\x80\x04](" + b"\x8c\x02ab" * 75_000 + b"e.",
}


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS.keys())
def test_a_bomb_is_refused_within_bounds(refused, bomb):
    """In memory of a small multiple of the file."""
    _bounded(lambda: refused(signed(bomb)), megabytes=40)


def test_a_scan_costs_by_length():
    """Ten times the file costs ten times as much."""
    small, large = (
        lines_run(partial(scan, b"\x80\x04](" + b"\x8c\x02ab" * count + b"e.")) for count in (1_000, 10_000)
    )
    assert large < 11 * small


# Content


def _entry(content: dict[str, Any], place: int) -> list[Any]:
    entry: list[Any] = content["entries"][place]
    return entry


def _hidden(content: dict[str, Any], kind: str) -> list[Any]:
    return next(entry for entry in content["entries"] if entry[4] == kind)


def _set(place: int, field: str, value: Any) -> Callable[[dict[str, Any]], object]:
    return lambda content: _entry(content, place).__setitem__(Entry._fields.index(field), value)


LIES = {
    "format": lambda content: content.update(format="lua-procedures/other"),
    "no dict": lambda content: content.clear(),
    "entries": lambda content: content.update(entries={}),
    "fields": lambda content: content["fields"].pop(),
    "name": lambda content: content["run"].update(name="a\nb"),
    "long name": lambda content: content["run"].update(name="a" * 129),
    "status": lambda content: content["run"].update(status="done"),
    "more": lambda content: content["run"].update(more=1),
    "less": lambda content: content["run"].pop("seed"),
    "seed": lambda content: content["run"].update(seed=2**63),
    "time": lambda content: content["run"].update(started=float("nan")),
    "far time": lambda content: content["run"].update(started=10**200),
    "inputs": lambda content: content["run"].update(inputs="[]"),
    "deep inputs": lambda content: content["run"].update(inputs="[" * 100_000),
    "options": lambda content: content["run"].update(options='{"files":"/"}'),
    "modules": lambda content: content["run"].update(options='{"modules":{"m":[1]}}'),
    "tools": lambda content: content["run"].update(options='{"tools":{"t":{"digest":"d"}}}'),
    "chunk": lambda content: content["run"].update(options='{"chunk":1}'),
    "half a character": lambda content: content["run"].update(program="\ud800"),
    "tail": lambda content: content["run"].update(tail=b"short"),
    "key": _set(0, "key", b""),
    "key as text": _set(0, "key", "k" * 16),
    "path": _set(0, "path", "0/x"),
    "no path": _set(0, "path", ""),
    "deep path": _set(0, "path", "/".join(["0"] * 200)),
    "kind": _set(0, "kind", ""),
    "hidden with a path": _set(0, "kind", "cut"),
    "what another machine saw": lambda content: _hidden(content, "cut").__setitem__(4, "world"),
    "outcome": _set(0, "outcome", "[1"),
    "outcome of another form": _set(0, "outcome", '{"a":1}'),
    "outcome of a failure": lambda content: next(each for each in content["entries"] if each[8]).__setitem__(7, "[1]"),
    "outcome beyond 64 bits": _set(0, "outcome", "[9223372036854775808]"),
    "outcome of thousands of digits": _set(0, "outcome", f"[{'9' * 5000}]"),
    "outcome that is no number": _set(0, "outcome", "[NaN]"),
    "deep outcome": _set(0, "outcome", "[" * 101 + "]" * 101),
    "outcome with an unknown tag": _set(0, "outcome", '[{"\\u0000":"other"}]'),
    "outcome with an object that is not there": _set(0, "outcome", '[{"\\u0000":"handle","i":0,"t":"Table"}]'),
    "usage": _set(0, "usage", '{"prompt_tokens":"many"}'),
    "inputs beyond 64 bits": lambda content: content["run"].update(inputs='{"a":9223372036854775808}'),
    "effects": _set(0, "effects", "{"),
    "reads": _set(0, "reads", "[]"),
    "failed": _set(0, "failed", 1),
    "line": _set(0, "line", 1.5),
    "objects": _set(0, "objects", [["Table", "not bytes", None]]),
    "objects without a reason": _set(0, "objects", [["Table", None, None]]),
    "short entry": lambda content: _entry(content, 0).pop(),
    "request": lambda content: content["requests"].append(["r", "{}", None]),
    "sleep": lambda content: content["requests"].append(["sleep-1", '{"until":"x"}', None]),
    "sleep without its time": lambda content: content["requests"].append(["sleep-1", "{}", None]),
    "sleep as a list": lambda content: content["requests"].append(["sleep-1", "[]", None]),
    "answer": lambda content: content["requests"][-1].__setitem__(2, "[]"),
    "circle": lambda content: _set(0, "prev", _entry(content, 0)[2])(content),
    "inside itself": lambda content: _set(0, "tail", _entry(content, 0)[2])(content),
    "cut": lambda content: _hidden(content, "cut").__setitem__(7, "x"),
    "end": lambda content: _hidden(content, "end").__setitem__(7, "ab"),
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES.keys())
def test_a_lie_under_a_right_check_sum_is_refused(honest, refused, lie):
    """Somebody who knows the format cannot bring in what a journal does not hold."""
    assert "the file is" in str(refused(changed(honest, lie)))


@pytest.mark.parametrize("version", [0, 2, "1", 1.0, True, None, 2**70])
def test_an_unknown_version_is_refused(honest, refused, version):
    """Also one that is no number; the message says which is known."""
    message = str(refused(changed(honest, lambda content: content.update(version=version))))
    assert ", and this lua_procedures reads 1\nUpgrade" in message


def test_a_program_that_hides_in_frames_is_refused(honest, refused):
    """Frames inside each other that are the same twice over would be walked for ever."""

    def fold(content: dict[str, Any]) -> None:
        rows = []
        for level in range(60):
            inner = b"%016d" % (2 * level + 1)
            for half, prev in ((0, b"r" * 16), (1, b"%016d" % (2 * level + 2))):
                row = list(_entry(content, 0))
                row[:4] = [b"k" * 16, prev, b"%016d" % (2 * level + 2 + half), f"{half}"]
                row[Entry._fields.index("tail")] = inner
                rows.append(row)
        content["entries"] = rows

    _bounded(lambda: refused(changed(honest, fold)), megabytes=40)


def test_many_cuts_are_refused(honest, refused):
    """An end that names its cuts thousands of times would keep whoever opens the journal busy for hours."""

    def repeat(content: dict[str, Any]) -> None:
        content["entries"][:0] = [_hidden(content, "cut")] * 3000
        end = _hidden(content, "end")
        end[7] = " ".join([end[7]] * 20_000)

    assert "the number of cuts" in str(refused(changed(honest, repeat)))


def test_the_question_of_an_honest_file_can_be_asked(honest):
    """The measurement of the lies about requests: an honest one is a `HumanRequest`."""
    [request] = [each for each in pickle.loads(honest)["requests"] if not each[0].startswith("sleep-")]
    assert HumanRequest.model_validate_json(request[1]).message == "Name?"
