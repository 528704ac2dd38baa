from __future__ import annotations

import doctest
import importlib
import pkgutil
from dataclasses import replace

import numpy as np
import pytest
from annotated_pools import make_pool
from hypothesis import given, settings
from hypothesis import strategies as st

from bids_dl.annotate import strategies
from bids_dl.annotate.strategies import STRATEGIES, Pool, find_strategy
from bids_dl.annotate.strategies.spacing import MIN_LENGTHS
from bids_dl.errors import ConfigError

NAMES = sorted(STRATEGIES)
MODULES = [module.name for module in pkgutil.iter_modules(strategies.__path__)]


@pytest.mark.parametrize("module", MODULES)
def test_the_examples_of_the_docstrings_are_right(module):
    tested = importlib.import_module(f"{strategies.__name__}.{module}")
    assert doctest.testmod(tested).failed == 0


@st.composite
def pools(draw) -> Pool:
    """Draw a pool: with and without a model, any number of answers, equal features among them."""
    n_windows = draw(st.integers(1, 40))
    pool = make_pool(
        n_windows,
        n_labelled=draw(st.integers(0, n_windows)),
        n_classes=draw(st.integers(1, 4)),
        n_recordings=draw(st.integers(1, n_windows)),
        seed=draw(st.integers(0, 1000)),
        with_model=draw(st.booleans()),
    )
    if draw(st.booleans()):
        pool = replace(pool, features=np.zeros_like(pool.features))
    return pool


def pick(name: str, pool: Pool, n: int, seed: int = 0) -> list[int]:
    return find_strategy(name).pick(pool, n, np.random.default_rng(seed)).tolist()


def is_near(pool: Pool, first: int, second: int) -> bool:
    """Return whether two windows of a recording are closer than `MIN_LENGTHS` windows."""
    distance = abs(pool.onset[first] - pool.onset[second])
    is_same = pool.recording[first] == pool.recording[second]
    return bool(is_same and distance < MIN_LENGTHS * pool.window_seconds)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=25)
@given(pool=pools(), n=st.integers(0, 25), seed=st.integers(0, 5))
def test_a_batch_is_unlabelled_distinct_spaced_and_as_large_as_can_be(name, pool, n, seed):
    rows = pick(name, pool, n, seed)
    assert not pool.is_labelled[rows].any()
    assert len(set(rows)) == len(rows) <= n
    for i, row in enumerate(rows):
        assert not any(is_near(pool, row, other) for other in rows[:i])
    if len(rows) < n:
        left = set(np.flatnonzero(~pool.is_labelled).tolist()) - set(rows)
        assert all(any(is_near(pool, row, other) for other in rows) for row in left)
    assert rows == pick(name, pool, n, seed)


@pytest.mark.parametrize("name", NAMES)
def test_repeated_batches_ask_every_window_once(name):
    pool = make_pool(30, n_labelled=0, with_model=True)
    asked: list[int] = []
    while not pool.is_labelled.all():
        rows = pick(name, pool, 7, len(asked))
        assert rows
        asked += rows
        labels = pool.labels.copy()
        labels[rows] = 1
        pool = replace(pool, labels=labels)
    assert sorted(asked) == list(range(30))


@pytest.mark.parametrize("name", ["random", "entropy", "margin", "committee", "likeliest"])
def test_equal_opinions_ask_windows_of_all_recordings_at_random(name):
    pool = make_pool(60, n_labelled=0)
    pool = replace(pool, probabilities=np.full((60, 2), 0.5), committee=np.full((3, 60, 2), 0.5))
    batches = [pick(name, pool, 6, seed) for seed in range(10)]
    assert len({tuple(batch) for batch in batches}) > 5
    assert {int(pool.recording[row]) for batch in batches for row in batch} == {0, 1, 2}


@pytest.mark.parametrize("name", NAMES)
def test_a_pool_whose_answers_are_of_one_class_is_asked(name):
    pool = make_pool(40, n_labelled=10, with_model=False)
    pool = replace(pool, labels=np.where(pool.is_labelled, 0, -1))
    assert len(pick(name, pool, 8)) == 8


def test_an_unknown_strategy_is_refused_with_its_closest_name():
    with pytest.raises(ConfigError, match="unknown strategy 'k-center'; did you mean 'k-centre'"):
        find_strategy("k-center")
    with pytest.raises(ConfigError, match="use one of mixture, random"):
        find_strategy("wisdom")
