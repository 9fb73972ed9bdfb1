"""What the tests of agents share: scripted answers, and what a model was sent."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

from langchain_core.messages import BaseMessage

from lua_procedures.agents.messages import from_langchain
from lua_procedures.testing import ScriptedChatModel

__all__ = ["calls", "chat", "sent", "sent_all", "spent", "thinking"]


def chat(*answers: Any, **options: Any) -> ScriptedChatModel:
    """A chat model with these answers, one after the other."""
    return ScriptedChatModel(answers=list(answers), **options)


def calls(*asked: tuple[str, Any], content: str = "", mark: str = "") -> dict[str, Any]:
    """An answer that asks for tools, each with its arguments; the ids are the same each time, and have the mark."""
    listed = [
        {"name": name, "args": args, "id": f"{mark}{place} {name} {args}"} for place, (name, args) in enumerate(asked)
    ]
    return {"content": content, "tool_calls": listed}


def spent(content: str, prompt: int, completion: int) -> dict[str, Any]:
    """An answer that cost tokens."""
    return {"content": content, "usage": {"prompt_tokens": prompt, "completion_tokens": completion}}


def sent(request: Mapping[str, Any]) -> list[str]:
    """The messages of one request, each as ``role: content``; calls of tools by their names."""
    return [_line(message) for message in request["messages"]]


def sent_all(model: ScriptedChatModel) -> list[list[str]]:
    """The same for all requests."""
    return [sent(request) for request in model.requests]


def _line(message: Mapping[str, Any]) -> str:
    asked = "".join(f" [{call['name']}]" for call in message.get("tool_calls") or ())
    return f"{message['role']}: {message['content']}{asked}"


def thinking(messages: list[BaseMessage]) -> dict[str, Any]:
    """An answer that depends on nothing but what was asked: a text, a structured value, or calls of tools."""
    plain = from_langchain(messages)
    text = json.dumps([{key: each[key] for key in ("role", "content")} for each in plain], sort_keys=True)
    drawn = blake2b(text.encode(), digest_size=4).digest()
    rounds = sum(each["role"] == "tool" for each in plain[-4:])
    if drawn[0] % 2 and rounds < 2:
        names = ("fetch", "jot", "absent", "fails", "consult", "done")
        asked = [(names[drawn[1] % 6], {"x": drawn[2] % 3}), (names[drawn[3] % 6], {"x": 1})][: 1 + drawn[0] // 2 % 2]
        answer = calls(
            *[(name, {"reason": "over"} if name == "done" else given) for name, given in asked], mark=drawn.hex()
        )
    else:
        answer = {"content": f"said {drawn.hex()}"}
    return {**answer, "usage": {"prompt_tokens": len(text), "completion_tokens": drawn[0]}}
