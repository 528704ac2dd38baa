"""Persons, log powers, votes and signals of a planted effect, drawn from a seed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bids_dl.testing.effects import AGE_MEAN, AGE_SD, PLANTED_UV, PlantedEffect
from bids_dl.testing.noise import Array, band_noise, pink_noise

SEXES = "FM"  # in turn; the first one has the lower level
GAIN_SD = 0.5  # natural logarithm: spread of the background of a channel between persons
# Last values of the seeds of a person or recording. They are no numbers of runs or sessions, so
# that no two seeds are equal.
PERSON_STREAM, GAIN_STREAM, POWER_STREAM, VOTE_STREAM, PHASE_STREAM = range(10**6, 10**6 + 5)


@dataclass(frozen=True)
class PlantedPerson:
    """Target and log power of a person.

    Attributes
    ----------
    sex
        ``"F"`` or ``"M"``.
    age
        Age in years.
    level
        Expected log power of the person, without a class of blocks.
    """

    sex: str
    age: float
    level: float


def draw_person(effect: PlantedEffect, seed: int, person: int) -> PlantedPerson:
    """Draw a person, counted from 0. All recordings of the person have the same level."""
    rng = np.random.default_rng([seed, person, PERSON_STREAM])
    deviation, random_level = rng.standard_normal(2)
    age = round(AGE_MEAN + AGE_SD * deviation, 2)
    sex = SEXES[person % len(SEXES)]
    level = effect.between * random_level
    if effect.kind == "classes" and effect.unit == "person":
        level += effect.d * (SEXES.index(sex) - 0.5)
    elif effect.kind == "number":
        level += effect.d * (age - AGE_MEAN) / AGE_SD
    return PlantedPerson(sex, age, float(level))


def draw_log_power(
    effect: PlantedEffect, person: PlantedPerson, blocks: NDArray[np.int64], key: Sequence[int]
) -> Array:
    """Draw the log power (n_windows,) of the windows of a recording.

    Parameters
    ----------
    blocks
        (n_windows,): number of the block of each window.
    key
        Seed of the recording.
    """
    rng = np.random.default_rng([*key, POWER_STREAM])
    log_power = person.level + effect.within * rng.standard_normal(len(blocks))
    if effect.unit == "block":
        log_power += effect.d * (blocks % 2 - 0.5)
    return np.asarray(log_power, dtype=np.float64)


def draw_votes(effect: PlantedEffect, log_power: Array, key: Sequence[int]) -> NDArray[np.int64]:
    """Draw the votes (n_windows, n_columns) of the windows of a recording."""
    rng = np.random.default_rng([*key, VOTE_STREAM])
    return np.asarray(rng.multinomial(effect.n_votes, effect.probabilities(log_power)))


def plant_signals(
    effect: PlantedEffect,
    log_power: Array,
    ch_names: Sequence[str],
    sfreq: float,
    key: Sequence[int],
) -> Iterator[Array]:
    """Yield the samples (n_times,) of each channel of a recording in µV.

    Each channel is pink noise, quiet in the band of the effect, with a strength that is the
    person's own, plus the planted component if the channel is one of the effect's. The strength
    tells persons apart, as in real EEG, so a split by windows can be told from one by persons.

    Parameters
    ----------
    log_power
        (n_windows,), as `draw_log_power` returns it.
    sfreq
        Sampling rate in Hz. A window has a whole number of samples.
    key
        Seed of the recording; its first two values are those of the person.
    """
    n_times = round(effect.window * sfreq)
    gains = np.random.default_rng([*key[:2], GAIN_STREAM]).standard_normal(len(ch_names))
    noise_rng = np.random.default_rng([*key, 1])
    phase_rng = np.random.default_rng([*key, PHASE_STREAM])
    power = PLANTED_UV**2 * np.exp(log_power)
    low, high = effect.band
    for i in range(len(ch_names)):
        noise = pink_noise(len(power) * n_times, noise_rng, quiet=(low / sfreq, high / sfreq))
        signal = np.exp(GAIN_SD * gains[i]) * noise
        if not effect.electrodes or ch_names[i] in effect.electrodes:
            signal += band_noise(power, n_times, effect.bins(), phase_rng).ravel()
        yield signal
