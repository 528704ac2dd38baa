from __future__ import annotations

import doctest

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bids_dl.training.folds import fold as folds
from bids_dl.training.folds.fold import expand_ranges, find_ranges, make_fold


def test_the_examples_of_the_docstrings_are_right():
    assert doctest.testmod(folds).failed == 0


@given(st.sets(st.integers(0, 60)))
def test_ranges_are_the_rows_in_the_shortest_form(rows):
    ascending = np.array(sorted(rows), dtype=np.int64)
    ranges = find_ranges(ascending)
    assert expand_ranges(ranges).tolist() == ascending.tolist()
    assert expand_ranges(ranges).dtype == np.int64
    assert (ranges[1:, 0] > ranges[:-1, 1]).all()


def test_a_fold_without_validation_has_an_empty_side():
    fold = make_fold(0, "sub-01", same_person=False, train=np.arange(3), test=np.array([3]))
    assert fold.validation.tolist() == []
    assert list(fold.ranges) == ["train", "validation", "test"]
