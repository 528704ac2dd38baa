"""Pages of the documentation as they are written: links, anchors, blocks of code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
BUILT = ("tutorials", "decisions", "reference/generated")
"""Folders of `docs` that the build of the site writes."""

FENCE = re.compile(
    r"(?:<!-- not run: (?P<reason>[^\n]*?) -->\n)?^(?P<indent> *)(?P<marks>`{3,}|:{3,})"
    r"(?P<language>[^\n`]*)\n(?P<text>.*?)^(?P=indent)(?P=marks)$",
    re.MULTILINE | re.DOTALL,
)
LINK = re.compile(r"\[[^\]\[]*(?:\[[^\]]*\][^\]\[]*)?\]\(([^)\s]+)\)")
CODE = re.compile(r"^```.*?^```$|`[^`\n]+`", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    """A block of code of a page, and the reason why no test runs it, if one is given."""

    language: str
    text: str
    reason: str | None


def pages() -> list[Path]:
    """Return the Markdown pages of `docs` that are written by hand."""
    built = tuple(DOCS / folder for folder in BUILT)
    written = [p for p in DOCS.rglob("*.md") if not any(p.is_relative_to(b) for b in built)]
    return sorted(p for p in written if p.relative_to(DOCS).parts[0] not in {"container"})


def blocks(page: Path) -> list[Block]:
    """Return the blocks of code of a page in order."""
    found = []
    for match in FENCE.finditer(page.read_text(encoding="utf-8")):
        found.append(Block(match["language"].strip(), match["text"], match["reason"]))
    return found


def links(page: Path) -> Iterator[str]:
    """Yield the targets of the relative links and pictures of a page."""
    text = CODE.sub("", page.read_text(encoding="utf-8"))
    for match in LINK.finditer(text):
        target = match[1]
        if not re.match(r"[a-z]+:", target):
            yield target


def anchors(page: Path) -> set[str]:
    """Return the anchors that a repository browser gives the headings of a page."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    found: set[str] = set()
    for heading in re.findall(r"^#+ (.*)$", text, re.MULTILINE):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        anchor = re.sub(r"[^\w\- ]", "", plain.lower()).strip().replace(" ", "-")
        number = sum(1 for name in found if re.fullmatch(rf"{re.escape(anchor)}(-\d+)?", name))
        found.add(f"{anchor}-{number}" if number else anchor)
    return found


def toctree_entries(page: Path) -> list[Path]:
    """Return the pages in the tables of contents of a page, without their suffix."""
    entries = []
    for block in blocks(page):
        if block.language == "{toctree}":
            for line in block.text.splitlines():
                name = re.sub(r".*<(.*)>$", r"\1", line.strip())
                if name and not name.startswith(":"):
                    entries.append((page.parent / name).resolve())
    return entries
