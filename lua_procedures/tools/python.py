"""``PythonTool``: a tool that Python gives to a program, whatever it was made from."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from hashlib import blake2b
from types import ModuleType
from typing import Any, Final, Protocol

from ..errors import ProcedureError, ToolError, UsageError
from ..language.source import KEYWORDS
from ..primitives.misuse import Misuse, kind_of
from .calling import wait_for
from .functions import FunctionBody
from .langchain import LangChainBody, is_langchain_tool
from .marks import mark_of
from .mcp.catalog import Catalog
from .raised import check_end
from .specified import SpecBody
from .specs import ToolSpec

__all__ = ["PythonTool", "tool_of"]

_LONGEST_NAME: Final = 128
_IDENTIFIER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Body(Protocol):
    """What a tool is made from: a function, a LangChain tool, a ``ToolSpec``."""

    @property
    def description(self) -> str:
        """What the tool does."""
        ...

    @property
    def schema(self) -> dict[str, Any]:
        """JSON Schema of its arguments."""
        ...

    @property
    def single(self) -> str | None:
        """The argument that ``t(value)`` means."""
        ...

    @property
    def is_async(self) -> bool:
        """Whether it is to be awaited."""
        ...

    def source(self) -> str:
        """What its result depends on besides its arguments."""
        ...

    def check(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments as it takes them, or SchemaError."""
        ...

    def run(self, arguments: Mapping[str, Any]) -> Any:
        """Its result, or an awaitable of it."""
        ...


class PythonTool:
    """A tool that a run can call.

    Attributes:
        name: what programs call it.
        requires_approval: whether a person is asked before each call.
    """

    def __init__(
        self, name: str, body: Body, *, description: str | None = None, requires_approval: bool = False
    ) -> None:
        self.name = name
        self.requires_approval = requires_approval
        self._body = body
        self._description = description

    def __repr__(self) -> str:
        return f"PythonTool({self.name!r})"

    def renamed(self, name: str) -> PythonTool:
        """The same tool under another name."""
        return PythonTool(
            _checked_name(name), self._body, description=self._description, requires_approval=self.requires_approval
        )

    def served_by(self, servers: Catalog) -> PythonTool:
        """The same tool; where it is one of an MCP server, that is found among these."""
        if not isinstance(self._body, SpecBody):
            return self
        return PythonTool(self.name, self._body.served_by(servers), requires_approval=self.requires_approval)

    @property
    def mcp(self) -> tuple[str, str] | None:
        """The MCP server and its tool that a ``ToolSpec`` names; None for all others."""
        return self._body.mcp if isinstance(self._body, SpecBody) else None

    @property
    def is_known(self) -> bool:
        """Whether its schema and source are known: not where the server that has it does not answer."""
        return bool(getattr(self._body, "is_known", True))

    @property
    def description(self) -> str:
        """What the tool does, for models and people."""
        return self._body.description if self._description is None else self._description

    @property
    def schema(self) -> dict[str, Any]:
        """JSON Schema of the arguments, an object."""
        return self._body.schema

    @property
    def is_async(self) -> bool:
        """Whether it is to be awaited; a sync tool runs in the caller's thread."""
        return self._body.is_async

    @property
    def is_global(self) -> bool:
        """Whether its name is one of Lua, so that it can be a global; others are reached by ``Tool("name")``."""
        return bool(_IDENTIFIER.fullmatch(self.name)) and self.name not in KEYWORDS

    @property
    def single(self) -> str | None:
        """The argument that ``t(value)`` means: the only required one, else the only one; None where neither is."""
        return self._body.single

    @cached_property
    def digest(self) -> str:
        """Changes when the tool's source does; see ``sources`` for what counts."""
        return blake2b(self._body.source().encode("utf-8", "backslashreplace"), digest_size=16).hexdigest()

    def bind(self, value: Any) -> dict[str, Any]:
        """The arguments that ``t(value)`` means.

        Raises:
            Misuse: the tool has no single argument.
        """
        if self.single is None:
            known = ", ".join(self.schema.get("properties", {})) or "none"
            raise Misuse(f"arguments: a table of named arguments expected (known: {known}), got {kind_of(value)}")
        return {self.single: value}

    def check(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Check arguments against the schema.

        Args:
            arguments: name → plain data as it came out of Lua; None is an argument that is not given, unless the
                parameter takes None.

        Returns:
            The arguments for ``call`` and ``acall``: defaults are the function's own and not filled in.

        Raises:
            SchemaError: they do not fit; ``faults`` has all of them, each ``{field, expected, actual}``.
        """
        return self._body.check(arguments)

    def call(self, arguments: Mapping[str, Any]) -> Any:
        """Call the tool with checked arguments; an async one runs in an event loop of its own.

        Returns:
            What it returned, as it is.

        Raises:
            ToolError: it failed, with its error as the cause. ``KeyboardInterrupt`` and ``SystemExit`` pass.
        """
        with _failing():
            result = self._body.run(arguments)
            return wait_for(result) if inspect.isawaitable(result) else result

    async def acall(self, arguments: Mapping[str, Any]) -> Any:
        """As ``call``, and awaits where there is something to await."""
        with _failing():
            result = self._body.run(arguments)
            return await result if inspect.isawaitable(result) else result


@contextmanager
def _failing() -> Iterator[None]:
    """An exception of the tool becomes a ``ToolError``."""
    try:
        yield
    except ToolError:
        raise
    except ProcedureError as error:
        raise ToolError(error.message, hint=error.hint) from error
    except BaseException as error:
        check_end(error)
        said = str(error)
        raise ToolError(f"{type(error).__name__}: {said}" if said else type(error).__name__) from error


def tool_of(value: Any, name: str | None = None) -> PythonTool:
    """A tool made from what Python has.

    Args:
        value: a function, method, callable object or ``functools.partial``; a LangChain tool; a ``ToolSpec``.
        name: what programs call it; by default the tool's own name.

    Raises:
        UsageError: no tool can be made of it, or it has no name that can be one.
    """
    if isinstance(value, PythonTool):
        return value if name is None else value.renamed(name)
    if isinstance(value, ToolSpec):
        made = SpecBody(value)
        return PythonTool(_checked_name(name or value.name), made, requires_approval=value.requires_approval)
    if is_langchain_tool(value):
        chosen = _checked_name(name or value.name)
        approval = (value.metadata or {}).get("requires_approval") is True
        return PythonTool(chosen, LangChainBody(value, chosen), requires_approval=approval)
    _refuse_strangers(value)
    mark = mark_of(value)
    chosen = _checked_name(name or mark.name or _own_name(value))
    return PythonTool(
        chosen,
        FunctionBody(value, chosen),
        description=mark.description,
        requires_approval=mark.requires_approval,
    )


def _refuse_strangers(value: Any) -> None:
    if isinstance(value, type):
        raise UsageError(f"tools: a function expected, got the class {value.__name__}", hint="Give one of its methods.")
    if isinstance(value, ModuleType):
        raise UsageError(
            f"tools: a function expected, got the module {value.__name__}", hint="Give one of its functions."
        )
    if not callable(value):
        raise UsageError(f"tools: a function, a LangChain tool or a ToolSpec expected, got a {type(value).__name__}")


def _own_name(value: Any) -> str:
    while hasattr(value, "func") and not hasattr(value, "__name__"):  # functools.partial
        value = value.func
    return str(getattr(value, "__name__", type(value).__name__))


def _checked_name(name: Any) -> str:
    if name == "<lambda>":
        raise UsageError("tools: a lambda has no name", hint='Use def, or get_session().tools["name"] = …')
    if not isinstance(name, str) or not 1 <= len(name) <= _LONGEST_NAME or not name.isprintable():
        raise UsageError(f"tools: a name of 1 to {_LONGEST_NAME} printable characters expected, got {name!r}")
    return name
