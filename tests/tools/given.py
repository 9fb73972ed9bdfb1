"""Functions for `function_ref`."""

from __future__ import annotations

import asyncio
from typing import Any


def double(n: int) -> int:
    """Twice a number."""
    return n * 2


async def slow(seconds: float) -> float:
    """Wait."""
    await asyncio.sleep(seconds)
    return seconds


def anything(value: Any) -> Any:
    """What it is given."""
    return value


class Nested:
    """Something with a function in it."""

    @staticmethod
    def half(n: int) -> float:
        """Half of a number."""
        return n / 2
