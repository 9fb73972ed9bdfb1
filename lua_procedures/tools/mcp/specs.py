"""``ServerSpec``: how an MCP server is reached. Secrets are named by their environment variables, never given."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, Self
from urllib.parse import urlsplit

from pydantic import ConfigDict, Field, ValidationError, field_validator, model_validator

from ...errors import ToolError, UsageError
from ...records import Record
from ..specs import ToolAuth, check_variable

__all__ = ["ServerSpec", "server_spec"]

_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")


class ServerSpec(Record):
    """How an MCP server is reached.

    Either by the ``command`` that starts it, to speak to it by its standard input and output, or by the ``url`` of one
    that runs already (streamable HTTP).

    Attributes:
        command: the program to start.
        args: its arguments.
        env: its environment variable → the name of ours that holds the value. Besides these it sees only what every
            program needs, such as PATH and HOME.
        cwd: the folder it starts in; the current one where None.
        url: where the server listens.
        headers: header → the name of the environment variable that holds its value.
        auth: the secret that each request carries: ``bearer`` and ``oauth`` as ``Authorization: Bearer …``,
            ``api_key`` as ``X-API-Key``.
        timeout_seconds: how long one call may take, and how long the server may take to start, in seconds.
        requires_approval: whether a person is asked before each call, or the names of the tools of which one is.
        tools: the names of the tools to take; all where None.
    """

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)  # what was given may be a secret

    command: str | None = Field(default=None, min_length=1)
    args: tuple[str, ...] = ()
    env: dict[str, str] = Field(default_factory=dict)
    cwd: str | None = None
    url: str | None = None
    headers: dict[str, str] = Field(default_factory=dict)
    auth: ToolAuth = Field(default_factory=ToolAuth)
    timeout_seconds: float = Field(default=30.0, gt=0, allow_inf_nan=False)
    requires_approval: bool | tuple[str, ...] = False
    tools: tuple[str, ...] | None = None

    @field_validator("cwd", mode="before")
    @classmethod
    def _check_folder(cls, value: Any) -> Any:
        return None if value is None else str(value)

    @field_validator("env", "headers")
    @classmethod
    def _check_variables(cls, value: dict[str, str]) -> dict[str, str]:
        for variable in value.values():
            check_variable(variable)
        return value

    @field_validator("url")
    @classmethod
    def _check_url(cls, value: str | None) -> str | None:
        parts = urlsplit(value or "http://none")
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("an http or https address expected")
        if parts.username or parts.password:
            raise ValueError("no user and password in the address: use auth or headers, by environment variable")
        return value

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        if (self.command is None) == (self.url is None):
            raise ValueError("either command (a program to start) or url (a server that runs) expected")
        strangers = ("headers",) if self.command is not None else ("args", "env", "cwd")
        wrong = [field for field in strangers if getattr(self, field)]
        if self.command is not None and self.auth.type != "none":
            wrong.append("auth")
        if wrong:
            belongs, given = ("url", "command") if self.command is not None else ("command", "url")
            raise ValueError(f"{' and '.join(wrong)} belong{'s' * (len(wrong) == 1)} to {belongs}, not to {given}")
        return self

    def asks_before(self, tool: str) -> bool:
        """Whether a person is asked before a call of that tool."""
        return self.requires_approval if isinstance(self.requires_approval, bool) else tool in self.requires_approval

    def takes(self, tool: str) -> bool:
        """Whether programs get that tool."""
        return self.tools is None or tool in self.tools

    def environment(self) -> dict[str, str]:
        """What the server's environment has besides the usual, with the values as they are now.

        Raises:
            ToolError: a variable is not set.
        """
        return {name: _value(variable) for name, variable in self.env.items()}

    def request_headers(self) -> dict[str, str]:
        """The headers of each request, with the values as they are now.

        Raises:
            ToolError: a variable is not set.
        """
        headers = {name: _value(variable) for name, variable in self.headers.items()}
        secret = self.auth.secret()
        if secret is None:
            return headers
        own = {"X-API-Key": secret} if self.auth.type == "api_key" else {"Authorization": f"Bearer {secret}"}
        return {**own, **headers}

    def secrets(self) -> dict[str, str]:
        """Name of each variable → its value, as far as they are set: for keeping the values out of messages."""
        names = {*self.env.values(), *self.headers.values(), *filter(None, [self.auth.env_var])}
        return {name: value for name in sorted(names) if (value := _set(name))}


def _value(variable: str) -> str:
    return ToolAuth(type="bearer", env_var=variable).secret() or ""


def _set(variable: str) -> str | None:
    try:
        return _value(variable)
    except ToolError:
        return None


def server_spec(name: str, value: Any) -> ServerSpec:
    """The spec of a server, from a ``ServerSpec`` or a dict of its fields.

    Raises:
        UsageError: the name or the spec is wrong.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise UsageError(
            f"mcp_servers: a name of letters, digits, _ and - that starts with a letter expected: {name!r}"
        )
    if isinstance(value, ServerSpec):
        return value
    if not isinstance(value, Mapping):
        raise UsageError(f"mcp_servers: {name}: a ServerSpec or a dict expected, got a {type(value).__name__}")
    try:
        return ServerSpec.model_validate(dict(value))
    except ValidationError as error:
        told = "; ".join(_told(each) for each in error.errors(include_url=False, include_input=False))
        raise UsageError(f"mcp_servers: {name}: {told}") from None


def _told(error: Mapping[str, Any]) -> str:
    place = ".".join(str(part) for part in error["loc"])
    message = error["msg"].removeprefix("Value error, ")
    return f"{place}: {message}" if place else message
