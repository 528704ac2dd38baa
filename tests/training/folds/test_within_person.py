from __future__ import annotations

import doctest

import numpy as np
import pytest
from fold_tables import recording_table, request_all
from hypothesis import given, settings
from hypothesis import strategies as st

from bids_dl.errors import TargetError
from bids_dl.training.folds import within_person
from bids_dl.training.folds.within_person import UNITS, folds_by_unit

RUNS = st.lists(
    st.tuples(
        st.sampled_from(["01", "02", "03"]),
        st.sampled_from(["", "pre", "post"]),
        st.sampled_from(["1", "02", "10"]),
    ),
    min_size=2,
    max_size=10,
    unique=True,
)


def folds_of(runs, unit, **settings):
    return folds_by_unit(request_all(recording_table(runs), folds=unit, **settings), unit)


def recordings_of(table, rows):
    return set(table["recording"].iloc[rows])


def test_the_examples_of_the_docstrings_are_right():
    assert doctest.testmod(within_person).failed == 0


@settings(max_examples=60)
@given(runs=RUNS, unit=st.sampled_from(UNITS), patience=st.sampled_from([None, 1]))
def test_each_unit_of_a_person_with_two_is_tested_once_and_never_trained_on(runs, unit, patience):
    table = recording_table(runs)
    units = [run[{"session": 1, "run": 2}.get(unit, slice(None))] for run in runs]
    units_of = {}
    for run, label in zip(runs, units, strict=True):
        units_of.setdefault(run[0], set()).add(label)
    if all(len(labels) == 1 for labels in units_of.values()):
        with pytest.raises(TargetError, match=f"no person has windows of two {unit}s"):
            folds_of(runs, unit, patience=patience)
        return
    expected = []
    for row, subject in enumerate(table["subject"]):
        if len(units_of[subject]) > 1:
            expected.append(row)
    folds = folds_of(runs, unit, patience=patience, gap=3.0).folds
    assert len(folds) == max(map(len, units_of.values()))
    assert np.sort(np.concatenate([fold.test for fold in folds])).tolist() == expected
    for fold in folds:
        trained = np.union1d(fold.train, fold.validation)
        assert not recordings_of(table, trained) & recordings_of(table, fold.test)
        assert not set(fold.train) & set(fold.validation)
        assert bool(len(fold.validation)) == (patience is not None)
        assert fold.same_person
        tested = table.iloc[fold.test].groupby("subject")[unit]
        labels = tested.unique() if unit != "run" else tested.unique().map(np.unique)
        assert max(map(len, labels)) == 1
        if patience is None:
            assert len(fold.train) + len(fold.test) == len(table)


@pytest.mark.parametrize(
    ("labels", "order"),
    [(["10", "9", "02"], ["02", "9", "10"]), (["2", "", "1"], ["", "1", "2"])],
)
def test_runs_are_tested_in_the_order_of_their_numbers(labels, order):
    runs = [("01", "1", label) for label in labels]
    table = recording_table(runs)
    tested = [table["run"].iloc[fold.test[0]] for fold in folds_of(runs, "run").folds]
    assert tested == order


def test_runs_with_equal_numbers_are_one_unit():
    runs = [("01", "1", "1"), ("01", "2", "01"), ("01", "1", "2")]
    assert [len(fold.test) for fold in folds_of(runs, "run").folds] == [80, 40]


def test_recordings_are_tested_in_the_order_of_the_store():
    runs = [("02", "2", "1"), ("01", "9", "1"), ("02", "1", "1"), ("01", "1", "1")]
    folds = folds_of(runs, "recording").folds
    assert [fold.test.tolist() for fold in folds] == [list(range(80)), list(range(80, 160))]
    assert folds[0].held_out == "recording number 1 of each person"


@pytest.mark.parametrize(
    ("sessions", "held_out"),
    [
        ((("1", "2"), ("1", "2")), ["session 1 of each person", "session 2 of each person"]),
        ((("1", "2"), ("a", "b")), ["session number 1 of each person", None]),
        ((("1", "2"), ("1", "2", "3")), [None, None, "session 3 of 1 person"]),
        ((("1", "2"), ("1",)), ["session 1 of 1 person", None]),
    ],
)
def test_the_tested_unit_is_named_by_a_label_that_all_persons_share(sessions, held_out):
    runs = []
    for person, labels in enumerate(sessions):
        runs += [(f"{person:02}", label, "1") for label in labels]
    for fold, text in zip(folds_of(runs, "session").folds, held_out, strict=True):
        assert text in (None, fold.held_out)


def test_a_person_with_one_session_is_trained_on_and_named_in_a_warning():
    runs = [("01", "1", "1"), ("01", "2", "1"), ("02", "1", "1")]
    planned = folds_of(runs, "session")
    for fold in planned.folds:
        assert set(range(80, 120)) <= set(fold.train)
    [line] = planned.warnings
    assert line.startswith("--folds session: 1 of 2 persons with a single session")


def test_validation_needs_onsets():
    runs = [("01", "1", "1"), ("01", "2", "1")]
    table = recording_table(runs).drop(columns="onset")
    folds_by_unit(request_all(table, folds="session"), "session")
    with pytest.raises(TargetError, match="--patience with --folds session needs the column 'on"):
        folds_by_unit(request_all(table, folds="session", patience=1), "session")
