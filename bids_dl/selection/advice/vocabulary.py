"""The tags, definitions and values in use, and their similarity to a word of a query.

Tags are counted in the same trees that queries are searched in. Similarity is that of
`difflib.SequenceMatcher`, applied to the words within a tag because their order varies.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher

from bids_dl.datamodel import EventRows
from bids_dl.selection.search import hed_tree
from bids_dl.selection.tables.annotated_tables import AnnotatedTables
from bids_dl.selection.tables.annotations import HedSidecar, has_balanced_groups
from bids_dl.wording import count

MIN_SIMILARITY = 0.65  # in [0, 1], from which a tag is suggested
WRITABLE = re.compile(r"[_\-a-zA-Z0-9/.^#@]+")  # characters of a tag that a query can contain


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Everything that a query could ask for."""

    n_rows: Counter[str]  # short tag with its value -> number of rows
    definitions: frozenset[str]  # names, case-folded

    def ranked(self) -> list[str]:
        """Return the tags in use, most frequent first."""
        return sorted(self.n_rows, key=lambda tag: (-self.n_rows[tag], tag))

    def with_value(self, value: str) -> list[str]:
        """Return the tags in use with a value, most frequent first.

        Parameters
        ----------
        value
            Case-folded, such as ``"now-close-your-eyes"``.
        """
        return [tag for tag in self.ranked() if tag.casefold().partition("/")[2] == value]

    def starting_with(self, start: str) -> list[str]:
        """Return the tags in use that begin with a case-folded text, or whose value does."""
        tags = []
        for tag in self.ranked():
            text = tag.casefold()
            if text.startswith(start) or text.partition("/")[2].startswith(start):
                tags.append(tag)
        return tags

    def most_similar(self, word: str, limit: int) -> list[str]:
        """Return the tags in use that are most similar to a word, the most similar first."""
        scored = []
        for tag, n_rows in self.n_rows.items():
            score = similarity(word, tag)
            if score >= MIN_SIMILARITY:
                scored.append((-score, -n_rows, tag))
        return [tag for _, _, tag in sorted(scored)[:limit]]

    def with_counts(self, tags: Iterable[str]) -> str:
        """Join tags for a message, each with its number of events."""
        return "   ".join(f"{tag} ({count(self.n_rows[tag], 'event')})" for tag in tags)


def read_vocabulary(annotated: AnnotatedTables) -> Vocabulary:
    """Count every tag in use, cell by cell."""
    n_rows: Counter[str] = Counter()
    definitions: set[str] = set()
    tags_of: dict[tuple[int, str], frozenset[str]] = {}  # (sidecar, HED) -> its tags
    for table, sidecar in zip(annotated.tables, annotated.sidecars, strict=True):
        if sidecar.schema is None:
            continue
        definitions.update(sidecar.definitions)
        for hed, number in _count_hed(table, sidecar).items():
            key = (id(sidecar), hed)
            if key not in tags_of:
                tags_of[key] = _read_tags(hed, sidecar)
            n_rows.update(dict.fromkeys(tags_of[key], number))
    return Vocabulary(n_rows, frozenset(definitions))


def _count_hed(table: EventRows, sidecar: HedSidecar) -> Counter[str]:
    """Count the HED of each cell, or of each row if columns refer to others."""
    columns = sidecar.hed_columns(table.columns)
    if sidecar.references:
        rows = zip(*(table.columns[column] for column in columns), strict=True)
        return Counter(sidecar.assemble(columns, row) for row in rows)
    counts: Counter[str] = Counter()
    for column in columns:
        for cell, number in Counter(table.columns[column]).items():
            counts[sidecar.cell_hed(column, cell)] += number
    return counts


def _read_tags(hed: str, sidecar: HedSidecar) -> frozenset[str]:
    """Return the tags of a HED string outside its Offset groups."""
    if not hed or not has_balanced_groups(hed):
        return frozenset()
    tree = hed_tree.parse_hed(hed, sidecar)
    hed_tree.remove_offset_groups(tree)
    return frozenset(map(str, tree.get_all_tags()))


def similarity(word: str, tag: str) -> float:
    """Return the similarity of a word to a tag in [0, 1], ignoring case and the order of parts.

    Each part of the word is compared with the most similar part of the tag, and the mean is taken.
    A word of a single part is compared with parts that begin with the same letter only: typos
    rarely change it, and Letter is not Center.

    Examples
    --------
    >>> similarity("Eyes-closed", "Label/closed-eyes"), similarity("Red", "Blue") < 0.5
    (1.0, True)
    """
    word_parts = re.findall(r"[a-z0-9]+", word.casefold())
    tag_parts = re.findall(r"[a-z0-9]+", tag.casefold())
    if not word_parts or not tag_parts:
        return 0.0
    if len(word_parts) == 1:
        tag_parts = [part for part in tag_parts if part[0] == word_parts[0][0]] or [""]
    scores = [max(_ratio(part, other) for other in tag_parts) for part in word_parts]
    return sum(scores) / len(scores)


def _ratio(first: str, second: str) -> float:
    return SequenceMatcher(None, first, second, autojunk=False).ratio()


def writable(tag: str) -> str:
    """Return a tag as a query can contain it, without library prefix.

    A tag is cut at the first character that no query can contain, and ends with * then.

    Examples
    --------
    >>> writable("Frequency/550 Hz"), writable("sc:Sleep")
    ('Frequency/550*', 'Sleep')
    """
    name = tag.rpartition(":")[2]
    match = WRITABLE.match(name)
    start = match.group() if match else ""
    return start if start == name else f"{start}*"
