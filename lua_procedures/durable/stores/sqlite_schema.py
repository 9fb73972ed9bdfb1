"""The tables of a store on SQLite, and every statement that it runs on them.

A journal's entries lie in *stretches* of the table's row numbers: ``stretch << 32 | place``. A store begins a new
stretch, at the end of the table, when it first writes to a journal that is not the last one: appending at the end is
twice as fast as between the rows of other journals, and needs neither an index nor a counter.

Whoever takes a journal to drive it begins a stretch, in the same statement that counts its epoch up. So an owner that
was followed by another one finds itself no longer in the journal's last stretch, and the epoch costs an entry nothing.
"""

# ruff: noqa: S608 - the statements are put together from our own column names only

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ..entries import KEPT_FIELDS, Entry

APPLICATION_ID: Final = 0x4C755072  # "LuPr"

_JOURNALS_AND_ENTRIES: Final = """
CREATE TABLE IF NOT EXISTS journal(
    name TEXT NOT NULL, root TEXT NOT NULL, seed INTEGER NOT NULL, started REAL NOT NULL, updated REAL NOT NULL,
    status TEXT NOT NULL, generation INTEGER NOT NULL, program TEXT NOT NULL, inputs TEXT NOT NULL,
    options TEXT NOT NULL, tail BLOB, outcome TEXT, error TEXT, id INTEGER PRIMARY KEY AUTOINCREMENT,
    UNIQUE(name, root, generation));
CREATE TABLE IF NOT EXISTS stretch(id INTEGER PRIMARY KEY, journal INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS stretches ON stretch(journal);
CREATE TABLE IF NOT EXISTS entry(
    seq INTEGER PRIMARY KEY, key BLOB NOT NULL, prev BLOB NOT NULL, chain BLOB NOT NULL, path TEXT NOT NULL,
    kind TEXT NOT NULL, name TEXT NOT NULL, asked TEXT NOT NULL, outcome TEXT NOT NULL, failed INTEGER NOT NULL,
    effects TEXT, reads TEXT, line INTEGER NOT NULL, started REAL NOT NULL, finished REAL NOT NULL, usage TEXT,
    tail BLOB);
CREATE TABLE IF NOT EXISTS request(
    seq INTEGER PRIMARY KEY, journal INTEGER NOT NULL, id TEXT NOT NULL, request TEXT NOT NULL, answer TEXT,
    UNIQUE(journal, id));
CREATE TRIGGER IF NOT EXISTS created AFTER INSERT ON journal BEGIN
    INSERT INTO stretch(journal) VALUES (NEW.id);
END;
CREATE TRIGGER IF NOT EXISTS forgotten AFTER DELETE ON journal BEGIN
    DELETE FROM entry WHERE seq IN (
        SELECT seq FROM stretch CROSS JOIN entry ON seq BETWEEN stretch.id << 32 AND (stretch.id << 32) + 4294967295
        WHERE journal = OLD.id);
    DELETE FROM stretch WHERE journal = OLD.id;
    DELETE FROM request WHERE journal = OLD.id;
END;
"""
_OWNERS: Final = """
CREATE TABLE IF NOT EXISTS owner(
    journal INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, host TEXT NOT NULL, process INTEGER NOT NULL,
    since REAL NOT NULL);
CREATE TRIGGER IF NOT EXISTS owned_first AFTER INSERT ON owner BEGIN
    INSERT INTO stretch(journal) VALUES (NEW.journal);
END;
CREATE TRIGGER IF NOT EXISTS owned_next AFTER UPDATE ON owner BEGIN
    INSERT INTO stretch(journal) VALUES (NEW.journal);
END;
CREATE TRIGGER IF NOT EXISTS forgotten_owner AFTER DELETE ON journal BEGIN
    DELETE FROM owner WHERE journal = OLD.id;
END;
"""
#: Each step takes a file to the next version; what a step makes may be there already, made by another process.
STEPS: Final = (_JOURNALS_AND_ENTRIES, _OWNERS)
SCHEMA_VERSION: Final = len(STEPS)


def upgrade(version: int) -> str:
    """The script that takes a file from a version (0: an empty file) to this one, whole or not at all."""
    return f"""
    BEGIN IMMEDIATE;
    {"".join(STEPS[version:])}
    PRAGMA application_id = {APPLICATION_ID};
    PRAGMA user_version = {SCHEMA_VERSION};
    COMMIT;
    """


_ENTRY_COLUMNS: Final = ", ".join(Entry._fields[:-1])
_ENTRY_VALUES: Final = ", ".join(f"?{number}" for number in range(2, len(Entry._fields) + 1))
_NEXT: Final = len(Entry._fields) + 1
SAVED_FIELDS: Final = [name for name in KEPT_FIELDS if name != "id"]
_SAVED: Final = ", ".join(SAVED_FIELDS)
_JOURNALS: Final = f"SELECT {', '.join(KEPT_FIELDS)} FROM journal"

CREATE: Final = f"""
INSERT INTO journal({_SAVED}) VALUES ({", ".join("?" * len(SAVED_FIELDS))})
ON CONFLICT(name, root, generation) DO NOTHING
"""
_ID, _EPOCH = len(SAVED_FIELDS) + 1, len(SAVED_FIELDS) + 2
SAVE: Final = f"""
UPDATE journal SET ({_SAVED}) = ({", ".join("?" * len(SAVED_FIELDS))})
WHERE id = ?{_ID} AND (?{_EPOCH} IS NULL OR ?{_EPOCH} = (SELECT epoch FROM owner WHERE journal = ?{_ID}))
"""
NAME: Final = "SELECT name FROM journal WHERE id = ?"
OWNER: Final = "SELECT epoch, host, process, since FROM owner WHERE journal = ?"
# Not where another process took it meanwhile.
OWN: Final = """
INSERT INTO owner(journal, epoch, host, process, since) SELECT id, ?2, ?3, ?4, ?5 FROM journal WHERE id = ?1
ON CONFLICT(journal) DO UPDATE
SET (epoch, host, process, since) = (excluded.epoch, excluded.host, excluded.process, excluded.since)
WHERE owner.epoch = excluded.epoch - 1
"""
JOURNALS: Final = f"{_JOURNALS} ORDER BY id"
JOURNALS_NAMED: Final = f"{_JOURNALS} WHERE name = ? ORDER BY id"
FIND: Final = f"{_JOURNALS} WHERE name = ? ORDER BY updated DESC, id DESC LIMIT 1"
FIND_ROOT: Final = f"{_JOURNALS} WHERE name = ? AND root = ? ORDER BY generation DESC LIMIT 1"
CREATED: Final = f"{_JOURNALS} WHERE name = ? AND root = ? AND generation = ?"
BEGIN_STRETCH: Final = """
INSERT INTO stretch(journal)
SELECT journal FROM stretch WHERE journal = ? GROUP BY journal HAVING max(id) < (SELECT max(id) FROM stretch)
"""
# SQLite refuses a row number that is a text (MISMATCH), so nothing is added to a journal that was deleted.
APPEND: Final = f"""
INSERT INTO entry(seq, {_ENTRY_COLUMNS})
SELECT
    ifnull((
        SELECT max(last << 32, ifnull((SELECT max(seq) FROM entry WHERE seq < (last + 1) << 32), 0)) + 1
        FROM (SELECT max(id) AS last FROM stretch WHERE journal = ?1)
    ), 'no such journal'),
    {_ENTRY_VALUES}
WHERE ?{_NEXT} IS NULL OR ?{_NEXT} = (SELECT epoch FROM owner WHERE journal = ?1)
"""
LAST_ROW: Final = "SELECT last_insert_rowid()"


def _append_next(columns: Sequence[str]) -> str:
    """After the row that the same owner wrote last, unless another handle or owner has begun a stretch since.

    Its parameters are the columns' values, the journal and the row number.
    """
    journal, seq = len(columns) + 1, len(columns) + 2
    values = ", ".join(f"?{number}" for number in range(1, journal))
    return f"""
    INSERT INTO entry({", ".join(columns)}, seq)
    SELECT {values}, ?{seq} FROM (SELECT max(id) AS last FROM stretch WHERE journal = ?{journal})
    WHERE last = ?{seq} >> 32
    """


APPEND_NEXT: Final = _append_next(Entry._fields[:-1])
#: What most steps leave empty.
_SPARED: Final = ("effects", "reads", "usage", "tail")
# Most steps are such: it binds no NULL, for each costs the driver a look-up of adapters.
APPEND_NEXT_PLAIN: Final = _append_next([name for name in Entry._fields[:-1] if name not in _SPARED])
_ALL: Final = f"""
SELECT {_ENTRY_COLUMNS}, NULL
FROM stretch CROSS JOIN entry ON seq BETWEEN stretch.id << 32 AND (stretch.id << 32) + 4294967295
WHERE journal = ?
"""
ENTRIES: Final = f"{_ALL} ORDER BY stretch.id, seq"
LAST: Final = f"{_ALL} ORDER BY stretch.id DESC, seq DESC LIMIT 1"
ASK: Final = """
INSERT INTO request(journal, id, request) SELECT id, ?2, ?3 FROM journal WHERE id = ?1
ON CONFLICT(journal, id) DO NOTHING
"""
_REQUESTS: Final = "SELECT id, request, answer FROM request WHERE journal = ?"
REQUEST: Final = f"{_REQUESTS} AND id = ?"
REQUESTS: Final = f"{_REQUESTS} ORDER BY seq"
OPEN_REQUESTS: Final = f"{_REQUESTS} AND answer IS NULL ORDER BY seq"
ANSWER: Final = "UPDATE request SET answer = ?3 WHERE journal = ?1 AND id = ?2 AND answer IS NULL"
FORGET: Final = "DELETE FROM journal WHERE id = ?"
