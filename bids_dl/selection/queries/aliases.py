"""Aliases: names from the request that stand for any of several queries.

HED itself has no aliases. A query is replaced only if the request declares its name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bids_dl.errors import QueryError
from bids_dl.selection.queries.grammar import compile_query
from bids_dl.selection.queries.query import Query, combine, quote, with_parts
from bids_dl.selection.queries.tokens import WORD


@dataclass(slots=True)
class Aliases:
    """The aliases of a request. Records which of them a query used."""

    queries: Mapping[str, Query]  # case-folded name -> query it stands for
    names: Mapping[str, str]  # case-folded name -> name as declared
    used: set[str] = field(default_factory=set)  # case-folded names

    def compile(self, query: Any, option: str = "--hed") -> Query:
        """Compile a query and replace every whole HED query that is an alias.

        Parameters
        ----------
        query
            Text or mapping, as for `compile_query`.
        option
            Option that the query was given with, for messages.

        Raises
        ------
        QueryError
            If the query cannot be compiled, or an alias is only a part of a HED query.

        Examples
        --------
        >>> read_aliases({"Shut": ["Eyes-closed", "Close-eyes"]}).compile("NOT shut").text
        'NOT (Eyes-closed OR Close-eyes)'
        """
        return self._replace(compile_query(query, option), option)

    def describe(self) -> list[str]:
        """Describe each alias in one line, and mark those that no query used."""
        lines = []
        for key, name in self.names.items():
            unused = "" if key in self.used else " (no query uses it)"
            lines.append(f"alias {name}: {self.queries[key].text}{unused}")
        return lines

    def _replace(self, query: Query, option: str) -> Query:
        if query.comparison:
            return query
        if query.kind != "hed":
            return with_parts(query, [self._replace(part, option) for part in query.parts])
        key = query.text.casefold()
        if key in self.queries:
            self.used.add(key)
            return self.queries[key]
        for word in query.words:
            if word.text in self.queries:
                raise QueryError(
                    f"{option} {quote(query.text)}: the alias {word.written} can only stand for a "
                    "whole query; join it with AND, OR, NOT, or write what it stands for"
                )
        return query


def read_aliases(declared: Mapping[str, Sequence[Any]]) -> Aliases:
    """Compile the aliases of a request.

    Parameters
    ----------
    declared
        Name of each alias and the queries that it stands for.

    Raises
    ------
    QueryError
        If a name is not a single word or is declared twice, if an alias has no query, if a query
        cannot be compiled, or if it uses another alias.
    """
    queries: dict[str, Query] = {}
    names: dict[str, str] = {}
    for name, alternatives in declared.items():
        key = name.casefold()
        if not WORD.fullmatch(name) or set(name) & set('"*@') or key in queries:
            raise QueryError(
                f"aliases: {name!r} must be one word of letters, digits, - and _, declared once"
            )
        if not alternatives:
            raise QueryError(f"aliases: {name} stands for nothing; list at least one query")
        compiled = [compile_query(query, f"aliases: {name}:") for query in alternatives]
        queries[key] = combine("any", compiled)
        names[key] = name
    for key in queries:
        _refuse_nested_alias(key, queries, names)
    return Aliases(queries, names)


def _refuse_nested_alias(key: str, queries: Mapping[str, Query], names: Mapping[str, str]) -> None:
    for term in queries[key].terms():
        for word in term.words:
            if word.text in queries and word.text != key:
                raise QueryError(
                    f"aliases: {names[key]} uses the alias {names[word.text]}; "
                    "write out what it stands for"
                )
