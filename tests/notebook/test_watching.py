"""Looking for an answer that somebody leaves in the store of a paused run."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lua_procedures.durable.entries import JournalRow, StoredRequest
from lua_procedures.durable.stores.memory import MemoryStore
from lua_procedures.errors import StoreError
from lua_procedures.human.requests import HumanRequest
from lua_procedures.jobs import Job
from lua_procedures.notebook.watching import Watch, pause_between
from lua_procedures.runner.people import answer_text, respond

from ..bounds import PATIENCE

REQUEST = HumanRequest(id="q", kind="input", message="Name?", asked_at=1.0)
ANSWER = answer_text(respond(REQUEST, "Ada", "python"))


class Remote(MemoryStore):
    """Keeps journals as a store on another machine does: each look is made by ``script``, one after the other."""

    def __init__(self, *script):
        super().__init__()
        self.script = list(script)
        self.looks = 0
        self.journal = self.create(JournalRow("r", "00", seed=1, started=1.0, updated=1.0)).id
        self.ask(self.journal, REQUEST.id, "{}")

    def leave(self, answer):
        """Somebody else leaves an answer there, in place of the one that was there."""
        self._journals[self.journal].requests[REQUEST.id] = StoredRequest(REQUEST.id, "{}", answer)

    def request(self, journal, request_id):
        self.looks += 1
        if self.script:
            self.script.pop(0)()
        return super().request(journal, request_id)


async def watched(store, *, until=1):
    """What a watch of the store calls, up to so many calls, in order."""
    told: asyncio.Queue[Any] = asyncio.Queue()
    job = Job("", "r", store=store)
    loop = asyncio.get_running_loop()
    watch = Watch(job, REQUEST, loop, told.put_nowait, lambda: told.put_nowait("unreadable"))
    try:
        return [await told.get() for _ in range(until)]
    finally:
        watch.end()


def test_a_store_that_does_not_reply_holds_nobody_up():
    """While a look takes long, the loop does other things; it is the loop that lets the look end here."""
    looking, replied = threading.Event(), threading.Event()
    in_time = []

    def look():
        looking.set()
        in_time.append(replied.wait(PATIENCE))

    async def other():
        await asyncio.to_thread(looking.wait, PATIENCE)
        store.leave(ANSWER)
        replied.set()

    async def both():
        return (await asyncio.gather(watched(store), other()))[0]

    store = Remote(look)
    (response,) = asyncio.run(both())
    assert response.value == "Ada"
    assert in_time == [True]


def test_a_store_out_of_reach_may_come_back():
    """Looks that fail end nothing: the answer is found by the next one that does not."""

    def fails():
        raise StoreError("the server cannot be reached")

    store = Remote(fails, fails)
    store.leave(ANSWER)
    (response,) = asyncio.run(watched(store))
    assert (response.value, store.looks) == ("Ada", 3)


@pytest.mark.parametrize("damaged", ["{", '"text"', '{"request_id": 1}', '{"value": 1, "nobody": 2}'])
def test_a_damaged_answer_is_told_once(damaged):
    """It is said that there is one, not again and again; and the watch goes on, for it may be put right."""
    store = Remote(lambda: None, lambda: None)
    store.script.append(lambda: store.leave(ANSWER))
    store.leave(damaged)
    told, response = asyncio.run(watched(store, until=2))
    assert (told, response.value, store.looks) == ("unreadable", "Ada", 3)


def test_an_ended_watch_calls_nobody():
    """Also not for the look that was under way when it ended."""
    looking, ended = threading.Event(), threading.Event()
    told: list[Any] = []

    def look():
        looking.set()
        ended.wait(PATIENCE)

    async def end_it():
        store.leave(ANSWER)
        loop = asyncio.get_running_loop()
        watch = Watch(Job("", "r", store=store), REQUEST, loop, told.append, lambda: None)
        await asyncio.to_thread(looking.wait, PATIENCE)
        watch.end()
        ended.set()
        await asyncio.sleep(1)

    store = Remote(look)
    asyncio.run(end_it())
    assert (told, store.looks) == ([], 1)


@given(silent=st.floats(0, 300), later=st.floats(0, 10**7), failures=st.integers(0, 5000))
def test_how_often_a_store_is_looked_into(silent, later, failures):
    """Twice a second for minutes; then less often, and less after each failure, but every half a minute."""
    assert pause_between(silent, 0) == 0.5
    assert 0.5 <= pause_between(later, failures) <= pause_between(later, failures + 1) <= 30
    assert pause_between(10**7, 0) == pause_between(0, 6) == 30
    assert pause_between(0, 3) == 4
