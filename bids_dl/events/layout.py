"""All queries of a request in one row, so that each is searched once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bids_dl.events.query import Query, at_event_level
from bids_dl.events.request import LabelQueries, Queries


@dataclass(frozen=True, slots=True)
class Searched:
    """Queries by number, and the numbers that each label needs."""

    queries: tuple[LabelQueries, ...]
    flat: tuple[Query, ...]  # searched in rows; the first are those of the labels
    states: tuple[Query, ...]  # searched in what runs
    until: Mapping[int, int]  # label -> its --until query
    exclude: Mapping[int, tuple[int, ...]]  # label -> its --exclude queries
    around: Mapping[int, int]  # label -> its --around query
    during: Mapping[int, int]  # label -> its --during query, in ``states``
    event_level: Mapping[int, int]  # label -> its query with AND for &&, where that differs

    @property
    def labels(self) -> range:
        return range(len(self.queries))


def lay_out(queries: Queries) -> Searched:
    """Number the queries of a request, labels first, equal ones once."""
    flat = [label.query for label in queries.labels]
    states: list[Query] = []
    asked = list(enumerate(queries.labels))
    return Searched(
        queries=queries.labels,
        until={i: _place(label.until, flat) for i, label in asked if isinstance(label.until, Query)},
        exclude={i: tuple(_place(query, flat) for query in label.exclude) for i, label in asked},
        around={i: _place(label.around, flat) for i, label in asked if label.around},
        event_level={i: _place(other, flat) for i, label in asked if (other := at_event_level(label.query))},
        during={i: _place(label.during, states) for i, label in asked if label.during},
        flat=tuple(flat),
        states=tuple(states),
    )


def _place(query: Query, row: list[Query]) -> int:
    """Number of a query in a row, to which it is added if need be."""
    for place, other in enumerate(row):
        if other.text == query.text:
            return place
    row.append(query)
    return len(row) - 1
