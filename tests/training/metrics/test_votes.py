from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tested_windows import (
    AGE,
    KINDS,
    LABELS,
    SHARES,
    STAGES,
    TWO_CLASSES,
    draw_windows,
    make_windows,
)

from bids_dl.errors import TargetError
from bids_dl.training.metrics.tested import read_values
from bids_dl.training.metrics.votes import cast_votes, check_vote_unit, default_vote_unit

UNITS = ("subject", "session", "recording", "block")


def test_the_majority_of_windows_wins():
    table = make_windows([("a", "open", 0.1), ("a", "open", 0.2), ("a", "open", 0.9)])
    vote = cast_votes(table, TWO_CLASSES, "subject").iloc[0]
    assert (vote["predicted"], vote["n_windows"], vote["tie"]) == ("open", 3, False)
    assert vote["p_closed"] == pytest.approx(0.4)


def test_a_tie_goes_to_the_class_with_the_larger_mean_probability_and_is_marked():
    table = make_windows(
        [("a", "open", 0.6), ("a", "open", 0.1), ("b", "open", 0.95), ("b", "open", 0.4)]
    )
    votes = cast_votes(table, TWO_CLASSES, "subject")
    assert votes["predicted"].tolist() == ["open", "closed"]
    assert votes["tie"].tolist() == [True, True]


def test_a_tie_of_equal_probabilities_goes_to_the_first_class_in_any_order_of_windows():
    table = make_windows([("a", "open", p) for p in (0.9, 0.6, 0.7, 0.1, 0.4, 0.3)])
    for rows in (table, table[::-1], table.sample(frac=1, random_state=3)):
        assert cast_votes(rows, TWO_CLASSES, "subject")["predicted"].tolist() == ["open"]


@given(st.sampled_from(KINDS), st.integers(0, 10_000))
@settings(max_examples=30)
def test_votes_do_not_depend_on_the_order_of_windows(spec, seed):
    table = draw_windows(spec, n_persons=3)
    shuffled = table.sample(frac=1, random_state=seed)
    pd.testing.assert_frame_equal(
        cast_votes(shuffled, spec, "block"), cast_votes(table, spec, "block")
    )


@pytest.mark.parametrize("unit", UNITS)
def test_the_unit_of_a_vote_does_not_depend_on_the_true_class(unit):
    table = draw_windows(TWO_CLASSES).assign(label="open")
    votes = cast_votes(table, TWO_CLASSES, unit)
    assert len(votes) == {"subject": 5, "session": 5, "recording": 10, "block": 30}[unit]
    others = cast_votes(table.assign(label="closed"), TWO_CLASSES, unit)
    columns = ["predicted", "p_open", "n_windows"]
    pd.testing.assert_frame_equal(votes[columns], others[columns])


def test_equal_names_in_two_datasets_are_two_persons():
    table = draw_windows(AGE, n_persons=1)
    both = pd.concat([table, table.assign(dataset="ds2")])
    assert len(cast_votes(both, AGE, "subject")) == 2


def test_a_session_without_a_name_is_a_unit():
    table = draw_windows(AGE, n_persons=2).assign(session=np.nan)
    assert len(cast_votes(table, AGE, "session")) == 2


@pytest.mark.parametrize("spec", [AGE, SHARES])
def test_a_vote_is_the_mean_of_true_and_predicted_values(spec):
    table = draw_windows(spec)
    votes = cast_votes(table, spec, "subject")
    names = ["predicted"] if spec is AGE else [f"p_{name}" for name in spec.outputs]
    names += spec.columns
    expected = table.groupby("subject")[names].mean()
    np.testing.assert_allclose(votes[names], expected)


def test_a_missing_label_leaves_the_true_value_to_the_other_windows():
    table = draw_windows(LABELS, n_persons=1, n_blocks=2)
    table.loc[0, "l_x"] = np.nan
    table.loc[:2, "l_y"] = np.nan
    votes = cast_votes(table, LABELS, "block")
    assert votes["l_x"].tolist() == table["l_x"].iloc[[1, 3]].tolist()
    assert votes["l_y"].isna().tolist() == [True, False]


@pytest.mark.parametrize(
    ("unit", "message"),
    [
        ("subject", "--vote-by subject: ds1/sub-001 has several values of label (open, closed); "),
        ("session", "--vote-by session: ds1/sub-001, session 2, has several"),
        ("recording", "--vote-by recording: ds1/sub-001_run-2 has several values"),
        ("block", "--vote-by block: ds1/sub-001_run-2, block 7, has several"),
    ],
)
def test_a_unit_with_several_true_classes_is_refused(unit, message):
    table = make_windows([("000", "open", 0.1), ("001", "open", 0.1), ("001", "closed", 0.1)])
    table = table.assign(session="2", recording=f"sub-{table['subject'][1]}_run-2", block=7)
    table.loc[0, ["recording", "block"]] = ["sub-000_run-1", 1]
    with pytest.raises(TargetError) as caught:
        cast_votes(table, TWO_CLASSES, unit)
    assert str(caught.value).startswith(message)
    advice = "one value per block" if unit == "block" else "smaller unit, such as block"
    assert str(caught.value).endswith(advice)


def test_several_values_of_a_label_are_refused_by_its_column():
    table = draw_windows(LABELS, n_persons=1, n_blocks=1)
    table["l_y"] = [0, 1, np.nan]
    with pytest.raises(TargetError, match=r"several values of l_y \(0, 1\)"):
        cast_votes(table, LABELS, "block")


def test_numbers_and_shares_may_differ_within_a_unit():
    for spec in (AGE, SHARES):
        table = draw_windows(spec)
        check_vote_unit(table, spec, read_values(table, spec), "subject")


@pytest.mark.parametrize("spec", KINDS)
def test_persons_vote_if_each_has_one_value_and_blocks_otherwise(spec):
    table = draw_windows(spec, n_blocks=1)
    assert default_vote_unit(table, spec, read_values(table, spec)) == "subject"
    table = draw_windows(spec, seed=1)
    assert default_vote_unit(table, spec, read_values(table, spec)) == "block"


def test_missing_values_do_not_change_the_unit():
    table = draw_windows(STAGES, n_blocks=1)
    values = read_values(table, STAGES)
    values[0] = -1
    assert default_vote_unit(table, STAGES, values) == "subject"
    check_vote_unit(table, STAGES, values, "subject")
    table = draw_windows(LABELS, n_blocks=1)
    labels = read_values(table, LABELS).copy()
    labels[0, 0] = np.nan
    assert default_vote_unit(table, LABELS, labels) == "subject"
