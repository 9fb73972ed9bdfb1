"""The scripts and styles of widgets, which are files beside this package."""

from __future__ import annotations

from pathlib import Path
from typing import Final

__all__ = ["source"]

_HERE: Final = Path(__file__).parent / "browser"


def source(*names: str) -> str:
    """The files of these names, in this order, as one text."""
    return "\n".join((_HERE / name).read_text("utf-8") for name in names)
