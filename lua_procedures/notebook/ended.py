"""Widgets that have done their work and live on for a while."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from .forms import Form
    from .keeper import Keeper

__all__ = ["Ended"]

_MOST: Final = 12


class Ended:
    """Widgets of runs that ended; the oldest give way.

    One lives on for pages that were loaded again meanwhile, and anything that was closed right after it was made would
    be an error in the browser.
    """

    def __init__(self) -> None:
        self._widgets: deque[Form | Keeper] = deque()

    def __len__(self) -> int:
        return len(self._widgets)

    def add(self, widget: Form | Keeper) -> None:
        """Keep it, and close what is one too many, with the widget that its layout is."""
        self._widgets.append(widget)
        if len(self._widgets) > _MOST:
            oldest = self._widgets.popleft()
            if oldest.layout is not None:
                oldest.layout.close()
            oldest.close()
