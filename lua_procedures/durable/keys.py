"""What operations are found by: hashes of all that came before them, and of what they ask.

An operation's *key* is a hash of everything that came before it in its frame (the chain), its kind, its name
and what it asks. So one look-up answers "was exactly this done before, after exactly that?", an edit makes a
branch and undoing the edit finds the old tail again.

What an operation asks is a text of named parts, ``label US text RS label US text …`` (US and RS are the ASCII
unit and record separators), so that a change can be explained part by part.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

__all__ = [
    "asked_parts",
    "chain_after",
    "changed_parts",
    "digest",
    "frame_chain",
    "key_of",
    "parts_text",
    "root_key",
]

_RS: Final = "\x1e"
_US: Final = "\x1f"
_BLANK: Final = blake2b(digest_size=16)  # a copy takes half the time of a new one
_LONG_PART: Final = 48  # characters of a part that is kept as it is; longer ones are kept as their digest


def digest(text: str) -> str:
    """A short hex digest of a text."""
    return blake2b(text.encode(), digest_size=8).hexdigest()


def root_key(root: str) -> bytes:
    """What the outermost frame of a run with these inputs hangs below."""
    return blake2b(b"root\0" + root.encode(), digest_size=16).digest()


def key_of(chain: bytes, kind: str, name: str, asked: str) -> bytes:
    """The key of an operation that comes after ``chain``."""
    hashed = _BLANK.copy()
    hashed.update(chain + f"{kind}{_RS}{name}{_RS}{asked}".encode())
    return hashed.digest()


def chain_after(key: bytes, outcome: str, *, failed: bool) -> bytes:
    """The chain after an operation with that key came out so."""
    hashed = _BLANK.copy()
    hashed.update((b"!" if failed else b"=") + key + outcome.encode())
    return hashed.digest()


def frame_chain(key: bytes, variant: int) -> bytes:
    """The chain at the start of an operation's own frame.

    ``variant`` counts how often the operation was completed before: done again, it does nothing of its inside
    from the journal, but interrupted, it finds what it finished.
    """
    return blake2b(b"/%d/" % variant + key, digest_size=16).digest()


def parts_text(asked: str) -> str:
    """What was asked, with long parts as their digests: what an entry keeps."""
    if len(asked) <= _LONG_PART:
        return asked
    return _RS.join([_short(part) for part in asked.split(_RS)])


def _short(part: str) -> str:
    if len(part) <= _LONG_PART:
        return part
    label, _, text = part.partition(_US)
    return f"{label}{_US}#{digest(text)}"


def changed_parts(before: str, after: str) -> list[str]:
    """The labels of the parts that differ between two ``parts_text``."""
    old, new = asked_parts(before), asked_parts(after)
    return [label for label in {**old, **new} if old.get(label) != new.get(label)]


def asked_parts(asked: str) -> dict[str, str]:
    """The parts of what was asked, by label."""
    return {label: text for label, _, text in (part.partition(_US) for part in asked.split(_RS))}
