"""Tokens of hedtools' query language, as split by the tokenizer of `hed.QueryHandler`."""

from __future__ import annotations

import re
from collections.abc import Sequence

WORD = re.compile(r"[\"_\-a-zA-Z0-9/.^#*@]+")
"""A tag, with the characters that mark it as exact, as a prefix or as absent."""

TOKEN = re.compile(r"\[|\]|\}|\{|:|\)|\(|~|\?+|&&|\|\||,|" + WORD.pattern)
"""Any token. hedtools silently drops the characters between two matches of this pattern."""

CLOSING_BRACKETS = {"(": ")", "[": "]", "{": "}"}
BINARY_OPERATORS = ("&&", "||", ",")
WILDCARDS = ("?", "??", "???")  # any child, any tag, any group


def unbalanced_bracket(tokens: Sequence[str]) -> str:
    """Return the first bracket without a partner, or "" if all brackets are balanced.

    Examples
    --------
    >>> unbalanced_bracket(["(", "Red", "]"])
    ']'
    """
    opened: list[str] = []
    for token in tokens:
        if token in CLOSING_BRACKETS:
            opened.append(token)
        elif token in CLOSING_BRACKETS.values():
            opening = opened.pop() if opened else ""
            if CLOSING_BRACKETS.get(opening) != token:
                return token
    return opened[-1] if opened else ""
