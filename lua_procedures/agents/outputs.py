"""Structured output: the value in a model's answer, against the JSON Schema that was asked for."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from ..program import sentence
from ..tools.checking import Checker
from .messages import parsed_json

__all__ = ["faults", "instruction", "object_schema", "structured_value"]

_FENCE: Final = re.compile(r"```[ \t]*\w*[ \t]*\n(.*?)```", re.DOTALL)
_START: Final = re.compile(r"[{\[]")
_MOST_STARTS: Final = 20  # places in a text where JSON is looked for
_WRAPPED: Final = "value"


def faults(schema: Mapping[str, Any], answer: Mapping[str, Any]) -> str:
    """What of an answer does not fit the schema, in one sentence; empty where its ``data`` is there and fits."""
    values = [answer["data"]] if "data" in answer else [*_values(schema, answer.get("content", ""))]
    if not values:
        return "the answer does not fit: JSON that fits the schema expected, got text without any"
    found = _faults(schema, values[0])
    return found and f"the answer does not fit: {found}"


def _faults(schema: Mapping[str, Any], value: Any) -> str:
    found = Checker(schema).faults(value)
    return sentence([{**fault, "field": fault["field"] or "output"} for fault in found])


def structured_value(schema: Mapping[str, Any], text: str) -> list[Any]:
    """The first value in the text that fits the schema, alone in a list; an empty list where none does."""
    checker = Checker(schema)
    return next(([value] for value in _values(schema, text) if not checker.faults(value)), [])


def object_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema as providers want it: with a title, and of an object; any other value is wrapped in one."""
    if schema.get("type") != "object":
        schema = {"type": "object", "properties": {_WRAPPED: dict(schema)}, "required": [_WRAPPED]}
    return {"title": "output", "description": "The answer.", **schema}


def instruction(schema: Mapping[str, Any]) -> str:
    """What a model is told that cannot be given a schema in another way."""
    text = json.dumps(schema, ensure_ascii=False)
    return f"Give the final answer as JSON, without any other text. It must fit this JSON Schema: {text}"


def _values(schema: Mapping[str, Any], text: str) -> Iterator[Any]:
    """What the answer may mean: JSON in the text, unwrapped where it was wrapped, or the text itself."""
    for value in _json_in(text):
        if schema.get("type") != "object" and isinstance(value, dict) and value.keys() == {_WRAPPED}:
            yield value[_WRAPPED]
        yield value
    if schema.get("type") == "string" and text.strip():
        yield text.strip()


def _json_in(text: str) -> Iterator[Any]:
    for part in (text, *_FENCE.findall(text)):
        try:
            yield parsed_json(part)
        except ValueError:
            continue
    decoder = json.JSONDecoder()
    end = 0
    for _, start in zip(range(_MOST_STARTS), _START.finditer(text), strict=False):
        if start.start() < end:
            continue
        try:
            value, end = decoder.raw_decode(text, start.start())
        except (ValueError, RecursionError):
            continue
        yield value
