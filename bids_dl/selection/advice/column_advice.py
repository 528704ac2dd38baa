"""Advice on comparisons: columns and values that no recording has, and what to write instead."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from bids_dl.config.selecting.comparisons import MISSING_CELLS, ColumnValue, Comparison
from bids_dl.datamodel import EventRows
from bids_dl.errors import QueryError
from bids_dl.selection.advice.issues import IssueCounter
from bids_dl.selection.queries.query import Query, quote
from bids_dl.selection.queries.request import LabelQueries
from bids_dl.wording import closest, count, join_names

UNLISTED_COLUMNS = ("onset", "duration", "sample", "HED")  # that are rarely classes
MAX_LISTED_VALUES = 4  # of a column in a message


@dataclass(slots=True)
class ColumnAdviser:
    """Looks columns and values up in the tables of one request."""

    tables: Sequence[EventRows]
    description: str  # of the tables, such as "3 recordings of ds"
    _values: dict[str, Counter[str]] = field(init=False, default_factory=dict)
    _columns: dict[str, int] = field(init=False, default_factory=dict)

    def count_values(self, column: str) -> Counter[str]:
        """Count the rows with each value of a column, without those that have none."""
        if column not in self._values:
            counts: Counter[str] = Counter()
            for table in self.tables:
                for cell, number in Counter(table.columns.get(column, ())).items():
                    if cell.strip() not in MISSING_CELLS:
                        counts[cell.strip()] += number
            self._values[column] = counts
        return self._values[column]

    def columns(self) -> dict[str, int]:
        """Return the number of tables that have each column, in order of appearance."""
        if not self._columns:
            counts: Counter[str] = Counter()
            for table in self.tables:
                counts.update(filter(None, table.columns))
            self._columns = dict(counts)
        return self._columns

    def list_columns(self) -> str:
        """List the columns that may hold classes."""
        names = [name for name in self.columns() if name not in UNLISTED_COLUMNS]
        return join_names(names or self.columns())

    def check_column(self, shown: str, column: str, issues: IssueCounter) -> None:
        """Check that tables have a column. Those that lack it are counted in a warning.

        Parameters
        ----------
        shown
            Option and query, for messages.

        Raises
        ------
        QueryError
            If no table has the column; the message lists the columns.
        """
        n_tables = self.columns().get(column, 0)
        if n_tables == len(self.tables):
            return
        if n_tables:
            n_without = len(self.tables) - n_tables
            issues.warn(
                f"no column {column} in {n_without} of {count(len(self.tables), 'recording')}; "
                "their rows count as n/a"
            )
            return
        match = closest(column, self.columns())
        hint = f"; did you mean {match!r}?" if match else ""
        raise QueryError(
            f"{shown}: no events.tsv in {self.description} has the column {column}{hint}\n"
            f"  Columns:  {self.list_columns()}"
        )

    def check(
        self, option: str, query: Query, comparison: Comparison, issues: IssueCounter
    ) -> None:
        """Check the column of a comparison and each of its values.

        A value that no row has is accepted if the sidecar declares it among the Levels.

        Raises
        ------
        QueryError
            If a column or value is unknown; the message suggests others.
        """
        shown = f"{option}{quote(query.text)}"
        self.check_column(shown, comparison.column, issues)
        counts = self.count_values(comparison.column)
        known = dict.fromkeys([*counts, *self._levels(comparison.column)])
        for value in comparison.values:
            single = Comparison(comparison.column, (value,))
            if value.is_missing or any(map(single.matches, known)):
                continue
            lines = self._suggest_value(option, query, comparison, value)
            raise QueryError(
                "\n  ".join(
                    [
                        f"{shown}: no row has {value} in the column {comparison.column}, "
                        f"in {self.description}.",
                        *lines,
                    ]
                )
            )

    def explain_value(self, word: str) -> str:
        """Explain in a sentence that a word is a value of a column, or return ""."""
        found = self.find_value(word)
        if not found:
            return ""
        parts = []
        for column, value in list(found.items())[:2]:
            n_rows = self.count_values(column)[value]
            parts.append(f"{value} is a value of the column {column} ({count(n_rows, 'row')})")
        return " and ".join(parts)

    def suggest_comparison(self, word: str, option: str = "--event ") -> str:
        """Return an option that selects the rows with a word as a value of a column, or ""."""
        for column, value in self.find_value(word).items():
            return f"{option}{quote(str(Comparison(column, (ColumnValue(value),))))}"
        return ""

    def find_value(self, word: str) -> dict[str, str]:
        """Return the columns that have a word as a value, and the value as written in each.

        Case is ignored if no value is equal.
        """
        exact = {}
        similar = {}
        for column in self.columns():
            if column in UNLISTED_COLUMNS:
                continue
            for value in self.count_values(column):
                if value == word:
                    exact[column] = value
                elif value.casefold() == word.casefold():
                    similar[column] = value
        return exact or similar

    def with_counts(self, column: str, values: Iterable[str]) -> str:
        """Join values for a message, each with its number of rows."""
        counts = self.count_values(column)
        return "   ".join(f"{value} ({count(counts[value], 'row')})" for value in values)

    def _levels(self, column: str) -> list[str]:
        """Return the Levels that sidecars declare for a column."""
        levels: dict[str, None] = {}
        for table in self.tables:
            entry = table.sidecar.get(column)
            declared = entry.get("Levels") if isinstance(entry, Mapping) else None
            if isinstance(declared, Mapping):
                levels.update(dict.fromkeys(map(str, declared)))
        return list(levels)

    def _suggest_value(
        self, option: str, query: Query, comparison: Comparison, value: ColumnValue
    ) -> list[str]:
        """Return lines with similar or frequent values, and the query with a similar one."""
        column = comparison.column
        counts = self.count_values(column)
        match = closest(value.text, counts)
        lines = []
        if match:
            lines.append(f"Similar values:  {self.with_counts(column, [match])}")
        else:
            frequent = [name for name, _ in counts.most_common(MAX_LISTED_VALUES)]
            n_more = len(counts) - len(frequent)
            more = f" and {n_more} more" if n_more else ""
            listed = self.with_counts(column, frequent) + more if frequent else "none"
            lines.append(f"Most frequent values:  {listed}")
        if option.startswith("--exclude"):
            lines.append("If there is nothing to exclude, leave out --exclude.")
        elif match:
            values = [
                ColumnValue(match) if other is value else other for other in comparison.values
            ]
            corrected = str(Comparison(column, tuple(values)))
            text = query.text.replace(str(comparison), corrected)
            lines.append(f"Try:  {option}{quote(text)}")
        return lines


def describe_selectable(adviser: ColumnAdviser, labels: Iterable[LabelQueries]) -> str:
    """Suggest to select rows by their columns, with a value that a query names or all columns.

    Examples
    --------
    >>> table = EventRows("ds/a", {"onset": ("1",), "trial_type": ("go",)}, {})
    >>> describe_selectable(ColumnAdviser([table], "1 recording of ds"), ())
    'Select rows by a column instead:  --event COLUMN==VALUE; columns: trial_type'
    """
    for label in labels:
        for _, query in label.with_options(""):
            for term in query.terms():
                if explained := adviser.explain_value(term.text):
                    return f"{explained}:  {adviser.suggest_comparison(term.text)}"
    return (
        "Select rows by a column instead:  --event COLUMN==VALUE; "
        f"columns: {adviser.list_columns()}"
    )
