"""Classes of a column: one label for each of its values.

``--event trial_type`` becomes one query for each value found, before anything is selected, so that
the plan and the store record the classes and not the data that they were found in.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from decimal import Decimal

from bids_dl.config.selecting.class_queries import unexpanded_columns
from bids_dl.config.selecting.comparisons import (
    MISSING_CELLS,
    ColumnValue,
    Comparison,
    exact_number,
    values_label,
)
from bids_dl.config.selecting.labels import expand_labels
from bids_dl.config.stages import EventsConfig
from bids_dl.datamodel import BOUNDARY_NAMES, EventRows
from bids_dl.errors import ConfigError
from bids_dl.selection.advice.column_advice import MAX_LISTED_VALUES, ColumnAdviser
from bids_dl.selection.advice.issues import IssueCounter
from bids_dl.selection.queries.aliases import read_aliases
from bids_dl.selection.queries.query import Query
from bids_dl.selection.search.timelines import parse_number
from bids_dl.wording import count, join_names

MAX_CLASSES = 100  # of a column: more are numbers or names of files, not classes
WHOLE_NUMBER = re.compile(r"([+-]?[0-9]+)\.0*")

ClassKey = Decimal | str
"""The number that cells denote, or their text."""


def expand_columns(
    tables: Sequence[EventRows], config: EventsConfig
) -> tuple[EventsConfig, tuple[str, ...]]:
    """Replace each column that stands for its values by one label for each value.

    Values are sorted: numbers first, by size. Cells that denote the same number are one class.
    Rows without a numeric onset, without a value, named boundary, or that comparisons of --exclude
    match are not counted.

    Parameters
    ----------
    tables
        Rows of each recording.
    config
        Queries and options of the labels.

    Returns
    -------
    config : EventsConfig
        With all labels. The same object if no column stands alone.
    notes : tuple of str
        One line for each column of which values are left out.

    Raises
    ------
    QueryError
        No table has the column.
    ConfigError
        A column has no value or too many, a label occurs twice, or an option names a label that
        does not exist.

    Examples
    --------
    >>> from bids_dl.config.parsing import parse_events
    >>> table = EventRows("ds/a", {"onset": ("1", "2"), "trial_type": ("stop", "go")}, {})
    >>> config, _ = expand_columns([table], parse_events({"event": "trial_type"}))
    >>> [(label.label, label.query) for label in config.labels]
    [('go', 'trial_type==go'), ('stop', 'trial_type==stop')]
    """
    if not config.unexpanded:
        return config, ()
    datasets = dict.fromkeys(table.recording.partition("/")[0] for table in tables)
    description = f"{count(len(tables), 'recording')} of {join_names(datasets)}"
    adviser = ColumnAdviser(tables, description)
    classes = {}
    notes = IssueCounter()
    for column in unexpanded_columns(config.unexpanded):
        adviser.check_column(f"--event {column}", column, IssueCounter())
        counts = _count_values(tables, column, _exclusions(config, column))
        values = _distinct_values(counts)
        if not values:
            raise ConfigError(f"--event {column}: {_explain_nothing(tables, column, description)}")
        _check_number(column, values, counts)
        if not BOUNDARY_NAMES.isdisjoint(map(str.casefold, values)):
            values = [value for value in values if value.casefold() not in BOUNDARY_NAMES]
            notes.warn(f"--event {column}: rows named boundary are no class: they mark cuts")
        classes[column] = _name_classes(column, values)
    labels = expand_labels(config.unexpanded, classes)
    return replace(config, labels=labels, unexpanded={}), notes.lines()


def _exclusions(config: EventsConfig, column: str) -> list[Query]:
    """Return the queries of --exclude for a column that only compare cells."""
    aliases = read_aliases(config.aliases)
    queries = []
    for label in config.labels:
        if label.label == column:
            queries += [aliases.compile(query, "--exclude") for query in label.exclude]
    return [query for query in queries if not query.needs_hed]


def _count_values(
    tables: Sequence[EventRows], column: str, exclusions: Sequence[Query]
) -> Counter[str]:
    """Count the rows with each value, of those that can be events."""
    counts: Counter[str] = Counter()
    for table in tables:
        onsets = table.columns.get("onset", ())
        for row, cell in enumerate(table.columns.get(column, ())):
            value = cell.strip()
            if value in MISSING_CELLS or row >= len(onsets) or parse_number(onsets[row]) is None:
                continue
            if not any(_matches_row(query, table, row) for query in exclusions):
                counts[value] += 1
    return counts


def _matches_row(query: Query, table: EventRows, row: int) -> bool:
    def search(term: Query) -> bool:
        if term.comparison is None:
            return False
        cells = table.columns.get(term.comparison.column)
        return term.comparison.matches(cells[row] if cells else "n/a")

    return query.matches(search)


def _distinct_values(values: Iterable[str]) -> list[str]:
    """Return one text for each number or text, sorted."""
    by_key: dict[ClassKey, list[str]] = {}
    for value in values:
        number = exact_number(value)
        by_key.setdefault(value if number is None else number, []).append(value)
    texts = []
    for spellings in by_key.values():
        shortest = min(spellings, key=lambda text: (len(text), text))
        whole = WHOLE_NUMBER.fullmatch(shortest)
        texts.append(whole[1] if whole else shortest)
    return sorted(texts, key=_natural_order)


def _natural_order(text: str) -> tuple[int, Decimal, list[int | str], str]:
    """Return a key that sorts numbers first, and digits within texts by their number."""
    number = exact_number(text)
    if number is not None:
        return 0, number, [], text
    parts: list[int | str] = []
    for index, part in enumerate(re.split(r"([0-9]+)", text)):
        parts.append(int(part) if index % 2 else part.casefold())
    return 1, Decimal(0), parts, text


def _explain_nothing(tables: Sequence[EventRows], column: str, description: str) -> str:
    """Explain why no row with a value in a column can be an event."""
    onsets = []
    for table in tables:
        times = table.columns.get("onset", ("",) * len(table))
        for onset, cell in zip(times, table.columns.get(column, ()), strict=False):
            if cell.strip() not in MISSING_CELLS:
                onsets.append(onset)
    if not onsets:
        return f"no row has a value in this column, in {description}"
    if any(parse_number(onset) is not None for onset in onsets):
        return f"--exclude drops all rows with a value in this column, in {description}"
    return (
        f"none of {count(len(onsets), 'row')} with a value in this column has an onset that is a "
        f"number, in {description} (first: {onsets[0]!r})"
    )


def _check_number(column: str, values: Sequence[str], counts: Counter[str]) -> None:
    """Refuse a column with too many values."""
    if len(values) > MAX_CLASSES:
        frequent = join_names([value for value, _ in counts.most_common()], limit=MAX_LISTED_VALUES)
        raise ConfigError(
            f"--event {column}: the column has {len(values)} values, and at most {MAX_CLASSES} can "
            f"be classes ({frequent});\n"
            f"  name those to use: --event LABEL={column}==VALUE[,VALUE], with * for any characters"
        )


def _name_classes(column: str, values: Iterable[str]) -> dict[str, str]:
    """Return label -> query of each value. Equal labels are numbered, but a value has its own."""
    texts = list(values)
    classes: dict[str, str] = {}
    for value in texts:
        for label in _possible_labels(value):
            if label not in classes and (label == value or label not in texts):
                classes[label] = str(Comparison(column, (ColumnValue(value),)))
                break
    return classes


def _possible_labels(value: str) -> Iterator[str]:
    label = values_label([value])
    yield label
    for number in itertools.count(2):
        yield f"{label}_{number}"
