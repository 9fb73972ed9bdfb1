"""Artifacts as the browser gets them."""

from __future__ import annotations

import pytest

from lua_procedures.human.requests import HumanRequest
from lua_procedures.notebook.artifacts import artifact_view


def view_of(artifact, kind):
    asked = HumanRequest(id="r", kind="review", message="?", asked_at=0.0, artifact=artifact, artifact_type=kind)
    view = artifact_view(asked)
    assert view is not None
    return view


@pytest.mark.parametrize(
    ("artifact", "columns", "rows"),
    [
        ([{"a": 1, "b": None}, {"c": "x"}], ["a", "b", "c"], [["1", "", ""], ["", "", "x"]]),
        ([[1, "x"], [2]], [], [["1", "x"], ["2"]]),
        ({"columns": ["n"], "rows": [[1]]}, ["n"], [["1"]]),
    ],
)
def test_tables(artifact, columns, rows):
    """Rows as tables, rows as lists, and columns with rows are tables of texts."""
    view = view_of(artifact, "table")
    assert (view["columns"], view["rows"], view["more"]) == (columns, rows, 0)


def test_a_long_table_is_cut():
    """Two hundred rows are shown, and how many more there are."""
    view = view_of([[n] for n in range(250)], "table")
    assert (len(view["rows"]), view["more"]) == (200, 50)


def test_what_is_no_table_is_json():
    """Data of type table without rows is shown as JSON."""
    view = view_of({"a": 1}, "table")
    assert (view["kind"], view["text"], view["editable"]) == ("json", '{\n  "a": 1\n}', False)


@pytest.mark.parametrize(
    ("artifact", "url"),
    [
        ("https://example.org/a.png", "https://example.org/a.png"),
        ("data:image/png;base64,AA==", "data:image/png;base64,AA=="),
        (b"\x89PNG\r\n", "data:image/png;base64,iVBORw0K"),
        ("javascript:alert(1)", ""),
        ("data:text/html,<script>", ""),
        (b"nothing", ""),
    ],
)
def test_images(artifact, url):
    """An image is its bytes, image data or a web address, and nothing else is loaded."""
    assert view_of(artifact, "image")["text"] == url
