"""Queries as values: a HED query, or several combined for one event by AND, OR and NOT.

`hed.QueryHandler` searches a single HED query. The event level is bids_dl's own: in hedtools,
three or more terms joined by ``&&`` match only if they meet in one tag group.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Word:
    """A tag as written in a query."""

    text: str  # case-folded, without @, quotes and *
    kind: Literal["term", "exact", "prefix"]
    written: str  # as in the query, without @
    must_be_absent: bool  # written with @: must not occur anywhere in the event


@dataclass(frozen=True, slots=True)
class Query:
    """A single HED query, or a combination of queries at the level of events."""

    kind: Literal["hed", "all", "any", "not"]
    text: str
    parts: tuple[Query, ...] = ()  # of a combination
    words: tuple[Word, ...] = ()  # of a single HED query
    handler: Any = field(default=None, compare=False, repr=False)  # hed.QueryHandler

    def matches(self, search: Callable[[Query], bool]) -> bool:
        """Return whether an event matches.

        Parameters
        ----------
        search
            Function that returns whether the event matches a single HED query.

        Examples
        --------
        >>> from bids_dl.selection.queries.grammar import compile_query
        >>> compile_query("Red AND NOT Blue").matches(lambda term: term.text == "Red")
        True
        """
        if self.kind == "hed":
            return search(self)
        if self.kind == "not":
            return not self.parts[0].matches(search)
        combine = all if self.kind == "all" else any
        return combine(part.matches(search) for part in self.parts)

    def terms(self) -> Iterator[Query]:
        """Yield the single HED queries, in reading order."""
        if self.kind == "hed":
            yield self
        for part in self.parts:
            yield from part.terms()

    def positive_terms(self) -> Iterator[Query]:
        """Yield the single HED queries that are not under a NOT, in reading order."""
        if self.kind == "hed":
            yield self
        elif self.kind != "not":
            for part in self.parts:
                yield from part.positive_terms()

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
        needs_brackets = part.kind not in ("hed", "not", kind)
        texts.append(f"({part.text})" if needs_brackets else part.text)
    operator = " AND " if kind == "all" else " OR "
    return Query(kind, operator.join(texts), tuple(parts))


def negate(query: Query) -> Query:
    """Invert a query at the level of events."""
    text = query.text if query.kind in ("hed", "not") else f"({query.text})"
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
