"""Persons, log powers and votes of a planted effect."""

from __future__ import annotations

import numpy as np
import pytest
from planted_power import measure_log_power
from scipy.stats import kstest, norm

from bids_dl.testing import PLANTED_UV, PlantedEffect
from bids_dl.testing.effects import AGE_MEAN, AGE_SD
from bids_dl.testing.planting import draw_log_power, draw_person, draw_votes, plant_signals

BLOCKS = np.repeat([0, 1], 10)


def test_the_two_sexes_differ_by_the_effect_and_vary_by_the_spread():
    effect = PlantedEffect(d=3, between=0.5)
    people = [draw_person(effect, 0, person) for person in range(2000)]
    levels = {sex: [person.level for person in people if person.sex == sex] for sex in "FM"}
    assert np.mean(levels["M"]) - np.mean(levels["F"]) == pytest.approx(3, abs=0.1)
    assert np.std(levels["F"]) == pytest.approx(0.5, rel=0.1)


def test_ages_are_normal_and_the_log_power_rises_with_them():
    effect = PlantedEffect(kind="number", d=1.5, between=0.5)
    people = [draw_person(effect, 0, person) for person in range(2000)]
    deviations = np.array([(person.age - AGE_MEAN) / AGE_SD for person in people])
    assert kstest(deviations, norm.cdf).pvalue > 0.01
    slope, _ = np.polyfit(deviations, [person.level for person in people], 1)
    assert slope == pytest.approx(1.5, abs=0.05)


def test_windows_vary_around_the_level_of_their_person():
    effect = PlantedEffect(within=0.7)
    person = draw_person(effect, 0, 5)
    log_power = draw_log_power(effect, person, np.zeros(20_000, dtype=int), (0, 5, 0))
    assert log_power.mean() == pytest.approx(person.level, abs=0.02)
    assert log_power.std() == pytest.approx(0.7, rel=0.02)


def test_a_class_of_blocks_is_not_one_of_persons():
    effect = PlantedEffect(unit="block", d=2, between=0, within=0)
    for index in range(4):
        person = draw_person(effect, 0, index)
        log_power = draw_log_power(effect, person, BLOCKS, (0, index, 0))
        np.testing.assert_allclose(log_power, np.where(BLOCKS == 0, -1, 1))


def test_votes_have_the_stated_number_and_probabilities():
    effect = PlantedEffect(kind="shares", n_votes=7)
    log_power = np.repeat([-1.0, 2.0], 20_000)
    votes = draw_votes(effect, log_power, (0, 1, 0))
    assert (votes.sum(-1) == 7).all()
    for value in (-1.0, 2.0):
        shares = votes[log_power == value].mean(0) / 7
        np.testing.assert_allclose(shares, effect.probabilities(np.array(value)), atol=0.005)


def test_only_the_chosen_electrodes_have_the_effect():
    effect = PlantedEffect(electrodes=("O1",))
    log_power = np.array([-2.0, 0.0, 3.0])
    names = ("Cz", "O1")
    other, planted = plant_signals(effect, log_power, names, 128.0, (0, 1, 0))
    measured = measure_log_power(effect, np.stack([other, planted]).reshape(2, 3, 256))
    np.testing.assert_allclose(measured[1], log_power, atol=0.1)
    assert (measured[0] < -5).all()


def test_the_planted_component_has_exactly_the_drawn_power():
    log_power = np.array([-4.0, 0.0, 3.0])
    key = (0, 1, 0)
    [with_effect] = plant_signals(PlantedEffect(), log_power, ["O1"], 128.0, key)
    background_only = PlantedEffect(electrodes=("Cz",))
    [background] = plant_signals(background_only, log_power, ["O1"], 128.0, key)
    component = (with_effect - background).reshape(3, 256)
    np.testing.assert_allclose(np.square(component).mean(-1), PLANTED_UV**2 * np.exp(log_power))


def test_recordings_of_a_person_have_the_same_gains_and_different_noise():
    effect = PlantedEffect(electrodes=("Cz",))
    names = (*(f"E{i}" for i in range(40)), "Cz")
    deviations = {}
    for key in ((0, 1, 0), (0, 1, 1), (0, 2, 0)):
        channels = np.array(list(plant_signals(effect, np.zeros(4), names, 128.0, key)))
        deviations[key] = np.log(channels[:-1].std(-1))
        deviations[key] -= deviations[key].mean()
    same = np.corrcoef(deviations[0, 1, 0], deviations[0, 1, 1])[0, 1]
    other = np.corrcoef(deviations[0, 1, 0], deviations[0, 2, 0])[0, 1]
    assert same > 0.999
    assert abs(other) < 0.5
