"""Pieces of HTML: what is text is escaped, what was made already is left."""

from __future__ import annotations

from typing import Any

import pytest

from lua_procedures.histories.records import History, JournalHistory, Tail
from lua_procedures.rendering import elements as el

HOSTILE = "<img src=x onerror=alert(1)> & 'q'"
ESCAPED = "&lt;img src=x onerror=alert(1)&gt; &amp; &#x27;q&#x27;"


@pytest.mark.parametrize(
    "made",
    [
        el.muted(HOSTILE),
        el.bold(HOSTILE),
        el.bold(HOSTILE, color=el.RED),
        el.code(HOSTILE),
        el.colored(HOSTILE, el.RED),
        el.row([HOSTILE, "x"]),
        el.muted(el.safe(HOSTILE, 100)),
        el.row([el.bold(el.safe(HOSTILE, 100))]),
        el.muted(el.as_html(el.as_html(HOSTILE))),
    ],
)
def test_text_is_escaped_once(made: el.Html) -> None:
    """Whoever forgets to escape shows the tags; whoever has done it sees no entities."""
    assert isinstance(made, el.Html)
    assert made.count(ESCAPED) == 1
    assert "<img" not in made


def test_html_is_left() -> None:
    """What was made already, or is called HTML by its type, stays as it is."""
    assert el.muted(el.Html("<b>x</b>")) == f'<span style="{el.MUTED}"><b>x</b></span>'
    assert el.row([el.details("a", "b")]).endswith(f"{el.details('a', 'b')}</td></tr>")


def test_html_in_other_text_is_text_again() -> None:
    """A text that was put together is trusted no more, for nobody knows of what."""
    assert el.code(f"{el.bold('x')}{HOSTILE}") == f"<code>&lt;strong&gt;x&lt;/strong&gt;{ESCAPED}</code>"


def test_a_history_of_anything_is_shown_as_text() -> None:
    """Records whose numbers are texts, as no store of ours has them, run no script either."""
    counts: dict[str, Any] = {"checkpoints": 1, "tokens": 0}
    tail = Tail.model_construct(path=HOSTILE, kind=HOSTILE, name=HOSTILE, why=HOSTILE, recorded=0.0, **counts)
    hostile: dict[str, Any] = dict.fromkeys(("seed", "generation", "status"), HOSTILE)
    journal = JournalHistory.model_construct(
        inputs="{}", newest=True, started=0.0, updated=0.0, superseded=(tail,), **hostile, **counts
    )
    shown = History.model_construct(name=HOSTILE, journals=(journal,))._repr_html_()
    assert "<img" not in shown
    assert shown.count("&lt;img src=x onerror") >= 6
