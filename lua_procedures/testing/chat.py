"""A chat model that answers by a script: for tests of programs with agents, without a key and a network."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.output_parsers import JsonOutputParser, PydanticOutputParser
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import RunnableMap, RunnablePassthrough
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import BaseModel, PrivateAttr

from ..agents.messages import from_langchain, text_of
from ..errors import ModelError, UsageError

__all__ = ["ScriptedChatModel"]

_PIECE = re.compile(r"\S+\s*|\s+")
_SHOWN = 200  # characters of the last message in an error

#: One scripted answer.
Answer = str | Mapping[str, Any] | AIMessage | BaseException | type[BaseException]


class ScriptedChatModel(BaseChatModel):
    """A chat model that gives the answers it was given, one for each call, and streams them word by word.

    Args:
        answers: a list of answers, used in order, or a callable that is given LangChain's messages and returns one. An
            answer is a text; a dict with ``content``, ``tool_calls`` (each ``name`` and ``args``; text as ``args`` is
            what a model says that gives no JSON), ``usage`` (``prompt_tokens``, ``completion_tokens``) or ``data`` (a
            structured answer, given as its JSON); an ``AIMessage``; or an exception, which is raised.
        delay: seconds between two pieces of a stream.
        structured: whether it has ``with_structured_output``.
        model_name: which model it says it is.

    Attributes:
        requests: what it was asked, in order: each a dict of ``messages`` (plain), ``tools`` (names) and ``kwargs``.
    """

    answers: Any
    delay: float = 0.0
    structured: bool = True
    model_name: str = "scripted"
    _requests: list[dict[str, Any]] = PrivateAttr(default_factory=list)

    def __init__(self, answers: Sequence[Answer] | Callable[[list[BaseMessage]], Answer] = (), **options: Any) -> None:
        if not callable(answers) and (isinstance(answers, (str, Mapping)) or not isinstance(answers, Sequence)):
            kind = type(answers).__name__
            raise UsageError(f"ScriptedChatModel: answers: a list of answers or a callable expected, got a {kind}")
        super().__init__(answers=answers if callable(answers) else list(answers), **options)

    @property
    def requests(self) -> list[dict[str, Any]]:
        """What it was asked, in order."""
        return self._requests

    @property
    def _llm_type(self) -> str:
        return "scripted"

    # What LangChain calls

    def bind_tools(self, tools: Sequence[Any], *, tool_choice: str | None = None, **kwargs: Any) -> Any:
        """The model with these tools on offer; the script decides which are called."""
        chosen = {} if tool_choice is None else {"tool_choice": tool_choice}
        return self.bind(tools=[convert_to_openai_tool(tool) for tool in tools], **chosen, **kwargs)

    def with_structured_output(self, schema: Any, *, include_raw: bool = False, **kwargs: Any) -> Any:
        """The model, and its answer as the value that its JSON is.

        Raises:
            NotImplementedError: with ``structured=False``.
        """
        if not self.structured:
            raise NotImplementedError("with_structured_output is not implemented for this model.")
        parser: Any = JsonOutputParser()
        if isinstance(schema, type) and issubclass(schema, BaseModel):
            parser, schema = PydanticOutputParser(pydantic_object=schema), schema.model_json_schema()
        asked = self.bind(output_schema=schema)
        if not include_raw:
            return asked | parser
        parsed = RunnablePassthrough.assign(
            parsed=lambda both: parser.invoke(both["raw"]), parsing_error=lambda _: None
        )
        failed = RunnablePassthrough.assign(parsed=lambda _: None)
        return RunnableMap(raw=asked) | parsed.with_fallbacks([failed], exception_key="parsing_error")

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=self._next(messages, kwargs))])

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        for number, piece in enumerate(_pieces(self._next(messages, kwargs))):
            if number and self.delay:
                time.sleep(self.delay)
            yield ChatGenerationChunk(message=piece)

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        for number, piece in enumerate(_pieces(self._next(messages, kwargs))):
            if number and self.delay:
                await asyncio.sleep(self.delay)
            yield ChatGenerationChunk(message=piece)

    # The script

    def _next(self, messages: list[BaseMessage], kwargs: dict[str, Any]) -> AIMessage:
        tools = [tool["function"]["name"] for tool in kwargs.get("tools", ())]
        others = {key: value for key, value in kwargs.items() if key != "tools"}
        plain = from_langchain(messages)
        self._requests.append({"messages": plain, "tools": tools, "kwargs": others})
        answer = self.answers(messages) if callable(self.answers) else self._scripted(plain)
        if isinstance(answer, BaseException) or (isinstance(answer, type) and issubclass(answer, BaseException)):
            raise answer
        return _message(answer, len(self._requests), self.model_name)

    def _scripted(self, plain: list[dict[str, Any]]) -> Answer:
        used = len(self._requests) - 1
        if used < len(self.answers):
            answer: Answer = self.answers[used]
            return answer
        last = f"{plain[-1]['role']}: {text_of(plain[-1]['content'])[:_SHOWN]}" if plain else "nothing"
        raise ModelError(
            f"ScriptedChatModel: it was asked for answer {used + 1} and has {len(self.answers)}; the last message was "
            f"{last}"
        )


def _message(answer: Any, number: int, model_name: str) -> AIMessage:
    """A scripted answer as a message; ``number`` makes the ids of its tool calls differ from those of others."""
    if isinstance(answer, AIMessage):
        return answer
    if isinstance(answer, str):
        answer = {"content": answer}
    if not isinstance(answer, Mapping):
        expected = "a text, a dict, an AIMessage or an exception"
        raise UsageError(f"ScriptedChatModel: answer {number}: {expected} expected, got a {type(answer).__name__}")
    unknown = ", ".join(sorted(answer.keys() - {"content", "tool_calls", "usage", "data"}))
    if unknown:
        known = "content, tool_calls, usage, data"
        raise UsageError(f"ScriptedChatModel: answer {number}: unknown {unknown}; an answer has {known}")
    content = json.dumps(answer["data"], ensure_ascii=False) if "data" in answer else answer.get("content") or ""
    message = AIMessage(
        content,
        usage_metadata=_usage(answer.get("usage")),
        response_metadata={
            "model_name": model_name,
            "finish_reason": "tool_calls" if "tool_calls" in answer else "stop",
        },
    )
    for place, call in enumerate(answer.get("tool_calls") or (), 1):
        _add_call(message, call, call.get("id") or f"scripted_{number}_{place}")
    return message


def _add_call(message: AIMessage, call: Mapping[str, Any], call_id: str) -> None:
    args = call.get("args") or {}
    if isinstance(args, str):
        message.invalid_tool_calls.append(
            {"type": "invalid_tool_call", "name": call["name"], "args": args, "id": call_id, "error": None}
        )
    else:
        message.tool_calls.append({"type": "tool_call", "name": call["name"], "args": dict(args), "id": call_id})


def _usage(given: Mapping[str, int] | None) -> Any:
    if given is None:
        return None
    prompt, completion = given.get("prompt_tokens", 0), given.get("completion_tokens", 0)
    total = given.get("total_tokens", prompt + completion)
    return {"input_tokens": prompt, "output_tokens": completion, "total_tokens": total}


def _pieces(message: AIMessage) -> Iterator[AIMessageChunk]:
    """A message as a stream: its words, and at the end all the rest."""
    content: Any = message.content
    if isinstance(content, str):
        yield from (AIMessageChunk(content=piece) for piece in _PIECE.findall(content))
        content = ""
    calls: list[Any] = [
        {
            "type": "tool_call_chunk",
            "name": call["name"],
            "args": _as_text(call["args"]),
            "id": call["id"],
            "index": place,
        }
        for place, call in enumerate([*message.tool_calls, *message.invalid_tool_calls])
    ]
    yield AIMessageChunk(
        content=content,
        additional_kwargs=message.additional_kwargs,
        response_metadata=message.response_metadata,
        tool_call_chunks=calls,
        usage_metadata=message.usage_metadata,
    )


def _as_text(args: Any) -> str:
    return args if isinstance(args, str) else json.dumps(args, ensure_ascii=False)
