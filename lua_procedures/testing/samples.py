"""Heads and entries of journals for the tests of stores: single ones, and any."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from ..durable.entries import Entry, JournalRow

__all__ = ["any_entry", "any_row", "any_text", "in_one_store", "some_entry", "some_row"]

#: Any text of valid Unicode: empty, with NUL and other control characters, beyond the basic plane.
any_text: Final = st.text(st.characters(exclude_categories=["Cs"]))
_bytes16: Final = st.binary(min_size=16, max_size=16)
_time: Final = st.floats(0, 1e11)
_int64: Final = st.integers(-(2**63), 2**63 - 1)

#: Any entry without live objects.
any_entry: Final = st.builds(
    Entry,
    key=_bytes16, prev=_bytes16, chain=_bytes16,
    path=any_text, kind=any_text, name=any_text, asked=any_text, outcome=any_text,
    failed=st.booleans(), effects=st.none() | any_text, reads=st.none() | any_text, line=_int64,
    started=_time, finished=_time, usage=st.none() | any_text, tail=st.none() | _bytes16,
    objects=st.none(),
)  # fmt: skip

#: Any head of a journal, with a name of up to 128 characters.
any_row: Final = st.builds(
    JournalRow,
    name=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=128), root=any_text, seed=_int64,
    started=_time, updated=_time, status=any_text, program=any_text, inputs=any_text, options=any_text,
    tail=st.none() | _bytes16, outcome=st.none() | any_text, error=st.none() | any_text,
)  # fmt: skip

#: How properties of a store are tried.
in_one_store: Final = settings(
    max_examples=50,
    deadline=None,
    # Each example has journals of its own, so that the store may be shared; the tests are inherited by design.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors],
)


def some_row(name: str = "triage", root: str = "00", **changes: Any) -> JournalRow:
    """The head of a new journal."""
    return replace(JournalRow(name, root, seed=1, started=1.0, updated=1.0), **changes)


def some_entry(number: int = 0, **changes: Any) -> Entry:
    """The entry of a step, told from others by its number."""
    key, prev, chain = (bytes([part]) * 16 for part in range(3))
    entry = Entry(key, prev, chain, str(number), "step", f"s{number}", "{}", str(number))
    return entry._replace(**changes)
