"""What every store must do about owners of journals, as a part of ``StoreConformance``."""

# ruff: noqa: S101 - these are tests

from __future__ import annotations

import os
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ..durable.entries import Entry
from ..durable.stores import Store
from ..errors import RunLocked, StoreError
from .samples import in_one_store, some_entry, some_row

__all__ = ["OwnershipConformance"]


def _owned(store: Store, journal: int) -> bool:
    """Whether somebody drives a journal."""
    try:
        store.own(journal).release()
    except RunLocked:
        return True
    return False


class OwnershipConformance:
    """The behaviours of ``own``, ``owner`` and of writing with an epoch, on the fixtures ``store`` and ``other``."""

    def test_a_journal_has_one_owner_at_a_time(self, store: Store, other: Store) -> None:
        """A second owner is refused by every handle, with who owns it and since when, until the first lets go."""
        journal, free = store.create(some_row()).id, store.create(some_row("other")).id
        before = time.time()
        with store.own(journal):
            for handle in (store, other):
                with pytest.raises(RunLocked, match=f"'triage' is being driven by process {os.getpid()} on") as caught:
                    handle.own(journal)
                assert (caught.value.host, caught.value.process) == (socket.gethostname(), os.getpid())
                assert caught.value.since is not None
                assert before <= caught.value.since <= time.time()
            assert not _owned(other, free)
        assert not _owned(other, journal)
        assert not _owned(store, journal)

    def test_taking_counts_the_epoch_up(self, store: Store, other: Store) -> None:
        """Each taking of a journal has the next epoch, from 1 on, and stays to be read when it is released."""
        first, second = store.create(some_row()).id, store.create(some_row()).id
        assert store.owner(first) is None
        for expected, handle in enumerate((store, other, other, store), 1):
            with handle.own(first) as ownership:
                assert ownership.epoch == expected
            assert other.owner(first) == ownership.owner
        assert store.owner(second) is None
        with store.own(second) as ownership:
            assert ownership.epoch == 1

    def test_who_looks_whether_a_journal_is_driven_takes_nothing(self, store: Store, other: Store) -> None:
        """Every handle sees an owner while there is one, in every process, and counts no epoch up by looking."""
        journal, free = store.create(some_row()).id, store.create(some_row("other")).id
        assert not store.driven(journal)
        with store.own(journal) as ownership:
            assert [each.driven(journal) for each in (store, other, store)] == [True] * 3
            assert not other.driven(free)
            store.append(journal, some_entry(), ownership.epoch)
        assert [each.driven(journal) for each in (store, other)] == [False] * 2
        assert store.owner(journal) == ownership.owner
        assert store.owner(free) is None
        assert not store.driven(free + 1)

    def test_releasing_twice_is_once(self, store: Store, other: Store) -> None:
        """An ownership that was released does not release the next one."""
        journal = store.create(some_row()).id
        ownership = store.own(journal)
        ownership.release()
        with other.own(journal):
            ownership.release()
            assert _owned(store, journal)

    def test_owner_that_was_followed_cannot_write(self, store: Store, other: Store) -> None:
        """Once another owner has followed, an earlier one writes neither entries nor the head; the new one does."""
        row = store.create(some_row())
        stalled = store.own(row.id)
        store.append(row.id, some_entry(0), stalled.epoch)
        stalled.release()  # as where its lock was lost, which it does not know
        with other.own(row.id) as ownership:
            for _ in range(2):
                with pytest.raises(StoreError, match=f"'triage' was taken over by process {os.getpid()} on"):
                    store.append(row.id, some_entry(1), stalled.epoch)
                with pytest.raises(StoreError, match="was taken over"):
                    store.save(replace(row, status="failed"), stalled.epoch)
                other.append(row.id, some_entry(2), ownership.epoch)
            other.save(replace(row, status="paused"), ownership.epoch)
        assert list(store.entries(row.id)) == [some_entry(0), some_entry(2), some_entry(2)]
        assert [kept.status for kept in store.journals()] == ["paused"]

    @in_one_store
    @given(turns=st.lists(st.tuples(st.integers(0, 1), st.booleans(), st.integers(0, 3)), max_size=12))
    def test_owners_write_one_after_the_other(
        self, store: Store, other: Store, turns: list[tuple[int, bool, int]]
    ) -> None:
        """However handles take journals by turns, each finds what was written before, and only the last one writes."""
        journals = [store.create(some_row(name)).id for name in "ab"]
        written: dict[int, list[Entry]] = {journal: [] for journal in journals}
        last: dict[int, tuple[Store, int]] = {}
        for which, second, count in turns:
            journal, handle = journals[which], other if second else store
            with handle.own(journal) as ownership:
                assert list(handle.entries(journal)) == written[journal]
                for number in range(count):
                    handle.append(journal, some_entry(number), ownership.epoch)
                    written[journal].append(some_entry(number))
                if journal in last:
                    earlier, epoch = last[journal]
                    with pytest.raises(StoreError, match="taken over"):
                        earlier.append(journal, some_entry(99), epoch)
            last[journal] = handle, ownership.epoch
        assert {journal: list(store.entries(journal)) for journal in journals} == written

    def test_of_many_that_take_at_once_one_owns(self, store: Store, other: Store) -> None:
        """Threads that take a journal at the same time get one ownership between them."""
        journal = store.create(some_row()).id
        with ThreadPoolExecutor(8) as pool:
            taking = [pool.submit((store, other)[number % 2].own, journal) for number in range(8)]
            failed = [each.exception() for each in taking]
        assert [type(error) for error in failed if error is not None] == [RunLocked] * 7
        [owned] = [each.result() for each in taking if each.exception() is None]
        assert owned.owner == store.owner(journal)
        owned.release()

    def test_questions_need_no_ownership(self, store: Store, other: Store) -> None:
        """While a journal is driven, others read it and answer its questions."""
        journal = store.create(some_row()).id
        with store.own(journal) as ownership:
            store.append(journal, some_entry(), ownership.epoch)
            store.ask(journal, "r", "{}")
            assert list(other.entries(journal)) == [some_entry()]
            assert other.answer(journal, "r", "true") is True
            store.append(journal, some_entry(1), ownership.epoch)

    def test_a_journal_that_is_not_there_has_no_owner(self, store: Store, other: Store) -> None:
        """An unknown or deleted journal cannot be taken, and the owner of one that was deleted cannot write."""
        row = store.create(some_row())
        with pytest.raises(StoreError, match=f"no journal {row.id + 1}"):
            store.own(row.id + 1)
        with store.own(row.id) as ownership:
            store.append(row.id, some_entry(), ownership.epoch)
            other.forget(row.id)
            assert store.owner(row.id) is None
            with pytest.raises(StoreError, match=f"no journal {row.id}"):
                store.append(row.id, some_entry(), ownership.epoch)
            with pytest.raises(StoreError, match=f"no journal {row.id}"):
                store.save(row, ownership.epoch)
        with pytest.raises(StoreError, match=f"no journal {row.id}"):
            store.own(row.id)
