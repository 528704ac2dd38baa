"""Parser of HTML pages for tests: tags, text, tables by caption, and problems of the markup."""

from __future__ import annotations

import re
from html.parser import HTMLParser

VOID = {"meta", "br", "hr", "img", "input", "link", "line"}  # tags without an end tag
BLOCKS = {
    "p",
    "div",
    "ul",
    "ol",
    "dl",
    "table",
    "details",
    "figure",
    "pre",
    "h1",
    "h2",
    "h3",
    "section",
}
SELF_CLOSING = {"circle", "line", "path", "polygon", "polyline"}  # of SVG
LOADING_TAGS = {
    *("script", "link", "img", "iframe", "object", "embed", "image", "use", "base", "form"),
}
"""Tags that load something or send something."""


class Page(HTMLParser):
    """A parsed page.

    Attributes
    ----------
    problems
        Unbalanced tags, blocks inside a paragraph, duplicate attributes and duplicate ids.
    tables
        Rows of cells by caption; tables without a caption are omitted.
    tags
        Name and attributes of each start tag.
    text
        The text without style sheets.
    """

    def __init__(self, content: bytes) -> None:
        super().__init__(convert_charrefs=True)
        self.problems: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.tables: dict[str, list[list[str]]] = {}
        self._open: list[str] = []
        self._caption = ""
        self.feed(content.decode("utf-8"))
        self.close()
        self.problems += [f"{tag} is not closed" for tag in self._open]
        ids = self.values("id")
        self.problems += [f"duplicate id {name}" for name in ids if ids.count(name) > 1]

    def values(self, attribute: str) -> list[str]:
        """Return the values of an attribute in all tags."""
        return [tag[attribute] or "" for _, tag in self.tags if attribute in tag]

    @property
    def words(self) -> str:
        """The text in one line, with single spaces."""
        return " ".join(self.text.split())

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if len(attrs) != len(dict(attrs)):
            self.problems.append(f"{tag}: duplicate attribute")
        if "p" in self._open and tag in BLOCKS:
            self.problems.append(f"{tag} in a paragraph, line {self.getpos()[0]}")
        if tag not in VOID:
            self._open.append(tag)
        if tag == "table":
            self._caption = ""
        if tag == "tr" and self._caption:
            self.tables[self._caption].append([])
        if tag in {"td", "th"} and self._caption:
            self.tables[self._caption][-1].append("")

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in SELF_CLOSING:
            self.problems.append(f"{tag} is self-closing")

    def handle_endtag(self, tag):
        if not self._open or self._open.pop() != tag:
            self.problems.append(f"/{tag}, line {self.getpos()[0]}")

    def handle_data(self, data):
        if "style" in self._open:
            return
        self.text += data
        if "caption" in self._open:
            self._caption += data
            self.tables.setdefault(self._caption, [])
        elif self._caption and {"td", "th"} & set(self._open[-3:]):
            self.tables[self._caption][-1][-1] += data.strip()


def assert_loads_nothing(content: bytes, page: Page) -> None:
    """Check that a page loads nothing, runs no script, and links to itself and to DOIs only."""
    policies = [tag["content"] for _, tag in page.tags if "http-equiv" in tag]
    assert "default-src 'none'" in policies[0]
    assert not {tag for tag, _ in page.tags} & LOADING_TAGS
    assert page.values("src") == page.values("xlink:href") == []
    assert all(link.startswith(("#", "https://doi.org/10.")) for link in page.values("href"))
    assert not re.search(rb"url\(|@import|javascript:", content)
    for _, attributes in page.tags:
        assert not [name for name in attributes if name.startswith("on")]


def assert_links_have_targets(page: Page) -> None:
    """Check that every link inside the page has a target."""
    targets = {link[1:] for link in page.values("href") if link.startswith("#")}
    assert targets <= set(page.values("id"))


def assert_described(page: Page) -> None:
    """Check that table headers have a scope, and figures a description or none to read."""
    for tag, attributes in page.tags:
        if tag == "th":
            assert attributes.get("scope") in {"col", "row"}
        if tag == "svg":
            assert attributes.get("aria-label") or attributes.get("aria-hidden")
