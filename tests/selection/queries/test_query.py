"""Combinations of queries, and the terms that they contain."""

from __future__ import annotations

import pytest

from bids_dl.selection.queries.grammar import compile_query
from bids_dl.selection.queries.query import combine, negate, quote, with_parts

RED = compile_query("Red")
BLUE = compile_query("Blue")


def test_a_combination_puts_combinations_by_another_operator_in_brackets():
    either = combine("any", [RED, BLUE])
    assert combine("all", [either, RED]).text == "(Red OR Blue) AND Red"
    assert combine("any", [either, RED]).text == "Red OR Blue OR Red"
    assert negate(either).text == "NOT (Red OR Blue)"
    assert combine("all", [negate(RED), BLUE]).text == "NOT Red AND Blue"
    assert combine("all", [RED]) is RED


def test_parts_are_replaced_without_changing_the_operator():
    for text in ("Red AND Red", "Red OR Red", "NOT Red"):
        query = compile_query(text)
        replaced = with_parts(query, [BLUE] * len(query.parts))
        assert replaced.text == text.replace("Red", "Blue")


def test_terms_under_a_not_are_not_positive():
    query = compile_query("Red AND NOT Blue OR Green")
    assert [term.text for term in query.terms()] == ["Red", "Blue", "Green"]
    assert [term.text for term in query.positive_terms()] == ["Red", "Green"]


@pytest.mark.parametrize(
    ("text", "names_offset"),
    [("Offset", True), ("Red OR NOT [Def && Offset]", True), ("Onset", False)],
)
def test_a_query_names_offset_anywhere(text, names_offset):
    assert compile_query(text).names_offset == names_offset


def test_a_query_with_double_quotes_is_quoted_by_single_ones():
    assert quote("Red") == '"Red"'
    assert quote('"Red"') == "'\"Red\"'"


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        ("Red AND code==1", True),
        ("Blue OR code==1", False),
        ("Red OR code==1", True),
        ("NOT Blue AND code==1", False),
        ("NOT Blue", True),
        ("NOT (Blue)", True),
    ],
)
def test_a_comparison_only_restricts_hed_apart_from_its_row(text, matches):
    query = compile_query(text)
    assert query.matches_hed(lambda term: term.text in ("Red", "code==1")) == matches
