"""All queries of a request, read before any data is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from bids_dl.config.stages import EventsConfig, LabelConfig
from bids_dl.errors import QueryError
from bids_dl.selection.queries.aliases import Aliases, read_aliases
from bids_dl.selection.queries.grammar import Query, at_event_level, quoted


@dataclass(frozen=True, slots=True)
class LabelQueries:
    """What one label asks for."""

    query: Query
    until: Query | float | Literal["next"] | None
    exclude: tuple[Query, ...]
    during: Query | None
    around: Query | None

    def named(self, shown: str) -> list[tuple[str, Query]]:
        """Each query and the option it was given with; ``shown`` is that of the label's own."""
        until = [("--until ", self.until)] if isinstance(self.until, Query) else []
        others = [("--during ", self.during), ("--around ", self.around)]
        excluded = [("--exclude ", query) for query in self.exclude]
        return [
            (shown, self.query),
            *until,
            *excluded,
            *((option, query) for option, query in others if query),
        ]


@dataclass(frozen=True, slots=True)
class Queries:
    """All that one request asks for."""

    labels: tuple[LabelQueries, ...]
    aliases: tuple[str, ...]  # what each alias stands for, a line each


def parse(config: EventsConfig) -> Queries:
    """Read every query of a request, in the order of its labels.

    Raises
    ------
    QueryError
        If hedtools cannot parse one, or would read it otherwise than written.
    """
    aliases = read_aliases(config.aliases)
    labels = tuple(_read(label, aliases) for label in config.labels)
    return Queries(labels, tuple(aliases.lines()))


def _read(label: LabelConfig, aliases: Aliases) -> LabelQueries:
    return LabelQueries(
        aliases.compile(label.query),
        _until(label, aliases),
        tuple(aliases.compile(query, "--exclude") for query in label.exclude),
        None if label.during is None else _state(aliases.compile(label.during, "--during")),
        None if label.around is None else aliases.compile(label.around[0], "--around"),
    )


def _until(label: LabelConfig, aliases: Aliases) -> Query | float | Literal["next"] | None:
    if not isinstance(label.until, str):
        return label.until
    if label.until.strip() == "next":
        return "next"
    try:
        span = float(label.until)
    except ValueError:
        return aliases.compile(label.until, "--until")
    if not 0 < span < math.inf:
        raise QueryError(f"--until {label.until}: wanted next, a query, or seconds above 0")
    return span


def _state(query: Query) -> Query:
    if any("~" in term.text for term in query.terms()):
        raise QueryError(
            f"--during {quoted(query.text)}: ~ means nothing of a state; write @Tag, or NOT before a whole query"
        )
    return query


@dataclass(frozen=True, slots=True)
class QueryIndex:
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


def number_queries(queries: Queries) -> QueryIndex:
    """Number the queries of a request, labels first, equal ones once."""
    flat = [label.query for label in queries.labels]
    states: list[Query] = []
    asked = list(enumerate(queries.labels))
    return QueryIndex(
        queries=queries.labels,
        until={
            i: _place(label.until, flat) for i, label in asked if isinstance(label.until, Query)
        },
        exclude={i: tuple(_place(query, flat) for query in label.exclude) for i, label in asked},
        around={i: _place(label.around, flat) for i, label in asked if label.around},
        event_level={
            i: _place(other, flat) for i, label in asked if (other := at_event_level(label.query))
        },
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
