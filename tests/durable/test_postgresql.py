"""The store on PostgreSQL, on a real server: the shared rules, and what is its own."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from lua_procedures.durable.entries import Entry, JournalRow
from lua_procedures.durable.stores import open_store
from lua_procedures.durable.stores.postgresql import PostgresqlStore
from lua_procedures.durable.stores.postgresql_schema import CREATE_VERSION, STEPS
from lua_procedures.errors import StoreError
from lua_procedures.testing.stores import StoreConformance

pytestmark = pytest.mark.database

posix = pytest.mark.skipif(os.name != "posix", reason="forks")


@pytest.fixture
def url(cluster):
    return cluster.url()


@pytest.fixture
def store(url):
    store = open_store(url)
    yield store
    store.close()


def row(name: str = "triage") -> JournalRow:
    return JournalRow(name, "00", seed=1, started=1.0, updated=1.0)


def entry(number: int) -> Entry:
    return Entry(b"k" * 16, b"p" * 16, b"c" * 16, str(number), "step", f"s{number}", "{}", "x" * 10)


def schema_of(url: str) -> str:
    return url.partition("schema=")[2]


def refused(url: str) -> str:
    """The message of the refusal to open a store, which shows no password."""
    with pytest.raises(StoreError) as caught:
        open_store(url)
    assert "secret" not in str(caught.value)
    assert caught.value.message.startswith("postgresql://127.0.0.1:")
    assert caught.value.hint
    return caught.value.message


def test_a_host_that_is_gone_is_given_up(url):
    """A connection and what is sent on it are given ten seconds, where the URL does not say otherwise."""
    for given, expected in ((url, "10000"), (f"{url}&tcp_user_timeout=3000", "3000")):
        store = PostgresqlStore(given)
        assert store._connection().info.get_parameters()["tcp_user_timeout"] == expected
        store.close()


def opened_elsewhere(url: str, before: str = "") -> str:
    """What another process says that opens a store."""
    code = f"import sys\n{before}\nfrom lua_procedures.durable.stores import open_store\nopen_store(sys.argv[1])"
    done = subprocess.run([sys.executable, "-c", code, url], capture_output=True, text=True, check=False)
    return done.stderr


class TestPostgresqlStore(StoreConformance):
    pass


# URLs


def test_schemas_are_stores_of_their_own(cluster):
    """Each schema of a database has its own journals, and the URL names it; without one it is lua_procedures."""
    first, second = open_store(cluster.url()), open_store(cluster.url())
    first.create(row())
    assert second.journals() == []
    assert first.url != second.url
    plain = open_store(first.url.partition("?")[0].replace("postgresql://", "postgres://"))
    plain.create(row("plain"))
    assert cluster.execute("SELECT name FROM lua_procedures.journal") == [("plain",)]
    for store in (first, second, plain):
        store.close()


def test_password_is_used_and_not_shown(cluster, url):
    """A URL's password opens the store, is in no message and no URL, and this process goes on knowing it."""
    cluster.execute("CREATE ROLE guarded LOGIN PASSWORD 'top secret!'")
    cluster.execute("GRANT CREATE ON DATABASE postgres TO guarded")
    guarded = url.replace("postgres@", "guarded:top%20secret!@")
    assert "password authentication failed" in refused(guarded.replace("top", "no"))
    store = open_store(guarded)
    store.create(row())
    assert store.url == url.replace("postgres@", "guarded@")
    again = open_store(store.url)
    assert again.find("triage") is not None
    again.close()
    store.close()
    assert "StoreError" in opened_elsewhere(store.url)


def test_what_is_not_there_is_refused(cluster, url):
    """A server, a database or a user that is not there is named in a sentence."""
    assert "cannot be reached" in refused(url.replace(str(cluster.port), "1"))
    assert "does not exist" in refused(url.replace("/postgres?", "/nothing?"))
    assert "cannot be reached" in refused(url + "&sslmode=unknown")


def test_without_psycopg_the_error_says_how_to_get_it(url):
    """Where psycopg is not installed, the store says which extra brings it."""
    said = opened_elsewhere(url, "sys.modules['psycopg'] = None")
    assert "StoreError: a store on PostgreSQL needs psycopg" in said
    assert "pip install 'lua-procedures[postgres]'" in said


# Tables


def test_older_schema_is_brought_forward(cluster, url):
    """A store of the first version keeps all that it holds, and its journals can be owned."""
    schema = schema_of(url)
    columns = "name, root, seed, started, updated, status, generation, program, inputs, options"
    values = "'triage', '00', 1, 1.0, 1.0, 'pending', 0, '', '{}', '{}'"
    cluster.execute(
        f"CREATE SCHEMA {schema}; SET search_path = {schema}; {CREATE_VERSION} {STEPS[0]}"
        f"INSERT INTO version VALUES (1); INSERT INTO journal({columns}) VALUES ({values})"
    )
    store = open_store(url)
    [found] = store.journals()
    assert (found.name, store.owner(found.id)) == ("triage", None)
    with store.own(found.id) as ownership:
        store.append(found.id, entry(0), ownership.epoch)
    assert list(store.entries(found.id)) == [entry(0)]
    store.close()


def test_newer_schema_is_refused(cluster, url):
    """A store that a newer version wrote is refused and left, with the advice to upgrade."""
    open_store(url).close()
    cluster.execute(f"INSERT INTO {schema_of(url)}.version VALUES (99)")
    assert "newer lua_procedures (its schema is 99" in refused(url)


def test_other_applications_tables_are_refused(cluster, url):
    """A schema with a table of one of our names, which is not ours, is refused and left as it was."""
    schema = schema_of(url)
    cluster.execute(f"CREATE SCHEMA {schema}; CREATE TABLE {schema}.request(x integer)")
    assert "tables of another application" in refused(url)
    found = cluster.execute(f"SELECT table_name FROM information_schema.tables WHERE table_schema = '{schema}'")
    assert found == [("request",)]


def test_tables_are_made_once(url):
    """Handles that meet at a schema that is not there yet all find it made."""
    with ThreadPoolExecutor(8) as pool:
        stores = list(pool.map(open_store, [url] * 8))
    assert sorted(store.create(row()).generation for store in stores) == list(range(8))
    for store in stores:
        store.close()


# Connections


def test_lost_connection_is_an_error_and_then_made_again(cluster, store):
    """What a lost connection cut off is an error; the next use connects again, and nothing is there twice."""
    journal = store.create(row()).id
    store.append(journal, entry(0))
    for number in (1, 2):
        cluster.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
        with pytest.raises(StoreError, match="cannot be reached"):
            store.append(journal, entry(99))
        store.append(journal, entry(number))
    assert list(store.entries(journal)) == [entry(0), entry(1), entry(2)]


def test_stopped_server_is_an_error_until_it_runs_again(cluster, store):
    """While the server is down each use says so; afterwards the same handle goes on."""
    journal = store.create(row()).id
    store.append(journal, entry(0))
    cluster.stop()
    try:
        for _ in range(2):
            with pytest.raises(StoreError, match="cannot be reached"):
                store.append(journal, entry(1))
    finally:
        cluster.start()
    store.append(journal, entry(1))
    assert list(store.entries(journal)) == [entry(0), entry(1)]


def test_taking_waits_for_a_write_that_has_begun(cluster, store):
    """What an owner writes while another one takes over is there when that one reads, or is refused."""
    journal = store.create(row()).id
    stalled = store.own(journal)
    stalled.release()
    other = open_store(store.url)

    def write() -> int:
        for number in range(100_000):
            try:
                store.append(journal, entry(number), stalled.epoch)
            except StoreError:
                return number
        raise AssertionError("it was never refused")

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write)
        while len(list(other.entries(journal))) < 20:
            pass
        with other.own(journal):
            seen = len(list(other.entries(journal)))
            assert writing.result() == seen
    other.close()


@posix
def test_fork_cannot_use_the_parents_store(store):
    """In a forked process the store is an error, closing it there harms nothing, and the parent goes on."""
    journal = store.create(row()).id
    with store.own(journal) as ownership:
        child = os.fork()
        if not child:
            code = 1
            try:
                store.append(journal, entry(0))
            except StoreError as error:
                code = 0 if "forked" in str(error) else 2
            ownership.release()
            store.close()
            os._exit(code)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        store.append(journal, entry(1), ownership.epoch)
    assert list(store.entries(journal)) == [entry(1)]


def test_closed_store_says_so(store):
    """After ``close`` every call is an error that says what to do."""
    store.close()
    with pytest.raises(StoreError, match="was closed"):
        store.journals()


def test_what_cannot_be_kept_is_refused(store):
    """A text that is no Unicode, or a number beyond 64 bits, is an error and nothing is written."""
    created = store.create(row())
    with pytest.raises(StoreError, match="cannot keep this"):
        store.append(created.id, entry(0)._replace(name="\ud800"))
    created.seed = 2**63
    with pytest.raises(StoreError, match="cannot keep this"):
        store.save(created)
    assert list(store.entries(created.id)) == []


def test_deleted_tables_are_reported(cluster, store):
    """Where the tables are deleted while they are open, each use says so."""
    journal = store.create(row()).id
    store.append(journal, entry(0))
    cluster.execute(f"DROP SCHEMA {schema_of(store.url)} CASCADE")
    for use in (lambda: store.append(journal, entry(1)), store.journals):
        with pytest.raises(StoreError, match="has no tables of ours any more"):
            use()
