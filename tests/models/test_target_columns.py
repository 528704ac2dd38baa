"""Kinds, values and refusals of targets."""

from __future__ import annotations

import doctest

import numpy as np
import pandas as pd
import pytest

from bids_dl.errors import TargetError
from bids_dl.models import target_columns
from bids_dl.models.target_columns import (
    RESERVED_COLUMNS,
    TargetValues,
    keep_known_classes,
    name_classes,
    number_classes,
    read_target,
)

NAN = np.nan


def read(columns: dict, *requested: str, **options) -> TargetValues:
    table = pd.DataFrame(columns)
    return read_target(table, requested or tuple(table), source="a.zarr", **options)


def test_the_examples_of_the_docstrings_are_right():
    assert doctest.testmod(target_columns).failed == 0


@pytest.mark.parametrize(
    ("columns", "kind", "outputs", "values"),
    [
        ({"x": ["b", "a", "", "n/a", None]}, "classes", ("a", "b"), [1, 0, -1, -1, -1]),
        ({"x": [0, 1, 1]}, "classes", ("0", "1"), [0, 1, 1]),
        ({"x": [3.0, 1.0, NAN, 2.0]}, "classes", ("1", "2", "3"), [2, 0, -1, 1]),
        ({"x": [True, False]}, "classes", ("False", "True"), [1, 0]),
        ({"x": [31.5, NAN, 20.0]}, "number", ("x",), [31.5, NAN, 20]),
        ({"x": [0, 2]}, "number", ("x",), [0, 2]),
        ({"x": range(11)}, "number", ("x",), [*range(11)]),
        ({"x": [18, 19, 20]}, "number", ("x",), [18, 19, 20]),
        (
            {"x": [3, 0, NAN], "y": [1, 2, 1]},
            "shares",
            ("x", "y"),
            [[0.75, 0.25], [0, 1], [NAN] * 2],
        ),
        ({"x": [0.3, 0.5], "y": [0.7, 0.5]}, "shares", ("x", "y"), [[0.3, 0.7], [0.5, 0.5]]),
        ({"x": [1, 0, NAN], "y": [0, 1, NAN]}, "shares", ("x", "y"), [[1, 0], [0, 1], [NAN] * 2]),
        ({"x": [1, 0, 1], "y": [1, 0, 0]}, "labels", ("x", "y"), [[1, 1], [0, 0], [1, 0]]),
        ({"x": [1, 0, 0], "y": [0, 1, NAN]}, "labels", ("x", "y"), [[1, 0], [0, 1], [0, NAN]]),
        ({"x": [True, False], "y": [True, False]}, "labels", ("x", "y"), [[1, 1], [0, 0]]),
    ],
)
def test_the_kind_of_a_target_follows_from_its_values(columns, kind, outputs, values):
    target = read(columns)
    assert (target.spec.kind, target.spec.outputs) == (kind, outputs)
    assert target.spec.columns == tuple(columns)
    assert target.values.dtype == (np.int64 if kind == "classes" else np.float32)
    np.testing.assert_array_equal(target.values, np.array(values, target.values.dtype))


@pytest.mark.parametrize(
    ("columns", "options", "outputs", "values"),
    [
        ({"x": [5.5, 1.5, NAN]}, {"kind": "classes"}, ("1.5", "5.5"), [1, 0, -1]),
        ({"x": np.array([2, 0.1], np.float32)}, {"kind": "classes"}, ("0.1", "2"), [1, 0]),
        ({"x": [-10.0, 9.0, 1e6]}, {"kind": "classes"}, ("-10", "9", "1000000"), [0, 1, 2]),
        ({"x": [0, 1]}, {"kind": "number"}, ("x",), [0, 1]),
        ({"x": [0, 1]}, {"kind": "labels"}, ("x",), [[0], [1]]),
        ({"x": [1, 0], "y": [0, 1]}, {"kind": "labels"}, ("x", "y"), [[1, 0], [0, 1]]),
        ({"x": [1, 0], "y": [1, 1]}, {"kind": "shares"}, ("x", "y"), [[0.5, 0.5], [0, 1]]),
        ({"x": ["a", "b"]}, {"classes": {"x": ["b", "a", "c"]}}, ("b", "a", "c"), [1, 0]),
    ],
)
def test_a_requested_kind_and_the_classes_of_the_store_win(columns, options, outputs, values):
    target = read(columns, **options)
    assert target.spec.outputs == outputs
    np.testing.assert_array_equal(target.values, np.array(values, target.values.dtype))


def test_a_window_of_labels_is_missing_only_without_any_label():
    target = read({"x": [1, 0, NAN, NAN], "y": [0, 1, 1, NAN]})
    assert target.is_missing.tolist() == [False, False, False, True]


def test_a_pattern_names_its_columns_in_their_order_and_each_once():
    columns = {"v_b": [1, 2], "age": [1.5, 2.5], "v_a": [3, 0]}
    assert read(columns, "v_*").spec.columns == ("v_b", "v_a")
    target = read(columns, "v_a", "v_*")
    assert target.spec.columns == ("v_a", "v_b")
    assert target.spec.name == "v_a, v_*"
    assert read({"v[1]": [1, 2], "v1": [1, 2]}, "v[*").spec.columns == ("v[1]",)


def test_shares_sum_to_1_as_exactly_as_float32_can():
    votes = np.random.default_rng(0).dirichlet(np.ones(6), 500).round(4)
    target = read({f"v{i}": votes[:, i] for i in range(6)})
    np.testing.assert_allclose(target.values.sum(axis=1, dtype=np.float64), 1, atol=3e-7)


@pytest.mark.parametrize(
    ("columns", "requested", "options", "message"),
    [
        ({"lable": ["a", "b"]}, ["label"], {}, "no column 'label'; did you mean 'lable'?"),
        ({"sex": ["a", "b"], "subject": ["1", "2"]}, ["x9"], {}, "no column 'x9'; use one of sex"),
        ({"votes_a": [1, 2]}, ["vote_*"], {}, "no column matches 'vote_*'; use one of votes_a"),
        ({"x": [1, 2]}, [], {}, "names no column"),
        ({"subject": ["1", "2"]}, ["subject"], {}, "'subject' cannot be a target"),
        ({"p_a": ["a", "b"]}, ["p_a"], {}, "'p_a' cannot be a target"),
        ({"x": ["a", "a", ""]}, ["x"], {}, "'x' has one class, 'a'; training needs at least two"),
        ({"x": [1.0, 1.0]}, ["x"], {}, "'x' has one class, '1'"),
        ({"x": [7.5, 7.5, NAN]}, ["x"], {}, "'x' is 7.5 in all windows, so there is nothing to"),
        ({"x": [NAN, NAN]}, ["x"], {}, "'x' is missing in all windows"),
        ({"x": ["", "n/a"]}, ["x"], {}, "'x' is missing in all windows"),
        ({"x": [1, NAN], "y": [NAN, 1.0]}, ["*"], {"kind": "shares"}, "'*' is missing in all"),
        ({"x": [2, 2], "y": [1, 1]}, ["x", "y"], {}, "is [0.6666666865348816, 0.3333333432674408]"),
        ({"x": [1, 1], "y": [1, 0]}, ["x", "y"], {}, "label 'x' is 1 in all windows"),
        ({"x": [NAN, NAN], "y": [1, 0]}, ["*"], {}, "label 'x' is missing in all windows"),
        ({"x": [1, 2], "sex": ["f", "m"]}, ["*"], {}, "must contain numbers, but sex contain text"),
        ({"x": ["", "F"]}, ["x"], {"kind": "number"}, "'x' contains text such as 'F'; a target of"),
        ({"x": ["1", "0"]}, ["x"], {"kind": "labels"}, "contains text such as '1'"),
        ({"x": [1, 2], "y": [1, 2]}, ["*"], {"kind": "classes"}, "classes is one column, got x, y"),
        ({"x": [1, 2], "y": [1, 2]}, ["*"], {"kind": "number"}, "one column of numbers, got x, y"),
        ({"x": [1, 2]}, ["x"], {"kind": "shares"}, "shares is two or more columns of numbers, got"),
        ({"x": range(5001)}, ["x"], {"kind": "classes"}, "5001 different values; at most 5000 can"),
        ({"x": ["a", "b"]}, ["x"], {"classes": {"x": ["a", "c"]}}, "'b', which is not one of the"),
        ({"x": [1.5, np.inf]}, ["x"], {}, "window 1: x is inf, which is not a finite number"),
        ({"x": [1.5, 1e300]}, ["x"], {}, "window 1: x is 1e+300, which is not a finite number"),
        ({"x": [1, 2]}, ["x"], {"kind": "labels"}, "window 1: x is 2; labels must be 0, 1 or miss"),
    ],
)
def test_a_target_that_cannot_be_learned_is_refused(columns, requested, options, message):
    with pytest.raises(TargetError) as refusal:
        read_target(pd.DataFrame(columns), requested, source="a.zarr", **options)
    assert str(refusal.value).startswith("a.zarr: ")
    assert message in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("x", "y", "problem"),
    [
        (0, 0, "x 0, y 0 sum to 0"),
        (-1, 2, "x -1, y 2 sum to 1"),
        (0.5, 0.4, "x 0.5, y 0.4 sum to 0.9"),
        (33.3, 66.7, "x 33.3, y 66.7 sum to 100"),
        (np.inf, 0, "x inf, y 0 sum to inf"),
    ],
)
def test_votes_that_are_no_shares_are_refused_with_the_window(x, y, problem):
    table = pd.DataFrame({"x": [0.5, x], "y": [0.5, y], "recording": ["a", "sub-01"]}, index=[4, 9])
    message = f"a.zarr: window 9 of sub-01: {problem}; shares must be at least 0 and sum to 1"
    with pytest.raises(TargetError, match=message):
        read_target(table, ["x", "y"], source="a.zarr")


def test_columns_of_the_table_of_predictions_are_reserved():
    for name in RESERVED_COLUMNS:
        with pytest.raises(
            TargetError, match="cannot be a target, because it is a column of every"
        ):
            read({name: [1, 2]})


@pytest.mark.parametrize(
    ("values", "classes"),
    [
        ([1, 0, 1], ("0", "1")),
        ([3.0, 1.0, 2.0, NAN], ("1", "2", "3")),
        ([0.0], ("0",)),
        ([0, 2], ()),
        ([0.0, 0.5, 1.0], ()),
        ([18, 19, 20], ()),
        (range(11), ()),
        ([-1, 0, 1], ()),
        ([NAN], ()),
        ([True, False], ()),
        (["0", "1"], ()),
    ],
)
def test_only_whole_numbers_from_0_or_1_on_without_a_gap_are_classes(values, classes):
    assert number_classes(pd.Series(values)) == classes


def test_numbers_are_named_as_their_classes_also_in_a_part_of_a_table():
    assert name_classes(pd.Series([2.0, NAN, 0.0])).tolist() == ["2", "n/a", "0"]
    assert name_classes(pd.Series(["b", "", None, "n/a"])).tolist() == ["b", "n/a", "n/a", "n/a"]


def test_classes_without_a_known_window_are_left_out():
    table = pd.DataFrame({"label": ["a", "b", "c", "a", "n/a"]})
    target = read_target(table, ["label"], source="a.zarr")
    kept = keep_known_classes(target, np.array([False, True, True, False, False]))
    assert kept.spec.outputs == ("b", "c")
    assert kept.values.tolist() == [-1, 0, 1, -1, -1]
    assert kept.is_missing.tolist() == [True, False, False, True, True]
