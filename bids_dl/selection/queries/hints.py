"""Hints for queries that hedtools cannot parse or would misread.

`hed.HedQueryError` says "Parse error in search string" without a position, and the tokenizer of
hedtools drops unknown characters silently, so that ``!Red`` would mean ``Red``.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from bids_dl.config.selecting.comparisons import EVENT_OPERATOR
from bids_dl.selection.queries.tokens import BINARY_OPERATORS, WORD, unbalanced_bracket


def explain_dropped(dropped: str, text: str) -> str:
    """Explain characters that hedtools would drop from a query, and suggest what to write.

    Parameters
    ----------
    dropped
        The characters; not empty.
    text
        The whole query.
    """
    first = dropped[0]
    if first in "&|":
        return f"a single {first} is not an operator; write && for and, || for or"
    if dropped.startswith("!="):
        return "!= is not an operator; write NOT COLUMN==VALUE"
    if first == "!":
        return "! is not a negation; write @Tag for a tag that must not occur in the event"
    if first in "<>=":
        return f"{first} is not an operator: values are compared as text, as in Item-count/3"
    if not first.isascii():
        return f"{dropped!r} cannot occur in a query; end the word before it with *"
    hint = "; end the value before it with *" if "/" in text else ""
    return f"{dropped!r} cannot occur in a query{hint}"


def explain_parse_error(tokens: Sequence[str], error: str, prefix: str) -> str:
    """Explain why hedtools rejects a query, and suggest what to write.

    Parameters
    ----------
    tokens
        Tokens of the single HED query.
    error
        Message of `hed.HedQueryError`; "" if hedtools mistook an operator for a tag.
    prefix
        The option and the whole query, as shown in messages.
    """
    if bracket := unbalanced_bracket(tokens):
        hint = "; AND, OR and NOT take no brackets: nest all, any and none in YAML"
        return f"bracket {bracket} has no partner{hint if EVENT_OPERATOR.search(prefix) else ''}"
    for first, second in itertools.pairwise(tokens):
        if WORD.fullmatch(first) and WORD.fullmatch(second):
            return _explain_adjacent_words(first, second)
    if ":" in tokens and "{" not in tokens:
        return "write tags without their library prefix; a value cannot contain a colon"
    if "~" in tokens and "negat" in error:
        return "~ cannot be used there; write @Tag for a tag that must not occur in the event"
    if not error or "get next token" in error or _has_adjacent_operators(tokens):
        return "a tag is missing beside an operator"
    return f"hedtools cannot parse it ({error.splitlines()[0].rstrip('.')})"


def _explain_adjacent_words(first: str, second: str) -> str:
    for word in (first, second):
        if word.casefold() in ("and", "or", "not"):
            return (
                f"{word} is not an operator; write &&, || or @Tag, "
                "or AND, OR, NOT in capitals between whole queries"
            )
    if "/" in first:
        return f"a value in a query cannot contain a blank; ask for {first}*"
    return (
        f"{first} and {second} are two words; write {first}-{second} if that is the tag, "
        f"or {first} && {second} for both"
    )


def _has_adjacent_operators(tokens: Sequence[str]) -> bool:
    return any(
        first in BINARY_OPERATORS and second in BINARY_OPERATORS
        for first, second in itertools.pairwise(tokens)
    )
