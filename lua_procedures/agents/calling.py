"""One call of a chat model: a request of plain data in, an answer of plain data out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import aclosing, closing, contextmanager
from functools import partial
from json import dumps
from typing import TYPE_CHECKING, Any, Final

from ..durable.plain import normalise
from ..errors import ModelError, ProcedureError
from ..tools.raised import check_end
from .failures import broke_off, model_error
from .messages import answer_of, text_of, to_langchain
from .models import identity_of, model_label
from .outputs import faults, instruction, object_schema, structured_value
from .providers import adapted, lacks_end
from .retrying import OnRetry, Retry
from .threads import in_thread, is_at_home

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

__all__ = ["Retry", "acall", "call", "faults"]

OnText = Callable[[str], None]

_ONCE: Final = Retry()


async def acall(
    model: BaseChatModel,
    request: Mapping[str, Any],
    on_text: OnText | None = None,
    *,
    retry: Retry = _ONCE,
    on_retry: OnRetry | None = None,
) -> dict[str, Any]:
    """Ask a model once, or as often as ``retry`` says; to cancel the task cancels the request in flight.

    Args:
        model: who answers.
        request: ``model`` (``name``, ``provider``, ``settings``), ``messages``, ``tools`` (``name``, ``description``,
            ``parameters``), ``tool_choice``, ``schema`` (a JSON Schema where structured output is wanted).
        on_text: given each piece of text as it comes; an attempt that is made again starts over.
        retry: how often errors that may pass are tried again.
        on_retry: told before each further attempt.

    Returns:
        ``content``, ``tool_calls`` (each ``id``, ``name``, ``args``, and ``error`` where the arguments are no JSON),
        ``usage`` or None, ``model``, and ``data`` where a schema was asked for and the answer fits it.

    Raises:
        ModelError: the model or its client failed, or the answer broke off.
    """

    async def attempt() -> dict[str, Any]:
        asked = _Call(model, request, on_text)
        return await (asked.astream() if is_at_home(model) else asked.stream_in_thread())

    answer: dict[str, Any] = await retry.aattempt(attempt, on_retry)
    return answer


def call(
    model: BaseChatModel,
    request: Mapping[str, Any],
    on_text: OnText | None = None,
    *,
    retry: Retry = _ONCE,
    on_retry: OnRetry | None = None,
) -> dict[str, Any]:
    """As ``acall``, in this thread."""
    answer: dict[str, Any] = retry.attempt(lambda: _Call(model, request, on_text).stream(), on_retry)
    return answer


class _Call:
    """One attempt: what is asked, and what has come of the answer."""

    def __init__(self, model: BaseChatModel, request: Mapping[str, Any], on_text: OnText | None) -> None:
        named = request.get("model") or {}
        label = model_label(named.get("name"), named.get("provider"))
        self._label = identity_of(model) if label == "*" else label
        self._model = model
        self._on_text = on_text
        self._chunks: list[Any] = []
        self._schema = request.get("schema")
        self._taken = [each.get("id") for message in request["messages"] for each in message.get("tool_calls") or ()]
        self._is_structured = False
        self._is_cancelled = False
        with self._failing():
            set_model, self._settings = adapted(model, named.get("settings") or {})
            self._runnable = self._offering(set_model, request)
            self._messages = to_langchain(self._told(request["messages"]))

    # What is asked

    def _offering(self, model: BaseChatModel, request: Mapping[str, Any]) -> Any:
        """The model with the tools, or with the schema where it can be given one."""
        if request.get("tools"):
            return self._with_tools(model, request)
        structured = _structured(model, self._schema) if self._schema is not None else None
        self._is_structured = structured is not None
        return structured or model

    def _with_tools(self, model: BaseChatModel, request: Mapping[str, Any]) -> Any:
        tools = [{"type": "function", "function": _function(tool)} for tool in request["tools"]]
        choice = request.get("tool_choice")
        chosen = {"tool_choice": "any" if choice == "required" else choice} if choice else {}
        try:
            return model.bind_tools(tools, **chosen)
        except NotImplementedError as error:
            raise ModelError(f"{self._label}: this model takes no tools") from error

    def _told(self, messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The messages; a model that was given no schema reads it in the first one."""
        if self._schema is None or self._is_structured:
            return messages
        told = instruction(self._schema)
        first = messages[0] if messages else {}
        if first.get("role") == "system" and isinstance(first.get("content"), str):
            return [{**first, "content": f"{first['content']}\n\n{told}"}, *messages[1:]]
        return [{"role": "system", "content": told}, *messages]

    # What comes

    async def astream(self) -> dict[str, Any]:
        """The answer, streamed by the model's async client."""
        with self._failing():
            async with aclosing(self._runnable.astream(self._messages, **self._settings)) as chunks:
                async for chunk in chunks:
                    self._take(chunk)
            return self._answer()

    def stream(self) -> dict[str, Any]:
        """The answer, streamed by the model's sync client."""
        with self._failing(), closing(self._runnable.stream(self._messages, **self._settings)) as chunks:
            for chunk in chunks:
                self._take(chunk)
                if self._is_cancelled:
                    break
            return self._answer()

    async def stream_in_thread(self) -> dict[str, Any]:
        """As ``stream``, awaited; once cancelled it ends with the next piece."""
        told, loop = self._on_text, asyncio.get_running_loop()
        if told is not None:
            self._on_text = partial(_tell, loop, told)
        try:
            answer: dict[str, Any] = await in_thread(self.stream)
        except asyncio.CancelledError:
            self._is_cancelled, self._on_text = True, None
            raise
        return answer

    def _take(self, chunk: Any) -> None:
        """Keep a piece of the answer."""
        self._chunks.append(chunk)
        text = text_of(chunk.content)
        told = self._on_text
        if text and told is not None:
            told(text)

    def _answer(self) -> dict[str, Any]:
        """All of it as an answer."""
        first, *rest = self._chunks or [None]
        message = first + rest if rest else first
        if message is None or lacks_end(self._model, message):
            raise broke_off(self._label)
        answer = {**answer_of(message, self._taken), "model": self._answering()}
        if self._schema is not None:
            self._settle(self._schema, answer)
        plain: dict[str, Any] = normalise(answer)
        return plain

    def _settle(self, schema: Mapping[str, Any], answer: dict[str, Any]) -> None:
        """Put the structured value where it belongs; the tool call that some models give it as is no tool's."""
        if self._is_structured and answer["tool_calls"]:
            given = answer["tool_calls"][0]
            answer["content"] = answer["content"] if "error" in given else dumps(given["args"], ensure_ascii=False)
            answer["tool_calls"] = []
        found = [] if answer["tool_calls"] else structured_value(schema, answer["content"])
        if found:
            answer["data"] = found[0]

    def _answering(self) -> str:
        """The model that the provider says has answered, else what the agent named."""
        for chunk in self._chunks:
            said = chunk.response_metadata.get("model_name") or chunk.response_metadata.get("model")
            if isinstance(said, str) and said:
                return said
        return self._label

    @contextmanager
    def _failing(self) -> Iterator[None]:
        """An exception of the model or its client becomes a ``ModelError``."""
        try:
            yield
        except ProcedureError:
            raise
        except BaseException as error:
            check_end(error)
            begun = bool(self._chunks)
            raise model_error(self._label, error, begun=begun, secrets=_secrets(self._model)) from error


def _tell(loop: asyncio.AbstractEventLoop, told: OnText, text: str) -> None:
    loop.call_soon_threadsafe(told, text)


def _function(tool: Mapping[str, Any]) -> dict[str, Any]:
    parameters = tool.get("parameters") or {"type": "object", "properties": {}}
    return {"name": tool["name"], "description": tool.get("description") or "", "parameters": parameters}


def _structured(model: BaseChatModel, schema: Mapping[str, Any]) -> Any:
    """What asks the model for structured output, or None where it has none.

    LangChain gives a sequence of the model and a parser. Only the model is used: the parser mends an answer that was
    cut off, and gives no text before the end.
    """
    try:
        sequence = model.with_structured_output(object_schema(schema), include_raw=True)
    except NotImplementedError:
        return None
    return getattr(getattr(sequence, "first", None), "steps__", {}).get("raw")


def _secrets(model: BaseChatModel) -> Iterator[str]:
    """The keys that an instance holds."""
    from pydantic import SecretStr

    for value in vars(model).values():
        if isinstance(value, SecretStr) and value.get_secret_value():
            yield value.get_secret_value()
