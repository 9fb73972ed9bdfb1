"""Tactus's questions, asked through our forms and kept in our stores."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from queue import SimpleQueue
from typing import Any, Final

from ...durable.entries import JournalRow
from ...durable.keys import digest
from ...durable.serialization import dumps, loads
from ...durable.stores import Store
from ...errors import AnswerRefused, ProcedureError
from ...histories.foreign import kept_run
from ...human.answers import accept
from ...human.requests import HumanRequest, HumanResponse
from ...human.responders import LATER, Answers, Scripted, answers_from_environment
from ...notebook.kernel import can_wait
from ...notebook.questions import QuestionOutput, kernel_loop, place_to_ask
from ...runner.people import People, Suspended, answer_text, respond, settled
from ...runs import Run
from ...session import get_session
from ...terminal.prompts import terminal_stream
from ...terminal.responder import TerminalResponder
from .checkpoints import is_answered
from .journals import Journals
from .library import exceptions, reported
from .questions import asked, question, response_of

__all__ = ["HITLHandler"]

_LOOK: Final = 0.5  # seconds between two looks into the store for an answer from elsewhere
_CANCELLED: Final = "cancelled"  # the channel of an answer that only says that the question is withdrawn

#: The output that a procedure goes on in, while it goes on because its form was answered.
_going_on_in: ContextVar[QuestionOutput | None] = ContextVar("going_on_in", default=None)


class HITLHandler:
    """A ``HITLHandler`` of Tactus.

    A question is kept in the store once and answered by whoever comes first: a scripted answer, the form, a terminal
    prompt, ``%procedures answer``, ``lua_procedures.answer`` or the command line. While there is no answer the runtime
    is left by Tactus's ``ProcedureWaitingForHuman``; run again, it finds the answer. An answer belongs to its question
    alone: to what was asked at that position of that run.

    Args:
        store: a URL (see ``open_store``) or a ``Store``: the one that the storage backend has.
        answers: scripted answers, as of ``lua_procedures.run``; else ``LUA_PROCEDURES_ANSWERS`` counts.
        blocking: wait for the answer instead of leaving the runtime: at a terminal by a prompt, without a front end
            for an answer in the store. In a kernel only a runtime on another thread (``asyncio.to_thread``) can wait
            for a form; one in the kernel's own loop is left all the same, since it would never see the click.
        resume: runs the procedure again, such as a coroutine function without arguments; it is called when a form was
            answered, and the run goes on in the same output. Without it, run the cell again.
    """

    def __init__(
        self,
        store: str | Store = "memory:",
        *,
        answers: Answers = None,
        blocking: bool = False,
        resume: Callable[[], Awaitable[object]] | None = None,
    ) -> None:
        with reported("HITLError"):
            self._journals = Journals.of(store)
            self._scripted = _scripted(answers)
        self._blocking = blocking
        self._resume = resume
        self._tasks: set[asyncio.Task[None]] = set()

    def request_interaction(self, procedure_id: str, request: Any, execution_context: Any = None) -> Any:
        """The answer to a question as a ``HITLResponse``.

        Args:
            procedure_id: the procedure.
            request: a ``HITLRequest``.
            execution_context: Tactus's, which tells equal questions of one run apart. Without it they are one question.

        Raises:
            ProcedureWaitingForHuman: nobody has answered yet.
            HITLError: there is no form for the question, something in it does not fit, or the store fails.
        """
        with reported("HITLError"):
            row = self._journals.row(procedure_id)
            people = People(self._journals.store, row.id, self._scripted)
            draft = question(request, "")
            draft = draft.model_copy(update={"id": self._id_of(row, draft, execution_context)})
            first, response = people.kept(draft)
            response = response or people.immediate(first)
            if response is None:
                self._journals.set_status(procedure_id, "WAITING_FOR_HUMAN", first.id)
                response = self._asked(procedure_id, people, first)
            if response is None:
                raise exceptions().ProcedureWaitingForHuman(procedure_id, first.id)
            people.settle(response)
            self._journals.set_status(procedure_id, "RUNNING")
            return response_of(first, response)

    def check_pending_response(self, procedure_id: str, message_id: str) -> Any:
        """The answer to a question that was asked, or its default once its time is over; None while it is open."""
        with reported("HITLError"):
            row = self._journals.find(procedure_id)
            stored = None if row is None else self._journals.store.request(row.id, message_id)
            if row is None or stored is None:
                return None
            request = HumanRequest.model_validate(loads(stored.request))
            people = People(self._journals.store, row.id)
            response = people.elsewhere(request) or people.immediate(request)
            if response is None or response.channel == _CANCELLED:
                return None
            people.settle(response)
            return response_of(request, response)

    def cancel_pending_request(self, procedure_id: str, message_id: str) -> None:
        """Withdraw an open question; asked again, it is another one. One that has an answer keeps it."""
        with reported("HITLError"):
            row = self._journals.find(procedure_id)
            withdrawn = HumanResponse(request_id=message_id, responded_at=time.time(), channel=_CANCELLED)
            if row is None or not self._journals.store.answer(row.id, message_id, answer_text(withdrawn)):
                return
            if loads(row.options).get("pending") == message_id:
                self._journals.change(procedure_id, pending=None)
                get_session().supersede(self._journals.store.url, procedure_id, "the question was withdrawn")

    # -- which question it is ----------------------------------------------------------------------------

    def _id_of(self, row: JournalRow, draft: HumanRequest, context: Any) -> str:
        """The same on each pass, until its answer is a checkpoint or it was withdrawn."""
        store = self._journals.store
        position = None if context is None else context.next_position()
        run_id = getattr(context, "current_run_id", None)
        answered = sum(is_answered(each) and each.path == str(position) for each in store.entries(row.id))
        content = dumps([row.name, run_id, position, answered, asked(draft)])
        withdrawn = 0
        while True:
            found = digest(f"{content}{withdrawn or ''}")
            stored = store.request(row.id, found)
            if stored is None or stored.answer is None or loads(stored.answer)["channel"] != _CANCELLED:
                return found
            withdrawn += 1

    # -- asking ------------------------------------------------------------------------------------------

    def _asked(self, procedure_id: str, people: People, request: HumanRequest) -> HumanResponse | None:
        """Ask where somebody is; the answer where it was waited for."""
        going_on = _going_on_in.get() is not None  # by a click, which is no cell that could be headless
        place = "form" if going_on else place_to_ask()
        if place == "form":
            return self._by_form(procedure_id, people, request, kernel_loop())
        if not self._blocking:
            return None
        return _prompted(request) if place == "terminal" else _awaited(people, request)

    def _by_form(
        self, procedure_id: str, people: People, request: HumanRequest, loop: asyncio.AbstractEventLoop
    ) -> HumanResponse | None:
        if _is_running(loop):
            self._output(procedure_id).leave(request, self._kept(procedure_id))
            return None
        # a runtime on another thread: only the kernel's loop displays
        return asyncio.run_coroutine_threadsafe(self._in_loop(procedure_id, people, request), loop).result()

    async def _in_loop(self, procedure_id: str, people: People, request: HumanRequest) -> HumanResponse | None:
        output = self._output(procedure_id)
        if self._blocking and can_wait():
            get_session().supersede(self._journals.store.url, procedure_id, "the run goes on elsewhere")
            people.responder = output.responder
            try:
                response = await people.answer(request)
            except Suspended:
                pass  # the person said later: the form stays, and the runtime is left
            else:
                output.show(self._kept(procedure_id))
                return response
        output.leave(request, self._kept(procedure_id))
        return None

    def _output(self, procedure_id: str) -> QuestionOutput:
        going_on = _going_on_in.get()
        if going_on is not None:
            return going_on
        store, by_itself = self._journals.store, self._resume is not None
        output = QuestionOutput(procedure_id, store, lambda: self._answered(procedure_id, output), by_itself=by_itself)
        return output

    def _kept(self, procedure_id: str) -> Run:
        return kept_run(self._journals.store, self._journals.row(procedure_id))

    def _answered(self, procedure_id: str, output: QuestionOutput) -> Run:
        """A form was answered that no pass waited for: the procedure goes on, where it is known how."""
        if self._resume is not None:
            task = asyncio.ensure_future(self._go_on(procedure_id, output))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return self._kept(procedure_id)

    async def _go_on(self, procedure_id: str, output: QuestionOutput) -> None:
        _going_on_in.set(output)
        assert self._resume is not None  # noqa: S101 - it is what goes on
        try:
            await self._resume()
        except Exception as error:  # noqa: BLE001 - whatever it raises belongs into the output: nobody awaits the task
            output.fail(ProcedureError(f"the procedure could not go on: {error}"))
            return
        run = self._kept(procedure_id)
        if run.pending is None:
            output.show(run)


def _scripted(answers: Answers) -> list[Scripted]:
    if answers is not None:
        return [Scripted(answers)]
    found = answers_from_environment()
    return [] if found is None else [Scripted(found, shared=isinstance(found, Mapping))]


def _is_running(loop: asyncio.AbstractEventLoop) -> bool:
    """Whether we are called in that loop, and not on another thread."""
    try:
        return asyncio.get_running_loop() is loop
    except RuntimeError:
        return False


def _prompted(request: HumanRequest) -> HumanResponse | None:
    """The answer from the terminal; None where the person answers later."""
    stream = terminal_stream()
    if stream is None:
        return None
    responder, said = TerminalResponder(stream), SimpleQueue[Any]()
    asking = responder.ask(request, said.put)
    while (raw := said.get()) is not LATER:
        try:
            response = respond(request, accept(request, raw), responder.channel)
        except AnswerRefused as error:
            asking.refuse(error)
        else:
            asking.close(settled(request, response))
            return response
    return None


def _awaited(people: People, request: HumanRequest) -> HumanResponse:
    """The answer that comes from elsewhere, or the default when the time is over."""
    unscripted = People(people.store, people.journal)
    while (response := people.elsewhere(request) or unscripted.immediate(request)) is None:
        time.sleep(_LOOK)
    return response
