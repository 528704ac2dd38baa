from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from torch.utils.data import DataLoader

from bids_dl.errors import ArgumentTypeError, ConditionError, NoMatchError, TargetError
from bids_dl.stream import StreamingDataset
from bids_dl.stream.select import select_windows


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ({"subject": "001"}, lambda table: table["subject"] == "001"),
        ({"subject": ["001", "004"]}, lambda table: table["subject"].isin(["001", "004"])),
        ({"onset": (10, 20)}, lambda table: table["onset"].between(10, 20)),
        ({"onset": (None, 20)}, lambda table: table["onset"] <= 20),
        ({"row": 3, "label": "open"}, lambda table: table["row"] == 3),
        ({"age": (21, None)}, lambda table: table["age"] >= 21),
        (np.arange(70) % 2 == 0, lambda table: table["row"] % 2 == 0),
        ([True, False] * 35, lambda table: table["row"] % 2 == 0),
        (pd.Series(np.arange(70) < 9, dtype="boolean"), lambda table: table["row"] < 9),
        (lambda table: table["age"] > 21, lambda table: table["age"] > 21),
        (lambda table: table.sort_values("row")["row"] > 60, lambda table: table["row"] > 60),
        (lambda table: (table["row"] > 60).to_numpy(), lambda table: table["row"] > 60),
        ({"subject": np.array(["001"])}, lambda table: table["subject"] == "001"),
        ({"subject": "sub-001"}, lambda table: table["subject"] == "001"),
        ({"subject": ["sub-001", "004"]}, lambda table: table["subject"].isin(["001", "004"])),
    ],
)
def test_where_selects_the_windows_that_meet_all_conditions(store, where, expected):
    table = StreamingDataset(store).windows
    selected = StreamingDataset(store, where=where).windows
    assert selected.index.tolist() == table.index[expected(table)].tolist()


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        (
            {"target": "lable"},
            TargetError,
            "no column 'lable'; this store has label, dataset, subject",
        ),
        ({"where": {"colour": "red"}}, ConditionError, "no column 'colour'; this store has"),
        (
            {"where": {"subject": "9"}},
            NoMatchError,
            r"no window has subject '9'; available: 000 \(14\), 001 \(14\)",
        ),
        (
            {"where": {"subject": "000"}, "split": "test"},
            NoMatchError,
            r"no window that meets the other conditions has subject '000'; available: 003 \(14\)",
        ),
        (
            {"where": {"subject": 1}},
            ConditionError,
            "where subject: the column contains text, got 1",
        ),
        (
            {"where": {"onset": "1"}},
            ConditionError,
            "where onset: the column contains numbers, got '1'",
        ),
        (
            {"where": {"subject": ("001", "004")}},
            ConditionError,
            "a range .*a column of numbers; put alternatives in a list",
        ),
        (
            {"where": {"onset": (1000, 2000)}},
            NoMatchError,
            r"no window has onset \(1000, 2000\); available: values from 0 to 138",
        ),
        (
            {"where": np.ones(3, bool)},
            ConditionError,
            r"one boolean per window \(70\), got ndarray of bool \(3,\)",
        ),
        (
            {"where": "subject == '001'"},
            ArgumentTypeError,
            r"where must be a mapping, a function of the table, or one boolean per window \(70\), "
            "got str",
        ),
        ({"where": 3}, ArgumentTypeError, "where must be a mapping, .* got int 3"),
        ({"where": [1, 2]}, ConditionError, r"where must be .* got list of int64 \(2,\)"),
        (
            {"where": lambda table: table[table["age"] > 21]},
            ConditionError,
            "the function where= must return one boolean per window .*; it returned DataFrame",
        ),
        (
            {"where": lambda table: table["age"]},
            ConditionError,
            r"it returned Series of float64 \(70,\)",
        ),
        (
            {"where": {"age": ("a", None)}},
            ArgumentTypeError,
            "where age must be a range of numbers or None, got str 'a'",
        ),
        ({"where": {"age": {"a": 1}}}, ArgumentTypeError, "where age must be a value, a list"),
        ({"where": {"subject": "0001"}}, NoMatchError, "did you mean '001'"),
        ({"split": "training"}, NoMatchError, "did you mean 'train'"),
        ({"split": 3}, ArgumentTypeError, "split must be the name of a split"),
        (
            {"target": 3},
            ArgumentTypeError,
            "target must be a column, a list of columns or an array of numbers, got int 3",
        ),
        ({"target": None}, ArgumentTypeError, "target must be a column, .* got None"),
        ({"where": np.zeros(70, bool)}, NoMatchError, "leaves no window"),
        (
            {"split": "validation"},
            NoMatchError,
            r"no window has the split 'validation'; available: train \(42\), test \(28\)",
        ),
        ({"target": ["age", "sex"]}, TargetError, "must be numbers, but sex contain text"),
        ({"target": []}, TargetError, "target is an empty list"),
        ({"target": "age"}, TargetError, "14 of 70 windows have no 'age'; drop_missing=True"),
        ({"target": "sex"}, TargetError, "14 of 70 windows have no 'sex'"),
        ({"target": ["votes", "age"]}, TargetError, "14 of 70 windows have no"),
    ],
)
def test_a_selection_without_windows_or_targets_is_refused_with_what_is_available(
    store, options, error, message
):
    with pytest.raises(error, match=message):
        StreamingDataset(store, **options)


@pytest.mark.parametrize("target", ["age", "sex", ["votes", "age"]])
def test_drop_missing_leaves_out_the_windows_without_a_target(store, target):
    stream = StreamingDataset(store, target=target, drop_missing=True)
    assert len(stream.windows) == 56
    assert not any(batch.target.isnan().any() or (batch.target < 0).any() for batch in stream)


def test_missing_targets_outside_the_selection_are_allowed(store):
    stream = StreamingDataset(store, target="age", where={"subject": ["000", "002"]})
    assert len(stream.windows) == 28


def test_classes_of_other_text_columns_are_sorted_and_independent_of_the_selection(store):
    stream = StreamingDataset(store, target="subject", split="test")
    assert stream.classes == ("000", "001", "002", "003", "004")
    assert set(next(iter(stream)).target.tolist()) == {3, 4}


@pytest.mark.parametrize("split", ["val", "valid", "dev", "VAL"])
def test_other_spellings_of_a_split_are_suggested_where_it_exists(split):
    table = pd.DataFrame({"split": ["train", "validation"]})
    with pytest.raises(NoMatchError, match="did you mean 'validation'"):
        select_windows(table, split=split, where=None)


def test_a_function_cannot_change_the_table_of_a_store(store):
    def change(table: pd.DataFrame) -> pd.Series:
        table["label"] = "changed"
        return table["row"] < 5

    stream = StreamingDataset(store, where=change)
    assert set(stream.windows["label"]) == {"open"}


def test_a_function_sees_which_of_several_stores_a_window_is_from(store):
    stream = StreamingDataset([store, store], where=lambda table: table["store"] == store)
    assert len(stream.windows) == 140


@pytest.mark.parametrize(
    ("target", "dtype"),
    [
        (np.arange(70), torch.int64),
        (np.arange(70, dtype=np.uint8), torch.int64),
        (np.arange(70) / 7, torch.float32),
        (np.arange(210, dtype=np.float32).reshape(70, 3), torch.float32),
        (torch.arange(140).reshape(70, 2), torch.int64),
        (torch.arange(70).bfloat16(), torch.float32),
        (pd.Series(np.arange(70)), torch.int64),
        (pd.DataFrame({"a": np.arange(70.0), "b": 1.0}), torch.float32),
    ],
)
def test_an_array_is_the_target_of_each_window_by_its_row(store, target, dtype):
    stream = StreamingDataset(store, target=target, split="test", batch_size=5)
    expected = torch.tensor(np.asarray(target.float() if torch.is_tensor(target) else target))
    assert stream.classes == ()
    for _, delivered, index in stream:
        assert delivered.dtype == dtype
        assert torch.equal(delivered, expected[index].to(dtype))


@pytest.mark.parametrize("make", [pd.Series, pd.DataFrame])
def test_a_sorted_series_is_put_in_the_order_of_the_table(store, make):
    target = make(np.arange(70)).sort_index(ascending=False)
    for _, delivered, index in StreamingDataset(store, target=target):
        assert torch.equal(delivered.flatten(), index)


def test_an_array_has_the_rows_of_all_joined_stores(store):
    stream = StreamingDataset([store, store], target=np.arange(140) * 3, batch_size=50)
    for _, delivered, index in stream:
        assert torch.equal(delivered, 3 * index)


def test_missing_numbers_of_an_array_are_an_error_or_left_out(store):
    target = np.arange(70.0)
    target[[3, 50]] = np.nan
    with pytest.raises(TargetError, match="2 of 70 windows have no target; drop_missing=True"):
        StreamingDataset(store, target=target)
    rows = StreamingDataset(store, target=target, drop_missing=True).windows.index
    assert set(range(70)) - set(rows) == {3, 50}
    assert 50 not in StreamingDataset(store, target=target, where=np.arange(70) > 50).windows.index


def test_only_a_row_without_any_number_is_missing(store):
    labels = np.ones((70, 2))
    labels[1] = np.nan
    labels[2, 0] = np.nan
    stream = StreamingDataset(store, target=labels, drop_missing=True, shuffle=False)
    assert stream.windows.index[:3].tolist() == [0, 2, 3]
    np.testing.assert_array_equal(next(iter(stream)).target[1].numpy(), [np.nan, 1])


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (np.zeros(69), r"one row per window, \(70,\) or \(70, k\), got ndarray of float64 \(69,\)"),
        (np.zeros((70, 0)), r"got ndarray of float64 \(70, 0\)"),
        (np.zeros((70, 2, 2)), r"got ndarray of float64 \(70, 2, 2\)"),
        (np.zeros((2, 70)), r"got ndarray of float64 \(2, 70\)"),
        (np.float64(3), r"got ndarray of float64 \(\)"),
        (np.zeros(70, bool), r"must contain integers or floats, got ndarray of bool \(70,\)"),
        (np.zeros(70, complex), "integers or floats, got ndarray of complex128"),
        (pd.DataFrame({"a": ["x"] * 70}), "integers or floats, got ndarray of object"),
        (np.where(np.arange(70) == 9, np.inf, 0), "the target of window 9 is not finite"),
        (np.full(70, 1e300), "the target of window 0 is not finite"),
    ],
)
def test_an_array_that_is_no_target_is_refused(store, target, message):
    with pytest.raises(TargetError, match=message):
        StreamingDataset(store, target=target)


@pytest.mark.parametrize("n_workers", [0, 2])
def test_a_stream_with_an_array_resumes_in_workers_and_without(store, n_workers):
    def make_stream() -> StreamingDataset:
        return StreamingDataset(store, target=np.arange(70) * 2, batch_size=8)

    expected = list(make_stream())
    stream = make_stream()
    loop = iter(DataLoader(stream, batch_size=None, num_workers=n_workers))
    delivered = [next(loop), next(loop)]
    resumed = make_stream()
    resumed.load_state_dict(stream.state_dict(step=2))
    delivered += DataLoader(resumed, batch_size=None, num_workers=n_workers)
    for batch, same in zip(delivered, expected, strict=True):
        assert torch.equal(batch.index, same.index)
        assert torch.equal(batch.target, 2 * same.index)
