"""Public test helpers for users and for authors of stores, responders and models."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .chat import ScriptedChatModel
    from .stores import StoreConformance

__all__ = ["ScriptedChatModel", "StoreConformance"]

_MODULES = {"ScriptedChatModel": "chat", "StoreConformance": "stores"}


def __getattr__(name: str) -> Any:  # what a helper needs is imported with it: LangChain, or pytest
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_MODULES[name]}", __name__), name)
