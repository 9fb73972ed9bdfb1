"""What stands beside a live panel in the browser: it keeps what a person opened, and requests a stop.

The panel is HTML that is replaced at each drawing, so that it is readable wherever the notebook is. Where widgets work,
this one, which shows nothing itself, brings each drawing to how the person left the one before.

Importing this module imports ipywidgets; the panel does so when a run goes on for longer than a moment.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import anywidget
from traitlets import Bool, Unicode

__all__ = ["Keeper"]

_HERE = Path(__file__).parent / "browser"


def _source(*names: str) -> str:
    return "\n".join((_HERE / name).read_text("utf-8") for name in names)


class Keeper(anywidget.AnyWidget):
    """Keeps one panel; it is never displayed.

    Args:
        mark: the class of the panel's outermost element.
        on_stop: called when a person requests a stop, on whatever thread the kernel uses for messages; None where
            the program would not see it.
    """

    _esm = _source("sections.js", "keeper.js")
    _css = _source("keeper.css")

    mark = Unicode().tag(sync=True)
    stoppable = Bool().tag(sync=True)
    over = Bool().tag(sync=True)

    def __init__(self, mark: str, on_stop: Callable[[], object] | None) -> None:
        self._on_stop = on_stop
        super().__init__(mark=mark, stoppable=on_stop is not None)
        self.on_msg(self._receive)

    def end(self) -> None:
        """The run is over, and its record stands in the panel's place."""
        with self.hold_sync():
            self.stoppable = False
            self.over = True

    def _receive(self, _widget: Any, content: Any, _buffers: Any) -> None:
        if isinstance(content, Mapping) and content.get("type") == "stop" and self._on_stop is not None:
            self._on_stop()
