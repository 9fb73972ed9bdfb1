"""A ``ToolSpec`` as a tool: its function is imported, or its MCP server looked for, when it is first needed."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Mapping
from functools import cached_property
from importlib import import_module
from typing import Any

from ..durable.plain import normalise
from ..errors import ToolError, UsageError
from ..program import sentence
from .checking import Checker
from .functions import FunctionBody, refuse
from .mcp.bodies import McpBody
from .mcp.catalog import Catalog
from .specs import ToolSpec, ToolType

__all__ = ["SpecBody"]


class SpecBody:
    """What is known of a tool that a ``ToolSpec`` describes, and how it is called.

    Args:
        spec: it.
        servers: the MCP servers of the run; None before it is given to one.

    Raises:
        UsageError: the spec is of a tool that programs get in another way.
    """

    def __init__(self, spec: ToolSpec, servers: Catalog | None = None) -> None:
        if spec.tool_type is ToolType.BUILTIN:
            raise UsageError(
                f"ToolSpec {spec.name!r}: a builtin tool is the program's own",
                hint=f'Programs get it by require("{spec.name}"); leave it out of tools.',
            )
        self._spec = spec
        self._servers = servers

    def served_by(self, servers: Catalog) -> SpecBody:
        """The same, with the MCP servers of a run."""
        return SpecBody(self._spec, servers)

    @property
    def mcp(self) -> tuple[str, str] | None:
        """The server, and the tool's name there: that in ``metadata["tool"]``, else the spec's own."""
        spec = self._spec
        return None if spec.mcp_server is None else (spec.mcp_server, str(spec.metadata.get("tool", spec.name)))

    @property
    def is_known(self) -> bool:
        """Whether its server, if it has one, said what it is."""
        return not isinstance(self._inner, McpBody) or self._inner.is_known

    @cached_property
    def _inner(self) -> FunctionBody | McpBody:
        """What is called in the end."""
        if self.mcp is None:
            return self._function
        return (self._servers or Catalog()).body(*self.mcp, self._spec.timeout_seconds)

    @cached_property
    def _function(self) -> FunctionBody:
        name, reference = self._spec.name, str(self._spec.function_ref)
        module, _, path = reference.partition(":")
        try:
            value: Any = import_module(module)
            for part in path.split("."):
                value = getattr(value, part)
        except (ImportError, AttributeError) as error:
            raise UsageError(f"ToolSpec {name!r}: function_ref {reference!r}: {error}") from error
        if isinstance(value, type) or not callable(value):
            raise UsageError(f"ToolSpec {name!r}: function_ref {reference!r}: no function but {value!r}")
        body = FunctionBody(value, name)
        if self._spec.timeout_seconds is not None and not body.is_async:
            raise UsageError(
                f"ToolSpec {name!r}: timeout_seconds is for async functions, and {reference!r} is none",
                hint="A sync function cannot be stopped from outside: leave timeout_seconds out, or make it async.",
            )
        return body

    @property
    def description(self) -> str:
        """What the spec says, else what the function or the server says."""
        return self._spec.description or self._inner.description

    @cached_property
    def schema(self) -> dict[str, Any]:
        """The spec's schema, else the tool's own."""
        if not self._spec.schema_def:
            return self._inner.schema
        return {"type": "object", "properties": {}, **self._spec.schema_def}

    @property
    def is_async(self) -> bool:
        """Whether it is to be awaited."""
        return self._inner.is_async

    @property
    def single(self) -> str | None:
        """The argument that ``t(value)`` means."""
        candidates = self.schema.get("required") or list(self.schema["properties"])
        return candidates[0] if len(candidates) == 1 else None

    def source(self) -> str:
        """What the tool's result depends on besides its arguments."""
        return f"{self._spec.model_dump_json()}\n{self._inner.source()}"

    def check(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments, by the spec's schema and then by the function's hints or the server's schema.

        Raises:
            SchemaError: with all faults.
        """
        given = dict(arguments)
        if self._spec.schema_def:
            checker = Checker(self.schema)
            given = checker.settled({name: value for name, value in given.items() if value is not None})
            if faults := checker.faults(given):
                raise refuse(faults)
        return self._inner.check(given)

    def run(self, arguments: Mapping[str, Any]) -> Any:
        """Call it with checked arguments: its result, or an awaitable of it."""
        self._spec.auth.secret()  # not set: better said before the call than by the other side
        result = self._inner.run(arguments)
        return self._later(result) if inspect.isawaitable(result) else self._checked(result)

    async def _later(self, result: Awaitable[Any]) -> Any:
        seconds = None if self.mcp else self._spec.timeout_seconds  # a server's tool keeps the time itself
        limit = asyncio.timeout(seconds)
        try:
            async with limit:
                value = await result
        except TimeoutError:
            if limit.expired():
                raise ToolError(f"took longer than {seconds:g} seconds") from None
            raise
        return self._checked(value)

    def _checked(self, value: Any) -> Any:
        if self._spec.return_schema is None:
            return value
        checker = Checker(self._spec.return_schema)
        faults = checker.faults(normalise(value))
        if faults:
            for fault in faults:
                fault["field"] = fault["field"] or "result"
            raise ToolError(f"the result does not fit return_schema: {sentence(faults)}")
        return value
