"""A tool of an MCP server as a tool of a program."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from ..checking import Checker, schema_fault
from ..functions import refuse
from . import background

if TYPE_CHECKING:
    from .servers import Server

__all__ = ["McpBody"]

_ANY: Final[dict[str, Any]] = {"type": "object", "properties": {}}


class McpBody:
    """What is known of a tool, and how it is called.

    Args:
        server: whose tool it is.
        tool: its name there.
        listed: how the server describes it; None where the server was not asked, or does not have it. Then its
            arguments are not checked here, and a call says what is wrong.
        seconds: how long a call may take; as the server's spec says where None.
    """

    is_async = True

    def __init__(
        self, server: Server, tool: str, listed: Mapping[str, Any] | None, seconds: float | None = None
    ) -> None:
        self.server = server
        self.tool = tool
        self.is_known = listed is not None
        self._listed = listed or {}
        self._seconds = seconds

    @property
    def description(self) -> str:
        """What the server says that the tool does."""
        return str(self._listed.get("description") or self._listed.get("title") or "")

    @cached_property
    def schema(self) -> dict[str, Any]:
        """JSON Schema of its arguments."""
        return {**_ANY, **self._listed.get("inputSchema", {})}

    @property
    def single(self) -> str | None:
        """The argument that ``t(value)`` means: the only required one, or the only one."""
        candidates = self.schema.get("required") or list(self.schema["properties"])
        return candidates[0] if len(candidates) == 1 else None

    def source(self) -> str:
        """What its result depends on besides its arguments, as far as that can be known."""
        schema = json.dumps(self._listed.get("inputSchema"), sort_keys=True)
        return f"mcp {self.server.name} {self.tool} {schema}"

    @cached_property
    def _checker(self) -> Checker | None:
        """Checks arguments; None where the server's own schema is none, so that it has to check them itself."""
        return None if schema_fault(self.schema) else Checker(self.schema)

    def check(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments as the tool takes them.

        Raises:
            SchemaError: with all faults.
        """
        if not self.is_known or self._checker is None:
            return dict(arguments)
        checker, properties = self._checker, self.schema["properties"]
        given = {
            name: value
            for name, value in arguments.items()
            if value is not None or checker.accepts(properties.get(name, True), None)
        }
        given = dict(checker.settled(given))
        if faults := checker.faults(given):
            raise refuse(faults)
        return given

    async def run(self, arguments: Mapping[str, Any]) -> Any:
        """Call the tool with checked arguments."""
        return await background.later(self.server.call(self.tool, arguments, self._seconds))
