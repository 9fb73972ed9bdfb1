"""The tables of a store on PostgreSQL, and every statement that it runs on them.

An owner's write shares the lock of the journal's row in ``owner``, and a taking changes that row. So a taking waits
until a write that has begun is there to be read, and a write that begins later finds another epoch.
"""

# ruff: noqa: S608 - the statements are put together from our own column names only

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ..entries import KEPT_FIELDS, Entry

_JOURNAL_TYPES: Final = {
    "name": "text", "root": "text", "seed": "bigint", "started": "float8", "updated": "float8", "status": "text",
    "generation": "bigint", "program": "text", "inputs": "text", "options": "text", "tail": "bytea",
    "outcome": "text", "error": "text", "id": "integer",
}  # fmt: skip
_ENTRY_TYPES: Final = {
    "key": "bytea", "prev": "bytea", "chain": "bytea", "path": "text", "kind": "text", "name": "text",
    "asked": "text", "outcome": "text", "failed": "boolean", "effects": "text", "reads": "text", "line": "bigint",
    "started": "float8", "finished": "float8", "usage": "text", "tail": "bytea",
}  # fmt: skip
_MAY_LACK: Final = {"tail", "outcome", "error"}
_ENTRY_MAY_LACK: Final = {"effects", "reads", "usage", "tail"}


def _columns(types: Mapping[str, str], may_lack: set[str]) -> str:
    return ", ".join(f"{name} {kind}{'' if name in may_lack else ' NOT NULL'}" for name, kind in types.items())


def _values(types: Mapping[str, str], first: int) -> str:
    """Placeholders with their types: a NULL among them tells none, and a statement is prepared once."""
    return ", ".join(f"${number}::{kind}" for number, kind in enumerate(types.values(), first))


_SAVED: Final = {name: kind for name, kind in _JOURNAL_TYPES.items() if name != "id"}

_JOURNALS_AND_ENTRIES: Final = f"""
CREATE TABLE journal(
    {_columns(_SAVED, _MAY_LACK)},
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    UNIQUE (name, root, generation));
CREATE TABLE entry(
    seq bigint GENERATED ALWAYS AS IDENTITY,
    journal integer NOT NULL REFERENCES journal ON DELETE CASCADE,
    {_columns(_ENTRY_TYPES, _ENTRY_MAY_LACK)},
    escaped boolean NOT NULL,
    PRIMARY KEY (journal, seq));
CREATE TABLE request(
    seq bigint GENERATED ALWAYS AS IDENTITY,
    journal integer NOT NULL REFERENCES journal ON DELETE CASCADE,
    id text NOT NULL, request text NOT NULL, answer text,
    PRIMARY KEY (journal, id));
"""
_OWNERS: Final = """
CREATE TABLE owner(
    journal integer PRIMARY KEY REFERENCES journal ON DELETE CASCADE,
    epoch bigint NOT NULL, host text NOT NULL, process bigint NOT NULL, since float8 NOT NULL);
"""
#: Each step takes the tables to the next version.
STEPS: Final = (_JOURNALS_AND_ENTRIES, _OWNERS)
SCHEMA_VERSION: Final = len(STEPS)

# One process makes tables at a time: "LuPr".
BEGIN_MAKING: Final = "SELECT pg_advisory_lock(x'4C755072'::integer, 0)"
END_MAKING: Final = "SELECT pg_advisory_unlock(x'4C755072'::integer, 0)"
HAS_VERSION: Final = "SELECT to_regclass('version') IS NOT NULL"
VERSION: Final = "SELECT max(version) FROM version"
CREATE_SCHEMA: Final = "CREATE SCHEMA IF NOT EXISTS {}"
CREATE_VERSION: Final = "CREATE TABLE IF NOT EXISTS version(version integer NOT NULL);"
SET_VERSION: Final = f"INSERT INTO version VALUES ({SCHEMA_VERSION})"

SAVED_FIELDS: Final = list(_SAVED)
_NAMES: Final = ", ".join(SAVED_FIELDS)
_JOURNALS: Final = f"SELECT {', '.join(KEPT_FIELDS)} FROM journal"
_ENTRY_NAMES: Final = ", ".join(Entry._fields[:-1])
_OWNED: Final = "SELECT FROM owner WHERE journal = {journal}::integer AND epoch = {epoch}::bigint FOR SHARE"

CREATE: Final = f"""
INSERT INTO journal({_NAMES}) VALUES ({_values(_SAVED, 1)}) ON CONFLICT (name, root, generation) DO NOTHING RETURNING id
"""
_ID, _EPOCH = f"${len(_SAVED) + 1}", f"${len(_SAVED) + 2}"
SAVE: Final = f"""
UPDATE journal SET ({_NAMES}) = ROW({_values(_SAVED, 1)})
WHERE id = {_ID}::integer AND ({_EPOCH}::bigint IS NULL OR EXISTS ({_OWNED.format(journal=_ID, epoch=_EPOCH)}))
"""
JOURNALS: Final = f"{_JOURNALS} ORDER BY id"
JOURNALS_NAMED: Final = f"{_JOURNALS} WHERE name = $1::text ORDER BY id"
FIND: Final = f"{_JOURNALS} WHERE name = $1::text ORDER BY updated DESC, id DESC LIMIT 1"
FIND_ROOT: Final = f"{_JOURNALS} WHERE name = $1::text AND root = $2::text ORDER BY generation DESC LIMIT 1"
NAME: Final = "SELECT name FROM journal WHERE id = $1::integer"
FORGET: Final = "DELETE FROM journal WHERE id = $1::integer"

_LAST: Final = f"${len(_ENTRY_TYPES) + 3}"
APPEND: Final = f"""
INSERT INTO entry(journal, {_ENTRY_NAMES}, escaped)
SELECT $1::integer, {_values({**_ENTRY_TYPES, "escaped": "boolean"}, 2)}
WHERE {_LAST}::bigint IS NULL OR EXISTS ({_OWNED.format(journal="$1", epoch=_LAST)})
"""
_ENTRIES: Final = f"SELECT {_ENTRY_NAMES}, NULL, escaped FROM entry WHERE journal = $1::integer"
ENTRIES: Final = f"{_ENTRIES} ORDER BY seq"
LAST: Final = f"{_ENTRIES} ORDER BY seq DESC LIMIT 1"

LOCK: Final = "SELECT pg_try_advisory_lock('journal'::regclass::oid::integer, $1::integer)"
# What a lock by two numbers has for its place is said in PostgreSQL's page on pg_locks.
DRIVEN: Final = """
SELECT EXISTS (
    SELECT FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database
    WHERE locktype = 'advisory' AND granted AND datname = current_database()
    AND classid = 'journal'::regclass::oid AND objid = $1::integer::oid AND objsubid = 2)
"""
OWNER: Final = "SELECT epoch, host, process, since FROM owner WHERE journal = $1::integer"
OWN: Final = """
INSERT INTO owner(journal, epoch, host, process, since)
SELECT id, 1, $2::text, $3::bigint, $4::float8 FROM journal WHERE id = $1::integer
ON CONFLICT (journal) DO UPDATE
SET (epoch, host, process, since) = ROW(owner.epoch + 1, excluded.host, excluded.process, excluded.since)
RETURNING epoch
"""

ASK: Final = """
INSERT INTO request(journal, id, request) SELECT id, $2::text, $3::text FROM journal WHERE id = $1::integer
ON CONFLICT (journal, id) DO NOTHING
"""
_REQUESTS: Final = "SELECT id, request, answer FROM request WHERE journal = $1::integer"
REQUEST: Final = f"{_REQUESTS} AND id = $2::text"
REQUESTS: Final = f"{_REQUESTS} ORDER BY seq"
OPEN_REQUESTS: Final = f"{_REQUESTS} AND answer IS NULL ORDER BY seq"
ANSWER: Final = """
UPDATE request SET answer = $3::text WHERE journal = $1::integer AND id = $2::text AND answer IS NULL
"""
