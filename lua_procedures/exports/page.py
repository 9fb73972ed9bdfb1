"""A run as a page of its own: the record, in the reader's light or dark colours, with nothing to fetch or to run."""

from __future__ import annotations

import html

from ..rendering.record import record_html
from ..rendering.text import one_line
from ..runs import Run

__all__ = ["record_page"]

# The policy is a second wall: everything in the record is escaped, and no script could run all the same.
_PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ max-width: 60rem; margin: 2rem auto; padding: 0 1rem; font-family: system-ui, sans-serif; }}
table {{ max-width: 100%; }}
td, pre {{ overflow-wrap: anywhere; }}
</style>
</head>
<body>
{record}
</body>
</html>
"""


def record_page(run: Run) -> str:
    """The static record of a run as a whole HTML page."""
    return _PAGE.format(title=html.escape(one_line(run.name, 128)), record=record_html(run, alone=True))
