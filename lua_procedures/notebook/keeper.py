"""What stands beside a live panel in the browser: it keeps what a person opened, and requests a stop.

The panel is HTML that is replaced at each drawing, so that it is readable wherever the notebook is. Where widgets work,
this one, which shows nothing itself, brings each drawing to how the person left the one before. A page that was loaded
again during the run receives no drawings; there it replaces what the file says of the panel.

Importing this module imports ipywidgets; the panel does so when a run goes on for longer than a moment.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import anywidget
from traitlets import Any as Anything
from traitlets import Bool, Dict, Unicode

from .browser_files import source

__all__ = ["Keeper"]

_VIEW: Final = "application/vnd.jupyter.widget-view+json"


class Keeper(anywidget.AnyWidget):
    """Keeps one panel; it is never displayed.

    Args:
        mark: the class of the panel's outermost element.
        on_stop: called when a person requests a stop, on whatever thread the kernel uses for messages; None where
            the program would not see it.

    Attributes:
        following: whether a page asked for the drawings, since it receives none otherwise.
    """

    _esm = source("sections.js", "notebook.js", "keeper.js")
    _css = source("theme.css", "keeper.css")

    layout = Anything(None).tag(sync=True)  # the base class would make a widget of its own for it
    mark = Unicode().tag(sync=True)
    stoppable = Bool().tag(sync=True)
    shown = Dict().tag(sync=True)
    over = Bool().tag(sync=True)

    def __init__(self, mark: str, on_stop: Callable[[], object] | None) -> None:
        self._on_stop = on_stop
        self.following = False
        super().__init__(mark=mark, stoppable=on_stop is not None)
        self.on_msg(self._receive)

    def show(self, bundle: Mapping[str, Any]) -> None:
        """The output shows this from now on, by MIME type; each question is sent, a drawing where it is asked for."""
        if self.following or _VIEW in bundle:
            self.shown = dict(bundle)

    def end(self, bundle: Mapping[str, Any]) -> None:
        """The run is over, and this stands in the panel's place."""
        with self.hold_sync():
            self.stoppable = False
            self.shown = dict(bundle)
            self.over = True

    def _receive(self, _widget: Any, content: Any, _buffers: Any) -> None:
        kind = content.get("type") if isinstance(content, Mapping) else None
        if kind == "follow":
            self.following = True
        elif kind == "stop" and self._on_stop is not None:
            self._on_stop()
