"""The root of a journal: the digest of a run's inputs, and of its seed where one is given."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

from ..errors import ConversionError
from ..handles import token_of
from .entries import JournalRow
from .serialization import dumps, loads

__all__ = ["given_seed", "root_of"]


def root_of(inputs: Mapping[str, Any], seed: int | None) -> str:
    """The digest of a run's inputs: each set of inputs has its own journal."""
    objects: list[Any] = []
    text = dumps([sorted(inputs.items()), seed], objects)
    tokens = ",".join(str(token_of(each)) for each in objects)
    return blake2b(f"{_sorted_keys(text)}{tokens}".encode(), digest_size=8).hexdigest()


def _sorted_keys(text: str) -> str:
    """The same JSON whatever the order of its keys."""
    return json.dumps(json.loads(text, strict=False), sort_keys=True)


def given_seed(row: JournalRow) -> int | None:
    """The seed that a journal's run was given, without which its inputs are another journal; else None."""
    try:
        given = root_of(loads(row.inputs, row.objects or ()), row.seed) == row.root
    except ConversionError:  # a live object was among the inputs, and the run was taken from another process
        given = False
    return row.seed if given else None
