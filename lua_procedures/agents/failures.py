"""What goes wrong in a chat model or its client, as one kind of error: in one line, and without secrets."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from ..errors import ModelError
from ..tools.secrets import secrets as secrets_of_environment

__all__ = ["broke_off", "model_error", "one_line"]

_LONGEST: Final = 500  # characters of a message
_RETRYABLE: Final = frozenset((408, 409, 425, 429))
_SECRET_LOOKS: Final = re.compile(r"\bBearer\s+[^\s'\",}]+|\b(?:sk|pk|rk)-[\w*.-]{4,}", re.IGNORECASE)

#: Errors by the names of their classes: a client, and what it is built on, need not be imported to be told apart.
_WORTH_A_RETRY: Final = frozenset(
    ("APIConnectionError", "APIError", "ConnectionError", "IncompleteRead", "Timeout", "TimeoutError", "TransportError")
)
_TIMEOUTS: Final = frozenset(("APITimeoutError", "Timeout", "TimeoutError", "TimeoutException"))
_HOPELESS: Final = frozenset(("InvalidURL", "LocalProtocolError", "UnsupportedProtocol"))


def broke_off(label: str) -> ModelError:
    """The error of an answer that has a beginning and no end."""
    return ModelError(f"{label}: the answer broke off", retryable=True)


def model_error(label: str, error: BaseException, *, begun: bool = False, secrets: Iterable[str] = ()) -> ModelError:
    """The error of a call that raised.

    Args:
        label: which model it was.
        error: what it raised.
        begun: whether a part of the answer had come.
        secrets: texts that must not be shown, besides those of the environment.
    """
    status = _status(error)
    kinds = _kinds(error)
    if status is None and _is_cut(error, kinds, begun=begun):
        return broke_off(label)
    said = _said(error)
    if status is not None and not said.startswith(str(status)):
        said = f"{status} {said}"
    message = one_line(f"{label}: {said}", secrets)
    return ModelError(message, retryable=_is_retryable(error, status, kinds), retry_after=_retry_after(error))


def one_line(text: str, secrets: Iterable[str] = ()) -> str:
    """The text on one line of at most 500 characters, without secrets."""
    for secret in sorted({*secrets, *secrets_of_environment()}, key=len, reverse=True):
        text = text.replace(secret, "[secret]")
    line = " ".join(_SECRET_LOOKS.sub("[secret]", text[: 100 * _LONGEST]).split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error and its causes; what happened to be handled when it was raised is none."""
    while error is not None:
        yield error
        error = error.__cause__


def _kinds(error: BaseException) -> set[str]:
    return {kind.__name__ for each in _chain(error) for kind in type(each).__mro__}


def _status(error: BaseException) -> int | None:
    """The HTTP status, wherever the client keeps it."""
    response = getattr(error, "response", None)
    sources = (
        getattr(error, "status_code", None),
        getattr(response, "status_code", None),
        getattr(error, "code", None),
    )
    return next((each for each in sources if isinstance(each, int) and 100 <= each < 600), None)


def _is_retryable(error: BaseException, status: int | None, kinds: set[str]) -> bool:
    if status is not None:
        return status in _RETRYABLE or status >= 500
    if kinds & _HOPELESS:
        return False
    return bool(kinds & _WORTH_A_RETRY) or getattr(error, "is_retryable", False) is True


def _is_cut(error: BaseException, kinds: set[str], *, begun: bool) -> bool:
    """Whether the stream ended before the answer did."""
    if "RemoteProtocolError" in kinds or "No generation chunks were returned" in str(error):
        return True
    return begun and bool(kinds & {"IncompleteRead", "NetworkError", "ConnectionError"}) and not kinds & _TIMEOUTS


def _said(error: BaseException) -> str:
    """The provider's own message, else the error's."""
    body = getattr(error, "body", None)
    while isinstance(body, Mapping):
        if isinstance(body.get("message"), str):
            return str(body["message"])
        body = body.get("error")
    if isinstance(body, str) and body:
        return body
    said = str(error)
    return said if " " in said else f"{type(error).__name__}: {said}".rstrip(": ")  # one word explains nothing


def _retry_after(error: BaseException) -> float | None:
    headers: Any = getattr(getattr(error, "response", None), "headers", None) or {}
    try:
        return max(0.0, float(headers.get("retry-after")))
    except (AttributeError, TypeError, ValueError):  # absent, or a date
        return None
