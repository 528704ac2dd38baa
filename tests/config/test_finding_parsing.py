"""Options of the search in NEMAR's catalogue."""

from __future__ import annotations

import doctest

import pytest

from bids_dl.config import finding_parsing
from bids_dl.config.finding_parsing import parse_finding, parse_limits
from bids_dl.errors import ConfigError


def test_the_examples_of_the_docstrings_are_right():
    assert doctest.testmod(finding_parsing).failed == 0


@pytest.mark.parametrize(
    ("value", "limits"),
    [("20..", (20, None)), ("20..64", (20, 64)), ((None, 5), (None, 5)), (0, (0, 0)), (None, None)],
)
def test_ranges_are_parsed(value, limits):
    assert parse_limits(value, "--subjects") == limits


@pytest.mark.parametrize("value", ["", "..", "a..9", "9..x", "-1", "1.5", (1, 2, 3), True])
def test_what_is_no_range_is_refused(value):
    with pytest.raises(ConfigError, match=r"--subjects .*: expected a range such as 20\.\."):
        parse_finding({"subjects": value})


def test_an_empty_range_is_refused():
    with pytest.raises(ConfigError, match="the range is empty, because 9 is above 3"):
        parse_finding({"channels": "9..3"})


def test_an_unknown_kind_of_licence_is_refused_with_the_known_ones():
    with pytest.raises(ConfigError, match="--license CC0: unknown kind; use one of public, attr"):
        parse_finding({"license": ["public", "CC0"]})


def test_options_of_queries_need_a_query():
    with pytest.raises(ConfigError, match="--until has no effect without --hed or --event"):
        parse_finding({"until": "next"})
    assert parse_finding({"until": "next", "hed": "Eyes-closed"}) == parse_finding({})
