from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from people_store import window_table, write_store

from bids_dl.annotate.simulation.problem import Problem, hold_out
from bids_dl.annotate.simulation.simulate import prepare_problem
from bids_dl.config.simulation_stage import SimulateConfig
from bids_dl.errors import TargetError
from bids_dl.store import open_store


@pytest.fixture(scope="module")
def problem(tmp_path_factory) -> Problem:
    """Ten people, of whom two are in the split test."""
    table = window_table(10, splits=("train", "train", "train", "train", "test"))
    store = open_store(write_store(tmp_path_factory.mktemp("store") / "x.zarr", table))
    return prepare_problem(store, SimulateConfig(), lambda *_: None)


def test_sides_share_no_person_and_have_all_windows(problem):
    for seed in range(5):
        pool, test = hold_out(problem, seed)
        assert not set(problem.people[pool]) & set(problem.people[test])
        assert sorted([*pool, *test]) == list(range(160))
        assert len(np.unique(problem.people[test])) == 3


def test_seeds_hold_out_other_people(problem):
    drawn = {tuple(np.unique(problem.people[hold_out(problem, seed)[1]])) for seed in range(6)}
    assert len(drawn) > 3
    assert (hold_out(problem, 3)[1] == hold_out(problem, 3)[1]).all()


def test_people_are_drawn_until_both_sides_have_each_class(problem):
    is_third = problem.people < 2  # of ten
    rare = replace(problem, classes=np.where(is_third, problem.classes, 0))
    for seed in range(5):
        for side in hold_out(rare, seed):
            assert set(rare.classes[side]) == {0, 1}


def test_a_class_of_one_person_is_refused(problem):
    classes = np.where(problem.people == 0, problem.classes, 0)
    with pytest.raises(TargetError, match="no draw of 3 of 10 people leaves windows of all 2"):
        hold_out(replace(problem, classes=classes), 0)


def test_the_split_test_of_the_store_is_held_out_for_all_seeds(problem):
    is_test = np.isin(problem.people, [4, 9])
    fixed = replace(problem, is_split_test=is_test)
    assert (hold_out(fixed, 0)[1] == np.flatnonzero(is_test)).all()
    assert (hold_out(fixed, 1)[1] == np.flatnonzero(is_test)).all()
    with pytest.raises(TargetError, match="shares people with other splits"):
        hold_out(replace(problem, is_split_test=np.arange(160) < 5), 0)
    with pytest.raises(TargetError, match="the split test has no window of the class 'rest'"):
        hold_out(replace(problem, is_split_test=np.zeros(160, bool)), 0)
