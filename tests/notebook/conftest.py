"""What tests of the panel share."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The HTML of what is shown from now on."""
    shown: list[str] = []

    class Handle:
        def update(self, bundle: dict[str, Any], **_: Any) -> None:
            display(bundle)

    def display(bundle: dict[str, Any], **_: Any) -> Handle:
        shown.append(bundle["text/html"])
        return Handle()

    monkeypatch.setattr("IPython.display.display", display)
    return shown
