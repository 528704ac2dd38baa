"""Differences between the identities of two plans."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bids_dl.planning.identity import find_differences

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(st.text(), values, max_size=3),
    max_leaves=10,
)


@given(JSON, JSON)
def test_equal_values_and_no_others_have_no_differences(stored, planned):
    assert (find_differences(stored, planned) == []) is (stored == planned)


def test_a_difference_is_a_path_with_short_values():
    stored = {"events": {"labels": [{"label": "open"}, {"label": "closed"}]}, "seed": 0}
    planned = {"events": {"labels": [{"label": "open"}, {"label": "rest"}]}, "extra": [1] * 50}
    assert find_differences(stored, planned) == [
        "events.labels[2].label (store: closed, now: rest)",
        "seed (store: 0, now: (absent))",
        "extra",
    ]


def test_lists_of_other_lengths_differ_as_a_whole():
    assert find_differences({"a": [1, 2]}, {"a": [1]}) == ["a"]
