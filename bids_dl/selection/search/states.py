"""Intervals in which a state holds.

A state query is searched in all processes that run at a time, taken together; its comparisons in
the rows that last at that time. hedtools offers the same view at rows only, as the Event-context
of `HedTagManager`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from hed import HedString

from bids_dl.selection.interval import Interval, join
from bids_dl.selection.queries.query import Query
from bids_dl.selection.search.matching import Matches
from bids_dl.selection.search.row_search import tree_search

NO_PROCESS = "(nothing)"  # a tag of no schema: hedtools finds no @Tag in a string without a group


class Lasting(NamedTuple):
    """Something that lasts: a process, or a row that matches a comparison."""

    text: str  # HED of a process without its timing tags, or text of a comparison
    kind: Literal["process", "row"] = "process"


@dataclass(slots=True)
class StateSearcher:
    """Searches state queries with one schema. Keeps the result of every set of processes."""

    schema: Any  # hed.HedSchema or HedSchemaGroup; None without HED
    queries: tuple[Query, ...]
    _by_running: dict[frozenset[Lasting], Matches] = field(init=False, default_factory=dict)

    def find_intervals(
        self,
        processes: Iterable[tuple[str, Interval]],
        comparisons: Iterable[tuple[str, Interval]] = (),
    ) -> list[tuple[Interval, ...]]:
        """Find the intervals in which each query holds, in order of time.

        Parameters
        ----------
        processes
            HED of each process without its timing tags, and its interval. The time before the
            first process counts as well: a query such as ``@Tag`` holds there.
        comparisons
            Text of each comparison that a row matches, and the interval of the row.
        """
        lasting = [(Lasting(hed), interval) for hed, interval in processes]
        lasting += [(Lasting(text, "row"), interval) for text, interval in comparisons]
        changes: dict[float, list[tuple[Lasting, int]]] = {-math.inf: []}
        for item, (start, stop) in lasting:
            if stop > start:
                changes.setdefault(start, []).append((item, 1))
                changes.setdefault(stop, []).append((item, -1))
        times = sorted(time for time in changes if time < math.inf)
        running: Counter[Lasting] = Counter()
        matches = []
        for time in times:
            for item, change in changes[time]:
                running[item] += change
            matches.append(self._search(frozenset(+running)))
        return [_intervals_where(holds, times) for holds in zip(*matches, strict=True)]

    def _search(self, running: frozenset[Lasting]) -> Matches:
        """Search all queries in what lasts together."""
        if running not in self._by_running:
            search = self._search_in(running)
            self._by_running[running] = tuple(query.matches(search) for query in self.queries)
        return self._by_running[running]

    def _search_in(self, running: frozenset[Lasting]) -> Callable[[Query], bool]:
        """Return a function that searches single queries in what lasts together."""
        texts = sorted(item.text for item in running if item.kind == "process")
        search_hed: Callable[[Query], bool] | None = None
        if self.schema is not None:
            search_hed = tree_search(HedString(", ".join(texts) or NO_PROCESS, self.schema))

        def search(term: Query) -> bool:
            if term.comparison:
                return Lasting(term.text, "row") in running
            return search_hed is not None and search_hed(term)

        return search


def _intervals_where(holds: Sequence[bool], times: Sequence[float]) -> tuple[Interval, ...]:
    """Return the intervals between consecutive times in which a query holds, neighbours joined."""
    ends = [*times[1:], math.inf]
    intervals = []
    for start, stop, held in zip(times, ends, holds, strict=True):
        if held:
            intervals.append(Interval(start, stop))
    return join(intervals)
