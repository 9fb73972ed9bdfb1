"""The markdown of notices, as HTML that cannot act."""

from __future__ import annotations

import pytest

from lua_procedures.rendering.markdown import markdown_html

BESIDE = 'target="_blank" rel="noopener noreferrer"'  # a link in a panel takes the place of no notebook


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("**a** and *b* and `c*d*`", "<strong>a</strong> and <em>b</em> and <code>c*d*</code>"),
        ("snake_case_name and _em_", "snake_case_name and <em>em</em>"),
        ("2 * 3 * 4", "2 * 3 * 4"),
        ("[docs](https://example.org/?a=1&b=2)", f'<a href="https://example.org/?a=1&amp;b=2" {BESIDE}>docs</a>'),
        ("[x](javascript:alert(1))", "[x](javascript:alert(1))"),
        ("![track](https://example.org/x.png)", "![track](https://example.org/x.png)"),
        ("<b>no</b>", "&lt;b&gt;no&lt;/b&gt;"),
        ("one\ntwo", "one<br>two"),
    ],
)
def test_inline_markup(text: str, html: str) -> None:
    """Emphasis, code and web links are rendered; HTML, images and other links stay text."""
    assert markdown_html(text, 1000) == f'<div style="margin:4px 0">{html}</div>'


def test_blocks() -> None:
    """Headings, both kinds of lists, paragraphs and fenced code are told apart."""
    html = markdown_html("# Title\nText\n- a\n- b\n\n1. c\n2) d\n```lua\n**x** <y>\n```\nend", 1000)
    assert "<strong>Title</strong>" in html
    assert "<li>a</li><li>b</li></ul>" in html
    assert "<li>c</li><li>d</li></ol>" in html
    assert "**x** &lt;y&gt;</pre>" in html
    assert html.endswith("end</div>")


def test_a_fence_left_open_takes_the_rest() -> None:
    """Code whose fence is not closed ends with the text."""
    assert markdown_html("```\na\nb", 100).endswith("a\nb</pre>")


@pytest.mark.parametrize("piece", ["**a", "[a](http://", "`a", "_a ", "*a ", "- ", "[[", "#"])
def test_markup_that_never_closes_is_read_once(piece: str) -> None:
    """Were it read again from each of its characters, so long a text would never come to an end."""
    text = piece * 500_000
    assert len(markdown_html(text, len(text))) >= len(text)
