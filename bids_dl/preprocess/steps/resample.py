"""Step `resample`: another sampling rate, without moving the signal."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from pydantic.dataclasses import dataclass

from bids_dl.config.stages import STRICT
from bids_dl.datamodel import SignalSpec, StepReport, exact_rate
from bids_dl.preprocess.excerpt import continuous_segments
from bids_dl.preprocess.notes import share_flag
from bids_dl.preprocess.step import Array, Context, Hertz, StepTraits

if TYPE_CHECKING:
    import mne

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
    traits: ClassVar[StepTraits] = StepTraits(changes_rate=True)

    def required_context(self, spec: SignalSpec) -> Context:
        """Require as many seconds as the anti-aliasing filter extends to either side."""
        return Context("samples", HALF_LENGTH / float(min(spec.sfreq, exact_rate(self.sfreq))))

    def output_spec(self, spec: SignalSpec) -> SignalSpec:
        """Return the same channels at the new rate."""
        return replace(spec, sfreq=exact_rate(self.sfreq))

    def apply(self, raw: mne.io.BaseRaw, spec: SignalSpec) -> tuple[mne.io.BaseRaw, StepReport]:
        """Return a resampled recording, or the same recording if it has the rate already."""
        ratio = exact_rate(self.sfreq) / spec.sfreq
        if ratio == 1:
            return raw, StepReport(self.name, share=0.0, flag=share_flag(0.0))
        signals = np.empty((spec.n_chans, math.ceil(raw.n_times * ratio)))
        kernel = _design_kernel(ratio)
        segments = list(continuous_segments(raw))
        for i, ch_type in enumerate(spec.ch_types):
            signal = raw.get_data(picks=[i])[0]
            if ch_type == "stim":
                signals[i] = _take_nearest(signal, ratio)
            else:
                signals[i] = _resample_segments(signal, segments, ratio, kernel)
        return _with_signals(raw, signals, self.sfreq), StepReport(self.name)


def _design_kernel(ratio: Fraction) -> Array:
    """Design the anti-aliasing filter that `scipy.signal.resample_poly` uses by default.

    It is designed once and used for all channels.
    """
    from scipy.signal import firwin

    factor = max(ratio.numerator, ratio.denominator)
    kernel = firwin(2 * HALF_LENGTH * factor + 1, 1 / factor, window=("kaiser", KAISER_BETA))
    return np.asarray(kernel, dtype=np.float64)


def _resample_segments(
    signal: Array, segments: Sequence[tuple[int, int]], ratio: Fraction, kernel: Array
) -> Array:
    """Resample a signal segment by segment, so that no segment affects another.

    Parameters
    ----------
    signal
        Signal (n_times,) of one channel.
    segments
        First sample, and the sample after the last, of each continuous segment.
    """
    resampled = np.empty(math.ceil(len(signal) * ratio))
    period = ratio.denominator  # samples between two times at which both rates have a sample
    half_length = math.ceil(HALF_LENGTH * max(Fraction(1), 1 / ratio))
    n_periods = math.ceil(Fraction(half_length, period))
    for start, stop in segments:
        segment = signal[start:stop]
        n_mirrored = 0
        if start:
            # Mirror back to a sample that both rates share, beyond the filter's half length.
            n_mirrored = start % period + n_periods * period
            segment = np.pad(segment, (n_mirrored, 0), mode="reflect", reflect_type="odd")
        first = math.ceil(start * ratio)
        last = math.ceil(stop * ratio)
        offset = int((start - n_mirrored) * ratio)
        resampled[first:last] = _resample_polyphase(segment, ratio, kernel)[first - offset :]
    return resampled


def _resample_polyphase(signal: Array, ratio: Fraction, kernel: Array) -> Array:
    from scipy.signal import resample_poly

    if len(signal) == 1:  # SciPy cannot reflect one sample: it ends the process
        return np.full(math.ceil(ratio), signal[0])
    resampled = resample_poly(
        signal, ratio.numerator, ratio.denominator, window=kernel, padtype="reflect"
    )
    return np.asarray(resampled, dtype=np.float64)


def _take_nearest(signal: Array, ratio: Fraction) -> Array:
    """Take the nearest sample of a signal (n_times,) at each sample of the new rate."""
    up = ratio.numerator
    down = ratio.denominator
    samples = np.arange(math.ceil(len(signal) * ratio))
    nearest = (2 * samples * down + up) // (2 * up)
    return signal[np.minimum(nearest, len(signal) - 1)]


def _with_signals(raw: mne.io.BaseRaw, signals: Array, sfreq: float) -> mne.io.BaseRaw:
    """Return a recording with other signals and another rate, and all else as in ``raw``."""
    import mne

    info = raw.info.copy()
    with info._unlock():
        info["lowpass"] = min(info["lowpass"], sfreq / 2)
        first_samp = round(raw.first_samp * sfreq / info["sfreq"])
        info["sfreq"] = sfreq
    resampled = mne.io.RawArray(signals, info, first_samp=first_samp)
    annotations = raw.annotations.copy()
    annotations.onset -= raw.first_time
    if annotations.orig_time is not None:
        # Without a date, MNE adds the time of the first sample itself.
        annotations.onset += resampled.first_time
    return resampled.set_annotations(annotations)
