"""A predictor that is asked over HTTP: the input goes there as JSON, the prediction comes back."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, Final

from ..errors import ModelError
from ..primitives.misuse import Misuse, kind_of

if TYPE_CHECKING:
    import httpx

__all__ = ["Web"]

_TIMEOUT: Final = 30.0  # seconds
_SHOWN: Final = 200  # characters of what a server said
_VARIABLE: Final = re.compile(r"\{env\.([^{}]*)\}")
_HEADER: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_LINE: Final = re.compile(r"[ -~\t]*")


class Web:
    """Asks one address. It is asked once: what fails is the program's to try again, with ``Retry``.

    Args:
        declared: ``endpoint``, ``headers`` and ``timeout`` in seconds, as declared.
        env_allowed: the environment variables that headers may name.

    Raises:
        Misuse: one of these is missing or wrong.
    """

    is_async = True

    def __init__(self, declared: Mapping[str, Any], env_allowed: Collection[str]) -> None:
        self._endpoint = _checked_endpoint(declared.get("endpoint"))
        self._timeout = _checked_timeout(declared.get("timeout"))
        self._headers = _checked_headers(declared.get("headers") or {})
        self._env_allowed = env_allowed

    async def run(self, given: dict[str, Any]) -> Any:
        """The prediction: the value of a JSON answer, the text of any other.

        Raises:
            ModelError: the server cannot be reached, is too slow, refuses, or answers with damaged JSON.
        """
        body = _body(given)
        headers = {"content-type": "application/json", **self._filled_headers()}
        import httpx

        try:
            async with httpx.AsyncClient(timeout=self._timeout) as client:
                response = await client.post(self._endpoint, content=body, headers=headers)
        except httpx.TimeoutException:
            raise ModelError(f"{self._shown} did not answer within {self._timeout:g} seconds") from None
        except httpx.HTTPError as error:
            raise ModelError(f"{self._shown} cannot be reached: {error or type(error).__name__}") from None
        return self._answer(response)

    def _answer(self, response: httpx.Response) -> Any:
        if not response.is_success:
            said = " ".join(response.text.split())
            said = said if len(said) <= _SHOWN else said[: _SHOWN - 1] + "…"
            status = f"{response.status_code} {response.reason_phrase}".strip()
            raise ModelError(f"{self._shown} answered {status}{f': {said}' if said else ''}")
        if "json" not in response.headers.get("content-type", ""):
            return response.text
        try:
            return response.json()
        except ValueError as error:
            raise ModelError(f"{self._shown} answered with damaged JSON: {error}") from None

    @property
    def _shown(self) -> str:
        """The address without what may be a secret in it."""
        import httpx

        return str(httpx.URL(self._endpoint).copy_with(userinfo=b"", query=None, fragment=None))

    def _filled_headers(self) -> dict[str, str]:
        return {name: _checked_line(name, _VARIABLE.sub(self._secret, text)) for name, text in self._headers.items()}

    def _secret(self, found: re.Match[str]) -> str:
        name = found[1]
        if name not in self._env_allowed:
            raise ModelError(
                f"headers: the environment variable {name} is not allowed",
                hint="%config Procedures.env_allowed (env_allowed of run) lists the variables that may be used.",
            )
        if name not in os.environ:
            raise ModelError(f"headers: the environment variable {name} is not set")
        return os.environ[name]


def _body(given: dict[str, Any]) -> bytes:
    try:
        return json.dumps(given, ensure_ascii=False, allow_nan=False).encode()
    except (TypeError, ValueError) as error:
        raise ModelError(f"the input cannot be sent as JSON: {error}") from None


def _checked_endpoint(endpoint: Any) -> str:
    import httpx

    if not isinstance(endpoint, str):
        raise Misuse(f"endpoint: an address such as https://host/path expected, got {kind_of(endpoint)}")
    try:
        url = httpx.URL(endpoint)
    except httpx.InvalidURL as error:
        raise Misuse(f"endpoint: an address such as https://host/path expected: {error}") from None
    if url.scheme not in ("http", "https") or not url.host:
        raise Misuse(f'endpoint: an address such as https://host/path expected, got "{endpoint}"')
    return endpoint


def _checked_timeout(timeout: Any) -> float:
    if timeout is None:
        return _TIMEOUT
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)):
        raise Misuse(f"timeout: a number of seconds expected, got {kind_of(timeout)}")
    if timeout <= 0:
        raise Misuse(f"timeout: a number of seconds above 0 expected, got {timeout}")
    return float(timeout)


def _checked_headers(headers: Any) -> dict[str, str]:
    if not isinstance(headers, Mapping):
        raise Misuse(f"headers: a table of texts by name expected, got {kind_of(headers)}")
    for name, text in headers.items():
        if not _HEADER.fullmatch(name):
            raise Misuse(f'headers: the name of a header expected, got "{name}"')
        if not isinstance(text, str):
            raise Misuse(f"headers: {name}: a string expected, got {kind_of(text)}")
        if not _LINE.fullmatch(text):
            raise Misuse(f"headers: {name}: one line of ASCII text expected")
    return dict(headers)


def _checked_line(name: str, text: str) -> str:
    """The text of a header, which is never shown: it may be a secret."""
    if not _LINE.fullmatch(text):
        raise ModelError(f"headers: {name}: one line of ASCII text expected")
    return text
