"""What a file says of itself before SQLite opens it, which may write: whether it is a store of this version."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Final

from . import sqlite_schema as sql

__all__ = ["is_store"]

_HEADER: Final = struct.Struct(">16s 44x i 4x i")  # https://www.sqlite.org/fileformat.html#the_database_header
_MAGIC: Final = b"SQLite format 3\0"


def is_store(path: str) -> bool:
    """Whether a file is a store that need not be made, or brought to this version's schema, to be read.

    Args:
        path: where the file would be; there may be none.
    """
    place = Path(path)
    if not place.is_file():  # to open a pipe would wait for its other end
        return False
    try:
        with place.open("rb") as file:
            header = file.read(_HEADER.size)
    except OSError:
        return False
    expected = (_MAGIC, sql.SCHEMA_VERSION, sql.APPLICATION_ID)
    return len(header) == _HEADER.size and _HEADER.unpack(header) == expected
