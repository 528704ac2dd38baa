from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bids_dl.annotate.answers.items import example_answer
from bids_dl.annotate.answers.lines import SCHEMAS, find_place_problem, find_problem
from bids_dl.config.json_schema import find_violation

VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 2_000_000),
    st.floats(allow_nan=False),
    st.sampled_from(["spike", "", "a b", "test", "x" * 300, "2026-01-31T12:00:00Z"]),
    st.lists(st.text(max_size=3), max_size=2),
    st.dictionaries(st.sampled_from(["spike", "low", "a b"]), st.floats(0, 2), max_size=2),
)
FIELDS = sorted({*example_answer(), "of", "other"} - {"kind"})


@given(
    st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=3), st.sets(st.sampled_from(FIELDS))
)
def test_the_quick_check_of_a_line_is_that_of_its_schema(changes, removed):
    changed = example_answer(**changes)
    without = {name: value for name, value in changed.items() if name not in removed}
    for line in (changed, without):
        assert find_problem(line) == find_violation(line, SCHEMAS["answer"])


@pytest.mark.parametrize(
    ("dataset", "recording", "problem"),
    [
        ("ds1", "sub-01/ieeg/sub-01_run-1", None),
        ("ds1", "sub-01", "recording is 'sub-01', expected a BIDS path without suffix"),
        ("a/b", "sub-01/eeg/sub-01", "dataset is 'a/b', expected a name without slashes"),
    ],
)
def test_a_place_that_no_line_can_name_is_found_before_the_first_answer(
    dataset, recording, problem
):
    found = find_place_problem(dataset, recording)
    assert (found or "").startswith(problem or "")
    assert (found is None) == (problem is None)
