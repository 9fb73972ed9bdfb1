"""What is in a piece of HTML that we have made."""

from __future__ import annotations

from html.parser import HTMLParser

__all__ = ["Page"]


class Page(HTMLParser):
    """Elements, attributes and text of a piece of HTML; fails where elements are not closed in order.

    Attributes:
        tags: the elements in order.
        attributes: names and values in order.
        deepest: how many ``<details>`` are inside each other.
        text: all text.
    """

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.deepest = 0
        self.text = ""
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == []

    @property
    def attribute_names(self) -> set[str]:
        """The names of all attributes."""
        return {name for name, _ in self.attributes}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag != "br":
            self._open.append(tag)
        self.deepest = max(self.deepest, self._open.count("details"))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data
