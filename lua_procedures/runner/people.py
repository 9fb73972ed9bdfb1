"""Asking a person: the question is kept once, and answered by whoever comes first."""

from __future__ import annotations

import asyncio
import shlex
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from ..durable.serialization import dumps, loads, normalise
from ..durable.stores import Store
from ..errors import AnswerRefused, ConversionError, HumanInputRequired, ProcedureError
from ..human.answers import accept
from ..human.channels import came_from
from ..human.expiry import decides_otherwise, expired
from ..human.requests import TIMEOUT, HumanRequest, HumanResponse
from ..human.responders import LATER, Asking, Responder, Scripted
from ..rendering.requests import in_store
from .deadlines import Deadline

__all__ = ["SLEEP", "People", "Suspended", "answer_text", "respond", "settled", "timed_out"]

#: What the ids of kept sleeps begin with, among those of questions.
SLEEP: Final = "sleep-"

_SLICE = 0.1  # seconds; a longer await would keep the stop button waiting
_LOOK = 0.5  # seconds between two looks into the store for an answer from elsewhere


class Suspended(Exception):
    """The run waits and does not hold its caller.

    Attributes:
        request: the open question, or None for a ``Sleep``.
        until: UNIX time at which it goes on by itself: a ``Sleep`` ends, or the question expires; or None.
    """

    def __init__(self, request: HumanRequest | None = None, until: float | None = None) -> None:
        super().__init__()
        self.request = request
        self.until = until


@dataclass
class People:
    """Who answers in one pass, in order: the store, the script, the responder, else the run pauses.

    Attributes:
        scripted: answers known beforehand.
        responder: what can ask a person now, or None.
        wait: whether to hold the pass while a person is asked, or for a ``Sleep``.
        can_hold: whether a pass that is held can receive an answer.
        blocking: whether the pass is driven on a thread whose loop cannot turn meanwhile.
        headless: whether an open question is an error, since nobody can answer it here.
    """

    store: Store
    journal: int
    scripted: Sequence[Scripted] = ()
    responder: Responder | None = None
    wait: bool = True
    headless: bool = False
    can_hold: bool = True
    blocking: bool = False

    def kept(self, request: HumanRequest) -> tuple[HumanRequest, HumanResponse | None]:
        """The question as it was first asked (from now on in the store), and its answer if it has one."""
        stored = self.store.ask(self.journal, request.id, dumps(request.model_dump()))
        first = HumanRequest.model_validate(loads(stored.request))
        request = request.model_copy(update={"asked_at": first.asked_at, "expires_at": _deadline(request, first)})
        return request, None if stored.answer is None else HumanResponse(**loads(stored.answer))

    def immediate(self, request: HumanRequest) -> HumanResponse | None:
        """The answer that needs no waiting: a scripted one, or the default of a question that has expired.

        Raises:
            AnswerRefused: a scripted answer does not fit; the question stays.
        """
        for scripted in self.scripted:
            raw = scripted.answer(request)
            if raw is TIMEOUT:
                return timed_out(request, "default" if scripted.takes_defaults else "scripted")
            if raw is not None:
                return respond(request, accept(request, raw), "scripted")
        if request.expires_at is not None and time.time() >= request.expires_at:
            return timed_out(request, "expiry")
        return None

    def cannot_wait(self, request: HumanRequest, name: str, store: str = "") -> ProcedureError | None:
        """The error of a headless run whose question nobody has scripted; ``store`` is named where it must be."""
        if not self.headless or self.responder is not None:
            return None
        hints = [
            *(scripted.why_none() for scripted in self.scripted),
            "Script the answer with --answers VAR (or --answers default), or in a JSON file, LUA_PROCEDURES_ANSWERS;",
            f"or answer the paused run: %procedures answer {shlex.quote(name)} VALUE{in_store(store)}",
        ]
        message = f"a person must answer: {request.message}"
        return HumanInputRequired(message, request=request, line=request.line, hint="\n".join(filter(None, hints)))

    async def answer(self, request: HumanRequest) -> HumanResponse:
        """Ask, and wait for the first answer: from the responder, from elsewhere through the store, or by expiry.

        Raises:
            Suspended: nobody can be asked now, or the person said later.
        """
        if self.responder is None:
            raise Suspended(request)
        loop = asyncio.get_running_loop()
        deadline = Deadline(request)
        delivered: asyncio.Queue[Any] = asyncio.Queue()

        def deliver(raw: Any) -> None:
            # one that comes in time counts, however long it takes until somebody looks
            loop.call_soon_threadsafe(delivered.put_nowait, raw if deadline.left or raw is LATER else _TOO_LATE)

        asking = self.responder.ask(request, deliver)
        if not self.wait or not self.can_hold or self.blocking:
            raise Suspended(request, until=request.expires_at)
        try:
            return await self._first(request, asking, delivered, deadline)
        except Suspended:
            raise
        except BaseException:  # a stop, or a store that failed: a prompt must give the terminal back
            asking.close("stopped; run the cell again to answer")
            raise

    async def _first(
        self, request: HumanRequest, asking: Asking, delivered: asyncio.Queue[Any], deadline: Deadline
    ) -> HumanResponse:
        looked = time.monotonic()
        response: HumanResponse | None
        while True:
            raw = await _next(delivered, min(_SLICE, deadline.left))
            if raw is LATER:
                raise Suspended(request, until=request.expires_at)
            if raw is _TOO_LATE or (raw is _NOTHING and not deadline.left):
                response = timed_out(request, "expiry")
            elif raw is not _NOTHING:
                response = self._accepted(request, raw, asking)
            elif time.monotonic() - looked >= _LOOK:
                looked = time.monotonic()
                response = self.elsewhere(request)
            else:
                continue
            if response is not None:
                response = self.settle(response)
                asking.close(settled(request, response))
                return response

    def _accepted(self, request: HumanRequest, raw: Any, asking: Asking) -> HumanResponse | None:
        assert self.responder is not None  # noqa: S101 - it asked
        try:
            return respond(request, accept(request, raw), self.responder.channel)
        except AnswerRefused as error:
            asking.refuse(error)
            return None

    def elsewhere(self, request: HumanRequest) -> HumanResponse | None:
        """An answer that another process (or ``%procedures answer``) left in the store."""
        stored = self.store.request(self.journal, request.id)
        return None if stored is None or stored.answer is None else HumanResponse(**loads(stored.answer))

    def settle(self, response: HumanResponse) -> HumanResponse:
        """Keep the answer with its question, so that nobody answers it again.

        Returns:
            The answer that counts: the first one, which somebody else may have given just now.
        """
        if self.store.answer(self.journal, response.request_id, answer_text(response)):
            return response
        stored = self.store.request(self.journal, response.request_id)
        return response if stored is None or stored.answer is None else HumanResponse(**loads(stored.answer))

    def unused(self) -> list[Any]:
        """Scripted answers that nobody asked for."""
        return [answer for scripted in self.scripted for answer in scripted.unused()]


_NOTHING, _TOO_LATE = object(), object()


async def _next(delivered: asyncio.Queue[Any], seconds: float) -> Any:
    try:
        return await asyncio.wait_for(delivered.get(), seconds)
    except TimeoutError:  # the loop may have been busy meanwhile
        return _NOTHING if delivered.empty() else delivered.get_nowait()


def _deadline(request: HumanRequest, first: HumanRequest) -> float | None:
    # an edited timeout counts from the first asking too
    return None if request.timeout_seconds is None else first.asked_at + request.timeout_seconds


def respond(request: HumanRequest, value: Any, channel: str) -> HumanResponse:
    """The response for an accepted answer, given now."""
    now = time.time()
    try:
        plain = normalise(value)
    except ConversionError as error:
        raise AnswerRefused(f"the answer cannot be kept: {error.message}") from None
    dated = _dated(request, plain, now, timed_out=False)
    return HumanResponse(request_id=request.id, value=dated, responded_at=now, channel=channel)


def timed_out(request: HumanRequest, channel: str) -> HumanResponse:
    """The response that stands for nobody's answer, given now."""
    now = time.time()
    value = _dated(request, expired(request), now, timed_out=True)
    return HumanResponse(
        request_id=request.id,
        value=value,
        responded_at=now,
        timed_out=True,
        unlisted=decides_otherwise(request),
        channel=channel,
    )


def _dated(request: HumanRequest, value: Any, now: float, *, timed_out: bool) -> Any:
    if request.kind == "review":
        return {**value, "responded_at": now, "timed_out": timed_out}
    return None if request.kind == "escalate" else value


def answer_text(response: HumanResponse) -> str:
    """The JSON text of an answer, as a store keeps it."""
    return dumps(response.model_dump())


def settled(request: HumanRequest, response: HumanResponse) -> str:
    """A sentence on how a question was settled, for a form that is shown no longer."""
    if response.timed_out:
        return f"timed out: {request.default_label() or 'no answer'}"
    return f"answered {came_from(response.channel) or 'in a form'}"
