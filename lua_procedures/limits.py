"""The bounds on a program, and their defaults (contract, section 9)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_core import PydanticCustomError

from .errors import UsageError

__all__ = ["Limits"]


class Limits(BaseModel):
    """What a program may use.

    Attributes:
        max_seconds: the Lua's own CPU time between two durable operations, in seconds.
        max_memory_mb: the Lua's memory, in millions of bytes.
        max_depth: how deep sub-procedures may call themselves.
        max_string: the longest single string that a library function makes, in bytes.
        max_bytes, max_leaves: the largest value that crosses at once.
        max_notice_bytes: all that a run may show.
        max_checkpoints: how many checkpoints a run may have.
        max_tokens: beyond how many tokens of model calls a person is asked whether to go on; None for any number.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_seconds: float = Field(30.0, gt=0)
    max_memory_mb: float = Field(256.0, gt=1)
    max_depth: int = Field(16, ge=1)
    max_string: int = Field(100_000_000, ge=1000)
    max_bytes: int = Field(100_000_000, ge=1000)
    max_leaves: int = Field(10_000_000, ge=100)
    max_notice_bytes: int = Field(10_000_000, ge=1000)
    max_checkpoints: int = Field(100_000, ge=1)
    max_tokens: int | None = Field(None, ge=1)

    @field_validator("*", mode="before")
    @classmethod
    def _check_number(cls, value: Any) -> Any:
        if isinstance(value, (bool, str, bytes)):
            raise PydanticCustomError("number", "a number expected, got {value}", {"value": repr(value)})
        return value

    @classmethod
    def of(cls, given: Mapping[str, Any] | Limits | None) -> Limits:
        """Limits from a mapping.

        Raises:
            UsageError: a limit is unknown or no sensible number; all faults are named.
        """
        if isinstance(given, Limits):
            return given
        if given is not None and not isinstance(given, Mapping):
            raise UsageError(f"limits: a mapping expected, got {type(given).__name__}")
        try:
            return cls(**(given or {}))
        except ValidationError as error:
            faults = "; ".join(f"{fault['loc'][0]}: {fault['msg']}" for fault in error.errors())
            raise UsageError(f"limits: {faults}", hint=f"The limits are {', '.join(cls.model_fields)}.") from None
