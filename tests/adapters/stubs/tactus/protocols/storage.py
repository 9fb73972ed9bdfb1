"""The protocol of storages."""

from typing import Any, Protocol

from .models import ProcedureMetadata


class StorageBackend(Protocol):
    """Keeps procedures."""

    def load_procedure_metadata(self, procedure_id: str) -> ProcedureMetadata: ...

    def save_procedure_metadata(self, procedure_id: str, metadata: ProcedureMetadata) -> None: ...

    def update_procedure_status(
        self, procedure_id: str, status: str, waiting_on_message_id: str | None = None
    ) -> None: ...

    def get_state(self, procedure_id: str) -> dict[str, Any]: ...

    def set_state(self, procedure_id: str, state: dict[str, Any]) -> None: ...

    def state_set(self, procedure_id: str, key: str, value: Any) -> None: ...
