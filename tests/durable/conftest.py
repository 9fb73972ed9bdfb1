"""A real PostgreSQL server for the tests that are marked ``database``."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .cluster import Cluster, binaries


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A server that runs until the last test has ended; skips where its binaries are not installed."""
    folder = binaries()
    if folder is None:
        pytest.skip("no PostgreSQL server is installed (on Debian and Ubuntu: apt install postgresql)")
    cluster = Cluster(folder)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.remove()
