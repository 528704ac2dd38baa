"""Conditions on a column of a table of people, such as ``age=18..30``: parsing and comparison."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from numbers import Real
from typing import Any

from bids_dl.config.selecting.comparisons import ColumnValue, exact_number, parse_comparison
from bids_dl.config.values import as_texts, as_tuple
from bids_dl.errors import ConfigError

CONDITION = re.compile(r"([^=]*)==?(.*)", re.DOTALL)
RANGE = re.compile(r"(.*)\.\.(.*)")
MISSING_CELLS = {"", "n/a"}
EXPECTED = "expected COLUMN=VALUE[,VALUE] or COLUMN=LOW..HIGH, such as sex=F or age=18..30"

Range = tuple[Decimal, Decimal]
"""Lowest and highest number, both included, exactly as written."""


@dataclass(frozen=True, slots=True)
class ColumnCondition:
    """Values and ranges of numbers, of which a cell must meet one.

    Attributes
    ----------
    text
        ``COLUMN=VALUE``, as given.
    column
        Name of the column.
    values
        Values that a cell may have.
    ranges
        Ranges in which the number of a cell may be.
    """

    text: str
    column: str
    values: tuple[ColumnValue, ...]
    ranges: tuple[Range, ...]

    def matches(self, cell: str) -> bool:
        """Return whether a cell meets the condition.

        Numbers are compared as numbers. A cell without a value (n/a) meets no condition.

        Examples
        --------
        >>> age = parse_condition("age=18..30,65")
        >>> [age.matches(cell) for cell in ("18", "30.5", "65.0", "n/a")]
        [True, False, True, False]
        """
        text = cell.strip()
        if text.casefold() in MISSING_CELLS:
            return False
        number = exact_number(text)
        if number is not None and any(low <= number <= high for low, high in self.ranges):
            return True
        return any(value.matches(text, number) for value in self.values)


def parse_condition(text: str) -> ColumnCondition:
    """Parse a condition on a column.

    Parameters
    ----------
    text
        ``COLUMN=VALUE``, or several values with commas, as in `comparisons`. ``LOW..HIGH`` is a
        range that includes both limits, of which one may be absent.

    Raises
    ------
    ConfigError, QueryError
        The text has no column or no value, or a range is not of numbers.

    Examples
    --------
    >>> condition = parse_condition("age=..30")
    >>> condition.column, condition.ranges
    ('age', ((Decimal('-Infinity'), Decimal('30')),))
    """
    match = CONDITION.fullmatch(text)
    if not match or not match[1].strip() or not match[2].strip():
        raise ConfigError(f"--where {text}: {EXPECTED}")
    comparison = parse_comparison(f"{match[1]}=={match[2]}", f"--where {text}")
    values = []
    ranges = []
    for value in comparison.values:
        if limits := RANGE.fullmatch(value.text):
            ranges.append(_parse_range(text, limits[1], limits[2]))
        else:
            values.append(value)
    return ColumnCondition(
        f"{match[1].strip()}={match[2].strip()}", comparison.column, tuple(values), tuple(ranges)
    )


def parse_where(value: Any) -> tuple[str, ...] | None:
    """Return the texts of conditions, from texts or from a mapping of column to value.

    Parameters
    ----------
    value
        A text, a sequence of texts, or a mapping whose values are a value, a list of values, or a
        range (low, high) as a tuple, in which None is no limit.

    Raises
    ------
    ConfigError, QueryError
        A condition cannot be parsed.

    Examples
    --------
    >>> parse_where({"age": (18, None), "sex": ["F", "M"]})
    ('age=18..', 'sex=F,M')
    """
    if isinstance(value, Mapping):
        texts = tuple(_write_condition(column, values) for column, values in value.items())
    else:
        texts = as_texts(value) or ()
    conditions = tuple(parse_condition(text).text for text in texts)
    return conditions or None


def _parse_range(text: str, low: str, high: str) -> Range:
    lowest = exact_number(low.strip()) if low.strip() else Decimal("-Infinity")
    highest = exact_number(high.strip()) if high.strip() else Decimal("Infinity")
    has_limit = low.strip() or high.strip()
    if lowest is None or highest is None or not has_limit:
        raise ConfigError(f"--where {text}: {low}..{high} is no range of numbers, such as 18..30")
    if lowest > highest:
        raise ConfigError(f"--where {text}: the range is empty, because {low} is above {high}")
    return lowest, highest


def _write_condition(column: Any, values: Any) -> str:
    if isinstance(values, tuple) and len(values) == 2:
        low, high = ("" if limit is None else limit for limit in values)
        return f"{column}={low}..{high}"
    texts = []
    for value in as_tuple(values):
        if not isinstance(value, str | Real):
            raise ConfigError(f"where {column}: {value!r} is no value; {EXPECTED}")
        texts.append(str(ColumnValue(str(value), is_pattern="*" in str(value))))
    return f"{column}={','.join(texts)}"
