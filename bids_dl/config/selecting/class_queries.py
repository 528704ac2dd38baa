"""Parsing of the queries of classes, by HED or by the columns of events.tsv, and their labels."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bids_dl.config.options import QueryOptions
from bids_dl.config.selecting.comparisons import (
    EVENT_OPERATOR,
    MISSING_CELLS,
    QUOTED,
    ColumnValue,
    Comparison,
    is_comparison,
    parse_comparison,
    split_at_operators,
    values_label,
)
from bids_dl.config.values import as_texts
from bids_dl.errors import ConfigError, QueryError

QUERY_OPTIONS = tuple(QueryOptions.__annotations__)
LABELLED = re.compile(r"([^=]*)=(?!=)(.*)", re.DOTALL)  # not COLUMN==VALUE
QUOTED_COLUMN = re.compile(rf"\s*{QUOTED}\s*==")  # whose name may have a =


@dataclass(frozen=True, slots=True)
class EachValue:
    """A column of which each value is a class."""

    column: str

    @property
    def query(self) -> str:
        """A query of all rows with any value."""
        return str(Comparison(self.column, (ColumnValue("*", is_pattern=True),)))


def parse_class_queries(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the query of each label: those of `hed`, then those of `event`, as given.

    Parameters
    ----------
    options
        Options by name; those that are not queries are ignored.

    Returns
    -------
    dict
        Label -> query, as text or a mapping. A column that stands for its values is an `EachValue`
        under its own name.

    Raises
    ------
    ConfigError
        There is no query, a label occurs twice or is no text, or a value of `event` compares
        nothing.

    Examples
    --------
    >>> parse_class_queries({"hed": "Red", "event": "go=trial_type==go"})
    {'Red': 'Red', 'go': 'trial_type==go'}
    """
    if not options.get("hed") and not options.get("event"):
        raise ConfigError(
            "no query given; give one with --hed QUERY or --hed LABEL=QUERY, "
            'such as --hed "Eyes-closed", or without HED with --event COLUMN==VALUE, '
            "such as --event trial_type==go, or take whole recordings with --whole"
        )
    queries: dict[str, Any] = {}
    for option in QUERY_OPTIONS:
        for label, query in _labelled_queries(option, options.get(option)):
            if label in MISSING_CELLS:
                raise ConfigError(f"--{option} {query}: the label {label!r} stands for no label")
            if label in queries:
                raise ConfigError(
                    f"--{option} {query}: two queries have the label {label!r}; "
                    "give them different labels with LABEL=QUERY"
                )
            queries[label] = query
    return queries


def unexpanded_columns(options: Mapping[str, Any]) -> list[str]:
    """List the columns that stand for their values.

    Parameters
    ----------
    options
        Result of `columns_to_expand`.

    Examples
    --------
    >>> unexpanded_columns({"event": ["trial_type", "a=reply==yes"]})
    ['trial_type']
    """
    queries = parse_class_queries(options).values()
    return [query.column for query in queries if isinstance(query, EachValue)]


def query_label(query: str) -> str:
    """Return the label of a query without one: the query, with ``_`` for other characters.

    The label of a comparison is its value, or its values joined by ``_``; for ``*`` the column.

    Examples
    --------
    >>> query_label("Label/now-* && Red"), query_label("trial_type==go,stop")
    ('Label_now-_____Red', 'go_stop')
    """
    if is_comparison(query) and len(split_at_operators(query)) == 1:
        try:
            comparison = parse_comparison(query)
        except QueryError:  # which is raised with its option when the query is compiled
            return values_label([query])
        label = values_label(value.text for value in comparison.values)
        return label if label.strip("_") else values_label([comparison.column])
    return re.sub(r"[^A-Za-z0-9_-]", "_", query)


def query_option(query: Any) -> str:
    """Return the option that takes a query: ``--event`` if it consists of comparisons.

    Examples
    --------
    >>> query_option("NOT trial_type==go"), query_option("Red AND trial_type==go")
    ('--event', '--hed')
    """
    if not isinstance(query, str):
        return "--hed"
    for piece in split_at_operators(query):
        if piece and not EVENT_OPERATOR.fullmatch(piece) and not is_comparison(piece):
            return "--hed"
    return "--event" if is_comparison(query) else "--hed"


def split_label(text: str) -> tuple[str | None, str]:
    """Split ``LABEL=VALUE``. The label is None if there is no single ``=``.

    Quotes protect a ``=`` in the name of a column: ``"a=b"==VALUE``.

    Examples
    --------
    >>> split_label("go=trial_type==go"), split_label("trial_type==go")
    (('go', 'trial_type==go'), (None, 'trial_type==go'))
    """
    match = None if QUOTED_COLUMN.match(text) else LABELLED.fullmatch(text)
    return (match[1], match[2]) if match else (None, text)


def _labelled_queries(option: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Yield label and query for each value of --hed or --event."""
    if isinstance(value, Mapping):
        for label, query in value.items():
            if isinstance(label, bool | float | None) or not str(label).strip():
                raise ConfigError(
                    f"--{option} {label!r}: a label must be text; quote it in YAML, where yes, no "
                    "and null are not text"
                )
            if option == "event" and isinstance(query, str):
                _check_comparison(f"{label}={query}", query)
            yield str(label).strip(), query
        return
    for text in as_texts(value) or ():
        label, query = split_label(text)
        if label is not None and not label.strip():
            example = "eyes_closed=Eyes-closed" if option == "hed" else "go=trial_type==go"
            raise ConfigError(
                f"--{option} {text}: expected a label before the =, such as {example}"
            )
        if option == "event" and label is None and not is_comparison(text):
            yield text.strip(), EachValue(text.strip())
            continue
        if option == "event":
            _check_comparison(text, query)
        yield query_label(text) if label is None else label.strip(), query


def _check_comparison(text: str, query: str) -> None:
    """Refuse LABEL=QUERY of --event if the query compares nothing."""
    if not is_comparison(query):
        column, _, value = map(str.strip, text.partition("="))
        written = f"{column}=={value}"
        if column.endswith("!"):
            written = f"NOT {column[:-1].strip()}=={value}"
        raise ConfigError(
            f"--event {text}: expected COLUMN, COLUMN==VALUE or LABEL=COLUMN==VALUE; "
            f'write two = before a value, as in "{written}"'
        )
