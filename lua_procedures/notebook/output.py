"""One output of a cell, which is shown once and replaced from then on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["Output", "is_captured"]


class Output:
    """An output of the cell that runs when it is first shown."""

    def __init__(self) -> None:
        self._handle: Any = None

    def show(self, bundle: Mapping[str, Any]) -> None:
        """Show this by MIME type, in the place of what was shown before."""
        from IPython.display import display

        if self._handle is None:
            self._handle = display(bundle, raw=True, display_id=True)  # type: ignore[no-untyped-call] # IPython's
        else:
            self._handle.update(bundle, raw=True)


def is_captured() -> bool:
    """Whether outputs are collected instead of shown, as by ``%%capture``: each drawing would stay."""
    from IPython.core.displaypub import CapturingDisplayPublisher
    from IPython.core.getipython import get_ipython

    shell = get_ipython()
    return shell is not None and isinstance(shell.display_pub, CapturingDisplayPublisher)
