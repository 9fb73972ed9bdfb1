"""What a front end keeps of a cell that was run: its outputs, its reply, its forms."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

__all__ = ["WIDGET", "Execution", "Form"]

WIDGET = "application/vnd.jupyter.widget-view+json"


@dataclass
class Execution:
    """A cell that was run, with its outputs as a front end keeps them.

    Attributes:
        outputs: in nbformat's shape, brought up to date by ``update_display_data``.
        reply: the content of the kernel's reply, once there.
        idle: whether the kernel said that it is done.
    """

    message: str
    outputs: list[dict[str, Any]] = field(default_factory=list)
    reply: dict[str, Any] | None = None
    idle: bool = False

    @property
    def done(self) -> bool:
        """Whether the cell has ended."""
        return self.idle and self.reply is not None

    @property
    def kinds(self) -> list[str]:
        """The outputs' types, in order."""
        return [output["output_type"] for output in self.outputs]

    @property
    def texts(self) -> list[str]:
        """The ``text/plain`` of each display and result."""
        return [output["data"].get("text/plain", "") for output in self.outputs if "data" in output]

    @property
    def record(self) -> str:
        """The text of the only display, which is a run's record (or what is open)."""
        (text,) = (output["data"]["text/plain"] for output in self.outputs if output["output_type"] == "display_data")
        return str(text)

    @property
    def printed(self) -> str:
        """What was written to standard output and standard error."""
        return "".join(output["text"] for output in self.outputs if output["output_type"] == "stream")

    @property
    def error(self) -> str:
        """What the exception says, also where the record says it, and its traceback; empty without an error."""
        errors = [output for output in self.outputs if output["output_type"] == "error"]
        return "\n".join(line for error in errors for line in (error["evalue"], *error["traceback"]))

    @property
    def page(self) -> str:
        """The only display, which is a run's record, as HTML."""
        (text,) = (output["data"]["text/html"] for output in self.outputs if output["output_type"] == "display_data")
        return str(text)

    @property
    def mime_types(self) -> set[str]:
        """The MIME types of all outputs."""
        return {kind for output in self.outputs for kind in output.get("data", {})}


@dataclass
class Form:
    """A form that is shown.

    Attributes:
        model: the widget's id, which is that of its comm.
        state: the widget's traits as the browser knows them, brought up to date.
    """

    model: str
    state: dict[str, Any]

    @property
    def id(self) -> str:
        """The request's id."""
        return str(self.state["request"]["id"])

    @property
    def message(self) -> str:
        """What is asked."""
        return str(self.state["request"]["message"])
