"""When a state holds: the stretches in which the processes that run, taken together, match a query."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from hed import HedString

from bids_dl.selection.matching import searcher
from bids_dl.selection.queries.grammar import Query

NOTHING = "(nothing)"  # no tag of any schema: hedtools finds not even what is nowhere in a string without a group
Interval = tuple[float, float]
"""From (included), to (excluded), in s; to ``math.inf`` where nothing ends it."""


@dataclass(slots=True)
class StateSearcher:
    """Some state queries and one schema; remembers every set of processes it has seen."""

    schema: Any
    queries: tuple[Query, ...]
    _seen: dict[frozenset[str], tuple[bool, ...]] = field(init=False, default_factory=dict)

    def stretches(
        self, processes: Iterable[tuple[str, float, float]]
    ) -> list[tuple[Interval, ...]]:
        """When each query holds, in order of time.

        Parameters
        ----------
        processes
            HED of each process without what times it, its onset and its end in s.
        """
        changes: dict[float, list[tuple[str, int]]] = {-math.inf: []}
        for text, onset, end in processes:
            if end > onset:
                changes.setdefault(onset, []).append((text, 1))
                changes.setdefault(end, []).append((text, -1))
        times = sorted(time for time in changes if time < math.inf)
        running: Counter[str] = Counter()
        hits = []
        for time in times:
            for text, change in changes[time]:
                running[text] += change
            hits.append(self._hits(frozenset(text for text, count in running.items() if count > 0)))
        return [_joined(times, [hit[i] for hit in hits]) for i in range(len(self.queries))]

    def _hits(self, running: frozenset[str]) -> tuple[bool, ...]:
        if running not in self._seen:
            hit = searcher(HedString(", ".join(sorted(running)) or NOTHING, self.schema))
            self._seen[running] = tuple(query.holds(hit) for query in self.queries)
        return self._seen[running]


def _joined(times: Sequence[float], holds: Sequence[bool]) -> tuple[Interval, ...]:
    """The stretches between some times in which something holds, neighbours joined."""
    found: list[Interval] = []
    for start, end, held in zip(times, [*times[1:], math.inf], holds, strict=True):
        if held and found and found[-1][1] == start:
            found[-1] = found[-1][0], end
        elif held:
            found.append((start, end))
    return tuple(found)
