"""Tactus's runtime with our forms and our stores.

``connect`` gives what a runtime of Tactus takes::

    from lua_procedures.adapters.tactus import connect
    from tactus.core import TactusRuntime

    runtime = TactusRuntime("release", **connect("release", store="runs.db"))
    result = await runtime.execute(source, format="lua")

The three classes have the methods of Tactus's protocols, and of the adapters that Plexus made for them. Importing this
package imports nothing of Tactus.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from ...durable.stores import Store, open_store
from ...human.responders import Answers
from .chat import ChatRecorder
from .handler import HITLHandler
from .storage import StorageBackend

__all__ = ["ChatRecorder", "HITLHandler", "StorageBackend", "connect"]


def connect(
    procedure_id: str,
    store: str | Store = "memory:",
    *,
    answers: Answers = None,
    blocking: bool = False,
    resume: Callable[[], Awaitable[object]] | None = None,
) -> dict[str, Any]:
    """What ``TactusRuntime(procedure_id, **connect(procedure_id))`` takes to ask and to keep as our own runs do.

    Args:
        procedure_id: the procedure, which is the run's name.
        store: a URL (see ``open_store``) or a ``Store``.
        answers: as of ``HITLHandler``.
        blocking: as of ``HITLHandler``.
        resume: as of ``HITLHandler``.

    Raises:
        StoreError: the store cannot be opened.
    """
    opened = open_store(store)
    return {
        "storage_backend": StorageBackend(opened),
        "hitl_handler": HITLHandler(opened, answers=answers, blocking=blocking, resume=resume),
        "chat_recorder": ChatRecorder(opened, procedure_id),
    }
