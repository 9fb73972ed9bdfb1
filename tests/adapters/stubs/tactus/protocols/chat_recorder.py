"""The protocol of recorders."""

from typing import Any, Protocol

from .models import ChatMessage


class ChatRecorder(Protocol):
    """Keeps conversations."""

    async def start_session(self, procedure_id: str, context: dict[str, Any] | None = None) -> str: ...

    async def record_message(self, message: ChatMessage) -> str: ...

    async def end_session(self, session_id: str, status: str = "COMPLETED") -> None: ...

    async def get_session_messages(self, session_id: str, limit: int | None = None) -> list[ChatMessage]: ...
