"""Search of single HED queries in the HED string of a row: as a whole, after a Delay, by group.

Each HED string is parsed once (`hed.HedString`) and searched by `hed.QueryHandler`. The results do
not depend on the cells of other columns, so that rows with equal HED share them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from bids_dl.selection.queries.query import Query
from bids_dl.selection.search import hed_tree
from bids_dl.selection.tables.annotations import HedSidecar, has_balanced_groups

Results = Mapping[str, bool]
"""Text of a single HED query -> whether it matches."""


@dataclass(frozen=True, slots=True)
class SearchedGroup:
    """A tag group that begins or ends a process, searched alone."""

    kind: Literal["onset", "offset", "duration"]
    definition: str  # name and value of its Def, case-folded; "" for a Duration
    duration: float = 0.0  # s; 0 except for a Duration
    hed: str = ""  # without its timing tags
    results: Results = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SearchedAnnotation:
    """The HED of a row at one time: at the row's onset, or after a Delay."""

    delay: float  # s after the onset
    results: Results  # without Offset groups
    offset_results: Results  # with Offset groups, for the queries that name Offset
    groups: tuple[SearchedGroup, ...]


@dataclass(frozen=True, slots=True)
class SearchedRow:
    """The searched HED string of a row, and what cannot be read in it."""

    timed: tuple[SearchedAnnotation, ...] = ()
    is_unbalanced: bool = False  # parentheses without partners, or nested too deeply
    unreadable_times: tuple[str, ...] = ()  # Delay and Duration tags without seconds
    n_without_definition: int = 0  # Onset and Offset groups without a Def
    unknown_tags: tuple[str, ...] = ()  # tags that the schema does not have
    undefined: tuple[str, ...] = ()  # Def tags without a definition


def search_row(text: str, sidecar: HedSidecar, queries: Sequence[Query]) -> SearchedRow:
    """Search every single HED query of some queries in a HED string.

    Parameters
    ----------
    text
        HED string of a row.
    sidecar
        Sidecar of the row, read with a schema.
    queries
        Compiled queries.
    """
    if not has_balanced_groups(text):
        return SearchedRow(is_unbalanced=True)
    tree = hed_tree.parse_hed(text, sidecar)
    unknown_tags = tuple(hed_tree.unknown_tags(tree))
    undefined = tuple(hed_tree.undefined_defs(tree, sidecar))
    delayed = hed_tree.split_delayed(tree)
    reader = _TreeReader(queries)
    timed = [reader.read(0.0, tree)]
    unreadable_delays = []
    for delay, delayed_tree in delayed:
        if delay is None:
            unreadable_delays.append(str(delayed_tree))
        else:
            timed.append(reader.read(delay, delayed_tree))
    return SearchedRow(
        timed=tuple(timed),
        unreadable_times=(*reader.unreadable_durations, *unreadable_delays),
        n_without_definition=reader.n_without_definition,
        unknown_tags=unknown_tags,
        undefined=undefined,
    )


@dataclass(slots=True)
class _TreeReader:
    """Searches the trees of one HED string, and records what cannot be read in them."""

    queries: Sequence[Query]
    unreadable_durations: list[str] = field(default_factory=list)
    n_without_definition: int = 0

    def read(self, delay: float, tree: Any) -> SearchedAnnotation:
        """Search a tree. Its Offset groups are removed from it."""
        groups = list(tree.groups())
        offsets = {id(group) for group in groups if hed_tree.find_tag(group, "Offset")}
        naming_offset = [query for query in self.queries if query.names_offset]
        others = [query for query in self.queries if not query.names_offset]
        offset_results = _search_terms(tree, naming_offset)
        hed_tree.remove_offset_groups(tree)
        results = _search_terms(tree, others)
        searched: list[SearchedGroup] = []
        for group in groups:
            searched += self._temporal_groups(group, id(group) in offsets)
        return SearchedAnnotation(delay, results, offset_results, tuple(searched))

    def _temporal_groups(self, group: Any, is_offset: bool) -> list[SearchedGroup]:
        """Return what a top-level group begins or ends. It may have both Onset and Duration."""
        temporal: list[SearchedGroup] = []
        onset = hed_tree.find_tag(group, "Onset")
        duration = hed_tree.find_tag(group, "Duration")
        definition = hed_tree.definition_name(group)
        if (onset or is_offset) and not definition:
            self.n_without_definition += 1
        elif is_offset:
            temporal.append(SearchedGroup("offset", definition))
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
    ) -> SearchedGroup:
        """Return the group of a process that begins, searched alone."""
        hed = hed_tree.without_timing_tags(group)
        results = _search_terms(hed_tree.isolate_group(group), self.queries)
        return SearchedGroup(kind, definition, duration, hed, results)


def _search_terms(tree: Any, queries: Iterable[Query]) -> dict[str, bool]:
    """Search every single HED query of some queries in a tree."""
    search = tree_search(tree)
    results = {}
    for query in queries:
        for term in query.terms():
            results[term.text] = search(term)
    return results


def tree_search(tree: Any) -> Callable[[Query], bool]:
    """Return a function that searches single HED queries in a tree, each at most once."""
    results: dict[str, bool] = {}

    def search(term: Query) -> bool:
        if term.text not in results:
            results[term.text] = bool(term.handler.search(tree))
        return results[term.text]

    return search
