"""Intervals in which a state holds.

A state query is searched in all processes that run at a time, taken together. hedtools offers
the same view at rows only, as the Event-context of `HedTagManager`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from hed import HedString

from bids_dl.selection.interval import Interval, join
from bids_dl.selection.matching import Matches, tree_search
from bids_dl.selection.queries.query import Query

NO_PROCESS = "(nothing)"  # a tag of no schema: hedtools finds no @Tag in a string without a group


@dataclass(slots=True)
class StateSearcher:
    """Searches state queries with one schema. Keeps the result of every set of processes."""

    schema: Any  # hed.HedSchema or HedSchemaGroup
    queries: tuple[Query, ...]
    _by_processes: dict[frozenset[str], Matches] = field(init=False, default_factory=dict)

    def find_intervals(
        self, processes: Iterable[tuple[str, Interval]]
    ) -> list[tuple[Interval, ...]]:
        """Find the intervals in which each query holds, in order of time.

        Parameters
        ----------
        processes
            HED of each process without its timing tags, and its interval. The time before the
            first process counts as well: a query such as ``@Tag`` holds there.
        """
        changes: dict[float, list[tuple[str, int]]] = {-math.inf: []}
        for hed, (start, stop) in processes:
            if stop > start:
                changes.setdefault(start, []).append((hed, 1))
                changes.setdefault(stop, []).append((hed, -1))
        times = sorted(time for time in changes if time < math.inf)
        running: Counter[str] = Counter()
        matches = []
        for time in times:
            for hed, change in changes[time]:
                running[hed] += change
            matches.append(self._search(frozenset(+running)))
        return [_intervals_where(holds, times) for holds in zip(*matches, strict=True)]

    def _search(self, running: frozenset[str]) -> Matches:
        """Search all queries in the processes that run together."""
        if running not in self._by_processes:
            hed = ", ".join(sorted(running)) or NO_PROCESS
            search = tree_search(HedString(hed, self.schema))
            self._by_processes[running] = tuple(query.matches(search) for query in self.queries)
        return self._by_processes[running]


def _intervals_where(holds: Sequence[bool], times: Sequence[float]) -> tuple[Interval, ...]:
    """Return the intervals between consecutive times in which a query holds, neighbours joined."""
    ends = [*times[1:], math.inf]
    intervals = []
    for start, stop, held in zip(times, ends, holds, strict=True):
        if held:
            intervals.append(Interval(start, stop))
    return join(intervals)
