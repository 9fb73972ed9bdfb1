"""Artifacts: how one is edited, and whether an edit may take its place."""

from __future__ import annotations

import json
from typing import Any, Final

from .choices import same
from .faults import Fault, add_fault, kind_of
from .parsing import parse_json
from .requests import HumanRequest

__all__ = ["ARTIFACT_TYPES", "artifact_kind", "edited_artifact"]

#: The types that are shown each in its own way; an artifact of any other is shown as text.
ARTIFACT_TYPES: Final = ("text", "markdown", "code", "json", "html", "image", "table")


def artifact_kind(request: HumanRequest) -> str:
    """How the artifact is shown and edited: its type, but ``json`` where a text type was given data.

    ``""`` where there is no artifact.
    """
    if request.artifact is None:
        return ""
    if isinstance(request.artifact, str) or request.artifact_type in ("table", "image", "html"):
        return request.artifact_type
    return "json"


def edited_artifact(request: HumanRequest, raw: Any, faults: list[Fault]) -> Any:
    """The edited artifact, of the artifact's type; None where it is as it was."""
    original, kind = request.artifact, artifact_kind(request)
    if raw is None:
        return None
    if not kind:
        add_fault(faults, "edited_artifact", "There is no artifact to edit.")
    elif kind == "json":
        raw = _edited_json(original, raw, faults)
    elif type(raw) is not type(original):
        add_fault(
            faults, "edited_artifact", f"The artifact is {kind_of(original)}; {kind_of(raw)} does not replace it."
        )
    return None if same(raw, original) else raw


def _edited_json(original: Any, raw: Any, faults: list[Fault]) -> Any:
    """Data replaces data; where the artifact is JSON text, so is the edit. A typed text is read as JSON."""
    if not isinstance(raw, str):
        return json.dumps(raw, ensure_ascii=False, indent=2) if isinstance(original, str) else raw
    try:
        data = parse_json(raw)
    except ValueError as error:
        add_fault(faults, "edited_artifact", f"This is not JSON: {error}.")
        return raw
    return raw if isinstance(original, str) else data
