"""An HTML page as tests look at it: its tags, its texts, its tables by caption, and what a browser would complain of."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = {"meta", "br", "hr", "img", "input", "link", "line"}  # those of SVG close themselves
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
CLOSING = {"line", "path", "polygon", "polyline"}


class Page(HTMLParser):
    """A parsed page.

    Attributes
    ----------
    problems
        Tags that are not balanced, blocks inside a paragraph, names of one element given twice.
    tables
        Caption -> rows of cells; of a table without a caption nothing.
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
        self.problems += [f"{tag} never closed" for tag in self._open]
        ids = self.values("id")
        self.problems += [f"two ids {name}" for name in ids if ids.count(name) > 1]

    def values(self, attribute: str) -> list[str]:
        return [said[attribute] or "" for _, said in self.tags if attribute in said]

    @property
    def words(self) -> str:
        """The text in one line."""
        return " ".join(self.text.split())

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if len(attrs) != len(dict(attrs)):
            self.problems.append(f"{tag}: an attribute twice")
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
        if tag not in CLOSING:
            self.problems.append(f"{tag}/")

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
