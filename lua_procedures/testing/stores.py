"""What every store must do, as tests: subclass ``StoreConformance`` to hold a store of your own to it.

It needs pytest and Hypothesis::

    class TestMyStore(StoreConformance):
        @pytest.fixture
        def store(self, tmp_path):
            store = MyStore(tmp_path / "runs")
            yield store
            store.close()

        def reopen(self, store):
            return MyStore(store.path)

What a store promises beyond one process, such as to follow an owner that was killed, is for its own tests to show.
"""

# ruff: noqa: S101 - these are tests

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ..durable.entries import Entry, JournalRow, StoredRequest
from ..durable.stores import Store, open_store
from ..errors import StoreError
from .owners import OwnershipConformance
from .samples import any_entry, any_row, any_text, in_one_store, some_entry, some_row

__all__ = ["StoreConformance", "any_entry", "any_row", "any_text"]


def _types(entries: list[Entry]) -> list[list[type]]:
    return [[type(value) for value in entry] for entry in entries]


class StoreConformance(OwnershipConformance):
    """The behaviours of a ``Store``; a subclass provides the fixture ``store``, an empty one, and ``reopen``."""

    def reopen(self, store: Store) -> Store:
        """Another handle on the same journals, while the first one is open; by default from the store's URL."""
        return open_store(store.url)

    @pytest.fixture
    def other(self, store: Store) -> Iterator[Store]:
        """A second handle on the journals of ``store``."""
        other = self.reopen(store)
        yield other
        other.close()

    def test_protocol(self, store: Store) -> None:
        """A store has every method of the protocol, a URL and a plain answer about objects."""
        assert isinstance(store, Store)
        assert isinstance(store.url, str)
        assert isinstance(store.keeps_objects, bool)

    def test_empty(self, store: Store) -> None:
        """An empty store answers every question with nothing, and no error."""
        assert (store.journals(), store.journals("triage"), store.find("triage"), store.find("triage", "00")) == (
            [], [], None, None,
        )  # fmt: skip
        assert (list(store.entries(1)), store.last(1), store.open_requests(1), store.request(1, "r")) == (
            [],
            None,
            [],
            None,
        )
        assert store.answer(1, "r", "true") is False

    # Entries

    @in_one_store
    @given(entries=st.lists(any_entry, max_size=5))
    def test_entries_return_as_they_were(self, store: Store, other: Store, entries: list[Entry]) -> None:
        """Entries come back in order with every value and type unchanged, through another handle, too."""
        journal = store.create(some_row()).id
        for entry in entries:
            store.append(journal, entry)
        for handle in (store, other):
            read = list(handle.entries(journal))
            assert (read, _types(read)) == (entries, _types(entries))

    @pytest.mark.parametrize(
        "text", ["", "\0", "a\0b", "'; DROP TABLE entry --", "é\U0001f600\n\t\x1f", "x" * 1_000_000]
    )
    def test_texts_are_kept_whole(self, store: Store, other: Store, text: str) -> None:
        """Empty and large texts, NUL, quotes and characters beyond the basic plane are kept as they are."""
        journal = store.create(some_row()).id
        entry = some_entry(name=text, outcome=text, effects=text)
        store.append(journal, entry)
        assert list(other.entries(journal)) == [entry]

    def test_equal_entries_are_all_kept(self, store: Store) -> None:
        """An entry appended twice is there twice: a store compares nothing."""
        journal = store.create(some_row()).id
        store.append(journal, some_entry())
        store.append(journal, some_entry())
        assert list(store.entries(journal)) == [some_entry(), some_entry()]

    def test_order_is_that_of_writing(self, store: Store, other: Store) -> None:
        """Entries that two handles write by turns are in the order they were written."""
        journal = store.create(some_row()).id
        for number in range(40):
            (store, other)[number // 3 % 2].append(journal, some_entry(number))
        assert [entry.outcome for entry in store.entries(journal)] == [str(number) for number in range(40)]

    @in_one_store
    @given(turns=st.lists(st.tuples(st.integers(0, 2), st.booleans()), max_size=30))
    def test_journals_never_mix(self, store: Store, other: Store, turns: list[tuple[int, bool]]) -> None:
        """However journals and handles take turns, each journal has its own entries, in order."""
        journals = [store.create(some_row(name)).id for name in "abc"]
        written: dict[int, list[Entry]] = {journal: [] for journal in journals}
        for number, (which, second) in enumerate(turns):
            entry = some_entry(number)
            (other if second else store).append(journals[which], entry)
            written[journals[which]].append(entry)
        assert {journal: list(store.entries(journal)) for journal in journals} == written
        last = {journal: entries[-1] if entries else None for journal, entries in written.items()}
        assert {journal: other.last(journal) for journal in journals} == last

    def test_last_entry_is_that_of_any_owner(self, store: Store, other: Store) -> None:
        """The last entry is told after a change of owners, and before the new one has written."""
        journal = store.create(some_row()).id
        for number, handle in enumerate((store, other, store)):
            with handle.own(journal) as owned:
                assert store.last(journal) == (some_entry(number - 1) if number else None)
                handle.append(journal, some_entry(number), owned.epoch)
        assert other.last(journal) == some_entry(2)

    def test_written_is_seen_at_once(self, store: Store, other: Store) -> None:
        """What one handle wrote, another one reads at once."""
        journal = store.create(some_row()).id
        store.append(journal, some_entry(1))
        assert list(other.entries(journal)) == [some_entry(1)]
        other.append(journal, some_entry(2))
        assert list(store.entries(journal)) == [some_entry(1), some_entry(2)]

    def test_reading_does_not_see_later_entries(self, store: Store) -> None:
        """Entries that are appended while a journal is read do not turn up in that reading."""
        journal = store.create(some_row()).id
        store.append(journal, some_entry(1))
        reading = store.entries(journal)
        store.append(journal, some_entry(2))
        assert list(reading) == [some_entry(1)]

    def test_objects_are_kept_or_refused(self, store: Store) -> None:
        """Live objects come back identical, or are refused by checkpoint and type, and then nothing is written."""
        journal = store.create(some_row()).id
        thing = StoreConformance()
        entry = some_entry(name="load", line=7, objects=(thing,))
        if store.keeps_objects:
            store.append(journal, entry)
            [read] = store.entries(journal)
            assert read.objects is not None
            assert read.objects[0] is thing
        else:
            with pytest.raises(StoreError, match='step "load" returned a StoreConformance') as caught:
                store.append(journal, entry)
            assert caught.value.line == 7
            assert list(store.entries(journal)) == []

    def test_large_values_return_as_they_were(self, store: Store, other: Store) -> None:
        """A value of 100 MB is kept like any other."""
        journal = store.create(some_row()).id
        outcome = "x" * 100_000_000
        store.append(journal, some_entry(outcome=outcome))
        [read] = other.entries(journal)
        assert read.outcome == outcome

    # Journals

    @in_one_store
    @given(row=any_row)
    def test_heads_return_as_they_were(self, store: Store, other: Store, row: JournalRow) -> None:
        """Every field of a journal's head is kept as it was created and as it was saved."""
        created = store.create(replace(row))
        assert created.id != 0
        assert other.find(row.name, row.root) == replace(row, id=created.id, generation=created.generation)
        saved = replace(created, status="completed", updated=2.5, outcome="[1]", error=None, tail=b"\0" * 16)
        store.save(saved)
        assert other.find(row.name, row.root) == saved

    def test_generations_count_by_name_and_root(self, store: Store, other: Store) -> None:
        """Each name and root counts its own generations from 0, whichever handle creates them."""
        rows = [some_row("a"), some_row("a"), some_row("a", "01"), some_row("b"), some_row("a"), some_row("b")]
        created = [(store, other)[turn % 2].create(row) for turn, row in enumerate(rows)]
        assert [row.generation for row in created] == [0, 1, 0, 0, 2, 1]
        assert len({row.id for row in created}) == 6

    def test_generations_are_not_reused(self, store: Store) -> None:
        """A generation between others that was deleted is not given again."""
        rows = [store.create(some_row()) for _ in range(3)]
        store.forget(rows[1].id)
        assert store.create(some_row()).generation == 3

    def test_handles_create_at_once(self, store: Store, other: Store) -> None:
        """Handles that create journals at the same time never get the same generation or id."""
        with ThreadPoolExecutor(2) as pool:
            made = list(pool.map(lambda handle: [handle.create(some_row()) for _ in range(20)], [store, other]))
        rows = [row for part in made for row in part]
        assert sorted(row.generation for row in rows) == list(range(40))
        assert len({row.id for row in rows}) == 40

    def test_create_returns_the_row(self, store: Store) -> None:
        """The row given is the one returned, and later changes to it are not kept until it is saved."""
        row = some_row()
        assert store.create(row) is row
        row.status = "failed"
        [kept] = store.journals()
        assert kept.status == "pending"
        kept.status = "paused"
        assert [found.status for found in store.journals()] == ["pending"]

    def test_saving_leaves_entries_and_questions(self, store: Store) -> None:
        """Saving a head touches neither entries nor questions."""
        row = store.create(some_row())
        store.append(row.id, some_entry())
        store.ask(row.id, "r", "{}")
        store.save(replace(row, status="completed"))
        assert list(store.entries(row.id)) == [some_entry()]
        assert store.open_requests(row.id) == [StoredRequest("r", "{}")]

    def test_saving_can_move_a_journal(self, store: Store, other: Store) -> None:
        """A head saved with another root and generation is found there with its entries, and no longer where it was."""
        earlier = store.create(some_row())
        moved = store.create(some_row(root="elsewhere"))
        store.append(moved.id, some_entry())
        store.save(replace(moved, root="00", generation=1))
        found = other.find("triage", "00")
        assert found is not None
        assert (found.id, found.generation) == (moved.id, 1)
        assert list(other.entries(found.id)) == [some_entry()]
        assert other.find("triage", "elsewhere") is None
        assert earlier in other.journals()

    def test_find_with_root_is_the_newest_generation(self, store: Store) -> None:
        """With a root the newest generation counts, also where an older one was updated later."""
        first, second = store.create(some_row()), store.create(some_row())
        store.save(replace(first, updated=99.0))
        assert store.find("triage", "00") == second
        assert store.find("triage", "01") is None

    def test_find_by_name_is_the_one_updated_last(self, store: Store) -> None:
        """Without a root the journal updated last counts, and of several with one time the one created last."""
        first, second, third = (store.create(some_row(root=root, updated=5.0)) for root in ("00", "01", "02"))
        assert store.find("triage") == third
        store.save(replace(first, updated=6.0))
        assert store.find("triage") == replace(first, updated=6.0)
        store.save(replace(second, updated=6.0))
        assert store.find("triage") == replace(second, updated=6.0)
        assert store.find("other") is None

    def test_journals_are_listed_oldest_first(self, store: Store) -> None:
        """All journals, or those of a name, are in the order they were created, whenever they were updated."""
        rows = [store.create(some_row(name, updated=9.0 - place)) for place, name in enumerate("abab")]
        assert store.journals() == rows
        assert store.journals("b") == [rows[1], rows[3]]
        assert store.journals("c") == []

    def test_a_thousand_runs_are_listed_and_found(self, store: Store, other: Store) -> None:
        """A thousand journals are listed in their order, and each is found among them."""
        rows = [store.create(some_row(f"run-{number}", program="return 1", updated=5.0)) for number in range(1000)]
        assert other.journals() == rows
        assert [other.find(rows[place].name) for place in (0, 500, 999)] == [rows[0], rows[500], rows[999]]

    @pytest.mark.parametrize(
        "name", ["'\"`;--\\", "%", "_", "日本語 🎉", " a ", "a\0b", "é" * 128, "x'); DROP TABLE journal; --"]
    )
    def test_names_are_keys_and_nothing_else(self, store: Store, name: str) -> None:
        """A name with quotes, wildcards or any script is found by exactly that name."""
        near = [name.upper() + "x", name + " ", name[:-1], "a"]
        for unlike in near:
            store.create(some_row(unlike))
        row = store.create(some_row(name))
        assert store.find(name) == row
        assert store.journals(name) == [row]

    @pytest.mark.parametrize(("name", "unlike"), [("a", "A"), ("\u00e9", "e\u0301"), ("%", "x"), ("a", "a ")])
    def test_names_are_compared_exactly(self, store: Store, name: str, unlike: str) -> None:
        """Case, composition and blanks make another name."""
        store.create(some_row(name))
        assert store.find(unlike) is None

    # Questions

    def test_question_is_kept_once(self, store: Store, other: Store) -> None:
        """Asking again with a known id returns what is there and changes nothing."""
        journal = store.create(some_row()).id
        assert store.ask(journal, "r", '{"message":"first"}') == StoredRequest("r", '{"message":"first"}')
        assert other.ask(journal, "r", '{"message":"second"}') == StoredRequest("r", '{"message":"first"}')
        store.answer(journal, "r", "true")
        assert other.ask(journal, "r", "{}") == StoredRequest("r", '{"message":"first"}', "true")

    def test_first_answer_stays(self, store: Store, other: Store) -> None:
        """The first answer is recorded, and every later one is refused, whichever handle gives it."""
        journal = store.create(some_row()).id
        store.ask(journal, "r", "{}")
        assert [store.answer(journal, "r", "1"), other.answer(journal, "r", "2"), store.answer(journal, "r", "3")] == [
            True, False, False,
        ]  # fmt: skip
        assert other.request(journal, "r") == StoredRequest("r", "{}", "1")

    def test_null_is_an_answer(self, store: Store) -> None:
        """The JSON text null, or an empty one, answers a question like any other."""
        journal = store.create(some_row()).id
        for request_id, answer in (("a", "null"), ("b", "")):
            store.ask(journal, request_id, "{}")
            assert store.answer(journal, request_id, answer) is True
            assert store.request(journal, request_id) == StoredRequest(request_id, "{}", answer)
        assert store.open_requests(journal) == []

    def test_answers_at_once_have_one_winner(self, store: Store, other: Store) -> None:
        """Of two answers at the same time exactly one is recorded, and its giver is told so."""
        journal = store.create(some_row()).id
        with ThreadPoolExecutor(2) as pool:
            for request_id in "abcdefghijklmnopqrst":
                store.ask(journal, request_id, "{}")
                first = pool.submit(store.answer, journal, request_id, "1")
                second = pool.submit(other.answer, journal, request_id, "2")
                assert first.result() is not second.result()
                assert store.request(journal, request_id) == StoredRequest(
                    request_id, "{}", "1" if first.result() else "2"
                )

    def test_open_questions_are_listed_oldest_first(self, store: Store, other: Store) -> None:
        """Questions without an answer are listed in the order they were asked, whatever their ids."""
        journal = store.create(some_row()).id
        for request_id in ("z", "a", "m", "b"):
            store.ask(journal, request_id, request_id)
        store.ask(journal, "z", "again")
        store.answer(journal, "m", "1")
        assert [request.id for request in other.open_requests(journal)] == ["z", "a", "b"]
        assert [(request.id, request.answer) for request in other.requests(journal)] == [
            ("z", None), ("a", None), ("m", "1"), ("b", None),
        ]  # fmt: skip

    def test_questions_never_mix(self, store: Store) -> None:
        """Journals that use one id for a question do not see each other's."""
        first, second = store.create(some_row()).id, store.create(some_row()).id
        store.ask(first, "r", "1")
        assert store.request(second, "r") is None
        store.ask(second, "r", "2")
        store.answer(second, "r", "true")
        assert store.request(first, "r") == StoredRequest("r", "1")
        assert store.answer(first, "unknown", "true") is False

    @in_one_store
    @given(request_id=any_text, request=any_text, answer=any_text)
    def test_questions_return_as_they_were(
        self, store: Store, other: Store, request_id: str, request: str, answer: str
    ) -> None:
        """Ids, questions and answers of any text are kept as they are."""
        journal = store.create(some_row()).id
        store.ask(journal, request_id, request)
        assert store.answer(journal, request_id, answer) is True
        assert other.request(journal, request_id) == StoredRequest(request_id, request, answer)

    # Deleting and closing

    def test_forget_deletes_one_journal(self, store: Store, other: Store) -> None:
        """A deleted journal is gone with its entries and questions; the others keep theirs."""
        gone, kept = store.create(some_row()), store.create(some_row())
        for row in (gone, kept, gone):
            store.append(row.id, some_entry())
            store.ask(row.id, "r", "{}")
        store.forget(gone.id)
        assert other.journals() == [kept]
        assert (list(other.entries(gone.id)), other.open_requests(gone.id), other.request(gone.id, "r")) == (
            [],
            [],
            None,
        )
        assert (list(other.entries(kept.id)), other.open_requests(kept.id)) == (
            [some_entry()],
            [StoredRequest("r", "{}")],
        )
        store.forget(gone.id)

    def test_forgotten_journal_takes_nothing(self, store: Store, other: Store) -> None:
        """Writing to a deleted journal is an error, in every handle, and its id is not given again."""
        row = store.create(some_row())
        store.append(row.id, some_entry())
        other.forget(row.id)
        for write in (
            lambda: store.append(row.id, some_entry()),
            lambda: store.save(row),
            lambda: store.ask(row.id, "r", "{}"),
        ):
            with pytest.raises(StoreError, match=f"no journal {row.id}"):
                write()
        again = store.create(some_row())
        assert again.id != row.id
        assert list(store.entries(again.id)) == []

    def test_everything_outlives_its_handle(self, store: Store) -> None:
        """What was written is there for a handle that is opened after the one that wrote it was closed."""
        writer = self.reopen(store)
        row = writer.create(some_row())
        writer.append(row.id, some_entry())
        writer.ask(row.id, "r", "{}")
        writer.close()
        writer.close()
        reader = self.reopen(store)
        assert reader.find("triage") == row
        assert list(reader.entries(row.id)) == [some_entry()]
        assert reader.open_requests(row.id) == [StoredRequest("r", "{}")]
        reader.close()
