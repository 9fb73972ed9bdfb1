"""Entries that are no checkpoint."""

from __future__ import annotations

import time

from ..durable.entries import Entry

__all__ = ["hidden_entry"]


def hidden_entry(key: bytes, chain: bytes, kind: str, name: str, *, asked: str = "", outcome: str = "null") -> Entry:
    """An entry that takes no position."""
    now = time.time()
    return Entry(key, chain, chain, "", kind, name, asked, outcome, started=now, finished=now)
