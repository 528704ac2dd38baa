"""Tokens and brackets of a query."""

from __future__ import annotations

import pytest

from bids_dl.config.selecting.comparisons import EVENT_OPERATOR
from bids_dl.selection.queries.tokens import TOKEN, unbalanced_bracket


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("Red&&~[Blue||@Green]", ["Red", "&&", "~", "[", "Blue", "||", "@Green", "]"]),
        ("{Label/now-*, ??: ?}", ["{", "Label/now-*", ",", "??", ":", "?", "}"]),
        ('"Event"', ['"Event"']),
    ],
)
def test_a_query_is_split_at_operators_and_brackets(text, tokens):
    assert TOKEN.findall(text) == tokens


@pytest.mark.parametrize(
    ("text", "bracket"),
    [("([{}])", ""), ("", ""), ("(", "("), ("(]", "]"), (")(", ")"), ("{[}]", "}"), ("([]", "(")],
)
def test_the_first_bracket_without_a_partner_is_found(text, bracket):
    assert unbalanced_bracket(list(text)) == bracket


def test_event_operators_are_whole_words_in_capitals():
    text = "AND-gate OR NOTE and (NOT)"
    assert EVENT_OPERATOR.findall(text) == ["OR"]
