from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

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
        ({"target": 3}, ArgumentTypeError, "target must be a column or a list of columns, got int"),
        ({"target": None}, ArgumentTypeError, "target must be a column .* got None"),
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
