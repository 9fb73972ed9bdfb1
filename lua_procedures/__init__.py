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
    from .histories.clearing import clear
    from .histories.comparing import difference
    from .histories.forking import fork
    from .histories.pruning import prune
    from .histories.records import Change, Difference, History, JournalHistory, Tail
    from .histories.telling import history
    from .human.requests import TIMEOUT, HumanRequest, HumanResponse
    from .limits import Limits
    from .run_records.manager import CheckpointManager
    from .run_records.states import CheckpointData, RunState, RunStatus, StepResult, StepState, StepStatus
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
    "Change",
    "Checkpoint",
    "CheckpointData",
    "CheckpointManager",
    "ConversionError",
    "Difference",
    "DivergenceError",
    "Graph",
    "GraphNode",
    "History",
    "HumanInputRequired",
    "HumanRequest",
    "HumanResponse",
    "ImportRefused",
    "JournalHistory",
    "LimitExceeded",
    "Limits",
    "LuaRuntimeError",
    "LuaSyntaxError",
    "ModelError",
    "Notice",
    "ProcedureError",
    "Run",
    "RunLocked",
    "RunState",
    "RunStatus",
    "RunStopped",
    "SchemaError",
    "ServerSpec",
    "Session",
    "StageMove",
    "StepResult",
    "StepState",
    "StepStatus",
    "Stop",
    "StoreError",
    "Tail",
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
    "clear",
    "current_run",
    "difference",
    "fork",
    "get_session",
    "history",
    "import_run",
    "prune",
    "resume",
    "run",
    "tool",
]

_HOMES = {
    **dict.fromkeys(("answer", "arun", "import_run", "resume", "run"), "api"),
    **dict.fromkeys(("TIMEOUT", "HumanRequest", "HumanResponse"), "human.requests"),
    **dict.fromkeys(("Session", "get_session"), "session"),
    **dict.fromkeys(("Graph", "GraphNode"), "graphs"),
    **dict.fromkeys(("Change", "Difference", "History", "JournalHistory", "Tail"), "histories.records"),
    "clear": "histories.clearing",
    "difference": "histories.comparing",
    "fork": "histories.forking",
    "history": "histories.telling",
    "prune": "histories.pruning",
    "Limits": "limits",
    "CheckpointManager": "run_records.manager",
    **dict.fromkeys(
        ("CheckpointData", "RunState", "RunStatus", "StepResult", "StepState", "StepStatus"),
        "run_records.states",
    ),
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


def __dir__() -> list[str]:
    return sorted(__all__)


def load_ipython_extension(shell: Any) -> None:
    """``%load_ext lua_procedures``."""
    from .notebook.extension import load

    load(shell)


def unload_ipython_extension(shell: Any) -> None:
    """``%unload_ext lua_procedures``."""
    from .notebook.extension import unload

    unload(shell)
