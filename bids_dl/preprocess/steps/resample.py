"""Step `resample`: another sampling rate, without moving the signal."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import cache
from itertools import groupby
from typing import TYPE_CHECKING, ClassVar, Literal, NamedTuple

import numpy as np
from pydantic.dataclasses import dataclass

from bids_dl.config.stages import STRICT
from bids_dl.datamodel import SignalSpec, StepReport, exact_rate
from bids_dl.preprocess.excerpt import continuous_segments, loaded_samples
from bids_dl.preprocess.notes import share_flag
from bids_dl.preprocess.step import Array, Context, Hertz, StepTraits

if TYPE_CHECKING:
    import mne

BATCH_BYTES = 4_000_000  # samples resampled at once: a call of SciPy costs as much as 10 kB
HALF_LENGTH = 10  # samples of the lower rate, of the anti-aliasing filter, as in SciPy and MNE
KAISER_BETA = 5.0  # of its window, as in SciPy


@dataclass(frozen=True, config=STRICT)
class Resample:
    """Resample a recording by a polyphase filter and the exact ratio of the rates.

    The values are those of ``mne.io.Raw.resample(method="polyphase")``. Sample k of the result
    is the time k / sfreq of the recording, for every recording. MNE's default method (FFT) is
    not offered because it moves a signal by up to half a sample. MNE's polyphase method
    stretches a recording whose length is no multiple of the ratio, so this step calls
    `scipy.signal.resample_poly` itself. As MNE's filters, it starts anew at annotations "edge",
    where time jumps. Stimulus channels take the nearest sample.

    Parameters
    ----------
    sfreq
        New rate in Hz.
    method
        The only method.

    Examples
    --------
    In a recipe::

        - resample: {sfreq: 128}
    """

    sfreq: Hertz
    method: Literal["polyphase"] = "polyphase"

    name: ClassVar[str] = "resample"
    traits: ClassVar[StepTraits] = StepTraits(changes_rate=True, computes_intervals=True)

    def required_context(self, spec: SignalSpec) -> Context:
        """Require as many seconds as the anti-aliasing filter extends to either side."""
        return Context("samples", HALF_LENGTH / float(min(spec.sfreq, exact_rate(self.sfreq))))

    def output_spec(self, spec: SignalSpec) -> SignalSpec:
        """Return the same channels at the new rate."""
        return replace(spec, sfreq=exact_rate(self.sfreq))

    def apply(self, raw: mne.io.BaseRaw, spec: SignalSpec) -> tuple[mne.io.BaseRaw, StepReport]:
        """Return a resampled recording, or the same recording if it has the rate already."""
        return self.apply_to_intervals(raw, spec, [(0, self._count_samples(raw, spec))])

    def apply_to_intervals(
        self, raw: mne.io.BaseRaw, spec: SignalSpec, intervals: Sequence[tuple[int, int]]
    ) -> tuple[mne.io.BaseRaw, StepReport]:
        """Return a recording that is resampled in some intervals, and NaN elsewhere."""
        ratio = exact_rate(self.sfreq) / spec.sfreq
        if ratio == 1:
            return raw, StepReport(self.name, share=0.0, flag=share_flag(0.0))
        shape = (spec.n_chans, self._count_samples(raw, spec))
        signals = np.full(shape, np.nan) if intervals != [(0, shape[1])] else np.empty(shape)
        samples = loaded_samples(raw)
        segments = list(continuous_segments(raw))
        parts = plan_parts(segments, intervals, ratio)
        for batch, channels in _plan_calls(parts, spec.ch_types):
            _resample_parts(samples[channels], signals[channels], batch, ratio)
        stimulus = [number for number, ch_type in enumerate(spec.ch_types) if ch_type == "stim"]
        for channel in stimulus:
            signals[channel] = _take_nearest(samples[channel : channel + 1], ratio)
        return _with_signals(raw, signals, self.sfreq), StepReport(self.name)

    def _count_samples(self, raw: mne.io.BaseRaw, spec: SignalSpec) -> int:
        """Count the samples of the result."""
        n_times: int = math.ceil(raw.n_times * exact_rate(self.sfreq) / spec.sfreq)
        return n_times


class ResampledPart(NamedTuple):
    """Samples that are resampled at once, within a continuous segment.

    Attributes
    ----------
    start, stop
        First sample before the step, and the sample after the last.
    n_mirrored
        Samples that are prepended, mirrored at the start of the segment.
    first, last
        First sample of the result, and the sample after the last.
    """

    start: int
    stop: int
    n_mirrored: int
    first: int
    last: int


def plan_parts(
    segments: Sequence[tuple[int, int]], intervals: Sequence[tuple[int, int]], ratio: Fraction
) -> Iterator[ResampledPart]:
    """Yield parts of a recording that, resampled alone, have all samples in some intervals.

    A part begins at a sample that both rates share, and extends beyond its samples by the
    anti-aliasing filter. Parts of different segments share no sample, so that no segment affects
    another.

    Parameters
    ----------
    segments
        First sample, and the sample after the last, of each continuous segment.
    intervals
        First sample, and the sample after the last, of each interval, at the new rate.
    ratio
        New rate divided by the rate before.

    Examples
    --------
    >>> list(plan_parts([(0, 1000)], [(100, 150)], Fraction(1, 2)))
    [ResampledPart(start=180, stop=322, n_mirrored=0, first=100, last=150)]
    """
    period = ratio.denominator  # samples between two times at which both rates have a sample
    half_length = math.ceil(HALF_LENGTH * max(Fraction(1), 1 / ratio))
    margin = math.ceil(Fraction(half_length, period)) * period
    for segment_start, segment_stop in segments:
        bounds = math.ceil(segment_start * ratio), math.ceil(segment_stop * ratio)
        for first, last in _join(intervals, bounds, gap=math.ceil(2 * margin * ratio)):
            start = first // ratio.numerator * period - margin
            n_mirrored = 0
            if start <= segment_start:
                start = segment_start
                n_mirrored = start % period + margin if start else 0
            # as long as what is mirrored, too
            stop = min(segment_stop, math.ceil(last / ratio) + margin + period)
            yield ResampledPart(start, stop, n_mirrored, first, last)


def _join(
    intervals: Sequence[tuple[int, int]], bounds: tuple[int, int], *, gap: int
) -> list[tuple[int, int]]:
    """Clip intervals to bounds, and join those between which there are at most ``gap`` samples."""
    joined: list[tuple[int, int]] = []
    for first, last in sorted(intervals):
        first = max(first, bounds[0])
        last = min(last, bounds[1])
        if first >= last:
            continue
        if joined and first <= joined[-1][1] + gap:
            joined[-1] = joined[-1][0], max(last, joined[-1][1])
        else:
            joined.append((first, last))
    return joined


def _batches(ch_types: Sequence[str], size: int) -> Iterator[tuple[list[int], str]]:
    """Yield the numbers of up to ``size`` neighbouring channels of one type, and their type.

    Examples
    --------
    >>> list(_batches(["eeg", "eeg", "eeg", "stim"], 2))
    [([0, 1], 'eeg'), ([2], 'eeg'), ([3], 'stim')]
    """
    for ch_type, group in groupby(range(len(ch_types)), key=ch_types.__getitem__):
        numbers = list(group)
        for i in range(0, len(numbers), size):
            yield numbers[i : i + size], ch_type


def _plan_calls(
    parts: Iterable[ResampledPart], ch_types: Sequence[str]
) -> Iterator[tuple[list[ResampledPart], slice]]:
    """Yield the parts and the channels that one call of SciPy resamples.

    The parts of a call are equally long. Stimulus channels are omitted.
    """
    groups: dict[tuple[int, int], list[ResampledPart]] = {}
    for part in parts:
        groups.setdefault((part.stop - part.start, part.n_mirrored), []).append(part)
    for (n_times, _), group in groups.items():
        for numbers, ch_type in _batches(ch_types, max(1, BATCH_BYTES // (8 * n_times))):
            if ch_type == "stim":
                continue
            batch_size = max(1, BATCH_BYTES // (8 * n_times * len(numbers)))
            for i in range(0, len(group), batch_size):
                yield group[i : i + batch_size], slice(numbers[0], numbers[-1] + 1)


@cache
def _design_kernel(ratio: Fraction) -> Array:
    """Design the anti-aliasing filter that `scipy.signal.resample_poly` uses by default.

    It is designed once and used for all channels and recordings.
    """
    from scipy.signal import firwin

    factor = max(ratio.numerator, ratio.denominator)
    kernel = firwin(2 * HALF_LENGTH * factor + 1, 1 / factor, window=("kaiser", KAISER_BETA))
    return np.asarray(kernel, dtype=np.float64)


def _resample_parts(
    samples: Array, signals: Array, parts: Sequence[ResampledPart], ratio: Fraction
) -> None:
    """Resample equally long parts of samples (n_chans, n_times) into signals at the new rate."""
    old = np.stack([samples[:, part.start : part.stop] for part in parts])
    n_mirrored = parts[0].n_mirrored
    if n_mirrored:
        # back to a sample that both rates share, beyond the filter's half length
        width = ((0, 0), (0, 0), (n_mirrored, 0))
        old = np.pad(old, width, mode="reflect", reflect_type="odd")
    for part, new in zip(parts, _resample_polyphase(old, ratio), strict=True):
        offset = int((part.start - n_mirrored) * ratio)
        signals[:, part.first : part.last] = new[:, part.first - offset : part.last - offset]


def _resample_polyphase(signals: Array, ratio: Fraction) -> Array:
    """Resample signals (n_parts, n_chans, n_times)."""
    from scipy.signal import resample_poly

    if signals.shape[2] == 1:  # SciPy cannot reflect one sample: it ends the process
        return np.repeat(signals, math.ceil(ratio), axis=2)
    kernel = _design_kernel(ratio)
    resampled = resample_poly(
        signals, ratio.numerator, ratio.denominator, axis=2, window=kernel, padtype="reflect"
    )
    return np.asarray(resampled, dtype=np.float64)


def _take_nearest(signals: Array, ratio: Fraction) -> Array:
    """Take the nearest sample of signals (n_chans, n_times) at each sample of the new rate."""
    up = ratio.numerator
    down = ratio.denominator
    n_times = signals.shape[1]
    samples = np.arange(math.ceil(n_times * ratio))
    nearest = (2 * samples * down + up) // (2 * up)
    return signals[:, np.minimum(nearest, n_times - 1)]


def _with_signals(raw: mne.io.BaseRaw, signals: Array, sfreq: float) -> mne.io.BaseRaw:
    """Return a recording with other signals and another rate, and all else as in ``raw``.

    The annotations of ``raw`` are changed, because it takes milliseconds to copy them.
    """
    import mne

    info = raw.info.copy()
    with info._unlock():
        info["lowpass"] = min(info["lowpass"], sfreq / 2)
        first_samp = round(raw.first_samp * sfreq / info["sfreq"])
        info["sfreq"] = sfreq
    resampled = mne.io.RawArray(signals, info, first_samp=first_samp, copy=None)
    annotations = raw.annotations  # which `set_annotations` copies
    if raw.first_time or resampled.first_time:
        annotations.onset -= raw.first_time
        if annotations.orig_time is not None:
            # Without a date, MNE adds the time of the first sample itself.
            annotations.onset += resampled.first_time
    return resampled.set_annotations(annotations)
