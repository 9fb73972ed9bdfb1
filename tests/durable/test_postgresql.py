"""The store on PostgreSQL, on a real server: the shared rules, and what is its own."""

from __future__ import annotations

import pytest

from lua_procedures.durable.stores import open_store
from lua_procedures.testing.stores import StoreConformance

pytestmark = pytest.mark.database


@pytest.fixture
def store(cluster):
    store = open_store(cluster.url())
    yield store
    store.close()


class TestPostgresqlStore(StoreConformance):
    pass
