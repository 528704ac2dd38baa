"""Sleep of known stages: each stage has a rhythm of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from bids_dl.testing.noise import Array, pink_noise

EPOCH_SECONDS = 30  # that an expert scores at once
FREQUENCY_SPREAD = 0.05  # of the frequency of a rhythm between epochs, as a fraction
BURST_SECONDS = 1.0
BURSTS_PER_EPOCH = 6
SLEEP_STREAM = 10**6 + 6  # beside the streams of `bids_dl.testing.planting`
UNCLEAR_STREAM = 10**6 + 8
UNCLEAR_SHARE = 0.25  # of the epochs of a night: those without the rhythm of their stage


@dataclass(frozen=True)
class StageRhythm:
    """Rhythm of a sleep stage.

    Attributes
    ----------
    hz
        Frequency in Hz.
    amplitude
        Amplitude in µV.
    is_burst
        True if the rhythm occurs in bursts of 1 s, False if it is continuous.
    """

    hz: float
    amplitude: float
    is_burst: bool = False


STAGES = {
    "W": StageRhythm(10.0, 12.0),
    "N1": StageRhythm(5.0, 10.0),
    "N2": StageRhythm(14.0, 25.0, is_burst=True),
    "N3": StageRhythm(1.0, 40.0),
    "R": StageRhythm(2.5, 12.0),
}
"""Stage -> rhythm: alpha, theta, spindles, slow waves and sawtooth waves."""

NEXT_STAGE = {
    "W": {"W": 0.85, "N1": 0.15},
    "N1": {"N1": 0.5, "N2": 0.4, "W": 0.1},
    "N2": {"N2": 0.88, "N3": 0.05, "R": 0.04, "N1": 0.015, "W": 0.015},
    "N3": {"N3": 0.87, "N2": 0.13},
    "R": {"R": 0.9, "N1": 0.03, "N2": 0.05, "W": 0.02},
}
"""Stage of an epoch -> probabilities of the stage of the next epoch in a night."""

SLEEP_HED = {name: f"{'Awake' if name == 'W' else 'Asleep'}, Label/Stage-{name}" for name in STAGES}
"""trial_type of the events "sleep" -> HED."""


def draw_night(n_epochs: int, rng: np.random.Generator) -> list[str]:
    """Draw the stages of a night: a Markov chain that begins awake.

    Examples
    --------
    >>> draw_night(8, np.random.default_rng(1))
    ['W', 'W', 'N1', 'N1', 'W', 'W', 'W', 'W']
    """
    stages = ["W"]
    while len(stages) < n_epochs:
        following = NEXT_STAGE[stages[-1]]
        stages.append(str(rng.choice(list(following), p=list(following.values()))))
    return stages[:n_epochs]


def simulate_sleep(
    stages: Sequence[str],
    n_chans: int,
    sfreq: float,
    key: Sequence[int],
    *,
    unclear: float = 0.0,
) -> Iterator[Array]:
    """Yield the samples (n_times,) of each channel in µV.

    Each channel is pink noise and the rhythms of the stages, with phases of its own. The frequency
    of a rhythm varies from epoch to epoch, and the onsets of bursts are random.

    Parameters
    ----------
    stages
        Stage of each epoch of 30 s.
    n_chans
        Number of channels.
    sfreq
        Sampling rate in Hz, an integer.
    key
        Seed of the recording.
    unclear
        Share of the epochs that have no rhythm, and hence no sign of their stage.
    """
    n_times = round(EPOCH_SECONDS * sfreq)
    is_clear = np.random.default_rng([*key, UNCLEAR_STREAM]).random(len(stages)) >= unclear
    for channel in range(n_chans):
        rng = np.random.default_rng([*key, SLEEP_STREAM, channel])
        signal = pink_noise(len(stages) * n_times, rng)
        for i, stage in enumerate(stages):
            rhythm = _draw_rhythm(STAGES[stage], sfreq, rng)
            if is_clear[i]:
                signal[i * n_times : (i + 1) * n_times] += rhythm
        yield signal


def _draw_rhythm(rhythm: StageRhythm, sfreq: float, rng: np.random.Generator) -> Array:
    """Draw the rhythm (n_times,) of an epoch in µV."""
    times = np.arange(round(EPOCH_SECONDS * sfreq)) / sfreq
    hz = rhythm.hz * (1 + FREQUENCY_SPREAD * rng.standard_normal())
    wave = rhythm.amplitude * np.sin(2 * np.pi * (hz * times + rng.random()))
    if rhythm.is_burst:
        onsets = rng.uniform(0, EPOCH_SECONDS - BURST_SECONDS, BURSTS_PER_EPOCH)
        since_onset = times[:, None] - onsets
        wave *= ((since_onset >= 0) & (since_onset < BURST_SECONDS)).any(axis=1)
    return np.asarray(wave, dtype=np.float64)
