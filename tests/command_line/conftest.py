"""What the tests of the command line share."""

from __future__ import annotations

import pytest

from .commands import Folder


@pytest.fixture
def cli(tmp_path):
    """A folder of its own in which commands run."""
    return Folder(tmp_path)
