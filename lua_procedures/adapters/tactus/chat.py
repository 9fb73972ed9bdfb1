"""Tactus's conversations, kept with the runs they belong to."""

from __future__ import annotations

import secrets
from typing import Any

from ...durable.serialization import dumps, loads
from ...durable.stores import Store
from ...errors import ConversionError, UsageError
from ...runner.hidden import hidden_entry
from .checkpoints import plain
from .journals import Journals
from .library import models, reported

__all__ = ["ChatRecorder"]


class ChatRecorder:
    """A ``ChatRecorder`` of Tactus that keeps sessions and messages in the procedure's journal.

    The end of the outermost session is the end of the procedure: its status is what lists of runs show then.

    Args:
        store: a URL (see ``open_store``) or a ``Store``.
        procedure_id: whose sessions these are, where ``start_session`` is not told, as by Tactus's runtime.
    """

    def __init__(self, store: str | Store = "memory:", procedure_id: str | None = None) -> None:
        with reported("ChatRecorderError"):
            self._journals = Journals.of(store)
        self._procedure_id = procedure_id
        self._open: list[str] = []

    async def start_session(self, procedure_id: Any = None, context: dict[str, Any] | None = None) -> str:
        """Start a session; that of a procedure that waited for a person goes on.

        Args:
            procedure_id: whose session it is. Tactus's protocol has it first, and its runtime gives only the context:
                both calls are understood.
            context: kept with the session, where it is plain data.

        Returns:
            The session's id.
        """
        if procedure_id is not None and not isinstance(procedure_id, str):
            procedure_id, context = None, procedure_id
        with reported("ChatRecorderError"):
            procedure_id = self._procedure(procedure_id)
            row = self._journals.row(procedure_id)
            sessions = loads(row.options).get("sessions", [])
            if row.status == "paused" and sessions and sessions[-1]["status"] == "ACTIVE":
                self._open = [f"{procedure_id}/{len(sessions)}"]
                return self._open[0]
            sessions.append({"status": "ACTIVE", "context": _kept(context)})
            self._journals.change(procedure_id, sessions=sessions)
            if not self._open:
                self._journals.set_status(procedure_id, "RUNNING")
            self._open.append(f"{procedure_id}/{len(sessions)}")
            return self._open[-1]

    async def record_message(self, message: Any) -> str:
        """Keep a ``ChatMessage`` in the session that was started last and is not ended.

        Returns:
            The message's id.
        """
        with reported("ChatRecorderError"):
            if not self._open:
                raise UsageError("there is no session to record a message in: start one first")
            session_id = self._open[-1]
            journal = self._journals.row(session_id.rpartition("/")[0]).id
            text = dumps(plain(message.model_dump(mode="json")))
            entry = hidden_entry(secrets.token_bytes(16), b"", "message", session_id, outcome=text)
            self._journals.store.append(journal, entry)
            return entry.key.hex()

    async def end_session(self, session_id: str, status: str = "COMPLETED") -> None:
        """End a session; of the outermost one, the procedure has that status from now on.

        It stays paused while its question is open, so that it can be answered and the procedure run again.
        """
        with reported("ChatRecorderError"):
            procedure_id, number = self._found(session_id)
            sessions = self._journals.options(procedure_id)["sessions"]
            sessions[number - 1]["status"] = status
            self._journals.change(procedure_id, sessions=sessions)
            outermost = session_id not in self._open[1:]
            self._open = self._open[: self._open.index(session_id)] if session_id in self._open else self._open
            if outermost and not (status == "COMPLETED" and self._waits(procedure_id)):
                self._journals.set_status(procedure_id, status)

    async def get_session_history(self, session_id: str) -> list[Any]:
        """The messages of a session as ``ChatMessage``s, oldest first."""
        with reported("ChatRecorderError"):
            procedure_id, _ = self._found(session_id)
            journal = self._journals.row(procedure_id).id
            kept = [entry for entry in self._journals.store.entries(journal) if entry.kind == "message"]
        return [models().ChatMessage(**loads(entry.outcome)) for entry in kept if entry.name == session_id]

    async def get_session_messages(self, session_id: str, limit: int | None = None) -> list[Any]:
        """The last messages of a session, at most ``limit``, oldest first; the name that Tactus's protocol has."""
        messages = await self.get_session_history(session_id)
        return messages if limit is None else messages[max(0, len(messages) - limit) :]

    def _waits(self, procedure_id: str) -> bool:
        """Whether a question is open: Lua's ``pcall`` swallows a wait of Tactus, which ends as if it was answered."""
        row = self._journals.row(procedure_id)
        stored = self._journals.store.request(row.id, loads(row.options).get("pending") or "")
        return stored is not None and stored.answer is None

    def _procedure(self, procedure_id: str | None) -> str:
        procedure_id = procedure_id or self._procedure_id
        if procedure_id is None:
            raise UsageError("procedure_id: whose session it is must be said, here or when the recorder is made")
        return procedure_id

    def _found(self, session_id: str) -> tuple[str, int]:
        """The procedure of a session, and which one of its sessions it is."""
        procedure_id, _, number = session_id.rpartition("/")
        sessions = self._journals.options(procedure_id).get("sessions", []) if procedure_id else []
        if not number.isdecimal() or not 1 <= int(number) <= len(sessions):
            raise UsageError(f"there is no session {session_id!r} in {self._journals.store.url}")
        return procedure_id, int(number)


def _kept(context: Any) -> Any:
    """What is kept of a context: all, or nothing where it holds live objects."""
    try:
        return loads(dumps(plain(context)))
    except ConversionError:
        return None
