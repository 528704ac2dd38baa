"""Planted effects: their parameters, and bounds against simulation."""

from __future__ import annotations

import doctest

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy.stats import entropy

from bids_dl.errors import ConfigError
from bids_dl.testing import PlantedEffect, effects
from bids_dl.testing.effects import AGE_MEAN, AGE_SD

SPREADS = st.floats(0.1, 5)


def test_the_examples_of_the_docstrings_are_right():
    assert doctest.testmod(effects).failed == 0


def test_the_bounds_are_the_published_ones():
    effect = PlantedEffect(d=2, between=1, within=1)
    bounds = [effect.bound_windows(), effect.bound_votes(41), effect.bound_votes()]
    np.testing.assert_allclose(bounds, [0.760, 0.838, 0.841], atol=5e-4)


@given(d=SPREADS, between=SPREADS, within=SPREADS, n_windows=st.integers(1, 1000))
def test_a_vote_is_never_bounded_below_a_window_or_above_the_limit(d, between, within, n_windows):
    effect = PlantedEffect(d=d, between=between, within=within)
    limit = effect.bound_votes()
    assert 0.5 < effect.bound_windows() <= effect.bound_votes(n_windows) <= limit <= 1


def test_an_effect_of_zero_is_at_chance_and_one_without_spread_is_certain():
    assert PlantedEffect(d=0).bound_windows() == 0.5
    assert PlantedEffect(d=0, between=0, within=0).bound_windows() == 0.5
    assert PlantedEffect(d=0.1, between=0, within=0).bound_windows() == 1


@pytest.mark.parametrize("n_windows", [1, 41])
def test_the_best_classifier_of_simulated_log_power_reaches_the_bound(n_windows):
    rng = np.random.default_rng(0)
    effect = PlantedEffect(d=1.5, between=0.8, within=1.2)
    is_high = np.arange(100_000) % 2
    mean = effect.d * (is_high - 0.5) + effect.between * rng.standard_normal(100_000)
    mean += effect.within / np.sqrt(n_windows) * rng.standard_normal(100_000)
    accuracy = ((mean > 0) == is_high).mean()
    assert accuracy == pytest.approx(effect.bound_votes(n_windows), abs=0.005)


@pytest.mark.parametrize("n_windows", [1, 41])
def test_the_best_regression_of_simulated_log_power_has_the_irreducible_error(n_windows):
    rng = np.random.default_rng(1)
    effect = PlantedEffect(kind="number", d=1.5, between=0.8, within=1.2)
    age = AGE_MEAN + AGE_SD * rng.standard_normal(100_000)
    mean = effect.d * (age - AGE_MEAN) / AGE_SD + effect.between * rng.standard_normal(100_000)
    mean += effect.within / np.sqrt(n_windows) * rng.standard_normal(100_000)
    slope, intercept = np.polyfit(mean, age, 1)
    error = np.abs(slope * mean + intercept - age).mean()
    assert error == pytest.approx(effect.irreducible_mae(n_windows), rel=0.01)


def test_without_spread_the_age_is_known_and_without_slope_only_its_distribution():
    certain = PlantedEffect(kind="number", between=0, within=1)
    assert certain.irreducible_mae() == 0 < certain.irreducible_mae(1)
    for spread in (0, 1):
        silent = PlantedEffect(kind="number", d=0, between=spread, within=spread)
        assert silent.irreducible_mae(1) == pytest.approx(AGE_SD * np.sqrt(2 / np.pi))


@pytest.mark.parametrize("n_votes", [1, 5, 20])
@pytest.mark.parametrize("columns", [("a", "b"), ("a", "b", "c", "d", "e", "f")])
def test_shares_drawn_from_known_probabilities_diverge_from_them_by_the_floor(n_votes, columns):
    rng = np.random.default_rng(2)
    effect = PlantedEffect(kind="shares", columns=columns, n_votes=n_votes, d=2.5)
    log_power = np.hypot(effect.between, effect.within) * rng.standard_normal(100_000)
    expected = effect.probabilities(log_power)
    shares = rng.multinomial(n_votes, expected) / n_votes
    divergence = entropy(shares, expected, axis=-1).mean()
    assert divergence == pytest.approx(effect.kl_floor(), rel=0.02)
    assert effect.kl_floor() == PlantedEffect(kind="shares", columns=columns, d=2.5).kl_floor(
        n_votes
    )


def test_the_floor_falls_as_one_over_the_number_of_votes():
    effect = PlantedEffect(kind="shares", d=1)
    assert effect.kl_floor(1000) == pytest.approx((len(effect.columns) - 1) / 2000, rel=0.02)


@given(st.lists(st.floats(-50, 50), min_size=1), st.integers(2, 6))
def test_probabilities_sum_to_one_and_rise_in_the_last_column(log_power, n_columns):
    effect = PlantedEffect(kind="shares", columns=tuple("abcdef"[:n_columns]))
    probabilities = effect.probabilities(np.sort(log_power))
    np.testing.assert_allclose(probabilities.sum(-1), 1)
    assert (np.diff(probabilities[:, -1]) >= -1e-12).all()


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"band": (13, 8)}, "band 13 to 8 Hz: a window of 2 s has no frequency in it"),
        ({"band": (8, 8.5)}, "use a wider band or longer windows"),
        ({"band": (-1, 8)}, "band -1 to 8 Hz"),
        ({"between": -1}, "between"),
        ({"kind": "sex"}, "kind"),
        ({"kind": "number", "unit": "block"}, "unit block: applies to classes only"),
        ({"kind": "shares", "columns": ("votes_a",)}, "use two or more different names"),
        ({"kind": "shares", "columns": ("a", "a", "b")}, "use two or more different names"),
        ({"n_votes": 0}, "n_votes"),
        ({"window": 0}, "window"),
    ],
)
def test_wrong_parameters_are_refused(parameters, message):
    with pytest.raises(ValidationError, match=message):
        PlantedEffect(**parameters)


@pytest.mark.parametrize(
    ("bound", "kind"),
    [
        ("bound_windows", "number"),
        ("bound_votes", "shares"),
        ("irreducible_mae", "classes"),
        ("kl_floor", "number"),
    ],
)
def test_the_bound_of_another_kind_is_refused(bound, kind):
    with pytest.raises(ConfigError, match=f"but the effect is of the kind {kind}"):
        getattr(PlantedEffect(kind=kind), bound)()
