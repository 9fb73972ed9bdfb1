"""Calls that are made again while the model's error is one that may pass."""

from __future__ import annotations

import math
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Final, Self

from ..errors import ModelError
from ..primitives.misuse import Misuse, kind_of

__all__ = ["OnRetry", "Retry"]

#: Told before each wait: which attempt failed (from 1), its error, and how many seconds are waited.
OnRetry = Callable[[int, ModelError, float], None]

_ALIASES: Final = {"retries": "max_attempts", "base_delay": "initial_delay"}
_SLICE: Final = 0.1  # seconds: how long a waiting thread may be deaf


@dataclass(frozen=True)
class Retry:
    """How often a call is made, and how long is waited between.

    Attributes:
        max_attempts: how many times in all.
        initial_delay: seconds before the second attempt.
        max_delay: the most seconds of any wait, also where the provider asks for more.
        backoff_factor: by how much each wait is longer than the one before.
    """

    max_attempts: int = 1
    initial_delay: float = 1.0
    max_delay: float = 60.0
    backoff_factor: float = 2.0

    @classmethod
    def of(cls, value: Any) -> Self:
        """An agent's ``retry``: None, a number of attempts, or a table of options.

        Raises:
            Misuse: it is none of them, or an option is unknown or wrong.
        """
        if value is None or value == []:
            return cls()
        if not isinstance(value, Mapping):
            return cls(max_attempts=_attempts(value, "retry"))
        return cls(**_options(value))

    def delay(self, attempt: int, error: BaseException | None = None) -> float:
        """Seconds to wait after an attempt, counted from 1; as long as the provider asks, within ``max_delay``."""
        try:
            grown = self.initial_delay * self.backoff_factor ** (attempt - 1)
        except OverflowError:
            grown = self.max_delay
        asked = error.retry_after if isinstance(error, ModelError) else None
        return min(max(grown, asked or 0.0), self.max_delay)

    async def aattempt(self, call: Callable[[], Awaitable[Any]], on_retry: OnRetry | None = None) -> Any:
        """The result of the first attempt that succeeds; the error of the last where none does."""
        if self.max_attempts == 1:
            return await call()
        from tenacity import AsyncRetrying

        return await AsyncRetrying(**self._policy(on_retry))(call)

    def attempt(self, call: Callable[[], Any], on_retry: OnRetry | None = None) -> Any:
        """As ``aattempt``, where nothing is awaited."""
        if self.max_attempts == 1:
            return call()
        from tenacity import Retrying

        return Retrying(sleep=_sleep, **self._policy(on_retry))(call)

    def _policy(self, on_retry: OnRetry | None) -> dict[str, Any]:
        """What tenacity is told."""
        from tenacity import RetryCallState, retry_if_exception, stop_after_attempt

        def failed(state: RetryCallState) -> BaseException | None:
            return state.outcome.exception() if state.outcome else None

        def tell(state: RetryCallState) -> None:
            error = failed(state)
            if on_retry is not None and isinstance(error, ModelError):
                on_retry(state.attempt_number, error, self.delay(state.attempt_number, error))

        return {
            "stop": stop_after_attempt(self.max_attempts),
            "wait": lambda state: self.delay(state.attempt_number, failed(state)),
            "retry": retry_if_exception(lambda error: isinstance(error, ModelError) and error.retryable),
            "before_sleep": tell,
            "reraise": True,
        }


def _sleep(seconds: float) -> None:
    end = time.monotonic() + seconds
    while (rest := end - time.monotonic()) > 0:
        time.sleep(min(rest, _SLICE))


def _options(given: Mapping[str, Any]) -> dict[str, Any]:
    known = [field.name for field in fields(Retry)]
    options: dict[str, Any] = {}
    for key, value in given.items():
        name = _ALIASES.get(key, key)
        if name not in known:
            raise Misuse(f"retry: unknown option {key!r}; the options are {', '.join([*known, *_ALIASES])}")
        if name in options:
            raise Misuse(f"retry: {name} is given twice, also by its other name")
        if value is not None:
            check = _attempts if name == "max_attempts" else _number
            options[name] = check(value, f"retry: {key}")
    return options


def _attempts(value: Any, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != value // 1 or value < 1:
        raise Misuse(f"{name}: a whole number of at least 1 expected, got {_shown(value)}")
    return int(value)


def _number(value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value) or value < 0:
        raise Misuse(f"{name}: a number of at least 0 expected, got {_shown(value)}")
    return float(value)


def _shown(value: Any) -> str:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return str(value) if is_number else kind_of(value)
