from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest
from people_store import window_table, write_store

from bids_dl.annotate.simulation.problem import LOGISTIC, Problem
from bids_dl.annotate.simulation.rounds import (
    iterate_rounds,
    prepare_repetition,
    run_repetition,
)
from bids_dl.annotate.simulation.simulate import prepare_problem
from bids_dl.annotate.strategies import STRATEGIES, Pool, Rows, StrategyEntry
from bids_dl.config.simulation_stage import SimulateConfig
from bids_dl.store import open_store

CONFIG = SimulateConfig(strategy=("margin",), batch=6, budget=20)


@pytest.fixture(scope="module")
def problem(tmp_path_factory) -> Problem:
    """Six people with 32 windows each, whose classes differ in amplitude."""
    table = window_table(6, n_windows=16)
    store = open_store(write_store(tmp_path_factory.mktemp("store") / "x.zarr", table))
    return prepare_problem(store, CONFIG, lambda *_: None)


def test_strategies_of_a_seed_begin_with_the_same_answers(problem):
    rows = run_repetition(problem, 1)
    first = {row["strategy"]: row for row in rows if row["n_labels"] == 6}
    assert set(first) == {"random", "margin"}
    assert first["random"] | {"strategy": ""} == first["margin"] | {"strategy": ""}


def test_answers_grow_by_a_batch_up_to_the_budget(problem):
    rows = [row for row in run_repetition(problem, 0) if row["strategy"] == "margin"]
    assert [row["n_labels"] for row in rows] == [6, 12, 18, 20]
    assert all(row["labels_rest"] + row["labels_move"] == row["n_labels"] for row in rows)
    assert rows[-1]["value"] > 0.9


def test_a_pool_that_is_asked_to_the_end_stops(problem):
    small = replace(problem, config=replace(CONFIG, batch=50, budget=1000))
    rows = [row for row in run_repetition(small, 0) if row["strategy"] == "margin"]
    assert rows[-1]["n_labels"] == 128


def test_a_problem_that_is_sent_to_a_process_gives_the_same_curves(problem):
    assert run_repetition(pickle.loads(pickle.dumps(problem)), 2) == run_repetition(problem, 2)


@pytest.mark.parametrize("name", STRATEGIES)
def test_the_same_seed_gives_the_same_curve(problem, name):
    chosen = replace(problem, config=replace(CONFIG, strategy=(name,)))
    assert run_repetition(chosen, 3) == run_repetition(chosen, 3)


def test_no_strategy_sees_windows_or_classes_of_held_out_people(problem):
    seen: list[Pool] = []

    def spy(pool: Pool, n: int, rng: np.random.Generator) -> Rows:
        seen.append(pool)
        return np.flatnonzero(~pool.is_labelled)[:n]

    repetition = prepare_repetition(problem, 0, LOGISTIC)
    list(iterate_rounds(repetition, StrategyEntry(spy, ""), is_automatic=False))
    classes = problem.classes[repetition.pool_rows]
    for pool in seen:
        assert len(pool) == len(repetition.pool_rows) < len(problem.rows)
        assert (pool.labels[pool.is_labelled] == classes[pool.is_labelled]).all()
    assert [int(pool.is_labelled.sum()) for pool in seen] == [6, 12, 18]


def test_answers_of_one_class_give_chance_and_no_model(problem):
    opinions = []

    def first_class(pool: Pool, n: int, rng: np.random.Generator) -> Rows:
        opinions.append(pool.probabilities)
        return np.flatnonzero(~pool.is_labelled & is_first)[:n]

    repetition = prepare_repetition(problem, 0, LOGISTIC)
    is_first = problem.classes[repetition.pool_rows] == 0
    repetition = replace(repetition, start=np.flatnonzero(is_first)[:6])
    rows = list(iterate_rounds(repetition, StrategyEntry(first_class, ""), is_automatic=False))
    assert {row["value"] for row in rows} == {0.5}
    assert opinions == [None] * 3


def test_automatic_labels_begin_with_the_third_batch_and_are_no_answers(problem):
    repetition = prepare_repetition(problem, 0, LOGISTIC)
    entry = STRATEGIES["random"]
    rows = list(iterate_rounds(repetition, entry, is_automatic=True))
    assert [row["n_labels"] for row in rows] == [6, 12, 18, 20]
    assert [row["n_automatic"] > 0 for row in rows] == [False, False, True, True]
    assert all(row["n_automatic"] <= row["n_labels"] for row in rows)
