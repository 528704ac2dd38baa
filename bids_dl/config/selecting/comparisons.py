"""Comparisons of a column of events.tsv with values: ``COLUMN==VALUE[,VALUE]``.

A comparison stands wherever a HED query stands, and needs no HED. Operators between queries, AND,
OR and NOT, are split off here because a value in double quotes may contain their names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from bids_dl.errors import QueryError

EVENT_OPERATOR = re.compile(r"(?<!\S)(AND|OR|NOT)(?!\S)")
"""An operator between whole queries. hedtools rejects adjacent words, so none is ambiguous."""

SIGN = "=="  # between column and values
MISSING_CELLS = ("", "n/a")  # in events.tsv
QUOTED = r'"(?:[^"]|"")*"'
QUOTED_VALUE = re.compile(rf"(?:==|,)\s*({QUOTED})")
VALUE = re.compile(rf"\s*(?:({QUOTED})|([^,]*?))\s*(,|$)")
NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
HED_OPERATORS = ("&&", "||")
HED_BRACKETS = ("(", "[", "{", "~", "@")  # at the start of what precedes ==


@dataclass(frozen=True, slots=True)
class ColumnValue:
    """A value that a cell may have."""

    text: str  # without quotes
    is_pattern: bool = False  # * stands for any characters

    def __str__(self) -> str:
        if self.is_pattern:
            return self.text
        is_special = any(sign in self.text for sign in (",", "*", SIGN, *HED_OPERATORS))
        is_plain = self.text == self.text.strip() != "" and not self.text.startswith('"')
        if is_plain and not is_special and not EVENT_OPERATOR.search(self.text):
            return self.text
        return _quote(self.text)

    @property
    def is_missing(self) -> bool:
        """True for ``n/a``, which matches the cells that have no value."""
        return self.text in MISSING_CELLS

    def matches(self, text: str, number: Decimal | None) -> bool:
        """Return whether a cell matches, which is given as text and as a number if it is one."""
        if self.is_pattern:
            pattern = ".*".join(map(re.escape, self.text.split("*")))
            return bool(re.fullmatch(pattern, text, re.DOTALL))
        return text == self.text or (number is not None and number == exact_number(self.text))


@dataclass(frozen=True, slots=True)
class Comparison:
    """A column of events.tsv, and the values of which its cell must have one."""

    column: str
    values: tuple[ColumnValue, ...]

    def __str__(self) -> str:
        is_plain = not self.column.startswith(('"', *HED_BRACKETS))
        column = self.column if is_plain else _quote(self.column)
        return f"{column}{SIGN}{','.join(map(str, self.values))}"

    def matches(self, cell: str) -> bool:
        """Return whether a cell has one of the values.

        The text must be equal, or denote the same number. An empty cell counts as n/a, which only
        the value ``n/a`` matches.

        Examples
        --------
        >>> comparison = parse_comparison("trial_type==go*,1")
        >>> [comparison.matches(cell) for cell in ("go left", "1.0", "Go", "n/a")]
        [True, True, False, False]
        """
        text = cell.strip()
        if text in MISSING_CELLS:
            return any(value.is_missing for value in self.values)
        number = exact_number(text)
        return any(value.matches(text, number) for value in self.values)


def is_comparison(text: str) -> bool:
    """Return whether a query compares a column, possibly beside others.

    Examples
    --------
    >>> is_comparison("NOT trial_type==go"), is_comparison("Red")
    (True, False)
    """
    return SIGN in text


def split_at_operators(text: str) -> list[str]:
    """Split a query at AND, OR and NOT outside quoted values. The operators are kept.

    Examples
    --------
    >>> split_at_operators('Red AND reply=="yes AND no"')
    ['Red', 'AND', 'reply=="yes AND no"']
    """
    protected = []
    if SIGN in text:
        protected = [match.span(1) for match in QUOTED_VALUE.finditer(text)]
    pieces = []
    start = 0
    for match in EVENT_OPERATOR.finditer(text):
        if any(first < match.start() < last for first, last in protected):
            continue
        pieces += [text[start : match.start()], match.group()]
        start = match.end()
    pieces.append(text[start:])
    return list(map(str.strip, pieces))


def parse_comparison(text: str, prefix: str = "") -> Comparison:
    """Parse ``COLUMN==VALUE[,VALUE]``.

    Double quotes protect a comma, an operator or a ``*`` in a value; a quote in it is doubled.

    Parameters
    ----------
    text
        A single comparison.
    prefix
        Option and query as shown in messages; "" shows the text.

    Raises
    ------
    QueryError
        The column or a value is missing, or something else than AND, OR or NOT joins comparisons.

    Examples
    --------
    >>> str(parse_comparison('reply == yes , "a, b"'))
    'reply==yes,"a, b"'
    """
    prefix = prefix or text
    column, _, rest = map(str.strip, text.partition(SIGN))
    if re.fullmatch(QUOTED, column):
        column = _unquote(column)
    elif column.startswith(HED_BRACKETS) or any(sign in column for sign in HED_OPERATORS):
        raise QueryError(
            f"{prefix}: COLUMN==VALUE is a whole query; join it with AND, OR, NOT, "
            "or nest all, any and none in YAML"
        )
    if not column:
        raise QueryError(f"{prefix}: a column is missing before ==, as in trial_type==go")
    values = []
    position = 0
    separator = ","
    while separator:
        match = VALUE.match(rest, position)
        if match is None:
            raise QueryError(f"{prefix}: quotes must enclose a whole value")
        values.append(_parse_value(match, prefix))
        separator = match[3]
        position = match.end()
    return Comparison(column, tuple(values))


def _parse_value(match: re.Match[str], prefix: str) -> ColumnValue:
    if match[1] is not None:
        return ColumnValue(_unquote(match[1]))
    text = match[2].strip()
    if not text:
        raise QueryError(
            f"{prefix}: a value is missing after == or a comma; write n/a for an empty cell"
        )
    if text.startswith('"'):
        raise QueryError(f"{prefix}: quotes must enclose a whole value, and be doubled inside it")
    for sign in (SIGN, *HED_OPERATORS):
        if sign in text:
            raise QueryError(
                f"{prefix}: {sign} in a value; join queries with AND, OR, NOT in capitals, "
                "or put the value in double quotes"
            )
    return ColumnValue(text, is_pattern="*" in text)


def _quote(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _unquote(text: str) -> str:
    return text[1:-1].replace('""', '"')


def exact_number(text: str) -> Decimal | None:
    """Return the number that a cell denotes, exactly, or None.

    Examples
    --------
    >>> exact_number("1.0") == exact_number("01"), exact_number("1_0")
    (True, None)
    """
    return Decimal(text) if NUMBER.fullmatch(text) else None


def values_label(values: Iterable[str]) -> str:
    """Return the label of the rows with some values, with ``_`` for other characters.

    Letters of any alphabet are kept.

    Examples
    --------
    >>> values_label(["go left", "stop"])
    'go_left_stop'
    """
    return "_".join(re.sub(r"[^\w-]", "_", value) for value in values)
