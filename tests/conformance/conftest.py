"""A cell for each test, in a store of its own."""

from __future__ import annotations

import pytest

from .cells import Cell


@pytest.fixture
def cell() -> Cell:
    return Cell()
