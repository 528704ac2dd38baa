"""The queries of a request, compiled and numbered before any data are read.

Queries of rows are searched with `hed.QueryHandler` in the HED string of each row, and their
comparisons in its cells; queries of states in the processes and rows that last at a time. Equal
queries share a number and are searched once.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from bids_dl.config.selecting.class_queries import query_option
from bids_dl.config.stages import WHOLE_QUERY, EventsConfig, LabelConfig
from bids_dl.errors import QueryError
from bids_dl.selection.queries.aliases import Aliases, read_aliases
from bids_dl.selection.queries.grammar import at_event_level
from bids_dl.selection.queries.query import Query, quote

Until = Query | float | Literal["next"] | None
"""End of blocks: at the next match of a query, after seconds, or at the next match of any label."""


@dataclass(frozen=True, slots=True)
class LabelQueries:
    """Compiled queries of one label."""

    query: Query
    until: Until
    exclude: tuple[Query, ...]
    during: Query | None
    around: Query | None

    def with_options(self, label_option: str) -> Iterator[tuple[str, Query]]:
        """Yield each query after the option it was given with.

        Parameters
        ----------
        label_option
            Option of the label's own query, such as ``"--hed red="``.
        """
        yield label_option, self.query
        if isinstance(self.until, Query):
            yield "--until ", self.until
        for query in self.exclude:
            yield "--exclude ", query
        if self.during:
            yield "--during ", self.during
        if self.around:
            yield "--around ", self.around


@dataclass(frozen=True, slots=True)
class QueryIndex:
    """Queries of a request by number. Labels are numbered too, in the order of the request."""

    labels: tuple[LabelQueries, ...]
    row_queries: tuple[Query, ...]  # searched in rows; first those of the labels, unless whole
    state_queries: tuple[Query, ...]  # searched in what lasts at a time
    until: Mapping[int, int]  # label -> its --until query
    exclude: Mapping[int, tuple[int, ...]]  # label -> its --exclude queries
    around: Mapping[int, int]  # label -> its --around query
    during: Mapping[int, int]  # label -> its --during query, in `state_queries`
    event_level: Mapping[int, int]  # label -> its query with AND for &&, if that differs
    aliases: tuple[str, ...]  # one line for each alias

    @property
    def needs_hed(self) -> bool:
        """True if any query contains HED."""
        return any(query.needs_hed for query in (*self.row_queries, *self.state_queries))

    @property
    def has_comparisons(self) -> bool:
        """True if any query compares a column of events.tsv."""
        queries = (*self.row_queries, *self.state_queries)
        return any(any(query.comparisons()) for query in queries)


def parse_queries(config: EventsConfig) -> QueryIndex:
    """Compile and number every query of a request.

    Parameters
    ----------
    config
        Queries and options of the labels.

    Returns
    -------
    QueryIndex
        The queries of each label, in the order of ``config.labels``, and their numbers.

    Raises
    ------
    QueryError
        If hedtools cannot parse a query or would misread it, or a comparison is malformed.

    Examples
    --------
    >>> from bids_dl.config.stages import LabelConfig
    >>> red = LabelConfig("red", "Red", until="Press")
    >>> [query.text for query in parse_queries(EventsConfig(labels=(red,))).row_queries]
    ['Red', 'Press']
    """
    aliases = read_aliases(config.aliases)
    labels = tuple(_compile_label(label, aliases, config.whole) for label in config.labels)
    row_queries = [] if config.whole else [label.query for label in labels]
    state_queries: list[Query] = []
    until: dict[int, int] = {}
    exclude: dict[int, tuple[int, ...]] = {}
    around: dict[int, int] = {}
    during: dict[int, int] = {}
    event_level: dict[int, int] = {}
    for number, label in enumerate(labels):
        if isinstance(label.until, Query):
            until[number] = _number_of(label.until, row_queries)
        exclude[number] = tuple(_number_of(query, row_queries) for query in label.exclude)
        if label.around:
            around[number] = _number_of(label.around, row_queries)
        if label.during:
            during[number] = _number_of(label.during, state_queries)
        if conjunction := at_event_level(label.query):
            event_level[number] = _number_of(conjunction, row_queries)
    return QueryIndex(
        labels=labels,
        row_queries=tuple(row_queries),
        state_queries=tuple(state_queries),
        until=until,
        exclude=exclude,
        around=around,
        during=during,
        event_level=event_level,
        aliases=tuple(aliases.describe()),
    )


def _compile_label(label: LabelConfig, aliases: Aliases, is_whole: bool) -> LabelQueries:
    if is_whole:
        query = Query("any", WHOLE_QUERY)  # of nothing: no row matches
    else:
        query = aliases.compile(label.query, query_option(label.query))
    until = _compile_until(label, aliases)
    exclude = tuple(aliases.compile(excluded, "--exclude") for excluded in label.exclude)
    during = None
    if label.during is not None:
        during = _check_state(aliases.compile(label.during, "--during"))
    around = None
    if label.around is not None:
        around = aliases.compile(label.around[0], "--around")
    return LabelQueries(query, until, exclude, during, around)


def _compile_until(label: LabelConfig, aliases: Aliases) -> Until:
    if not isinstance(label.until, str):
        return label.until
    if label.until.strip() == "next":
        return "next"
    try:
        seconds = float(label.until)
    except ValueError:
        return aliases.compile(label.until, "--until")
    if not 0 < seconds < math.inf:
        raise QueryError(f"--until {label.until}: give next, a query, or seconds above 0")
    return seconds


def _check_state(query: Query) -> Query:
    """Raise an error if a state query contains ``~``, which asks for a group without a tag."""
    if any("~" in term.text for term in query.terms()):
        raise QueryError(
            f"--during {quote(query.text)}: ~ has no meaning for a state; "
            "write @Tag, or NOT before a whole query"
        )
    return query


def _number_of(query: Query, queries: list[Query]) -> int:
    """Return the number of a query in a list, to which it is appended if its text is new."""
    for number, other in enumerate(queries):
        if other.text == query.text:
            return number
    queries.append(query)
    return len(queries) - 1
