"""Which variables of the environment hold secrets."""

from __future__ import annotations

import os
import re
from typing import Final

__all__ = ["declare", "secrets"]

#: Words of names that say so: not KEYBOARD or TOKENIZERS, and of the short ones not COMPAT, PATH or AUTHOR.
_NAMES: Final = re.compile(
    r"((KEY|TOKEN|SECRET|PASSWORD|CREDENTIAL)S?|(?<![A-Z])(PAT|PASS|PASSWD|PASSPHRASE|O?AUTH))(?![A-Z])"
)
_LEAST: Final = 6  # characters: a shorter value, such as "1" or "true", is a setting


_declared: Final[set[str]] = set()


def declare(name: str) -> None:
    """Take the value of a variable for a secret whatever its name: a tool or a server is reached with it."""
    _declared.add(name)


def secrets() -> dict[str, str]:
    """Value → ``{env.NAME}`` of each variable that is declared or named as a secret, the longest value first."""
    found = {
        value: f"{{env.{name}}}"
        for name, value in sorted(os.environ.items())
        if len(value) >= _LEAST and (name in _declared or _NAMES.search(name.upper()))
    }
    return dict(sorted(found.items(), key=lambda pair: -len(pair[0])))
