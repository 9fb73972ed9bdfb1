"""A question of each kind, as a program could ask it, for tests of how forms look."""

from __future__ import annotations

PROSE = "# Release 2.1\n\nline one of the notes\nline two is **longer** than the others\n\n- faster\n- safer\n"
COLOURS = [{"label": "red"}, {"label": "green"}, {"label": "a colour with a long name"}]
PERSON = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "title": "Name", "description": "As in the passport."},
        "age": {"type": "integer", "minimum": 18},
        "born": {"type": "string", "format": "date"},
        "news": {"type": "boolean"},
    },
    "required": ["name", "age"],
}
PIXEL = "data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA="
ROWS = [{"city": f"City {place}", "people": place * 1000, "remark": "a few words on it"} for place in range(30)]

#: name → the fields of a request.
KINDS: dict[str, dict] = {
    "approve": {"kind": "approve", "message": "Deploy?", "context": {"version": "2.1", "tests": "412 passed"}},
    "tool": {
        "kind": "approve",
        "message": "Run the tool pay?",
        "context": "Pays an invoice from the company's account.",
        "artifact": {"to": "Ada", "sum": 500, "lines": ["one", "two"]},
        "artifact_type": "json",
        "editable": True,
    },
    "input": {
        "kind": "input",
        "message": "Which name?",
        "placeholder": "a name",
        "timeout_seconds": 3600,
        "expires_at": 4e9,
    },
    "lines": {"kind": "input", "message": "What happened?", "multiline": True, "context": "first\nsecond"},
    "choices": {"kind": "input", "message": "Size?", "options": [{"label": "small"}, {"label": "large"}]},
    "schema": {"kind": "input", "message": "Who?", "response_schema": PERSON},
    "json": {"kind": "input", "message": "Numbers?", "response_schema": {"type": "array"}},
    "single": {"kind": "select", "message": "Which colour?", "options": COLOURS, "default": "green"},
    "several": {"kind": "select", "message": "Which?", "options": COLOURS, "mode": "multiple", "min": 2, "max": 2},
    "text": {"kind": "review", "message": "Fine?", "artifact": PROSE * 12},
    "markdown": {
        "kind": "review",
        "message": "Publish this?",
        "artifact": PROSE,
        "artifact_type": "markdown",
        "options": [{"label": "Publish"}, {"label": "Ask again"}, {"label": "Drop", "type": "cancel"}],
        "timeout_seconds": 600,
        "expires_at": 4e9,
        "default": "Drop",
    },
    "edited": {"kind": "review", "message": "Is it right?", "artifact": PROSE, "artifact_type": "markdown"},
    "code": {"kind": "review", "message": "Run this?", "artifact": "def f(x):\n    return x", "artifact_type": "code"},
    "data": {"kind": "review", "message": "Store this?", "artifact": {"a": [1, 2.0]}, "artifact_type": "json"},
    "table": {"kind": "review", "message": "These rows?", "artifact": ROWS, "artifact_type": "table"},
    "image": {"kind": "review", "message": "This picture?", "artifact": PIXEL, "artifact_type": "image"},
    "html": {"kind": "review", "message": "This page?", "artifact": "<h1>Page</h1>", "artifact_type": "html"},
    "multiple": {
        "kind": "multiple",
        "message": "Details of the release",
        "fields": [
            {"id": "ok", "type": "approve", "message": "Ship it?"},
            {"id": "why", "message": "Why?", "multiline": True, "required": False},
            {"id": "to", "type": "select", "message": "Where to?", "options": COLOURS},
            {"id": "also", "type": "select", "message": "And?", "options": COLOURS, "mode": "multiple", "min": 1},
        ],
    },
    "escalate": {
        "kind": "escalate",
        "message": "Payments are down",
        "severity": "critical",
        "context": {"since": "noon", "a name that is rather long for one": "https://example.org/a/very/long/address"},
    },
}
