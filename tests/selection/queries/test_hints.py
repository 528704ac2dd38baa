"""Queries that hedtools would reject or misread, and the hints of their errors."""

from __future__ import annotations

import pytest

from bids_dl.errors import QueryError
from bids_dl.selection.queries.grammar import compile_query

HINTS = {
    "": "the query is empty",
    "  ": "missing|empty",
    "Eyes closed": "two words; write Eyes-closed",
    "Red and Blue": "not an operator",
    "not Red": "not an operator",
    "Red & Blue": "single &",
    "Red | Blue": "single |",
    "Red&": "single &",
    "!Red": "write @Tag",
    "Red$": "cannot occur in a query",
    "'Red'": "cannot occur in a query",
    "a+b": "cannot occur in a query",
    "x;y": "cannot occur in a query",
    "Label/née": "'é' cannot occur in a query; end the word before it with",
    "Label/x;y": "';' cannot occur in a query; end the value before it with",
    "Duration/3 s": r"ask for Duration/3\*",
    "Item-count > 2": "compared as text",
    "sc:Red": "library prefix",
    "12:30": "colon",
    "(Red": r"bracket \( has no partner",
    "Red]": "has no partner",
    "[Red && Blue}": "has no partner",
    "Red &&": "a tag is missing beside an operator",
    "Red && && Blue": "a tag is missing beside an operator",
    "&&": "a tag is missing beside an operator",
    ":": "colon|a tag is missing",
    "{~Red && Blue:}": "~ cannot be used there",
    "~?": "hedtools cannot parse|~ cannot",
    "@": "names no tag",
    "@@Red": "names no tag",
    '"Red': "quotes must enclose one whole word",
    '"Eyes closed"': "quotes must enclose one whole word",
    '""': "quotes|names no tag",
    "Red ????": "hedtools|tag|two words",
    "Red AND": "a query is missing",
    "OR Red": "a query is missing",
    "Red NOT Blue": "write AND NOT",
    "(Red OR Blue) AND Green": "AND, OR and NOT take no brackets",
}


@pytest.mark.parametrize("text", HINTS)
def test_a_query_that_would_be_misread_is_refused_with_a_hint(text):
    with pytest.raises(QueryError, match=HINTS[text]) as caught:
        compile_query(text)
    assert text in str(caught.value)
    assert str(caught.value).count("\n") < 4


@pytest.mark.parametrize("text", ["\u212aeyboard-key", "\u017fensory-event", "\ufb01xate"])
def test_characters_that_become_letters_only_when_case_folded_are_refused(text):
    with pytest.raises(QueryError, match="cannot occur in a query"):
        compile_query(text)
