"""Find dropouts: runs of samples that repeat one value, or are not finite. Arithmetic only.

The result at a sample depends on its surroundings only, so that an excerpt gives the same as the
whole recording. Two effects lengthen a run of equal samples beyond the dropout: in data of few
bits a true sample may equal the dropout's value by chance, and an amplifier that loses its signal
may hold the last value it had. Channels that drop out together reveal both, because chance does
not lengthen the runs of most of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bids_dl.preprocess.step import Array, Mask

MAX_LAG = 4  # samples between the edges of runs of two channels that may be one dropout
N_STEPS = 32  # differences between samples that estimate how far a channel usually moves
MIN_JUMP = 3.0  # times their root mean square, beyond which the channel cannot have moved by itself
MAX_CONTEXT_SAMPLES = 2 * MAX_LAG + N_STEPS + 3
"""Largest number of samples around a dropout that decide where it begins and ends."""

Samples = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class EqualRuns:
    """Runs of equal samples of all channels: one element per run in each array.

    Attributes
    ----------
    channel
        Index of the channel.
    start, stop
        First sample, and the sample after the last.
    value
        Value of the samples; infinite if they are not finite.
    jump
        Difference between the first sample and the one before it, over the root mean square of
        the differences before; infinite if there is none before.
    """

    channel: Samples
    start: Samples
    stop: Samples
    value: Array
    jump: Array

    def __len__(self) -> int:
        return len(self.start)


def find_dropout_runs(signals: Iterable[Array], min_samples: int) -> list[list[tuple[int, int]]]:
    """Find the dropouts of each channel.

    Samples that are not finite are dropouts, however few they are. If the value of a run is
    neither zero nor reached by a jump, its first sample is the last true sample, which the
    amplifier held. That sample is no part of the dropout, also on the other channels that drop
    out at the same sample.

    Parameters
    ----------
    signals
        Signal (n_times,) of each channel, one after the other.
    min_samples
        Smallest number of equal samples that are a dropout, 2 or more.

    Returns
    -------
    list of list of (int, int)
        First sample and the sample after the last of each dropout, per channel, in order of time.
    """
    channels = []
    for channel, signal in enumerate(signals):
        channels.append(_long_runs(channel, signal, min_samples))
    runs = _concatenate(channels)
    common_start = _align_starts(runs.start)
    start = common_start + _begins_with_held_sample(runs, common_start)
    stop = -_align_starts(-runs.stop)
    is_invalid = np.isinf(runs.value)
    start = np.where(is_invalid, runs.start, start)
    stop = np.where(is_invalid, runs.stop, stop)
    is_dropout = (stop - start >= min_samples) | is_invalid
    dropouts: list[list[tuple[int, int]]] = [[] for _ in channels]
    for i in np.flatnonzero(is_dropout):
        first = int(start[i])
        intervals = dropouts[runs.channel[i]]
        if intervals and first <= intervals[-1][1]:
            first = intervals.pop()[0]  # a dropout may hold one value after another
        intervals.append((first, int(stop[i])))
    return dropouts


def _concatenate(channels: list[EqualRuns]) -> EqualRuns:
    return EqualRuns(
        channel=np.concatenate([runs.channel for runs in channels]),
        start=np.concatenate([runs.start for runs in channels]),
        stop=np.concatenate([runs.stop for runs in channels]),
        value=np.concatenate([runs.value for runs in channels]),
        jump=np.concatenate([runs.jump for runs in channels]),
    )


def _long_runs(channel: int, signal: Array, min_samples: int) -> EqualRuns:
    """Find the runs of one channel that are long enough, or not finite."""
    signal = np.where(np.isfinite(signal), signal, np.inf)
    starts = np.concatenate([[0], np.flatnonzero(signal[1:] != signal[:-1]) + 1])
    lengths = np.diff(starts, append=len(signal))
    is_long = (lengths >= min_samples) | np.isinf(signal[starts])
    starts = starts[is_long]
    return EqualRuns(
        channel=np.full(len(starts), channel),
        start=starts,
        stop=starts + lengths[is_long],
        value=signal[starts],
        jump=_relative_jumps(signal, starts),
    )


def _relative_jumps(signal: Array, starts: Samples) -> Array:
    """Divide the difference to each of these samples by the root mean square of those before."""
    before = np.maximum(starts[:, None] - 1 - np.arange(N_STEPS + 1), 0)
    n_steps = np.clip(starts - 1, 0, N_STEPS)
    with np.errstate(invalid="ignore", divide="ignore"):
        usual = np.sqrt((np.diff(signal[before], axis=1) ** 2).sum(1) / n_steps)
        jumps = np.abs(signal[starts] - signal[starts - 1]) / usual
    return np.where((starts < 2) | np.isnan(jumps), np.inf, jumps)


def _align_starts(starts: Samples) -> Samples:
    """Move starts that are a few samples early by chance to the start that channels have in common.

    A start is common if several runs have it, and at most half as many begin in the few samples
    before it.
    """
    distinct, counts = np.unique(starts, return_counts=True)
    total = np.concatenate([[0], np.cumsum(counts)])
    n_before = total[:-1] - total[np.searchsorted(distinct, distinct - MAX_LAG)]
    common = distinct[(counts >= 2) & (2 * n_before <= counts)]
    last = np.searchsorted(common, starts + MAX_LAG, "right") - 1
    return np.where(last < 0, starts, np.maximum(starts, np.append(common, 0)[last]))


def _begins_with_held_sample(runs: EqualRuns, common_start: Samples) -> Mask:
    """Return for each run whether its common start is the last true sample, held."""
    is_held = np.zeros(len(runs), dtype=np.bool_)
    for start in np.unique(common_start):
        begins_here = runs.start == start
        values = runs.value[begins_here]
        is_plain = (values == 0) | np.isinf(values)
        is_one_value = len(values) > 1 and np.ptp(values) == 0
        if 2 * is_plain.sum() >= len(values) or is_one_value:
            continue
        is_held[common_start == start] = np.median(runs.jump[begins_here]) < MIN_JUMP
    return is_held
