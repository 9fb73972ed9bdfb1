"""``ToolSpec``: a tool described by data, so that it can be kept in a file and checked before it is used."""

from __future__ import annotations

import os
import re
from enum import StrEnum
from typing import Any, Final, Self

from pydantic import ConfigDict, Field, field_validator, model_validator

from ..errors import ToolError
from ..records import Record
from .secrets import declare

__all__ = ["ToolAuth", "ToolSpec", "ToolType", "check_variable"]

_VARIABLE: Final = re.compile(r"[A-Z_][A-Z0-9_]{0,127}")  # capitals by custom, and few secrets look like it
_REFERENCE: Final = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*")
_KEY: Final = re.compile(r"A[KS]IA[A-Z0-9]{16}")  # a well-known kind of secret that does
_METHODS: Final = ("none", "api_key", "bearer", "oauth")


def check_variable(name: str) -> None:
    """Check that a text is the name of an environment variable, and not the secret itself, which no file shows then.

    Raises:
        ValueError: it is none, without the text.
    """
    if _KEY.fullmatch(name) or not _VARIABLE.fullmatch(name):
        raise ValueError("the name of an environment variable expected, such as SEARCH_API_KEY, not the secret")
    declare(name)


class ToolType(StrEnum):
    """Where a tool comes from."""

    MCP = "mcp"
    FUNCTION = "function"
    BUILTIN = "builtin"


class ToolAuth(Record):
    """How a tool proves who it is. The secret stays in the environment; only its variable's name is kept here.

    Attributes:
        type: ``none``, ``api_key``, ``bearer`` or ``oauth``.
        env_var: the name of the environment variable that holds the secret; required unless ``type`` is ``none``.
    """

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)  # what was given may be a secret

    type: str = "none"
    env_var: str | None = None

    @field_validator("type")
    @classmethod
    def _check_type(cls, value: str) -> str:
        if value not in _METHODS:
            raise ValueError(f"one of {', '.join(_METHODS)} expected")
        return value

    @field_validator("env_var")
    @classmethod
    def _check_variable(cls, value: str | None) -> str | None:
        if value is not None:
            check_variable(value)
        return value

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        if self.type == "none" and self.env_var is not None:
            raise ValueError("auth of type none has no env_var: remove it, or say which type the secret is of")
        if self.type != "none" and self.env_var is None:
            raise ValueError(f"auth of type {self.type} needs env_var, the name of the variable with the secret")
        return self

    def secret(self) -> str | None:
        """The secret as the environment has it now; None for ``none``.

        Raises:
            ToolError: the variable is not set, or empty.
        """
        if self.env_var is None:
            return None
        secret = os.environ.get(self.env_var)
        if not secret:
            raise ToolError(f"the environment variable {self.env_var} is not set", hint="Set it and run again.")
        return secret


class ToolSpec(Record):
    """A tool described by data.

    Attributes:
        name: what programs call it.
        description: what it does, for models and people.
        tool_type: ``function`` (of ``function_ref``), ``mcp`` (of ``mcp_server``) or ``builtin``.
        schema_def: JSON Schema of the arguments; without it, that of the function.
        return_schema: JSON Schema of the result, which is checked; None for any.
        auth: the secret without which the tool is not called.
        timeout_seconds: how long an async tool may take, in seconds; None for as long as it likes. A sync tool
            cannot be stopped from outside, so it may have no timeout.
        mcp_server: name of the server among ``session.mcp_servers``.
        function_ref: ``"package.module:name"``, imported when the tool is first used.
        metadata: anything else.
        requires_approval: whether a person is asked before each call.
    """

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    name: str = Field(min_length=1, max_length=128)
    description: str = Field(default="", max_length=2048)
    tool_type: ToolType = ToolType.FUNCTION
    schema_def: dict[str, Any] = Field(default_factory=dict)
    return_schema: dict[str, Any] | None = None
    auth: ToolAuth = Field(default_factory=ToolAuth)
    timeout_seconds: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    mcp_server: str | None = Field(default=None, min_length=1)
    function_ref: str | None = None
    metadata: dict[str, Any] = Field(default_factory=dict)
    requires_approval: bool = False

    @field_validator("function_ref")
    @classmethod
    def _check_reference(cls, value: str | None) -> str | None:
        if value is not None and not _REFERENCE.fullmatch(value):
            raise ValueError('"package.module:name" expected')
        return value

    @field_validator("schema_def", "return_schema")
    @classmethod
    def _check_schema(cls, value: dict[str, Any] | None) -> dict[str, Any] | None:
        from .checking import schema_fault

        if value and (fault := schema_fault(value)):
            raise ValueError(fault)
        return value

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        faults = list(filter(None, (self._reference_fault(), self._server_fault(), self._schema_fault())))
        if faults:
            raise ValueError(f"ToolSpec {self.name!r}: {'; '.join(faults)}")
        return self

    def _reference_fault(self) -> str | None:
        if self.tool_type is ToolType.FUNCTION:
            return None if self.function_ref else 'a function needs function_ref, as in "package.module:name"'
        return f"function_ref is for functions, not for {self.tool_type}" if self.function_ref else None

    def _server_fault(self) -> str | None:
        if self.tool_type is ToolType.MCP:
            return None if self.mcp_server else "an mcp tool needs mcp_server, the server's name"
        return f"mcp_server is for mcp tools, not for a {self.tool_type}" if self.mcp_server else None

    def _schema_fault(self) -> str | None:
        kind = self.schema_def.get("type", "object")
        return None if kind == "object" else f"schema_def: type: object expected, got {kind}"
