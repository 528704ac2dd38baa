"""Queries as values: a HED query or a comparison of a column, or several combined for one event.

`hed.QueryHandler` searches a single HED query. The event level is bids_dl's own: in hedtools,
three or more terms joined by ``&&`` match only if they meet in one tag group.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from bids_dl.config.selecting.comparisons import Comparison


@dataclass(frozen=True, slots=True)
class Word:
    """A tag as written in a query."""

    text: str  # case-folded, without @, quotes and *
    kind: Literal["term", "exact", "prefix"]
    written: str  # as in the query, without @
    must_be_absent: bool  # written with @: must not occur anywhere in the event


@dataclass(frozen=True, slots=True)
class Query:
    """A single HED query or comparison, or a combination of queries at the level of events."""

    kind: Literal["hed", "column", "all", "any", "not"]
    text: str
    parts: tuple[Query, ...] = ()  # of a combination
    words: tuple[Word, ...] = ()  # of a single HED query
    handler: Any = field(default=None, compare=False, repr=False)  # hed.QueryHandler
    comparison: Comparison | None = None  # of a column

    def matches(self, search: Callable[[Query], bool]) -> bool:
        """Return whether an event matches.

        Parameters
        ----------
        search
            Function that returns whether the event matches a single HED query or comparison.

        Examples
        --------
        >>> from bids_dl.selection.queries.grammar import compile_query
        >>> compile_query("Red AND NOT Blue").matches(lambda term: term.text == "Red")
        True
        """
        if self.kind in ("hed", "column"):
            return search(self)
        if self.kind == "not":
            return not self.parts[0].matches(search)
        combine = all if self.kind == "all" else any
        return combine(part.matches(search) for part in self.parts)

    def matches_hed(self, search: Callable[[Query], bool]) -> bool:
        """Return whether HED apart from the row matches: a tag group, or what a Delay moves.

        A comparison is about the row. It restricts a HED query joined by AND, but alone, or as an
        alternative, it does not match again.

        Examples
        --------
        >>> from bids_dl.selection.queries.grammar import compile_query
        >>> [
        ...     compile_query(text).matches_hed(lambda term: True)
        ...     for text in ("Red", "code==1", "Red AND code==1", "NOT Red OR code==1")
        ... ]
        [True, False, True, False]
        """
        if any(self.comparisons()):
            if not any(self.positive_terms()):
                return False
            if self.kind == "any":
                return any(part.matches_hed(search) for part in self.parts)
        return self.matches(search)

    def terms(self) -> Iterator[Query]:
        """Yield the single HED queries, in reading order."""
        if self.kind == "hed":
            yield self
        for part in self.parts:
            yield from part.terms()

    def comparisons(self) -> Iterator[Query]:
        """Yield the comparisons of columns, in reading order."""
        if self.kind == "column":
            yield self
        for part in self.parts:
            yield from part.comparisons()

    def positive_terms(self) -> Iterator[Query]:
        """Yield the single HED queries that are not under a NOT, in reading order."""
        for operand in self.positive_operands():
            if operand.kind == "hed":
                yield operand

    def positive_operands(self) -> Iterator[Query]:
        """Yield the HED queries and comparisons that are not under a NOT, in reading order."""
        if self.kind in ("hed", "column"):
            yield self
        elif self.kind != "not":
            for part in self.parts:
                yield from part.positive_operands()

    @property
    def needs_hed(self) -> bool:
        """True if the query contains a HED query."""
        return any(True for _ in self.terms())

    @property
    def names_offset(self) -> bool:
        """True if the query contains the tag Offset, so that it is searched in Offset groups."""
        return any(word.text == "offset" for term in self.terms() for word in term.words)


def combine(kind: Literal["all", "any"], parts: Sequence[Query]) -> Query:
    """Combine queries by AND (``"all"``) or OR (``"any"``).

    A single query is returned unchanged.
    """
    if len(parts) == 1:
        return parts[0]
    texts = []
    for part in parts:
        needs_brackets = bool(part.parts) and part.kind not in ("not", kind)
        texts.append(f"({part.text})" if needs_brackets else part.text)
    operator = " AND " if kind == "all" else " OR "
    return Query(kind, operator.join(texts), tuple(parts))


def negate(query: Query) -> Query:
    """Invert a query at the level of events."""
    text = f"({query.text})" if query.kind in ("all", "any") else query.text
    return Query("not", f"NOT {text}", (query,))


def with_parts(query: Query, parts: Sequence[Query]) -> Query:
    """Return the combination of other parts by the operator of ``query``."""
    if query.kind == "not":
        return negate(parts[0])
    return combine("all" if query.kind == "all" else "any", parts)


def quote(text: str) -> str:
    """Quote a query for a command line.

    Examples
    --------
    >>> print(quote("Red && Blue"), quote('"Red"'))
    "Red && Blue" '"Red"'
    """
    return f"'{text}'" if '"' in text else f'"{text}"'
