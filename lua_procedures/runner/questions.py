"""``Human``: a question is a checkpoint, asked once."""

from __future__ import annotations

import json
import time
from typing import Any, Final

from ..agents.schemas import parameters_of
from ..durable.entries import Entry
from ..durable.serialization import dumps, loads
from ..events import Answered, Asked
from ..human.artifacts import ARTIFACT_TYPES
from ..human.expiry import decides_otherwise
from ..human.requests import HumanRequest, HumanResponse
from ..language.hints import closest
from ..primitives.human import build_request, known_options
from .outcomes import response_text
from .passes import LateHandler, Pass, Reply
from .policy import APPROVAL
from .sought import Sought

__all__ = ["Questions"]

_OTHERWISE: Final = 'Human.review: on expiry the decision is "reject", which is none of the options; give default='


class Questions:
    """Answers the requests of ``Human`` in one pass."""

    def __init__(self, within: Pass) -> None:
        self._pass = within
        self._ledger = within.ledger
        self._people = within.people
        self._outside = within.outside
        self._push = within.converter.push

    @property
    def late_handlers(self) -> dict[str, LateHandler]:
        """By the request."""
        return {"human": self._human, "approval": self._approval}

    async def _human(self, kind: str, text: str, line: int) -> Reply:
        options = loads(text, self._pass.converter.objects)
        draft = build_request(kind, options, self._pass.host.hitl, id="", asked_at=time.time(), line=line)
        self._warn_of_misspelt(draft, kind, line)
        if draft.timeout_seconds is not None and decides_otherwise(draft):
            self._pass.host.warn_once(_OTHERWISE, line)
        return await self._answered(draft, line)

    async def _approval(self, tool: str, *said: Any) -> Reply:
        """A tool asks before it runs; a person may edit its arguments."""
        given, fields, description, text, line = said
        arguments = loads(text, self._pass.converter.objects)
        options = {"message": APPROVAL.format(tool), "artifact": arguments, "artifact_type": "json"}
        options["context"] = description or None
        draft = build_request("approve", options, {}, id="", asked_at=time.time(), line=line)
        schema = (
            parameters_of(loads(fields)) if fields else self._pass.program.tool_rows[given]["schema"] if given else None
        )
        draft = draft.model_copy(
            update={"metadata": {}, "editable": _is_json(arguments), "response_schema": schema or {"type": "object"}}
        )
        return await self._answered(draft, line)

    async def _answered(self, draft: HumanRequest, line: int) -> Reply:
        sought = self._ledger.seek("human", draft.message, _asked(draft), line)
        self._outside.note(sought)
        entry = next((each for each in sought.found if self._counts(each)), None)
        if entry is not None:
            self._ledger.replay(entry, line)
            return ("value", self._push(loads(entry.outcome)))
        self._ledger.go_live(sought)
        request = draft.model_copy(update={"id": f"{sought.key.hex()[:12]}{sought.variant or ''}"})
        response = await self._response(request, sought)
        if response.channel != "default":  # which counts with that option only, so it is not for others to find first
            response = self._people.settle(response)
        self._ledger.record(sought, dumps(response.value), started=request.asked_at, effects=response_text(response))
        self._people.settle(response)
        self._pass.data.pending = None
        self._pass.emit(Answered(request, response))
        return ("value", self._push(response.value))

    def _warn_of_misspelt(self, request: HumanRequest, kind: str, line: int) -> None:
        """What has no meaning is kept: an option in the metadata; one that is nearly another is most likely a slip."""
        for name in request.metadata:
            near = closest(name, known_options(kind))
            if near:
                self._pass.host.warn(f"Human.{kind}: unknown field '{name}'; did you mean '{near[0]}'?", line)
        given = request.artifact_type
        near = [] if given in ARTIFACT_TYPES else closest(given, ARTIFACT_TYPES)
        if near:  # any other word is accepted: it says what the text is
            self._pass.host.warn(f"Human.{kind}: unknown artifact_type '{given}'; did you mean '{near[0]}'?", line)

    def _counts(self, entry: Entry) -> bool:
        """Whether a recorded answer counts: one that ``--answers default`` took does only with that option."""
        return self._ledger.policy.takes_defaults or loads(entry.effects or "{}").get("channel") != "default"

    async def _response(self, request: HumanRequest, sought: Sought) -> HumanResponse:
        request, response = self._people.kept(request)
        self._pass.data.pending = request
        if response is None:
            with self._pass.calling():  # a scripted answer may be a function
                response = self._people.immediate(request)
        response = response or self._recorded(request, sought)
        if response is not None:
            return response
        unanswerable = self._people.cannot_wait(request, self._pass.data.name, self._pass.data.store_name)
        if unanswerable is not None:
            raise unanswerable
        self._pass.data.status = "paused"
        self._pass.save("paused")
        self._pass.emit(Asked(request))
        answered: HumanResponse = await self._pass.wait(self._people.answer(request))
        self._pass.data.status = "running"
        return answered

    def _recorded(self, request: HumanRequest, sought: Sought) -> HumanResponse | None:
        """The answer that a fixture gives, or None where nothing is replayed from one."""
        row = self._outside.take(sought)
        if row is None:
            return None
        value = loads(row.outcome)
        return HumanResponse(
            request_id=request.id,
            value=value,
            responded_at=time.time(),
            timed_out=row.timed_out,
            unlisted=row.timed_out and decides_otherwise(request),
            channel="fixture",
        )


def _is_json(value: Any) -> bool:
    try:
        json.dumps(value)
    except TypeError:
        return False
    return True


def _asked(request: HumanRequest) -> str:
    """What makes a question the same question: its content, not when or where it is asked."""
    left_out = {"id", "asked_at", "expires_at", "line"}
    if request.editable:  # what a tool says of itself is no part of the question
        left_out |= {"context", "response_schema"}
    content: dict[str, Any] = request.model_dump(exclude=left_out, exclude_defaults=True)
    return "\x1e".join(f"{key}\x1f{json.dumps(content[key], sort_keys=True, default=repr)}" for key in sorted(content))
