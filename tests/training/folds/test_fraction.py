from __future__ import annotations

import doctest

import numpy as np
import pandas as pd
import pytest

from bids_dl.config.training_stage import TrainConfig
from bids_dl.errors import ConfigError
from bids_dl.training.folds import fraction, plan_folds

N_WINDOWS = 4


def plan(config, *, n_persons=20, n_women=10, has_classes=True):
    """Folds of persons with one class each; the first ones are women."""
    subjects = np.repeat([f"{i:02}" for i in range(n_persons)], N_WINDOWS)
    classes = np.repeat((np.arange(n_persons) >= n_women).astype(int), N_WINDOWS)
    table = pd.DataFrame({"dataset": "ds", "subject": subjects, "label": classes.astype(str)})
    onset = np.tile(np.arange(N_WINDOWS, dtype=float), n_persons)
    table = table.assign(recording=subjects, block=np.arange(len(table)), onset=onset)
    return plan_folds(
        table,
        config,
        known=np.ones(len(table), bool),
        classes_of=classes if has_classes else None,
        window_seconds=1.0,
        store_name="s.zarr",
    )


def persons_of(rows):
    return set((rows // N_WINDOWS).tolist())


@pytest.mark.parametrize("seed", range(5))
def test_smaller_shares_are_part_of_larger_ones_and_have_all_classes(seed):
    before = None
    for share in (0.05, 0.1, 0.3, 0.6, 1.0):
        folds = plan(TrainConfig(folds=4, seed=seed, train_fraction=share)).folds
        kept = [persons_of(fold.train) for fold in folds]
        for persons in kept:
            assert {person >= 10 for person in persons} == {False, True}
            assert len(persons) == max(2, round(share * 15))
        if before is not None:
            assert all(small <= large for small, large in zip(before, kept, strict=True))
        before = kept


def test_classes_keep_about_their_share():
    folds = plan(TrainConfig(folds=5, train_fraction=0.5), n_persons=50, n_women=40).folds
    for fold in folds:
        men = sum(person >= 40 for person in persons_of(fold.train))
        assert 3 <= men <= 5  # 20 persons, a fifth of whom are men


def test_test_and_validation_stay_the_same():
    whole = plan(TrainConfig(folds=4, patience=3)).folds
    part = plan(TrainConfig(folds=4, patience=3, train_fraction=0.2)).folds
    for before, after in zip(whole, part, strict=True):
        np.testing.assert_array_equal(before.test, after.test)
        np.testing.assert_array_equal(before.validation, after.validation)
        assert len(after.train) < len(before.train)
        assert not persons_of(after.train) & persons_of(after.validation)


def test_persons_of_another_seed_are_others_and_of_the_same_seed_the_same():
    first, again, other = (
        [
            fold.train.tolist()
            for fold in plan(TrainConfig(folds=4, seed=s, train_fraction=0.2)).folds
        ]
        for s in (0, 0, 1)
    )
    assert first == again != other


def test_a_target_without_classes_keeps_at_least_one_person():
    config = TrainConfig(folds=4, train_fraction=0.01)
    result = plan(config, has_classes=False)
    assert [len(persons_of(fold.train)) for fold in result.folds] == [1] * 4
    assert result.warnings == ("--train-fraction 0.01: 1 of 15 training persons",)


def test_folds_within_persons_are_refused():
    with pytest.raises(ConfigError, match=r"--train-fraction 0\.5 takes .* --folds time trains"):
        plan(TrainConfig(folds="time", gap=0.0, train_fraction=0.5), has_classes=False)


def test_several_shares_are_no_single_training():
    with pytest.raises(ConfigError, match=r"--train-fraction 0\.1,1: one training has one share"):
        plan(TrainConfig(folds=4, train_fraction=(0.1, 1.0)))


def test_the_examples_of_the_docstrings_run():
    assert doctest.testmod(fraction).failed == 0
