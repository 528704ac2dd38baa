"""Indices in square brackets select rows as NumPy does, or are refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from bids_dl.errors import ArgumentTypeError
from bids_dl.store.row_selection import select_row, select_rows


@pytest.mark.parametrize(
    "index",
    [
        slice(2, 7),
        slice(None, None, -2),
        slice(50, 60),
        [3, -1, 3],
        np.array([0, 9], np.uint8),
        np.arange(10) > 6,
        [True, False] * 5,
        pd.Series(np.arange(10) % 3 == 0),
        [],
    ],
)
def test_rows_are_those_of_numpy(index):
    rows = np.arange(10)
    expected = rows[np.asarray(index, int) if isinstance(index, list) and not index else index]
    assert select_row(index, 10) is None
    np.testing.assert_array_equal(select_rows(index, 10), expected)


def test_booleans_of_a_sorted_series_select_the_rows_of_its_index():
    table = pd.DataFrame({"age": [30, 20, 40]})
    index = table.sort_values("age")["age"] > 25
    assert select_rows(index, 3).tolist() == [0, 2]


@pytest.mark.parametrize("index", [3, -10, np.int64(4), np.array(5)])
def test_an_integer_selects_one_row(index):
    assert select_row(index, 10) == np.arange(10)[index]


@pytest.mark.parametrize("index", [10, -11])
def test_a_row_that_does_not_exist_is_an_index_error(index):
    with pytest.raises(IndexError, match=f"no window {index}: there are 10, numbered from 0"):
        select_row(index, 10)
    with pytest.raises(IndexError, match=f"no window {index}"):
        select_rows([0, index], 10)


def test_booleans_must_be_one_per_row():
    with pytest.raises(IndexError, match="3 booleans for 10 windows"):
        select_rows([True] * 3, 10)


@pytest.mark.parametrize("index", ["label", 1.5, None, (0, 1), [0.5], [[1]], True, {"a": 1}])
def test_other_indices_are_refused_with_what_is_possible(index):
    assert select_row(index, 10) is None
    with pytest.raises(ArgumentTypeError, match="must be a row number, a slice, an array"):
        select_rows(index, 10)
