"""The tags, definitions and values that recordings use, how often, and which of them look like a word."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher

from bids_dl.datamodel import EventRows
from bids_dl.selection import hed_tree
from bids_dl.selection.annotations import Codebook, is_readable
from bids_dl.selection.timelines import AnnotatedTables

ALIKE = 0.65  # least likeness of a look-alike, 0 to 1
WRITABLE = re.compile(r"[_\-a-zA-Z0-9/.^#@]+")  # what a query can hold of a tag


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What could be asked for."""

    used: Counter[str]  # short tag with its value -> number of rows
    definitions: frozenset[str]  # names, case-folded

    def ranked(self) -> list[str]:
        """The tags in use, most used first."""
        return sorted(self.used, key=lambda tag: (-self.used[tag], tag))

    def values(self, word: str) -> list[str]:
        """The tags in use whose value is a word, most used first."""
        return [tag for tag in self.ranked() if tag.casefold().partition("/")[2] == word]

    def starting(self, start: str) -> list[str]:
        """The tags in use that begin so, or whose value does."""
        return [
            tag
            for tag in self.ranked()
            if tag.casefold().startswith(start)
            or tag.casefold().partition("/")[2].startswith(start)
        ]

    def alike(self, word: str, count: int) -> list[str]:
        """The tags in use that look most like a word, best first."""
        scored = [(likeness(word, tag), uses, tag) for tag, uses in self.used.items()]
        return [
            tag
            for score, _, tag in sorted(scored, key=lambda one: (-one[0], -one[1], one[2]))
            if score >= ALIKE
        ][:count]

    def counted(self, tags: Iterable[str]) -> str:
        """Tags with their counts, for a message."""
        return "   ".join(
            f"{tag} ({self.used[tag]} event{'s' if self.used[tag] != 1 else ''})" for tag in tags
        )


def read_vocabulary(corpus: AnnotatedTables) -> Vocabulary:
    """Count every tag in use, cell by cell."""
    used: Counter[str] = Counter()
    seen: dict[tuple[int, str], frozenset[str]] = {}
    for table, codebook in zip(corpus.tables, corpus.codebooks, strict=True):
        for text, count in _texts(table, codebook).items():
            if (id(codebook), text) not in seen:
                seen[id(codebook), text] = _tags(text, codebook)
            used.update(dict.fromkeys(seen[id(codebook), text], count))
    books = {id(codebook): codebook for codebook in corpus.codebooks}.values()
    return Vocabulary(used, frozenset(name for codebook in books for name in codebook.definitions))


def _texts(table: EventRows, codebook: Codebook) -> Counter[str]:
    """The HED of a table and how many rows have it: of each cell, or of each row where columns refer to others."""
    columns = codebook.columns(table.columns)
    if codebook.references:
        rows = zip(*(table.columns[column] for column in columns), strict=True)
        return Counter(codebook.assemble(columns, row) for row in rows)
    found: Counter[str] = Counter()
    for column in columns:
        for cell, count in Counter(table.columns[column]).items():
            found[codebook.text(column, cell)] += count
    return found


def _tags(text: str, codebook: Codebook) -> frozenset[str]:
    if not text or not is_readable(text):
        return frozenset()
    tree = hed_tree.grow(text, codebook)
    hed_tree.drop_offsets(tree)
    return frozenset(str(tag) for tag in tree.get_all_tags())


def likeness(word: str, tag: str) -> float:
    """How well the parts of a word are found among those of a tag, 0 to 1."""
    parts, others = (re.findall(r"[a-z0-9]+", text.casefold()) for text in (word, tag))
    if not parts or not others:
        return 0.0
    best = [
        max(SequenceMatcher(None, part, other, autojunk=False).ratio() for other in others)
        for part in parts
    ]
    return sum(best) / len(best)


def to_paste(tag: str) -> str:
    """A tag as a query can ask for it: "Frequency/550*" for "Frequency/550 Hz"."""
    match = WRITABLE.match(tag.rpartition(":")[2])
    start = match.group() if match else ""
    return start if start == tag.rpartition(":")[2] else f"{start}*"
