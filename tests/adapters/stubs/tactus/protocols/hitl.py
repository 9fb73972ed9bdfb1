"""The protocol of handlers."""

from typing import Any, Protocol

from .models import HITLRequest, HITLResponse


class HITLHandler(Protocol):
    """Asks people."""

    def request_interaction(
        self, procedure_id: str, request: HITLRequest, execution_context: Any = None
    ) -> HITLResponse: ...

    def check_pending_response(self, procedure_id: str, message_id: str) -> HITLResponse | None: ...

    def cancel_pending_request(self, procedure_id: str, message_id: str) -> None: ...
