"""Matching of queries in annotated rows.

Each distinct HED string is parsed and searched once (`hed.HedString`, `hed.QueryHandler`). Groups
with an Offset are searched only by queries that name Offset, because they end an event.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from bids_dl.datamodel import EventRows
from bids_dl.selection import hed_tree
from bids_dl.selection.annotations import (
    MISSING_CELLS,
    HedSidecar,
    has_balanced_groups,
    is_plain_value,
)
from bids_dl.selection.queries.query import Query
from bids_dl.selection.value_columns import irrelevant_columns

TIME_DIGITS = 9  # decimals of a computed time in s: finer than any sample
PLACEHOLDER = "1"  # replaces values that no query can tell apart

Matches = tuple[bool, ...]
"""For each query, in order: whether it matches."""


@dataclass(frozen=True, slots=True)
class TemporalGroup:
    """A tag group that begins or ends a process."""

    kind: Literal["onset", "offset", "duration"]
    definition: str  # name and value of its Def, case-folded; "" for a Duration
    duration: float  # s; 0 except for a Duration
    hed: str = ""  # without its timing tags
    matches: Matches = ()  # queries that match the group alone
    term_matches: Matches = ()  # queries of which at least one positive term matches the group


@dataclass(frozen=True, slots=True)
class TimedAnnotation:
    """The HED of a row at one time: at the row's onset, or after a Delay."""

    delay: float  # s after the onset
    matches: Matches
    temporal_groups: tuple[TemporalGroup, ...]
    matches_any: bool = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "matches_any", any(self.matches))

    @property
    def is_delayed(self) -> bool:
        """True if a Delay moves it from the row's onset."""
        return self.delay != 0

    def time_after(self, onset: float) -> float:
        """Return its time in s, in a row with that onset."""
        return round(onset + self.delay, TIME_DIGITS) if self.delay else onset


@dataclass(frozen=True, slots=True)
class RowAnnotation:
    """The searched HED string of a row, shared by all rows with an equal string."""

    timed: tuple[TimedAnnotation, ...] = ()
    is_unbalanced: bool = False  # parentheses without partners, or nested too deeply
    unreadable_times: tuple[str, ...] = ()  # Delay and Duration tags without seconds
    n_without_definition: int = 0  # Onset and Offset groups without a Def
    unknown_tags: tuple[str, ...] = ()  # tags that the schema does not have
    undefined: tuple[str, ...] = ()  # Def tags without a definition
    has_issues: bool = field(init=False)

    def __post_init__(self) -> None:
        issues = (
            self.is_unbalanced,
            self.unreadable_times,
            self.n_without_definition,
            self.unknown_tags,
            self.undefined,
        )
        object.__setattr__(self, "has_issues", any(issues))


@dataclass(slots=True)
class RowMatcher:
    """Searches queries in rows with one sidecar. Keeps the result of every distinct row."""

    sidecar: HedSidecar
    queries: tuple[Query, ...]
    irrelevant: frozenset[str] = field(init=False)  # value columns that no query can tell apart
    _by_columns: dict[tuple[str, ...], dict[tuple[str | None, ...], RowAnnotation]] = field(
        init=False, default_factory=dict
    )

    def __post_init__(self) -> None:
        self.irrelevant = irrelevant_columns(self.sidecar, self.queries)

    def annotate(self, table: EventRows) -> list[RowAnnotation]:
        """Return the annotation of each row. Equal rows share one object."""
        columns = self.sidecar.hed_columns(table.columns)
        cells = [self._cells(table, name) for name in columns]
        rows: Iterable[tuple[str | None, ...]] = zip(*cells, strict=True)
        if not cells:
            rows = [()] * len(table)
        known = self._by_columns.setdefault(columns, {})
        annotations = []
        for row in rows:
            annotation = known.get(row)
            if annotation is None:
                annotation = self._read(self.sidecar.assemble(columns, row))
                known[row] = annotation
            annotations.append(annotation)
        return annotations

    def _cells(self, table: EventRows, name: str) -> Sequence[str | None]:
        """Return the cells of a column, with one placeholder for values that do not matter."""
        cells = table.columns[name]
        if name not in self.irrelevant:
            return cells
        return [
            PLACEHOLDER if cell not in MISSING_CELLS and is_plain_value(cell) else cell
            for cell in cells
        ]

    def _read(self, text: str) -> RowAnnotation:
        """Parse and search a HED string."""
        if not has_balanced_groups(text):
            return RowAnnotation(is_unbalanced=True)
        tree = hed_tree.parse_hed(text, self.sidecar)
        unknown_tags = tuple(hed_tree.unknown_tags(tree))
        undefined = tuple(hed_tree.undefined_defs(tree, self.sidecar))
        delayed = hed_tree.split_delayed(tree)
        reader = _TreeReader(self.queries)
        timed = [reader.read(0.0, tree)]
        unreadable_delays = []
        for delay, delayed_tree in delayed:
            if delay is None:
                unreadable_delays.append(str(delayed_tree))
            else:
                timed.append(reader.read(delay, delayed_tree))
        return RowAnnotation(
            timed=tuple(timed),
            unreadable_times=(*reader.unreadable_durations, *unreadable_delays),
            n_without_definition=reader.n_without_definition,
            unknown_tags=unknown_tags,
            undefined=undefined,
        )


@dataclass(slots=True)
class _TreeReader:
    """Searches the trees of one HED string, and records what cannot be read in them."""

    queries: tuple[Query, ...]
    unreadable_durations: list[str] = field(default_factory=list)
    n_without_definition: int = 0

    def read(self, delay: float, tree: Any) -> TimedAnnotation:
        """Search a tree. Its Offset groups are removed from it."""
        groups = list(tree.groups())
        offsets = {id(group) for group in groups if hed_tree.find_tag(group, "Offset")}
        matches = [False] * len(self.queries)
        self._search(tree, matches, in_offsets=True)
        hed_tree.remove_offset_groups(tree)
        self._search(tree, matches, in_offsets=False)
        temporal: list[TemporalGroup] = []
        for group in groups:
            temporal += self._temporal_groups(group, id(group) in offsets)
        return TimedAnnotation(delay, tuple(matches), tuple(temporal))

    def _search(self, tree: Any, matches: list[bool], *, in_offsets: bool) -> None:
        """Set the matches of the queries that do, or do not, name Offset."""
        search = tree_search(tree)
        for number, query in enumerate(self.queries):
            if query.names_offset == in_offsets:
                matches[number] = query.matches(search)

    def _temporal_groups(self, group: Any, is_offset: bool) -> list[TemporalGroup]:
        """Return what a top-level group begins or ends. It may have both Onset and Duration."""
        temporal: list[TemporalGroup] = []
        onset = hed_tree.find_tag(group, "Onset")
        duration = hed_tree.find_tag(group, "Duration")
        definition = hed_tree.definition_name(group)
        if (onset or is_offset) and not definition:
            self.n_without_definition += 1
        elif is_offset:
            temporal.append(TemporalGroup("offset", definition, 0.0))
        elif onset:
            temporal.append(self._begin("onset", definition, 0.0, group))
        if duration:
            seconds = hed_tree.parse_seconds(duration)
            if seconds is None or seconds < 0:
                self.unreadable_durations.append(str(duration))
            else:
                temporal.append(self._begin("duration", "", seconds, group))
        return temporal

    def _begin(
        self, kind: Literal["onset", "duration"], definition: str, duration: float, group: Any
    ) -> TemporalGroup:
        """Return the temporal group of a process that begins, searched alone."""
        hed = hed_tree.without_timing_tags(group)
        search = tree_search(hed_tree.isolate_group(group))
        matches = tuple(query.matches(search) for query in self.queries)
        term_matches = tuple(any(map(search, query.positive_terms())) for query in self.queries)
        return TemporalGroup(kind, definition, duration, hed, matches, term_matches)


def tree_search(tree: Any) -> Callable[[Query], bool]:
    """Return a function that searches single HED queries in a tree, each at most once."""
    results: dict[str, bool] = {}

    def search(term: Query) -> bool:
        if term.text not in results:
            results[term.text] = bool(term.handler.search(tree))
        return results[term.text]

    return search
