"""Messages as plain data, as a journal keeps them, and as LangChain has them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from ..durable.plain import normalise
from ..errors import ConversionError, UsageError

if TYPE_CHECKING:
    from langchain_core.messages import AIMessage, BaseMessage

__all__ = ["Said", "answer_of", "content_of", "from_langchain", "parsed_json", "text_of", "to_langchain"]

_ROLES: Final = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "ai": "assistant",
    "tool": "tool",
}
_DEEPEST: Final = 90  # levels of a tool's arguments: the messages around them take the rest of what can cross
_SURROGATES: Final = re.compile("[\ud800-\udfff]")
_TYPES: Final = {"system": "system", "human": "user", "ai": "assistant", "AIMessageChunk": "assistant", "tool": "tool"}


class Said(dict[str, Any]):
    """A plain message that nobody changes: it is turned into LangChain's once, however often it is sent."""

    __slots__ = ("langchain",)

    langchain: BaseMessage


def to_langchain(messages: Iterable[Mapping[str, Any]]) -> list[BaseMessage]:
    """Plain messages as LangChain's.

    Args:
        messages: each with ``role`` (``system``, ``user``, ``assistant``, ``tool``) and ``content``; text and lists of
            content blocks stay as they are, anything else becomes JSON text. Where there are any: ``tool_calls``
            (``id``, ``name``, ``args``), ``tool_call_id``, ``name``.

    Raises:
        UsageError: a role is none of these.
    """
    return [_kept(message) if isinstance(message, Said) else _to_langchain(message) for message in messages]


def _kept(message: Said) -> BaseMessage:
    if not hasattr(message, "langchain"):
        message.langchain = _to_langchain(message)
    return message.langchain.model_copy()


def _to_langchain(message: Mapping[str, Any]) -> BaseMessage:
    from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage

    role = _ROLES.get(message.get("role", ""))
    content, name = content_of(message.get("content")), message.get("name")
    if role == "system":
        return SystemMessage(content, name=name)
    if role == "user":
        return HumanMessage(content, name=name)
    if role == "assistant":
        return AIMessage(content, name=name, tool_calls=list(map(_tool_call, message.get("tool_calls") or ())))
    if role == "tool":
        return ToolMessage(content, name=name, tool_call_id=str(message.get("tool_call_id") or ""))
    raise UsageError(f"role: one of system, user, assistant, tool expected, got {message.get('role')!r}")


def _tool_call(call: Mapping[str, Any]) -> Any:
    return {"type": "tool_call", "id": call.get("id"), "name": call["name"], "args": dict(call.get("args") or {})}


def content_of(value: Any) -> str | list[Any]:
    """What a message says: text and a list of content blocks as they are, nothing as no text, else JSON text."""
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, list) and value and all(_is_block(each) for each in value):
        return value
    return json.dumps(value, ensure_ascii=False, default=_stand_in)


def _is_block(value: Any) -> bool:
    return isinstance(value, Mapping) and isinstance(value.get("type"), str)


def _stand_in(value: Any) -> str:
    """What a model sees of a value that JSON does not have."""
    return f"<{len(value)} bytes>" if isinstance(value, bytes) else f"<{type(value).__name__}>"


def from_langchain(messages: Iterable[BaseMessage]) -> list[dict[str, Any]]:
    """LangChain's messages as plain ones; a role that has no name here is LangChain's."""
    return [_from_langchain(message) for message in messages]


def _from_langchain(message: BaseMessage) -> dict[str, Any]:
    calls = [{key: call[key] for key in ("id", "name", "args")} for call in getattr(message, "tool_calls", ())]
    extra = {"tool_calls": calls, "tool_call_id": getattr(message, "tool_call_id", None), "name": message.name}
    plain = {"role": _TYPES.get(message.type, message.type), "content": message.content}
    return plain | {key: value for key, value in extra.items() if value}


# Answers


def answer_of(message: AIMessage, taken: Iterable[str] = ()) -> dict[str, Any]:
    """A model's message as an answer: ``content`` (its text), ``tool_calls`` and ``usage``.

    Args:
        message: what the model said.
        taken: the ids of earlier tool calls; an id that is there, twice or missing is replaced by a fresh one.
    """
    refused = message.additional_kwargs.get("refusal")
    text = text_of(message.content) or (refused if isinstance(refused, str) else "")
    calls = [*map(_call, _raw_calls(message)), *map(_broken_call, _broken(message))]
    return {
        "content": _SURROGATES.sub("\ufffd", text),
        "tool_calls": _with_ids(calls, taken),
        "usage": _usage(message.usage_metadata),
    }


def text_of(content: Any) -> str:
    """The text of a message's content: a list of blocks is the text of those that have one."""
    if isinstance(content, str):
        return content
    blocks = content if isinstance(content, list) else ()
    return "".join(each if isinstance(each, str) else _block_text(each) for each in blocks)


def _block_text(block: Mapping[str, Any]) -> str:
    text = block.get("text") if block.get("type") == "text" else ""
    return text if isinstance(text, str) else ""


def _raw_calls(message: AIMessage) -> Sequence[Mapping[str, Any]]:
    """The calls, of a streamed message with arguments as text: LangChain's own reading mends JSON that was cut off."""
    return getattr(message, "tool_call_chunks", None) or message.tool_calls


def _broken(message: AIMessage) -> Sequence[Mapping[str, Any]]:
    return () if getattr(message, "tool_call_chunks", None) else message.invalid_tool_calls


def _call(call: Mapping[str, Any]) -> dict[str, Any]:
    args = call["args"]
    try:
        args = parsed_json(args) if isinstance(args, str) and args.strip() else args or {}
    except ValueError:
        return _broken_call(call)
    if not isinstance(args, Mapping):
        return _broken_call(call)
    try:
        return _named(call, normalise(dict(args), max_depth=_DEEPEST))
    except ConversionError as error:
        return {**_named(call, {}), "error": f"the arguments cannot be passed on: {error.message}"}


def _broken_call(call: Mapping[str, Any]) -> dict[str, Any]:
    said = f"the arguments are no JSON: {_json_fault(call['args']) or 'an object expected'}"
    return {**_named(call, {}), "error": said}


def _named(call: Mapping[str, Any], args: dict[str, Any]) -> dict[str, Any]:
    name, given = (_SURROGATES.sub("\ufffd", call[key] or "") for key in ("name", "id"))
    return {"id": given, "name": name, "args": args}


def _json_fault(text: str | None) -> str:
    try:
        parsed_json(text or "")
    except ValueError as error:
        return str(error)
    return ""


def parsed_json(text: str) -> Any:
    """The value of a JSON text.

    Raises:
        ValueError: it is none; NaN and infinities are none either.
    """
    try:
        return json.loads(text, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("it is nested too deep") from None


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON")


def _with_ids(calls: list[dict[str, Any]], taken: Iterable[str]) -> list[dict[str, Any]]:
    used = set(taken)
    own = {call["id"] for call in calls}
    fresh = (
        name for number in range(1, len(own | used) + len(calls) + 1) if (name := f"call_{number}") not in own | used
    )
    for call in calls:
        if not isinstance(call["id"], str) or not call["id"] or call["id"] in used:
            call["id"] = next(fresh)
        used.add(call["id"])
    return calls


def _usage(given: Mapping[str, Any] | None) -> dict[str, int] | None:
    if given is None:
        return None
    prompt, completion = given.get("input_tokens", 0), given.get("output_tokens", 0)
    total = given.get("total_tokens") or prompt + completion
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": total}
