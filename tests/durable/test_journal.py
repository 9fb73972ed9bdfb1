"""The journal alone: keys, branches, cuts and frames, without a program."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lua_procedures.durable.entries import Entry, JournalRow
from lua_procedures.durable.journal import Journal
from lua_procedures.durable.keys import chain_after, changed_parts, digest, frame_chain, key_of, parts_text, root_key
from lua_procedures.durable.stores.memory import MemoryStore
from lua_procedures.errors import StoreError

ROOT = root_key("inputs")
LABELS = st.text(st.characters(exclude_characters="\x1e\x1f", exclude_categories=["Cs"]), max_size=5)
PARTS = st.dictionaries(LABELS, LABELS.map(lambda text: text * 20), min_size=1, max_size=4)


@pytest.fixture
def journal():
    store = MemoryStore()
    return Journal(store, store.create(JournalRow("triage", "00", seed=1, started=1.0, updated=1.0)))


def reopened(journal):
    """The same journal as another process reads it."""
    return Journal(journal.store, journal.row)


def entry(name, path, prev=ROOT, outcome="[]", *, kind="step", **more):
    """An operation that came out so after a chain."""
    key = key_of(prev, kind, name, "")
    return Entry(key, prev, chain_after(key, outcome, failed=False), path, kind, name, "", outcome, **more)


def written(journal, *names, prefix="", prev=ROOT, outcome="[]"):
    """Operations of a frame, one after the other."""
    entries = []
    for place, name in enumerate(names):
        entries.append(entry(name, f"{prefix}{place}", prev, outcome))
        journal.append(entries[-1])
        prev = entries[-1].chain
    return entries


def asked(parts):
    return "\x1e".join(f"{label}\x1f{text}" for label, text in parts.items())


# -- keys --------------------------------------------------------------------------------------------------


def test_a_key_depends_on_all_that_is_asked():
    """On what came before, the kind, the name and what is asked, and on where one ends and the next begins."""
    keys = {
        key_of(chain, kind, name, text)
        for chain in (ROOT, root_key("other"))
        for kind, name, text in [
            ("step", "a", ""),
            ("sleep", "a", ""),
            ("step", "b", ""),
            ("step", "a", "x"),
            ("step", "", "ax"),
        ]
    }
    assert len(keys) == 10
    assert {len(key) for key in keys} == {16}


def test_a_chain_depends_on_the_outcome():
    """On its text and on whether it is a failure."""
    key = key_of(ROOT, "step", "a", "")
    chains = {chain_after(key, outcome, failed=failed) for outcome in ("[1]", "[2]") for failed in (True, False)}
    assert len(chains | {key, ROOT}) == 6


def test_a_frame_begins_apart():
    """The chain inside an operation is neither its key nor what follows it, and another one when it is done again."""
    key = key_of(ROOT, "step", "a", "")
    assert len({key, chain_after(key, "[]", failed=False), frame_chain(key, 0), frame_chain(key, 1), ROOT}) == 5


def test_digests_are_the_same_in_every_process():
    """They depend on nothing but their text."""
    assert digest("text") == digest("te" + "xt") != digest("test")
    assert root_key("inputs").hex() == ROOT.hex()


# -- parts -------------------------------------------------------------------------------------------------


@given(PARTS)
def test_nothing_differs_from_itself(parts):
    """However long its parts are."""
    assert changed_parts(parts_text(asked(parts)), parts_text(asked(parts))) == []


@given(PARTS, PARTS)
def test_the_parts_that_differ_are_named(before, after):
    """Exactly those whose texts differ, and those that are there only once."""
    found = changed_parts(parts_text(asked(before)), parts_text(asked(after)))
    same = {label for label in before if label in after and before[label] == after[label]}
    assert set(found) == (set(before) | set(after)) - same


def test_long_parts_are_kept_as_digests():
    """An entry does not grow with what was captured."""
    assert len(parts_text(asked({"function": "x" * 10_000, "n": "1"}))) < 100
    assert "n\x1f1" in parts_text(asked({"function": "x" * 10_000, "n": "1"}))


# -- looking up --------------------------------------------------------------------------------------------


def test_an_entry_is_found_by_its_key(journal):
    """In this process and in the next one."""
    a, b = written(journal, "a", "b")
    for opened in (journal, reopened(journal)):
        assert opened.find(a.key) == [a]
        assert opened.find(b.key) == [b]
        assert opened.find(key_of(ROOT, "step", "b", "")) == []


def test_entries_of_one_key_are_all_found(journal):
    """An operation done again has several, newest first."""
    again = [entry("a", "0", outcome=f"[{number}]") for number in range(3)]
    for each in again:
        journal.append(each)
    assert journal.find(again[0].key) == again[::-1]
    assert reopened(journal).find(again[0].key) == again[::-1]


def test_what_was_there_when_it_was_opened_is_counted(journal):
    """`recorded` does not grow with what is appended."""
    written(journal, "a", "b")
    assert (journal.recorded, reopened(journal).recorded) == (0, 2)


def test_a_failed_write_leaves_the_journal_as_before(journal):
    """What the store could not keep is not found."""
    journal.store.forget(journal.row.id)
    a = entry("a", "0")
    with pytest.raises(StoreError):
        journal.append(a)
    assert (journal.find(a.key), list(journal.entries)) == ([], [])


# -- branches and frames -------------------------------------------------------------------------------------


def test_an_edit_is_a_branch(journal):
    """Both branches are found by their keys; the newer one is what came last after that chain."""
    a, old = written(journal, "a", "old")
    new = entry("new", "1", a.chain)
    journal.append(new)
    opened = reopened(journal)
    assert opened.find(old.key) == [old]
    assert opened.find(new.key) == [new]
    assert opened.siblings(a.chain) == [old, new]


def test_hidden_entries_are_no_siblings(journal):
    """A question to the journal, a cut or a drawn time is no checkpoint."""
    journal.append(entry("", "", kind="query"))
    (a,) = written(journal, "a")
    assert reopened(journal).siblings(ROOT) == [a]


@pytest.mark.parametrize("inner", [["x"], ["x", "y", "z"]])
def test_what_is_inside_an_operation(journal, inner):
    """The operations of its frame, in order, found by the last one's chain; none where it has no frame."""
    key = key_of(ROOT, "step", "outer", "")
    inside = written(journal, *inner, prefix="0/", prev=frame_chain(key, 0))
    outer = entry("outer", "0", tail=inside[-1].chain)
    journal.append(outer)
    for opened in (journal, reopened(journal)):
        assert opened.inside(outer) == inside
        assert opened.inside(inside[0]) == []


def test_the_newest_checkpoint_by_name_or_position(journal):
    """In its frame only, and none that is hidden."""
    (a,) = written(journal, "a")
    redone = entry("a", "0", outcome="[2]")
    inner = entry("a", "0/0", frame_chain(a.key, 0))
    for each in (redone, inner, entry("a", "", kind="query")):
        journal.append(each)
    assert journal.newest("", "a") == journal.newest("", 0) == redone
    assert journal.newest("0/", "a") == journal.newest("0/", 0) == inner
    assert journal.newest("", "b") is None
    assert journal.newest("", 1) is None


# -- cuts ------------------------------------------------------------------------------------------------------


def cut(journal, position, prefix="", kind="cut"):
    """A cut that is written."""
    made = Entry(b"c" * 16, ROOT, ROOT, "", kind, prefix, repr(position), str(position))
    journal.append(made)
    return made


@pytest.mark.parametrize("position", [0, 1, 2, 3])
def test_a_cut_forgets_by_order(journal, position):
    """That position and all later ones of the frame, with what is inside them; nothing is deleted."""
    entries = written(journal, "a", "b", "c")
    inside = [entry("x", f"{each.path}/0", frame_chain(each.key, 0)) for each in entries]
    for each in inside:
        journal.append(each)
    journal.forget(cut(journal, position))
    for place, each in [*enumerate(entries), *enumerate(inside)]:
        assert journal.find(each.key) == ([each] if place < position else [])
    assert len(list(journal.store.entries(journal.row.id))) == 7


def test_a_cut_of_an_inner_frame_leaves_the_outer_one(journal):
    """Only what has the frame's prefix is forgotten."""
    a, b = written(journal, "a", "b")
    inner = entry("x", "1/0", frame_chain(b.key, 0))
    journal.append(inner)
    journal.forget(cut(journal, 0, prefix="1/"))
    assert journal.find(a.key) == [a]
    assert journal.find(b.key) == [b]
    assert journal.find(inner.key) == []


def test_a_cut_does_not_forget_what_comes_after_it(journal):
    """An operation that takes the freed position is found."""
    (a,) = written(journal, "a")
    made = cut(journal, 0)
    again = entry("a", "0", outcome="[2]")
    journal.append(again)
    journal.forget(made)
    assert journal.find(a.key) == [again]


def test_a_cut_counts_for_the_next_run_once_its_run_has_ended(journal):
    """A pass that goes on after a kill still finds what was cut; after the end it is gone."""
    (a,) = written(journal, "a")
    made = cut(journal, 0)
    assert reopened(journal).find(a.key) == [a]
    journal.append(Entry(b"e" * 16, b"", b"", "", "end", "", "", ""))
    assert reopened(journal).find(a.key) == [a], "a cut of a program that was given up does not count"
    journal.append(Entry(b"e" * 16, b"", b"", "", "end", "", "", made.key.hex()))
    assert reopened(journal).find(a.key) == []
    assert reopened(journal).newest("", "a") is None
