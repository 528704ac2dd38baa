from __future__ import annotations

import doctest
import importlib

import numpy as np
import pytest
from asked_pools import write_pool

from bids_dl.annotate.asking.picking import PickProblem, choose_picks
from bids_dl.annotate.asking.pool import read_pool
from bids_dl.annotate.asking.reasons import REASONS, explain_question
from bids_dl.annotate.strategies import STRATEGIES
from bids_dl.annotate.strategies.pool import UNLABELLED
from bids_dl.store import open_store

MODULES = (
    *("answers.ledger", "answers.items", "answers.lines", "asking.pool", "asking.questions"),
    *("asking.reasons", "asking.figures", "asking.stopping", "asking.run_opinion"),
    *("asking.trainer", "strategies.mixture", "strategies.cold_start"),
)
NO_ROWS = np.array([], np.int64)


@pytest.fixture(scope="module")
def windows(tmp_path_factory):
    return read_pool(open_store(write_pool(tmp_path_factory.mktemp("pool") / "x.zarr")))


def test_the_examples_of_the_docstrings_are_right(eyes_store, tmp_path, monkeypatch):
    (tmp_path / "eyes.zarr").symlink_to(eyes_store)
    monkeypatch.chdir(tmp_path)
    for name in MODULES:
        module = importlib.import_module(f"bids_dl.annotate.{name}")
        assert doctest.testmod(module).failed == 0, name


def make_problem(windows, counts=(0, 0), **changes) -> PickProblem:
    """Return a problem with numbers of answers of each class and a model that likes late rows."""
    labels = np.full(len(windows), UNLABELLED, np.int64)
    rows = np.flatnonzero(~windows.is_test)[::-4]
    for each, n in enumerate(counts):
        labels[rows[sum(counts[:each]) :][:n]] = each
    features = np.random.default_rng(0).standard_normal((len(windows), 3))
    spike = np.linspace(0.01, 0.99, len(windows))
    values = {"probabilities": np.stack([1 - spike, spike], axis=1)}
    values |= {"windows": windows, "features": features, "labels": labels, "n_classes": 2}
    return PickProblem(**values | {"is_open": ~windows.is_test} | changes)


def pick(problem, strategy="mixture", batch=8, held=NO_ROWS):
    return choose_picks(problem, strategy, batch, held, seed=0, number=1)


def test_parts_of_the_mixture_are_named_by_what_chose_them(windows):
    picks = pick(make_problem(windows, (14, 6)))
    expected = ["likeliest"] * 4 + ["margin"] * 2 + ["random"] * 2
    assert [each.strategy for each in picks] == expected * 3
    likeliest = [each.row for each in picks if each.strategy == "likeliest"]
    uncertain = [each.row for each in picks if each.strategy == "margin"]
    assert min(likeliest) > 100
    assert all(50 < row < 110 for row in uncertain)


def test_a_cold_start_lasts_until_each_class_has_five_answers(windows):
    parts = [each.strategy for each in pick(make_problem(windows, (14, 4)))[:8]]
    assert parts == ["outlier"] * 3 + ["k-centre"] * 3 + ["random"] * 2
    outliers = np.array([each.row for each in pick(make_problem(windows))[:3]])
    assert (np.abs(make_problem(windows).features[outliers]).max(axis=1) > 1.5).all()


def test_a_model_of_other_data_helps_in_a_cold_start(windows):
    picks = pick(make_problem(windows, trusts_opinion=True))
    assert [each.strategy for each in picks[:4]] == ["likeliest"] * 4
    assert len(picks) == 24
    assert len({each.row for each in picks}) == 24
    random = pick(make_problem(windows, trusts_opinion=True), "random")
    assert {each.strategy for each in random} == {"random"}


def test_each_strategy_has_reasons_for_people(windows):
    for name in STRATEGIES:
        committee = np.stack([make_problem(windows).probabilities] * 2)
        problem = make_problem(windows, (9, 8), committee=committee)
        for each in pick(problem, name):
            assert each.strategy in REASONS
            assert explain_question(each.strategy, "train") == REASONS[each.strategy]


def test_what_is_held_and_its_neighbours_are_not_picked(windows):
    problem = make_problem(windows)
    held = np.array([4, 50])
    rows = np.array([each.row for each in pick(problem, batch=40, held=held)])
    for row in held:
        is_same = windows.recording[rows] == windows.recording[row]
        assert (np.abs(windows.onset[rows[is_same]] - windows.onset[row]) >= 2).all()


def test_nothing_is_picked_if_nothing_is_left(windows):
    assert pick(make_problem(windows, is_open=np.zeros(len(windows), bool))) == ()
    labels = np.zeros(len(windows), np.int64)
    assert pick(make_problem(windows, labels=labels, probabilities=None)) == ()
