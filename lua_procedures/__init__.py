"""Durable Lua procedures in Jupyter: agents, tools, steps, state and people, in a cell that never does a thing twice.

``%load_ext lua_procedures`` gives ``%%procedure``; from Python there are ``run`` and its siblings.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._version import __version__

if TYPE_CHECKING:
    from .api import answer, arun, import_run, resume, run
    from .errors import (
        AnswerRefused,
        ConversionError,
        DivergenceError,
        HumanInputRequired,
        ImportRefused,
        LimitExceeded,
        LuaRuntimeError,
        LuaSyntaxError,
        ModelError,
        ProcedureError,
        RunLocked,
        RunStopped,
        SchemaError,
        StoreError,
        ToolError,
        UsageError,
    )
    from .graphs import Graph, GraphNode
    from .human.requests import TIMEOUT, HumanRequest, HumanResponse
    from .limits import Limits
    from .runs import AgentState, Checkpoint, Notice, Run, StageMove, Stop, ToolCall, Usage
    from .session import Session, get_session
    from .tools.current import current_run
    from .tools.marks import tool
    from .tools.mcp.specs import ServerSpec
    from .tools.specs import ToolAuth, ToolSpec, ToolType

__all__ = [
    "TIMEOUT",
    "AgentState",
    "AnswerRefused",
    "Checkpoint",
    "ConversionError",
    "DivergenceError",
    "Graph",
    "GraphNode",
    "HumanInputRequired",
    "HumanRequest",
    "HumanResponse",
    "ImportRefused",
    "LimitExceeded",
    "Limits",
    "LuaRuntimeError",
    "LuaSyntaxError",
    "ModelError",
    "Notice",
    "ProcedureError",
    "Run",
    "RunLocked",
    "RunStopped",
    "SchemaError",
    "ServerSpec",
    "Session",
    "StageMove",
    "Stop",
    "StoreError",
    "ToolAuth",
    "ToolCall",
    "ToolError",
    "ToolSpec",
    "ToolType",
    "Usage",
    "UsageError",
    "__version__",
    "answer",
    "arun",
    "current_run",
    "get_session",
    "import_run",
    "resume",
    "run",
    "tool",
]

_HOMES = {
    **dict.fromkeys(("answer", "arun", "import_run", "resume", "run"), "api"),
    **dict.fromkeys(("TIMEOUT", "HumanRequest", "HumanResponse"), "human.requests"),
    **dict.fromkeys(("Session", "get_session"), "session"),
    **dict.fromkeys(("Graph", "GraphNode"), "graphs"),
    "Limits": "limits",
    **dict.fromkeys(
        ("AgentState", "Checkpoint", "Notice", "Run", "StageMove", "Stop", "ToolCall", "Usage"),
        "runs",
    ),
    **dict.fromkeys(("ToolAuth", "ToolSpec", "ToolType"), "tools.specs"),
    "ServerSpec": "tools.mcp.specs",
    "current_run": "tools.current",
    "tool": "tools.marks",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_HOMES.get(name, 'errors')}", __name__), name)
    globals()[name] = value
    return value


def load_ipython_extension(shell: Any) -> None:
    """``%load_ext lua_procedures``."""
    from .notebook.extension import load

    load(shell)


def unload_ipython_extension(shell: Any) -> None:
    """``%unload_ext lua_procedures``."""
    from .notebook.extension import unload

    unload(shell)
