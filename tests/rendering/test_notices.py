"""Notices as text and HTML."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from lua_procedures.primitives.notices import notice_from
from lua_procedures.rendering.notices import notice_html, notice_lines, notices_html
from lua_procedures.runs import Notice


def text_of(markup: str) -> str:
    return re.sub(r"<[^>]*>", "", markup)


def test_notices_keep_their_order_and_level() -> None:
    """Prints, logs and alerts appear in order, with level and source where they have one."""
    notices = [
        Notice(kind="print", message="one\ntwo"),
        Notice(kind="log", level="warning", message="three", context={"n": 4}),
        Notice(kind="alert", level="critical", message="five", source="ci"),
    ]
    assert [line for notice in notices for line in notice_lines(notice)] == [
        "one",
        "two",
        '[warning] three {"n": 4}',
        "[critical] ci: five",
    ]
    shown = text_of(notices_html(notices, visible=15, budget=60_000))
    order = [shown.index(word) for word in ("one", "two", "warning three", "critical", "five")]
    assert order == sorted(order)


def test_long_output_folds() -> None:
    """Many prints in a row show their last lines and fold the rest; the oldest of very many are left out."""
    notices = [Notice(kind="print", message=f"line {at};") for at in range(2_000)]
    markup = notices_html(notices, visible=15, budget=60_000)
    assert markup.count("<details") == 1
    assert "1,988 earlier lines" in markup
    assert "1,788 lines left out" in markup
    assert markup.index("</details>") < markup.index("line 1988;") < markup.index("line 1999;")


def test_a_notification_shows_content_details_and_context() -> None:
    """Markdown content, folded sections and a context table; HTML in them stays text."""
    details = ({"title": "More", "content": "`code` <b>x</b>"}, {"title": "Rows", "content": [{"a": 1}, {"b": 2}]})
    markup = notice_html(
        Notice(kind="notify", message="Done", content="**All** good", details=details, context={"k": 1})
    )
    assert markup.count("<details") == 2
    assert markup.count("<th ") == 2
    assert "&lt;b&gt;x&lt;/b&gt;" in markup
    assert "<strong>All</strong> good" in markup


def test_old_notices_fold_and_the_oldest_give_way() -> None:
    """The newest blocks are open, those before fold, and what the budget does not hold is counted."""
    notices = [Notice(kind="notify", message=f"note {at};") for at in range(30)]
    markup = notices_html(notices, visible=5, budget=60_000)
    assert "25 earlier notices" in markup
    assert markup.index("note 24;") < markup.index("</details>") < markup.index("note 25;")
    short = notices_html(notices, visible=5, budget=500, left_out=3)
    assert len(short) < 700
    assert "note 29;" in short
    shown = short.count("note ")
    assert f"{33 - shown} earlier notices left out" in short


def test_a_notice_too_long_for_its_place_is_shortened() -> None:
    """A notice that does not fit keeps its message and says so."""
    notice = Notice(kind="alert", level="error", message="Disk full", content="x" * 2_900)
    markup = notices_html([notice], visible=5, budget=600)
    assert "Disk full" in markup
    assert "(shortened)" in markup


def test_a_long_line_unfolds() -> None:
    """A long log line shows its start, and all of it when it is unfolded; its neighbours stay lines."""
    long = "word " * 200 + "the end"
    notices = [Notice(kind="log", message=text, level="error") for text in ("before", long, "after")]
    markup = notices_html(notices, visible=5, budget=60_000)
    section = markup[markup.index("<details") : markup.index("</details>")]
    assert markup.count("<details") == 1
    assert "the end" in section
    assert "before" not in section
    assert text_of(section[: section.index("</summary>")]).endswith("…")


def test_a_fold_says_what_is_in_it() -> None:
    """Warnings and errors among folded lines are counted, so that nobody misses them."""
    notices = [Notice(kind="log", level=level, message="x") for level in ("warning", "error", "error", "info")]
    notices += [Notice(kind="print", message=f"line {at}") for at in range(30)]
    assert "… 22 earlier lines, 1 warning, 2 errors" in text_of(notices_html(notices, visible=5, budget=60_000))


def test_a_table_among_the_details_is_a_table() -> None:
    """Details that are data arrive as data, and are drawn as such."""
    notice = notice_from("notify", {"message": "m", "details": [{"title": "Figures", "content": {"n": 120}}]}, 1)
    assert notice.details == ({"title": "Figures", "content": {"n": 120}},)
    assert "<table" in notice_html(notice)


def keys_of(markup: str) -> list[str]:
    return re.findall(r'class="(lpf-section-[^"]*)"', markup)


def test_a_section_keeps_its_key_while_others_come_and_go() -> None:
    """What a person opened is known by a key that counts all notices, also those that were left out meanwhile."""
    notices = [Notice(kind="notify", message=str(at), details=({"title": "More", "content": "x"},)) for at in range(10)]
    early = keys_of(notices_html(notices[:6], visible=9, budget=60_000))
    late = keys_of(notices_html(notices[3:], visible=9, budget=60_000, left_out=3))
    assert early[3:] == late[:3]
    assert len({*early, *late}) == 10


def test_a_long_line_keeps_its_key_whatever_is_printed_next() -> None:
    """A long line that somebody opened is known by its print and its place in it, not by what came after it."""
    notices = [Notice(kind="print", message=f"short\n{letter * 400}") for letter in "AB"]
    before = keys_of(notices_html(notices, visible=15, budget=60_000))
    notices += [Notice(kind="print", message="short"), Notice(kind="print", message="C" * 400)]
    after = keys_of(notices_html(notices, visible=15, budget=60_000))
    assert before == ["lpf-section-line-1-1", "lpf-section-line-2-1"]
    assert after == [*before, "lpf-section-line-4-0"]
    assert keys_of(notices_html(notices[1:], visible=15, budget=60_000, left_out=1)) == after[1:]


@given(st.integers(1, 60), st.integers(301, 3000))
def test_the_newest_long_line_unfolds_whatever_the_room(count: int, length: int) -> None:
    """Many long lines stay within their room, and as many of the newest as it holds can be unfolded, no older one."""
    notices = [Notice(kind="print", message="x" * length) for _ in range(count)]
    markup = notices_html(notices, visible=15, budget=20_000)
    keys = keys_of(markup)
    assert len(markup) <= 20_200
    assert keys
    assert keys == [f"lpf-section-line-{count - back}-0" for back in reversed(range(len(keys)))]
