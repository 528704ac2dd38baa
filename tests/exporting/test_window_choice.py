"""Windows to export are those that are named, and evenly over labels and people."""

from __future__ import annotations

import doctest
from collections import Counter

import numpy as np
import pandas as pd
import pytest
import small_store
from hypothesis import given
from hypothesis import strategies as st
from small_store import SmallStore

from bids_dl.config.export_stage import ExportConfig
from bids_dl.errors import NoMatchError
from bids_dl.exporting import window_choice
from bids_dl.exporting.window_choice import find_windows, share_evenly, thin_windows
from bids_dl.store import open_store

SMALL = SmallStore()


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    path = tmp_path_factory.mktemp("choice") / "small.zarr"
    small_store.write(path, SMALL)
    return open_store(path)


def test_the_examples_of_the_docstrings_are_right():
    assert doctest.testmod(window_choice).failed == 0


@given(st.dictionaries(st.text(max_size=3), st.integers(0, 50), max_size=6), st.integers(0, 200))
def test_shares_differ_only_where_a_group_is_small(sizes, total):
    shares = share_evenly(sizes, total)
    assert sum(shares.values()) == min(total, sum(sizes.values()))
    assert all(0 <= shares[key] <= size for key, size in sizes.items())
    limited = [shares[key] for key, size in sizes.items() if shares[key] < size]
    if limited:
        assert max(shares.values()) - min(limited) <= 1


@pytest.mark.parametrize("n_windows", [1, 2, 3, 10, 29, 69, 70, 100])
def test_windows_are_even_over_labels_and_people(store, n_windows):
    rows = thin_windows(store.table, np.arange(70), n_windows)
    assert len(rows) == min(n_windows, 70)
    assert (np.diff(rows) > 0).all()
    chosen = store.table.iloc[rows]
    labels = Counter(chosen["label"])
    if n_windows > 1:
        assert max(labels.values()) - min(labels.values()) <= 1
    for _, of_label in chosen.groupby("label"):
        people = Counter(of_label["subject"])
        assert max(people.values()) - min(people.values()) <= 1


def test_a_rare_label_is_complete_before_a_frequent_one_has_more():
    table = pd.DataFrame({"label": ["a"] * 90 + ["b"] * 10, "subject": ["1", "2"] * 50})
    chosen = table.iloc[thin_windows(table, np.arange(100), 40)]
    assert Counter(chosen["label"]) == {"a": 30, "b": 10}
    assert Counter(chosen["subject"]) == {"1": 20, "2": 20}


@pytest.mark.parametrize(
    ("options", "n_windows"),
    [
        ({}, 70),
        ({"label": ("open",)}, 35),
        ({"label": ("open", "closed")}, 70),
        ({"subject": ("001", "002")}, 28),
        ({"split": ("test",), "label": ("closed",)}, 14),
        ({"recording": ("sub-003/eeg/sub-003_run-2",)}, 7),
        ({"recording": ("sub-003_run-2", "sub-001_run-1")}, 14),
    ],
)
def test_only_windows_with_all_values_are_found(store, options, n_windows):
    rows = find_windows(store, ExportConfig(**options))
    assert len(rows) == n_windows
    table = store.table.iloc[rows]
    for column, values in options.items():
        names = table[column].str.rpartition("/")[2] if column == "recording" else table[column]
        assert set(names) <= {value.rpartition("/")[2] for value in values}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"label": ("opn",)}, r"--label opn: no window of .* has it; did you mean 'open'\?"),
        ({"subject": ("9",)}, r"--subject 9: .* use one of 000, 001"),
        ({"split": ("test",), "subject": ("000",)}, "no window has --split test and --subject 000"),
    ],
)
def test_a_choice_without_windows_is_refused(store, options, message):
    with pytest.raises(NoMatchError, match=message):
        find_windows(store, ExportConfig(**options))
