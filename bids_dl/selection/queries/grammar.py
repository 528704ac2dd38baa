"""Parsing of queries: hedtools' grammar, with AND, OR and NOT between whole queries.

A whole query is HED, compiled by `hed.QueryHandler`, or a comparison ``COLUMN==VALUE``. HED that
hedtools would silently misread is rejected. The event-level operators are split off first; NOT
binds tightest and OR loosest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from hed import HedQueryError, QueryHandler

from bids_dl.config.selecting.comparisons import is_comparison, parse_comparison, split_at_operators
from bids_dl.errors import QueryError
from bids_dl.selection.queries.hints import explain_dropped, explain_parse_error
from bids_dl.selection.queries.query import Query, Word, combine, negate, quote, with_parts
from bids_dl.selection.queries.tokens import (
    BINARY_OPERATORS,
    CLOSING_BRACKETS,
    TOKEN,
    WILDCARDS,
    WORD,
)

MAX_QUERY_TOKENS = 400  # words and operators, because a query is parsed and searched recursively
MAX_SHOWN_CHARS = 80  # of an overlong query in a message
MAPPING_KEYS = ("all", "any", "none")


def compile_query(query: Any, option: str = "--hed") -> Query:
    """Compile a query from text or from a nested mapping.

    Parameters
    ----------
    query
        Text as on the command line, or a mapping with the keys ``all``, ``any`` and ``none``,
        whose values are queries or lists of queries.
    option
        Option that the query was given with, for messages.

    Returns
    -------
    Query
        The compiled query. Its text is a query with the same meaning.

    Raises
    ------
    QueryError
        If hedtools cannot parse the query or would misread it, or a comparison is malformed.

    Examples
    --------
    >>> compile_query({"any": ["Red", "Blue"], "none": ["Green"]}).text
    '(Red OR Blue) AND NOT Green'
    """
    if isinstance(query, str):
        return _parse_text(query, option)
    if isinstance(query, Mapping):
        return _parse_mapping(query, option)
    raise QueryError(
        f"{option} {query!r}: a query must be text, or a mapping with the keys all, any and none"
    )


def at_event_level(query: Query) -> Query | None:
    """Join each chain of three or more terms by AND instead of ``&&``.

    hedtools matches a chain only if all its terms meet in one tag group
    (`hed.models.query_expressions`), so a chain may match fewer events than intended.

    Returns
    -------
    Query or None
        The query with AND; None if ``query`` contains no such chain.

    Examples
    --------
    >>> at_event_level(compile_query("Red && Blue && Green")).text
    'Red AND Blue AND Green'
    """
    changed = query
    if query.kind == "hed":
        changed = _split_chain(query)
    elif query.parts:
        changed = with_parts(query, [at_event_level(part) or part for part in query.parts])
    return changed if changed.text != query.text else None


def _split_chain(term: Query) -> Query:
    """Split a HED query at its top-level ``&&`` if it has two or more operators in total."""
    pieces: list[str] = []
    start = 0
    depth = 0
    n_operators = 0
    for match in TOKEN.finditer(term.text):
        token = match.group()
        if token in ("~", "||") and depth == 0:
            return term
        if token in CLOSING_BRACKETS:
            depth += 1
        elif token in CLOSING_BRACKETS.values():
            depth -= 1
        elif token in BINARY_OPERATORS:
            n_operators += 1
            if depth == 0:
                pieces.append(term.text[start : match.start()].strip())
                start = match.end()
    pieces.append(term.text[start:].strip())
    if n_operators < 2 or len(pieces) < 2:
        return term
    return combine("all", [_compile_term(piece, term.text) for piece in pieces])


def _parse_mapping(query: Mapping[str, Any], option: str) -> Query:
    if not query or set(query) - set(MAPPING_KEYS):
        raise QueryError(
            f"{option} {dict(query)!r}: the keys of a query must be all, any and none, "
            f"got {sorted(map(str, query))}"
        )
    parts: list[Query] = []
    for key in MAPPING_KEYS:
        if key not in query:
            continue
        items = query[key] if isinstance(query[key], (list, tuple)) else [query[key]]
        if not items:
            raise QueryError(f"{option} {dict(query)!r}: {key} contains no query")
        queries = [compile_query(item, option) for item in items]
        if key == "none":
            parts += map(negate, queries)
        else:
            parts.append(combine("all" if key == "all" else "any", queries))
    return combine("all", parts)


def _parse_text(text: str, option: str) -> Query:
    """Split a query at OR, AND and NOT, and compile the queries between them."""
    pieces = split_at_operators(text)
    prefix = f"{option} {quote(text)}"
    n_tokens = len(pieces)
    for piece in pieces:
        n_tokens += 1 if is_comparison(piece) else len(TOKEN.findall(piece))
    if n_tokens > MAX_QUERY_TOKENS:
        raise QueryError(
            f"{prefix[:MAX_SHOWN_CHARS]}...: more than {MAX_QUERY_TOKENS} words and operators; "
            "split the query"
        )
    return combine("any", [_parse_conjunction(group, prefix) for group in _split(pieces, "OR")])


def _parse_conjunction(pieces: Sequence[str], prefix: str) -> Query:
    return combine("all", [_parse_operand(group, prefix) for group in _split(pieces, "AND")])


def _split(pieces: Sequence[str], operator: str) -> list[list[str]]:
    """Group the pieces between the occurrences of an operator."""
    groups: list[list[str]] = [[]]
    for piece in pieces:
        if piece == operator:
            groups.append([])
        else:
            groups[-1].append(piece)
    return groups


def _parse_operand(pieces: Sequence[str], prefix: str) -> Query:
    """Compile a HED query or a comparison, and apply the NOTs before it."""
    *before, text = pieces
    if any(piece not in ("", "NOT") for piece in before):
        raise QueryError(f"{prefix}: {before[0]} is followed by NOT; write AND NOT")
    if not text:
        problem = "a query is missing beside AND, OR or NOT"
        if prefix.endswith('""'):
            problem = "the query is empty"
        raise QueryError(f"{prefix}: {problem}; give a HED tag, such as Sensory-event")
    query = (
        _compile_comparison(text, prefix) if is_comparison(text) else _compile_term(text, prefix)
    )
    for _ in range(before.count("NOT")):
        query = negate(query)
    return query


def _compile_comparison(text: str, prefix: str) -> Query:
    comparison = parse_comparison(text, prefix)
    return Query("column", str(comparison), comparison=comparison)


def _compile_term(text: str, prefix: str) -> Query:
    """Compile a single HED query with hedtools."""
    tokens = _tokenize(text, prefix)
    words = tuple(_parse_word(token, prefix) for token in tokens if WORD.fullmatch(token))
    try:
        handler = QueryHandler(text)
    except HedQueryError as error:
        raise QueryError(f"{prefix}: {explain_parse_error(tokens, str(error), prefix)}") from error
    except RecursionError as error:
        raise QueryError(f"{prefix[:MAX_SHOWN_CHARS]}...: too many brackets") from error
    if _has_operator_as_tag(handler.tree):
        raise QueryError(f"{prefix}: {explain_parse_error(tokens, '', prefix)}")
    return Query("hed", text, words=words, handler=handler)


def _tokenize(text: str, prefix: str) -> list[str]:
    """Split a query into tokens, and raise an error if hedtools would drop characters."""
    tokens = []
    end = 0
    for match in TOKEN.finditer(text):
        _refuse_dropped(text[end : match.start()], text, prefix)
        tokens.append(match.group())
        end = match.end()
    _refuse_dropped(text[end:], text, prefix)
    return tokens


def _refuse_dropped(between: str, text: str, prefix: str) -> None:
    if dropped := between.strip():
        raise QueryError(f"{prefix}: {explain_dropped(dropped, text)}")


def _parse_word(token: str, prefix: str) -> Word:
    """Parse a word as `hed.models.query_util.Token` does: @ first, then quotes, * and /."""
    written = token.removeprefix("@")
    is_quoted = len(written) > 2 and written[0] == written[-1] == '"'
    text = written[1:-1] if is_quoted else written
    if not text or text.startswith("@"):
        raise QueryError(
            f"{prefix}: {token} names no tag; write @Tag for a tag that must not occur in the event"
        )
    if '"' in text:
        raise QueryError(
            f"{prefix}: quotes must enclose one whole word without blanks; "
            "for a value with a blank, end the word with *"
        )
    kind: Literal["term", "exact", "prefix"] = "term"
    if "*" in text:
        kind = "prefix"
    elif is_quoted or "/" in text:
        kind = "exact"
    return Word(text.replace("*", "").casefold(), kind, written, token.startswith("@"))


def _has_operator_as_tag(node: Any) -> bool:
    """Return whether hedtools took an operator for a tag: ``Red && &&`` would never match."""
    if node is None:
        return False
    if node.left is None and node.right is None:
        text = node.token.text
        is_operator = TOKEN.fullmatch(text) and not WORD.fullmatch(text)
        return bool(is_operator) and text not in WILDCARDS
    return _has_operator_as_tag(node.left) or _has_operator_as_tag(node.right)
