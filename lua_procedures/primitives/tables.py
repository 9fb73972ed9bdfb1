"""Files of comma- or tab-separated values: their text to rows, and rows to their text."""

from __future__ import annotations

import csv
import io
import sys
from collections import Counter
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from .misuse import Misuse

__all__ = ["rows_of", "table_text"]


def rows_of(text: Any, delimiter: str) -> list[dict[str, str]]:
    """The rows of a table, each by the names in its first row; cells that a row lacks are absent.

    Raises:
        Misuse: it is no such table; says where.
    """
    if not isinstance(text, str):
        raise Misuse("the file is not UTF-8 text")
    rows = _parsed(text.removeprefix("\ufeff"), delimiter)
    if not rows:
        return []
    _, names = rows[0]
    twice = [name for name, times in Counter(names).items() if times > 1]
    if twice:
        raise Misuse(f"the column {twice[0]!r} is there twice")
    for line, cells in rows[1:]:
        if len(cells) > len(names):
            raise Misuse(f"line {line}: {len(cells)} cells, but the first row names {len(names)}")
    return [dict(zip(names, cells, strict=False)) for _, cells in rows[1:]]


def _parsed(text: str, delimiter: str) -> list[tuple[int, list[str]]]:
    """The rows that are not blank, each with the line it ends in."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    longest = csv.field_size_limit(min(len(text) + 1, sys.maxsize))  # the process has one limit for all
    try:
        return [(reader.line_num, cells) for cells in reader if cells]
    except csv.Error as error:
        raise Misuse(f"line {reader.line_num}: {error}") from None
    finally:
        csv.field_size_limit(longest)


def table_text(rows: Any, headers: Any, delimiter: str) -> str:
    """The text of a table; lines end with a line feed.

    Args:
        rows: a list of dicts, written below the names of their columns, or a list of lists.
        headers: the columns and their order, or None: of dicts all keys in the order they are met, of lists no names.
        delimiter: what separates the cells.

    Raises:
        Misuse: they are no rows, or a cell is no text, number or boolean; says where.
    """
    if headers is not None and not (isinstance(headers, list) and all(isinstance(each, str) for each in headers)):
        raise Misuse("headers: a list of strings expected")
    if not isinstance(rows, list) or not all(isinstance(row, (list, dict)) for row in rows):
        raise Misuse("rows: a list of tables expected")
    lines: list[str] = []
    # what the terminator is made of is quoted: a carriage return in a cell must be, though lines end without one
    writer = csv.writer(SimpleNamespace(write=lines.append), delimiter=delimiter, lineterminator="\r\n")
    if any(isinstance(row, dict) for row in rows):
        headers = headers or list(dict.fromkeys(key for row in rows for key in row if isinstance(row, dict)))
        rows = [_by_name(row, headers, number) for number, row in enumerate(rows, 1)]
    if headers:
        writer.writerow(headers)
    for number, row in enumerate(rows, 1):
        writer.writerow([_cell(value, number, column) for column, value in enumerate(row, 1)])
    return "".join(f"{line[:-2]}\n" for line in lines)


def _by_name(row: Any, headers: Sequence[str], number: int) -> list[Any]:
    if row and not isinstance(row, dict):
        raise Misuse(f"rows[{number}]: a table with named keys expected, like the others, got a list")
    unnamed = set(row) - set(headers)
    if unnamed:
        raise Misuse(f"rows[{number}]: headers does not name the column {min(unnamed)!r}")
    return [row.get(name) if row else None for name in headers]


def _cell(value: Any, number: int, column: int) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, (str, int, float)):
        kinds: dict[type, str] = {bytes: "a text that is not UTF-8", list: "a list", dict: "a table"}
        kind = kinds.get(type(value), "a handle")
        raise Misuse(f"rows[{number}], column {column}: a string, number or boolean expected, got {kind}")
    return str(value)
