"""Slips of the keyboard among keys that a program may choose as it likes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

__all__ = ["slip_of"]

_VOWELS: Final = str.maketrans("eiou", "aaaa")


def slip_of(name: str, known: Iterable[str]) -> str | None:
    """The known name of which ``name`` is a slip of the keyboard, or None.

    For keys that may as well be the program's own: ``lable`` is a slip of ``label``, while ``context`` is none of
    ``content``, and ``scores`` none of ``score``.
    """
    return next((other for other in known if name != other and _is_slip(name.lower(), other.lower())), None)


def _is_slip(name: str, meant: str) -> bool:
    """Letters in another order, one too few or too many inside, or a vowel for another."""
    if name == meant:
        return True
    if name[:1] != meant[:1]:
        return False
    shorter, longer = sorted((name, meant), key=len)
    if len(longer) - len(shorter) == 1:
        return not name.startswith(meant) and any(
            longer[:place] + longer[place + 1 :] == shorter for place in range(1, len(longer))
        )
    return sorted(name) == sorted(meant) or name.translate(_VOWELS) == meant.translate(_VOWELS)
