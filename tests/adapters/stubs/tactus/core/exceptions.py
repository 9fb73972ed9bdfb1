"""The exceptions that handlers, recorders and storages raise."""


class ProcedureWaitingForHuman(Exception):
    """Leaves the runtime until a person has answered."""

    def __init__(self, procedure_id: str, pending_message_id: str) -> None:
        self.procedure_id = procedure_id
        self.pending_message_id = pending_message_id
        super().__init__(f"{procedure_id} waits for {pending_message_id}")


class StorageError(Exception):
    """A storage failed."""


class HITLError(Exception):
    """A question could not be asked."""


class ChatRecorderError(Exception):
    """A conversation could not be kept."""
