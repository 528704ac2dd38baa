"""Which queries match an annotation; each distinct one is parsed and searched once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from bids_dl.datamodel import EventRows
from bids_dl.selection import hed_tree
from bids_dl.selection.annotations import MISSING, Codebook, is_plain, is_readable, out_of_reach
from bids_dl.selection.queries.grammar import Query

DIGITS = 9  # of an onset after a Delay, in s: finer than any sample
STAND_IN = "1"  # for values that no query can tell apart
Hits = tuple[bool, ...]
"""One for each query, in their order."""


@dataclass(frozen=True, slots=True)
class Marker:
    """A group that begins or ends a process."""

    kind: Literal["onset", "offset", "duration"]
    anchor: str  # name and value of the definition; "" for Duration
    duration: float  # s; of a Duration only
    text: str = ""  # HED of the group without what times it
    hits: Hits = ()  # the queries this group alone matches
    touched: Hits = ()  # the queries of which it matches at least one that AND, OR or NOT combine


@dataclass(frozen=True, slots=True)
class Part:
    """What happens at one moment of a row: at its onset, or at the end of a Delay."""

    delay: float  # s after the onset
    hits: Hits
    markers: tuple[Marker, ...]
    matched: bool = field(init=False)  # whether any query matches it

    def __post_init__(self) -> None:
        object.__setattr__(self, "matched", any(self.hits))

    @property
    def is_delayed(self) -> bool:
        return self.delay != 0

    def after(self, onset: float) -> float:
        """When it happens, in s, in a row with that onset."""
        return round(onset + self.delay, DIGITS) if self.delay else onset


@dataclass(frozen=True, slots=True)
class Annotation:
    """All that is known of one distinct HED string."""

    parts: tuple[Part, ...] = ()
    unbalanced: bool = False
    unreadable: tuple[str, ...] = ()  # Delay and Duration tags without seconds
    unanchored: int = 0  # Onset and Offset groups without a Def
    unknown: tuple[str, ...] = ()  # tags the schema does not have
    undefined: tuple[str, ...] = ()  # Def tags without a definition

    is_odd: bool = field(init=False)  # whether there is anything to count

    def __post_init__(self) -> None:
        odd = (
            self.unbalanced or self.unreadable or self.unanchored or self.unknown or self.undefined
        )
        object.__setattr__(self, "is_odd", bool(odd))


@dataclass(slots=True)
class Matcher:
    """Some queries and one codebook; remembers every annotation it has seen."""

    codebook: Codebook
    queries: tuple[Query, ...]
    skipped: frozenset[str] = field(init=False)
    _seen: dict[tuple[str, ...], dict[tuple[str | None, ...], Annotation]] = field(
        init=False, default_factory=dict
    )

    def __post_init__(self) -> None:
        self.skipped = out_of_reach(self.codebook, self.queries)

    def annotations(self, table: EventRows) -> list[Annotation]:
        """One annotation per row, equal ones the same object."""
        columns = self.codebook.columns(table.columns)
        cells = [self._cells(table, name) for name in columns]
        rows: Iterable[tuple[str | None, ...]] = (
            zip(*cells, strict=True) if cells else (() for _ in range(len(table)))
        )
        seen = self._seen.setdefault(columns, {})
        found = []
        for row in rows:
            annotation = seen.get(row)
            if annotation is None:
                annotation = seen[row] = self._read(self.codebook.assemble(columns, row))
            found.append(annotation)
        return found

    def _cells(self, table: EventRows, name: str) -> Sequence[str | None]:
        """The cells of a column; where no query can tell its values apart, one stands for all of them."""
        if name not in self.skipped:
            return table.columns[name]
        return [
            STAND_IN if cell not in MISSING and is_plain(cell) else cell
            for cell in table.columns[name]
        ]

    def _read(self, text: str) -> Annotation:
        if not is_readable(text):
            return Annotation(unbalanced=True)
        tree = hed_tree.grow(text, self.codebook)
        unknown, undefined = (
            tuple(hed_tree.unknown_tags(tree)),
            tuple(hed_tree.undefined(tree, self.codebook)),
        )
        own, delayed = hed_tree.split_delayed(tree)
        reader = _PartReader(self.queries)
        parts = [
            reader.read(0.0, own),
            *(reader.read(delay, tree) for delay, tree in delayed if delay is not None),
        ]
        unreadable = [*reader.unreadable, *(str(tree) for delay, tree in delayed if delay is None)]
        return Annotation(
            tuple(parts), False, tuple(unreadable), reader.unanchored, unknown, undefined
        )


@dataclass(slots=True)
class _PartReader:
    """Reads the parts of one annotation, and counts what it had to leave out."""

    queries: tuple[Query, ...]
    unreadable: list[str] = field(default_factory=list)
    unanchored: int = 0

    def read(self, delay: float, tree: Any) -> Part:
        groups = list(tree.groups())
        hits = [False] * len(self.queries)
        self._search(tree, hits, with_offsets=True)
        offsets = {id(group) for group in groups if hed_tree.tag_named(group, "Offset")}
        hed_tree.drop_offsets(tree)
        self._search(tree, hits, with_offsets=False)
        markers = [
            marker for group in groups for marker in self._markers(group, id(group) in offsets)
        ]
        return Part(delay, tuple(hits), tuple(markers))

    def _search(self, tree: Any, hits: list[bool], *, with_offsets: bool) -> None:
        hit = searcher(tree)
        for i, query in enumerate(self.queries):
            if query.keeps_offsets == with_offsets:
                hits[i] = query.holds(hit)

    def _markers(self, group: Any, is_offset: bool) -> list[Marker]:
        """What a top-level group begins or ends."""
        found: list[Marker] = []
        onset, duration = hed_tree.tag_named(group, "Onset"), hed_tree.tag_named(group, "Duration")
        anchor = hed_tree.anchor_of(group)
        if (onset or is_offset) and not anchor:
            self.unanchored += 1
        elif is_offset:
            found.append(Marker("offset", anchor, 0.0))
        elif onset:
            found.append(
                Marker("onset", anchor, 0.0, hed_tree.untimed(group), *self._group_hits(group))
            )
        if duration:
            length = hed_tree.seconds(duration)
            if length is None or length < 0:
                self.unreadable.append(str(duration))
            else:
                found.append(
                    Marker(
                        "duration", "", length, hed_tree.untimed(group), *self._group_hits(group)
                    )
                )
        return found

    def _group_hits(self, group: Any) -> tuple[Hits, Hits]:
        hit = searcher(hed_tree.alone(group))
        return tuple(query.holds(hit) for query in self.queries), tuple(
            any(map(hit, query.wanted())) for query in self.queries
        )


def searcher(tree: Any) -> Callable[[Query], bool]:
    """Search single HED queries in a tree, each at most once."""
    seen: dict[str, bool] = {}

    def hit(term: Query) -> bool:
        if term.text not in seen:
            seen[term.text] = bool(term.handler.search(tree))
        return seen[term.text]

    return hit
