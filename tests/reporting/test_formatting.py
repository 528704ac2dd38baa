"""Numbers and parameters as text of the page."""

from __future__ import annotations

import pytest

from bids_dl.reporting.formatting import (
    describe_share,
    format_count,
    format_duration,
    format_level,
    format_query,
    format_share,
    format_value,
)


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0.0, "0 %"),
        (0.0004, "under 0.1 %"),
        (0.25, "25 %"),
        (0.9996, "over 99.9 %"),
        (1.0, "100 %"),
    ],
)
def test_only_exact_shares_of_0_and_1_become_0_and_100_percent(share, text):
    assert format_share(share) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0.0, "no samples changed"),
        (0.5, "50 % of the samples changed"),
        (1.0, "all samples changed"),
    ],
)
def test_a_share_is_described_in_words(share, text):
    assert describe_share(share) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(2.5, "2.5 s"), (89.0, "89 s"), (600, "10 min"), (7500, "2 h 05 min")]
)
def test_a_duration_is_shown_in_the_unit_of_its_size(seconds, text):
    assert format_duration(seconds) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "yes"),
        (40.0, "40"),
        (["M1", "M2"], "M1, M2"),
        ([], "none"),
        ({}, "none"),
        ({"T3": "T7"}, "T3 → T7"),
        ("average", "average"),
    ],
)
def test_a_parameter_is_formatted_by_its_type(value, text):
    assert format_value(value) == text


def test_a_count_has_separators_and_the_noun_in_singular_or_plural():
    assert format_count(1234567) == "1,234,567"
    assert format_count(1, "window") == "1 window"
    assert format_count(1200, "window") == "1,200 windows"


def test_a_level_has_a_sign_and_never_a_negative_zero():
    assert [format_level(level) for level in (-3.21, -0.01, None)] == ["-3.2", "+0.0", "–"]


def test_a_combined_query_is_shown_as_json():
    assert format_query("Eyes-open") == "Eyes-open"
    assert format_query({"any": ["A", "B"]}) == '{"any": ["A", "B"]}'
