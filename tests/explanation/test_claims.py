from __future__ import annotations

import numpy as np
import pytest

from bids_dl.explanation.claims import exceed


def draw(level, *, n_random=5, n_persons=12, spread=0.01):
    """Return shares of persons, and those of random networks of mean 0.2."""
    rng = np.random.default_rng(0)
    values = level + rng.normal(0, spread, (n_persons, 1, 2))
    random = 0.2 + rng.normal(0, 0.01, (n_random, 1, 1, 2)) + np.zeros((1, n_persons, 1, 1))
    return values, random


@pytest.mark.parametrize(("level", "is_beyond"), [(0.4, True), (0.2, False), (0.1, False)])
def test_a_share_must_be_larger_than_those_of_random_networks(level, is_beyond):
    assert exceed(*draw(level), seed=0).is_beyond.tolist() == [[is_beyond, is_beyond]]


def test_a_share_that_differs_much_between_persons_is_not_beyond():
    assert not exceed(*draw(0.3, n_persons=4, spread=0.2), seed=0).is_beyond.any()


def test_one_random_network_is_no_control():
    assert not exceed(*draw(0.9, n_random=1), seed=0).is_beyond.any()


def test_one_person_is_no_evidence():
    assert not exceed(*draw(0.9, n_persons=1), seed=0).is_beyond.any()
