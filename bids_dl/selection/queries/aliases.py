"""Aliases: names that the user lets stand for any of some queries. Nothing is an alias unless the request says so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bids_dl.errors import QueryError
from bids_dl.selection.queries.grammar import WORD, Query, any_of, compile_query, quoted, rebuilt


@dataclass(slots=True)
class Aliases:
    """The aliases of a request; remembers which were used."""

    meant: Mapping[str, Query]  # case-folded name -> what it stands for
    names: Mapping[str, str]  # case-folded name -> as declared
    used: set[str] = field(default_factory=set)

    def compile(self, query: Any, option: str = "--hed") -> Query:
        """Read a query, with every whole query that is an alias replaced.

        Raises
        ------
        QueryError
            If it cannot be read, or an alias is a word among others.
        """
        return self._replaced(compile_query(query, option), option)

    def lines(self) -> list[str]:
        """What each stands for, and which were not used."""
        return [
            f"alias {name}: {self.meant[key].text}"
            + ("" if key in self.used else " (no query uses it)")
            for key, name in self.names.items()
        ]

    def _replaced(self, query: Query, option: str) -> Query:
        if query.kind != "hed":
            return rebuilt(query, [self._replaced(part, option) for part in query.parts])
        key = query.text.casefold()
        if key in self.meant:
            self.used.add(key)
            return self.meant[key]
        if inside := [word.written for word in query.words if word.text in self.meant]:
            raise QueryError(
                f"{option} {quoted(query.text)}: the alias {inside[0]} can only stand for a whole query; "
                f"join it with AND, OR, NOT, or write what it stands for"
            )
        return query


def read_aliases(declared: Mapping[str, Sequence[Any]]) -> Aliases:
    """Read the aliases of a request.

    Raises
    ------
    QueryError
        A name that is no single word, no alternative, or a query that cannot be read.
    """
    meant: dict[str, Query] = {}
    names: dict[str, str] = {}
    for name, queries in declared.items():
        key = name.casefold()
        if not WORD.fullmatch(name) or set(name) & set('"*@') or key in meant:
            raise QueryError(
                f"aliases: {name!r} must be one word, as a query can hold it, and each name come once"
            )
        if not queries:
            raise QueryError(f"aliases: {name} stands for nothing; list at least one query")
        meant[key] = any_of([compile_query(query, f"aliases: {name}:") for query in queries])
        names[key] = name
    for key, query in meant.items():
        for term in query.terms():
            if other := next(
                (
                    names[word.text]
                    for word in term.words
                    if word.text in meant and word.text != key
                ),
                None,
            ):
                raise QueryError(
                    f"aliases: {names[key]} uses the alias {other}; write out what it stands for"
                )
    return Aliases(meant, names)
