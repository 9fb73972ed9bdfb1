"""Entries in little memory: nothing of them is lost."""

from __future__ import annotations

import gc
import weakref

from hypothesis import given
from hypothesis import strategies as st

from lua_procedures.durable.entries import Entry
from lua_procedures.durable.packed import Entries

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
MAYBE = st.none() | TEXTS
TIMES = st.floats(allow_nan=False)
ENTRIES = st.builds(
    Entry,
    *[st.binary(max_size=16)] * 3,
    *[TEXTS] * 4,
    TEXTS | TEXTS.map(lambda text: text * 200),
    st.booleans(),
    MAYBE,
    MAYBE,
    st.integers(0, 2**40),
    TIMES,
    TIMES,
    MAYBE,
    st.none() | st.binary(max_size=16),
    st.none(),
)


class Thing:
    """Some object that is no plain data."""


@given(st.lists(ENTRIES))
def test_what_is_appended_comes_back(entries):
    """Each field with its type, by place, in order, in reverse and as a slice."""
    held = Entries()
    places = [held.append(entry) for entry in entries]
    assert places == [*range(len(entries))]
    assert [repr(each) for each in held] == [repr(each) for each in entries]
    assert [held[place] for place in places] == [*held[:]] == entries
    assert [*reversed(held)] == entries[::-1]
    assert all(type(each) is Entry for each in held)


@given(st.lists(ENTRIES), st.lists(ENTRIES))
def test_packing_changes_nothing(before, after):
    """What was there and what was appended is the same before and after it is packed."""
    held = Entries(before)
    for entry in after:
        held.append(entry)
    held.pack()
    held.pack()
    assert [*held] == [*before, *after]


def test_live_objects_are_the_same_objects():
    """An entry with live objects keeps them, packed or not."""
    alive = object()
    held = Entries([Entry(b"", b"", b"", "0", "step", "a", "", "[]", objects=(alive,))])
    held.append(Entry(b"", b"", b"", "1", "step", "b", "", "[]", objects=(alive,)))
    held.pack()
    assert [each.objects for each in held] == [(alive,), (alive,)]


def test_entries_are_those_of_the_moment():
    """What is appended while somebody goes through them is for the next time."""
    held = Entries()
    one = Entry(b"", b"", b"", "0", "step", "a", "", "[]")
    held.append(one)
    seen = []
    for each in held:
        seen.append(each)
        held.append(one)
    assert (len(seen), len(held)) == (1, 2)


def test_live_objects_go_with_their_entries():
    """Nothing else holds an object once the entries are gone."""
    alive = Thing()
    seen = weakref.ref(alive)
    held = Entries()
    held.append(Entry(b"", b"", b"", "0", "step", "a", "", "[]", objects=(alive,)))
    del held, alive
    gc.collect()
    assert seen() is None
