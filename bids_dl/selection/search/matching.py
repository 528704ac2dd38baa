"""Matching of queries in rows: HED queries in the HED string, comparisons in the cells.

Each distinct HED string is searched once, and each distinct row is matched once. Groups with an
Offset are searched only by queries that name Offset, because they end an event. A comparison is
about the row at its onset: not about what a Delay moves, nor about a tag group.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from bids_dl.datamodel import EventRows
from bids_dl.selection.queries.query import Query
from bids_dl.selection.search.row_search import (
    SearchedAnnotation,
    SearchedGroup,
    SearchedRow,
    search_row,
)
from bids_dl.selection.tables.annotations import MISSING_CELLS, HedSidecar, is_plain_value
from bids_dl.selection.tables.value_columns import irrelevant_columns

TIME_DIGITS = 9  # decimals of a computed time in s: finer than any sample
PLACEHOLDER = "1"  # replaces values that no query can tell apart

Matches = tuple[bool, ...]
"""For each query, in order: whether it matches."""
RowKey = tuple[str | Matches | None, ...]
"""Cells of the columns that carry HED, and results of the comparisons of each column."""


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
    """The matches of a row and the problems in its HED, shared by all equal rows."""

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
    """Searches queries in rows with one sidecar. Keeps the result of every distinct row.

    The HED of a row is read only if the sidecar was read with a schema.
    """

    sidecar: HedSidecar
    queries: tuple[Query, ...]
    irrelevant: frozenset[str] = field(init=False)  # value columns that no query can tell apart
    _reads_hed: bool = field(init=False)
    _comparisons: ColumnComparisons = field(init=False)
    _by_columns: dict[tuple[str, ...], dict[RowKey, RowAnnotation]] = field(
        init=False, default_factory=dict
    )
    _searched: dict[str, SearchedRow] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._reads_hed = self.sidecar.schema is not None
        self._comparisons = ColumnComparisons(self.queries)
        self.irrelevant = frozenset()
        if self._reads_hed:
            self.irrelevant = irrelevant_columns(self.sidecar, self.queries)

    def annotate(self, table: EventRows) -> list[RowAnnotation]:
        """Return the annotation of each row. Equal rows share one object."""
        columns: tuple[str, ...] = ()
        if self._reads_hed:
            columns = self.sidecar.hed_columns(table.columns)
        cells: list[Sequence[str | Matches | None]] = [self._cells(table, name) for name in columns]
        cells += self._comparisons.evaluate(table)
        rows: Iterable[RowKey] = zip(*cells, strict=True)
        if not cells:
            rows = [()] * len(table)
        known = self._by_columns.setdefault(columns, {})
        annotations = []
        for row in rows:
            annotation = known.get(row)
            if annotation is None:
                annotation = self._match(columns, row)
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

    def _match(self, columns: tuple[str, ...], row: RowKey) -> RowAnnotation:
        """Match the queries in a row."""
        results = self._comparisons.by_text(row[len(columns) :])
        if not self._reads_hed:
            return RowAnnotation((self._match_cells(results, has_hed=False),))
        text = self.sidecar.assemble(columns, row[: len(columns)])  # type: ignore[arg-type]
        if text not in self._searched:
            self._searched[text] = search_row(text, self.sidecar, self.queries)
        searched = self._searched[text]
        timed = tuple(
            self._match_hed(annotation, results, is_split_off=index > 0)
            for index, annotation in enumerate(searched.timed)
        )
        if searched.is_unbalanced:
            timed = (self._match_cells(results, has_hed=True),)
        return RowAnnotation(
            timed=timed,
            is_unbalanced=searched.is_unbalanced,
            unreadable_times=searched.unreadable_times,
            n_without_definition=searched.n_without_definition,
            unknown_tags=searched.unknown_tags,
            undefined=searched.undefined,
        )

    def _match_cells(self, results: Mapping[str, bool], *, has_hed: bool) -> TimedAnnotation:
        """Match the queries in the cells of a row whose HED is not read.

        Without HED, no HED query matches. HED that cannot be read is unknown, so that no query
        that contains any HED matches.
        """
        matches = []
        for query in self.queries:
            is_asked = any(query.comparisons()) and not (has_hed and query.needs_hed)
            matches.append(is_asked and query.matches(_lookup(results)))
        return TimedAnnotation(0.0, tuple(matches), ())

    def _match_hed(
        self, annotation: SearchedAnnotation, results: Mapping[str, bool], *, is_split_off: bool
    ) -> TimedAnnotation:
        """Match the queries in the HED of a row at one time, and in its cells."""
        matches = []
        for query in self.queries:
            hed = annotation.offset_results if query.names_offset else annotation.results
            search = _lookup(results, hed)
            matches.append(query.matches_hed(search) if is_split_off else query.matches(search))
        groups = tuple(self._match_group(group, results) for group in annotation.groups)
        return TimedAnnotation(annotation.delay, tuple(matches), groups)

    def _match_group(self, group: SearchedGroup, results: Mapping[str, bool]) -> TemporalGroup:
        """Match the queries in a tag group alone."""
        if group.kind == "offset":
            return TemporalGroup("offset", group.definition, 0.0)
        search = _lookup(results, group.results)
        return TemporalGroup(
            kind=group.kind,
            definition=group.definition,
            duration=group.duration,
            hed=group.hed,
            matches=tuple(query.matches_hed(search) for query in self.queries),
            term_matches=tuple(any(map(search, query.positive_terms())) for query in self.queries),
        )


@dataclass(slots=True)
class ColumnComparisons:
    """The comparisons of some queries, column by column. Each distinct cell is compared once."""

    queries: Sequence[Query]
    _by_column: dict[str, dict[str, Query]] = field(init=False, default_factory=dict)
    _by_cell: dict[str, dict[str, Matches]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        for query in self.queries:
            for term in query.comparisons():
                if term.comparison:
                    by_text = self._by_column.setdefault(term.comparison.column, {})
                    by_text.setdefault(term.text, term)

    def evaluate(self, table: EventRows) -> list[list[Matches]]:
        """Compare the cells of a table.

        Returns
        -------
        list
            For each compared column: the results of its comparisons in each row. A column that
            the table lacks counts as n/a.
        """
        results = []
        for column, terms in self._by_column.items():
            known = self._by_cell.setdefault(column, {})
            cells = table.columns.get(column, ("n/a",) * len(table))
            for cell in set(cells).difference(known):
                known[cell] = tuple(_compare(term, cell) for term in terms.values())
            results.append([known[cell] for cell in cells])
        return results

    def by_text(self, results: Sequence[object]) -> dict[str, bool]:
        """Return the results of one row by the text of the comparison.

        Parameters
        ----------
        results
            The results of the row for each column, from `evaluate`.
        """
        by_text: dict[str, bool] = {}
        for terms, matches in zip(self._by_column.values(), results, strict=True):
            by_text.update(zip(terms, matches, strict=True))  # type: ignore[call-overload]
        return by_text


def _compare(term: Query, cell: str) -> bool:
    return term.comparison is not None and term.comparison.matches(cell)


def _lookup(*results: Mapping[str, bool]) -> Callable[[Query], bool]:
    """Return a function that looks a single query up. One that was not searched does not match."""

    def search(term: Query) -> bool:
        return any(result.get(term.text, False) for result in results)

    return search
