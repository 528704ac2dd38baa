"""Where channels were silent: samples that repeat one value, or are no numbers. Arithmetic only.

What is found at a sample depends on its surroundings only, so that an excerpt gives what the whole recording gives. In data of few bits a
true sample may equal the silence next to it by chance, and an amplifier that loses its signal may hold the last value it had; both lengthen
a run of equal samples beyond the silence. Channels that fall silent together tell: chance does not lengthen the runs of most of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bids_dl.preprocess.step import Array

NEAR = 4  # samples between the ends of runs of two channels that may be one silence
USUAL = 32  # differences between samples that say how far a channel moves from one to the next
JUMP = 3.0  # times their root mean square, beyond which a channel did not get from one sample to the next by itself
REACH = (
    2 * NEAR + USUAL + 3
)  # samples around a silence, at most, that decide where it begins and ends

Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _Runs:
    """Runs of equal samples of all channels, one element each."""

    channel: Places
    start: Places
    stop: Places  # the sample after the last
    value: Array  # infinite where the samples are no numbers
    step: Array  # to the first sample from the one before, over the usual step there; infinite where there is none before

    def __len__(self) -> int:
        return len(self.start)


def silences(signals: Iterable[Array], shortest: int) -> list[list[tuple[int, int]]]:
    """Of each channel, first sample and the one after the last of every silence, in order of time.

    Samples that are no numbers are silent however few they are. A run whose value is neither zero nor reached by a jump is the last true
    sample, held: its first sample does not count, nor does it on channels that fell silent at the same sample.

    Parameters
    ----------
    signals
        Channels (n_times,), one after the other.
    shortest
        Fewest equal samples that are a silence, 2 or more.
    """
    found = [_runs(channel, signal, shortest) for channel, signal in enumerate(signals)]
    runs = _Runs(
        *(np.concatenate([getattr(each, name) for each in found]) for name in _Runs.__slots__)
    )
    common = _together(runs.start)
    start = common + _held(runs, common)
    stop = -_together(-runs.stop)
    lost = np.isinf(runs.value)
    start, stop = np.where(lost, runs.start, start), np.where(lost, runs.stop, stop)
    kept = (stop - start >= shortest) | lost
    out: list[list[tuple[int, int]]] = [[] for _ in found]
    for channel, first, last in zip(
        runs.channel[kept].tolist(), start[kept].tolist(), stop[kept].tolist(), strict=True
    ):
        if out[channel] and first <= out[channel][-1][1]:
            first = out[channel].pop()[0]  # two values in turn are one silence
        out[channel].append((first, last))
    return out


def _runs(channel: int, signal: Array, shortest: int) -> _Runs:
    """Runs of one channel that are long enough."""
    signal = np.where(np.isfinite(signal), signal, np.inf)
    starts = np.concatenate([[0], np.flatnonzero(signal[1:] != signal[:-1]) + 1])
    lengths = np.diff(starts, append=len(signal))
    long = (lengths >= shortest) | np.isinf(signal[starts])
    starts, lengths = starts[long], lengths[long]
    return _Runs(
        np.full(len(starts), channel),
        starts,
        starts + lengths,
        signal[starts],
        _steps(signal, starts),
    )


def _steps(signal: Array, starts: Places) -> Array:
    """How far the signal moves to each of these samples, over the root mean square of its steps before."""
    before = np.maximum(starts[:, None] - 1 - np.arange(USUAL + 1), 0)
    count = np.clip(starts - 1, 0, USUAL)
    with np.errstate(invalid="ignore", divide="ignore"):
        usual = np.sqrt((np.diff(signal[before], axis=1) ** 2).sum(1) / count)
        steps = np.abs(signal[starts] - signal[starts - 1]) / usual
    return np.where((starts < 2) | np.isnan(steps), np.inf, steps)


def _together(places: Places) -> Places:
    """Where runs begin once those that began a few samples early, by chance, are made to begin with the others.

    A place is common where several runs begin, and at most half as many in the few samples before it.
    """
    at, counts = np.unique(places, return_counts=True)
    total = np.concatenate([[0], np.cumsum(counts)])
    before = total[:-1] - total[np.searchsorted(at, at - NEAR)]
    common = at[(counts >= 2) & (2 * before <= counts)]
    last = np.searchsorted(common, places + NEAR, "right") - 1
    return np.where(last < 0, places, np.maximum(places, np.append(common, 0)[last]))


def _held(runs: _Runs, common: Places) -> NDArray[np.bool_]:
    """Of each run, whether the sample that it begins with, together with others, is the last true one."""
    out = np.zeros(len(runs), dtype=np.bool_)
    for place in np.unique(common):
        here = runs.start == place
        values = runs.value[here]
        plain = (values == 0) | np.isinf(values)
        if 2 * plain.sum() >= len(values) or (len(values) > 1 and np.ptp(values) == 0):
            continue
        out[common == place] = np.median(runs.step[here]) < JUMP
    return out
