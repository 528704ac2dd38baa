"""Aliases of queries."""

from __future__ import annotations

import pytest

from bids_dl.errors import QueryError
from bids_dl.selection.queries.aliases import read_aliases

SHUT = {"Shut": ("Shut", "Close-eyes", {"all": ["Red", "Blue"]})}
MEANING = "Shut OR Close-eyes OR (Red AND Blue)"


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        ({"Eyes shut": ("Eyes-closed",)}, "'Eyes shut' must be one word"),
        ({"Shut*": ("Eyes-closed",)}, r"'Shut\*' must be one word"),
        ({"Shut": ("Red",), "shut": ("Blue",)}, "'shut' must be one word .* declared once"),
        ({"Shut": ()}, "Shut stands for nothing"),
        ({"Shut": ("Eyes closed",)}, r'aliases: Shut: "Eyes closed"'),
        ({"Shut": ("Eyes-closed",), "Rest": ("Shut",)}, "Rest uses the alias Shut"),
    ],
)
def test_an_alias_that_would_be_misread_is_refused(declared, message):
    with pytest.raises(QueryError, match=message):
        read_aliases(declared)


def test_an_alias_within_a_hed_query_is_refused():
    with pytest.raises(QueryError, match="the alias Shut can only stand for a whole query"):
        read_aliases(SHUT).compile("Shut && Red")


def test_an_alias_stands_for_any_of_its_queries():
    assert read_aliases(SHUT).compile("NOT shut AND Green").text == f"NOT ({MEANING}) AND Green"


def test_aliases_are_described_and_unused_ones_are_marked():
    aliases = read_aliases(SHUT)
    assert aliases.describe() == [f"alias Shut: {MEANING} (no query uses it)"]
    aliases.compile("Shut")
    assert aliases.describe() == [f"alias Shut: {MEANING}"]


def test_an_alias_may_stand_for_comparisons_and_hed():
    aliases = read_aliases({"Shut": ["value==closed", "Eyes-closed"]})
    assert aliases.compile("shut AND NOT task==x").text == (
        "(value==closed OR Eyes-closed) AND NOT task==x"
    )
