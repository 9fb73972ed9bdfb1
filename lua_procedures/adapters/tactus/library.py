"""Tactus's own classes, found when they are needed: nothing here needs Tactus to be imported."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from ...errors import ProcedureError

__all__ = ["class_of", "exceptions", "models", "path_of", "reported"]


def models() -> Any:
    """The module of the records that Tactus's protocols exchange."""
    return import_module("tactus.protocols.models")


def exceptions() -> Any:
    """The module of Tactus's exceptions."""
    return import_module("tactus.core.exceptions")


@contextmanager
def reported(name: str) -> Iterator[None]:
    """Raise our errors as the one that a protocol of Tactus names, such as ``StorageError``."""
    try:
        yield
    except ProcedureError as error:
        raise getattr(exceptions(), name)(str(error)) from error


def path_of(value: Any) -> str | None:
    """Where the class of one of Tactus's records is found, ``module:name``; None for any other value."""
    kind = type(value)
    ours = kind.__module__.partition(".")[0] == "tactus" and hasattr(value, "model_dump")
    return f"{kind.__module__}:{kind.__qualname__}" if ours else None


def class_of(path: str) -> Any:
    """The class of a record of Tactus, or None where Tactus has none of that name.

    A store may have been written by anybody, so nothing but Tactus's own records is looked for.
    """
    module, _, name = path.partition(":")
    if module.partition(".")[0] != "tactus":
        return None
    try:
        found = getattr(import_module(module), name, None)
    except ImportError:
        return None
    return found if isinstance(found, type) and hasattr(found, "model_validate") else None
