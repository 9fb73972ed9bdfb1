"""The model calls of agents' turns, and what an agent needs of the host besides."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import takewhile
from typing import Any, Final

from ..agents.calling import acall, call, faults
from ..agents.messages import Said, text_of
from ..agents.retrying import Retry
from ..agents.schemas import output_schema, parameters_of
from ..durable.serialization import dumps, loads
from ..errors import ModelError
from ..events import TextStreamed, Told, Waiting
from ..runs import Notice
from .once import Once
from .outcomes import usage_text
from .passes import Handler, LateHandler, Pass, Reply
from .sought import Sought

__all__ = ["Turns"]

_LONGEST: Final = 4000  # characters of a message that a model call keeps beside its answer


class Turns:
    """Answers the requests of agents in one pass."""

    def __init__(self, within: Pass) -> None:
        self._pass = within
        self._program = within.program
        self._once = Once(within)
        self._specs: dict[str, list[dict[str, Any]]] = {}
        self._sent: dict[str, tuple[str, list[Said]]] = {}

    @property
    def handlers(self) -> dict[str, Handler]:
        """By the request."""
        return {
            "environment": self._environment,
            "identity": self._identity,
            "retrying": self._retrying,
            "server_tools": self._server_tools,
        }

    @property
    def late_handlers(self) -> dict[str, LateHandler]:
        """By the request."""
        return {"model_call": self._model_call}

    # -- declarations ------------------------------------------------------------------------------------

    def _environment(self, name: str) -> Reply:
        """``{env.NAME}``: None for a name that ``env_allowed`` does not list."""
        return ("value", os.environ.get(name) if name in self._program.env_allowed else None)

    def _identity(self, name: str, provider: str) -> Reply:
        """Which model answers, for steps that depend on it; nothing where none does, as the call itself will say."""
        try:
            return ("value", self._program.chat_models.identity(name or None, provider or None))
        except ModelError:
            return ("value", "")

    def _retrying(self, text: str) -> Reply:
        Retry.of(loads(text))
        return ("value",)

    def _server_tools(self, name: str) -> Reply:
        """The tools of the MCP server of that name; none where there is no such server."""
        program = self._program
        return ("value", self._pass.converter.push(program.tools.bundle(name, program.tool_rows)))

    def _offered(self, offers: str) -> list[dict[str, Any]]:
        """What the model is told of the tools: ``name``, ``description`` and ``parameters`` of each."""
        if offers not in self._specs:
            self._specs[offers] = [self._spec(offer) for offer in loads(offers)]
        return self._specs[offers]

    def _spec(self, offer: dict[str, Any]) -> dict[str, Any]:
        given = offer.get("python")
        parameters = parameters_of(offer["fields"]) if given is None else self._program.tool_rows[given]["schema"]
        return {"name": offer["name"], "description": offer["description"], "parameters": parameters}

    def _messages(self, agent: str, text: str) -> list[Said]:
        """The messages of a JSON list; those that the agent was sent before are not read again."""
        before, known = self._sent.get(agent, ("[]", []))
        head = before[:-1]
        if known and text.startswith(f"{head},"):
            messages = [*known, *map(Said, loads(f"[{text[len(before) :]}"))]
        else:
            messages = list(map(Said, loads(text)))
        self._sent[agent] = text, messages
        return messages

    # -- model calls -------------------------------------------------------------------------------------

    async def _model_call(  # noqa: PLR0917 - from Lua, by place
        self,
        agent: str,
        name: str | None,
        provider: str | None,
        settings: str,
        prompt: str,
        messages: str,
        offers: str,
        output: str | None,
        choice: str | None,
        retry: str | None,
        line: int,
        granted: int,
    ) -> Reply:
        tools = self._offered(offers)
        asked = "\x1e".join(
            f"{label}\x1f{text}"
            for label, text in (
                ("system_prompt", prompt),
                ("messages", messages),
                ("tools", dumps(tools) if tools else ""),
                ("tool_choice", (choice or "") if tools else ""),
                ("output", output or ""),
                ("settings", "" if settings in ("{}", "[]") else settings),
            )
            if text
        )
        sought = self._pass.ledger.seek("model_call", self._program.chat_models.identity(name, provider), asked, line)
        if not sought.found:
            spared = None if self._pass.outside.is_replayed else self._pass.host.spending.spared(sought)
            spent = self._over_budget(granted, is_paid=spared is None)
            if spent:
                return ("budget", spent)
            if spared is not None:
                self._pass.outside.note(sought)
                return self._once.answer(self._pass.ledger.adopt(sought, spared))
        said = self._messages(agent, messages)
        request = {
            "model": {"name": name, "provider": provider, "settings": loads(settings) or {}},
            "messages": [*([{"role": "system", "content": prompt}] if prompt else []), *said],
            "tools": tools,
            "tool_choice": choice,
            "schema": output_schema(loads(output)) if output else None,
        }
        notices: list[Notice] = []
        told = _told(said)
        ask = self._asking(agent, sought, request, Retry.of(loads(retry) if retry else None), notices, told)
        nth = self._pass.host.spending.nth(sought)
        return await self._once.do(sought, ask, notices, lambda answer: _usage(answer, nth))

    def _over_budget(self, granted: int, *, is_paid: bool) -> int:
        """The tokens spent, where a person decides here whether to go on, or did so before by another limit; else 0."""
        ledger, host = self._pass.ledger, self._pass.host
        question = f"Go on beyond {host.spending.tokens} tokens?"
        before = ledger.journal.siblings(ledger.frame.chain)
        if any(entry.kind == "human" and entry.name == question for entry in before):
            return host.spending.tokens
        return host.tokens_over(granted) if is_paid else 0

    def _asking(  # noqa: PLR0917 - the call as it stands
        self, agent: str, sought: Sought, request: dict[str, Any], retry: Retry, notices: list[Notice], told: list[str]
    ) -> Callable[[], Any]:
        """What makes the call."""
        model, emit, data = request["model"], self._pass.emit, self._pass.data
        pieces: list[str] = []

        def begin() -> None:
            pieces.clear()
            emit(Told(sought.path, agent, tuple(told)))

        def on_text(piece: str) -> None:
            pieces.append(piece)
            emit(TextStreamed(sought.path, agent, piece))

        def on_retry(attempt: int, error: ModelError, delay: float) -> None:
            said = f"{agent}: {error.message}; attempt {attempt + 1} of {retry.max_attempts} in {delay:g} s"
            notices.append(Notice(kind="log", level="warning", message=said, line=sought.line or None))
            self._pass.host.show(notices[-1])
            begin()
            emit(Waiting(sought.path, time.time() + delay, f"attempt {attempt} of {retry.max_attempts} failed"))

        async def ask() -> dict[str, Any]:
            begin()
            chat = self._program.chat_models.get(model["name"], model["provider"])
            try:
                if self._pass.people.blocking:
                    with self._pass.calling():
                        answer = call(chat, request, on_text, retry=retry, on_retry=on_retry)
                else:
                    answer = await self._pass.wait(acall(chat, request, on_text, retry=retry, on_retry=on_retry))
            except (asyncio.CancelledError, KeyboardInterrupt):
                data.cut_off = (sought.path, "".join(pieces))
                raise
            schema = request["schema"]
            if schema is not None and not answer["tool_calls"] and "data" not in answer:
                answer["fault"] = faults(schema, answer)
            return {**answer, "said": told} if told else answer

        return ask


def _told(messages: Sequence[Mapping[str, Any]]) -> list[str]:
    """What was said since somebody last answered, for people to read."""
    heard = takewhile(lambda message: message["role"] in {"user", "system"}, reversed(messages))
    texts = [text_of(message["content"]) for message in heard][::-1]
    return [text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…" for text in texts if text]


def _usage(answer: Any, nth: int) -> str | None:
    """The tokens of an answer, and the how-manieth its request was in its pass."""
    text = usage_text(answer)
    return text if nth == 1 else dumps({**(loads(text) if text else {}), "nth": nth})
