"""The records that the protocols exchange."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field


class SourceLocation(BaseModel):
    """Where a checkpoint was made."""

    file: str
    line: int
    function: str | None = None
    code_context: str | None = None


class CheckpointEntry(BaseModel):
    """One checkpoint of the log."""

    position: int
    type: str
    result: Any
    timestamp: datetime
    duration_ms: float | None = None
    input_hash: str | None = None
    run_id: str | None = None
    source_location: SourceLocation | None = None
    captured_vars: dict[str, Any] | None = None


class ProcedureMetadata(BaseModel):
    """All that a storage keeps of a procedure."""

    procedure_id: str
    execution_log: list[CheckpointEntry] = Field(default_factory=list)
    replay_index: int = 0
    state: dict[str, Any] = Field(default_factory=dict)
    lua_state: dict[str, Any] = Field(default_factory=dict)
    status: str = "RUNNING"
    waiting_on_message_id: str | None = None


class HITLResponse(BaseModel):
    """A person's answer."""

    value: Any
    responded_at: datetime
    timed_out: bool = False


class HITLRequest(BaseModel):
    """A question to a person."""

    request_type: str
    message: str
    timeout_seconds: int | None = None
    default_value: Any = None
    options: list[dict[str, Any]] | None = None
    metadata: dict[str, Any] = Field(default_factory=dict)


class ChatMessage(BaseModel):
    """A message of a session."""

    role: str
    content: str
    message_type: str = "MESSAGE"
    tool_name: str | None = None
    tool_parameters: dict[str, Any] | None = None
    tool_response: dict[str, Any] | None = None
    parent_message_id: str | None = None
    human_interaction: str | None = None
    classification: str | None = None
    metadata: dict[str, Any] | None = None
