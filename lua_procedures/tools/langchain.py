"""LangChain tools as tools of a program, called as LangChain calls them."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Annotated, Any, get_args, get_origin

from ..errors import UsageError
from .checking import Checker, schema_fault
from .functions import conversion_fault, lenient_generator, refuse
from .sources import source_text

__all__ = ["LangChainBody", "is_langchain_tool"]


def is_langchain_tool(value: Any) -> bool:
    """Whether it is a LangChain tool; who has none pays no import of LangChain."""
    library = sys.modules.get("langchain_core.tools.base")
    return library is not None and isinstance(value, library.BaseTool)


class LangChainBody:
    """What is known of a LangChain tool, and how it is called.

    Raises:
        UsageError: it needs something that only a LangChain agent gives, or its schema is wrong.
    """

    def __init__(self, tool: Any, name: str) -> None:
        self._tool = tool
        self._injected = _injected(tool)
        needed = [each for each, field in self._injected.items() if field.is_required() and each != self._call_id()]
        if needed:
            raise UsageError(
                f"tool {name!r}: it needs {', '.join(needed)}, which a program cannot give",
                hint="LangChain injects it in its own agents: give it a default, or wrap the tool in a function.",
            )
        self.description: str = tool.description
        self.schema = _schema(tool)
        if isinstance(tool.args_schema, dict) and (fault := schema_fault(self.schema)):
            raise UsageError(f"tool {name!r}: {fault}")
        self._checker = Checker(self.schema)
        self.is_async = _is_async_only(tool)

    @property
    def single(self) -> str | None:
        """The argument that ``t(value)`` means: the only required one, or the only one."""
        candidates = self.schema.get("required") or list(self.schema["properties"])
        return candidates[0] if len(candidates) == 1 else None

    def source(self) -> str:
        """What the tool's result depends on besides its arguments."""
        functions = [getattr(self._tool, role, None) for role in ("func", "coroutine")]
        return "\n".join(source_text(each) for each in functions if each) or source_text(type(self._tool))

    def check(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments as the tool takes them.

        Raises:
            SchemaError: with all faults.
        """
        properties = self.schema["properties"]
        given = {
            name: value
            for name, value in arguments.items()
            if value is not None or self._checker.accepts(properties.get(name, True), None)
        }
        given = self._checker.settled(given)
        faults = self._checker.faults(given) or self._model_faults(given)
        if faults:
            raise refuse(faults)
        return dict(given)

    def run(self, arguments: Mapping[str, Any]) -> Any:
        """Call the tool with checked arguments: its result, or an awaitable of it."""
        call: dict[str, Any] = dict(arguments)
        if self._call_id():
            call = {"type": "tool_call", "name": self._tool.name, "args": call, "id": "0"}
        if self.is_async:
            return self._content_later(call)
        return self._content(self._tool.invoke(call))

    async def _content_later(self, call: dict[str, Any]) -> Any:
        return self._content(await self._tool.ainvoke(call))

    def _content(self, result: Any) -> Any:
        return result.content if self._call_id() and hasattr(result, "tool_call_id") else result

    def _call_id(self) -> str | None:
        """The argument that takes the id of LangChain's own tool call."""
        from langchain_core.tools import InjectedToolCallId

        return next((name for name, field in self._injected.items() if _marks(field, InjectedToolCallId)), None)

    def _model_faults(self, given: dict[str, Any]) -> list[dict[str, Any]]:
        """What the validators of the tool's own model say; JSON Schema does not know them."""
        from pydantic import BaseModel, ValidationError

        model = self._tool.args_schema
        if self._injected or not (isinstance(model, type) and issubclass(model, BaseModel)):
            return []
        try:
            model.model_validate(given)
        except ValidationError as error:
            return [conversion_fault(list(each["loc"]), each) for each in error.errors(include_url=False)]
        return []


def _injected(tool: Any) -> dict[str, Any]:
    """The fields of the tool's model that are not for the caller."""
    from langchain_core.tools import InjectedToolArg

    fields = {} if isinstance(tool.args_schema, dict) else getattr(tool.get_input_schema(), "model_fields", {})
    return {name: field for name, field in fields.items() if _marks(field, InjectedToolArg)}


def _marks(field: Any, kind: type) -> bool:
    """Whether a field is marked, by its annotation or by its type, as one that LangChain injects."""
    hint = field.annotation
    marks = [*field.metadata, hint, *(get_args(hint) if get_origin(hint) is Annotated else ())]
    return any(isinstance(each, kind) or (isinstance(each, type) and issubclass(each, kind)) for each in marks)


def _schema(tool: Any) -> dict[str, Any]:
    """The JSON Schema of what a caller gives; a tool made from a model takes nothing else."""
    from pydantic import BaseModel

    if tool.args_schema is None and set(tool.args) == {"tool_input"}:  # LangChain's oldest kind: one text
        return {"type": "object", "properties": tool.args, "required": ["tool_input"], "additionalProperties": False}
    model = tool.tool_call_schema
    if isinstance(model, dict):
        return {"type": "object", "properties": {}, **model}
    if issubclass(model, BaseModel):
        made = model.model_json_schema(schema_generator=lenient_generator())
        open_ended = tool.get_input_schema().model_config.get("extra") == "allow"
    else:  # pydantic's first version
        made, open_ended = model.schema(), False
    return {"properties": {}, "additionalProperties": open_ended, **made}


def _is_async_only(tool: Any) -> bool:
    if hasattr(tool, "coroutine"):
        return tool.func is None and tool.coroutine is not None
    names = getattr(type(tool)._run, "__code__", None)  # noqa: SLF001 - what subclasses are asked to write
    return names is not None and "NotImplementedError" in names.co_names
