"""Another rate, without moving the signal."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic.dataclasses import dataclass

from bids_dl.config.stages import STRICT
from bids_dl.datamodel import SignalSpec, StepReport, exact_rate
from bids_dl.preprocess.excerpt import stretches
from bids_dl.preprocess.notes import share_flag
from bids_dl.preprocess.step import Array, Context, Hertz

if TYPE_CHECKING:
    import mne

HALF_LENGTH = (
    10  # of the anti-aliasing filter, in samples of the lower rate: SciPy's and MNE's choice
)


@dataclass(frozen=True, config=STRICT)
class Resample:
    """Polyphase resampling by the exact ratio of rates, with the numbers of `mne.io.Raw.resample(method="polyphase")`.

    Sample k of the new signal is the moment k / sfreq of the old one, in every recording. MNE's default method (FFT) is not offered
    because it moves a signal by up to half a sample; MNE's polyphase stretches a recording whose length the ratio does not divide,
    so `scipy.signal.resample_poly` is called directly. As MNE's filters, it begins anew at annotations "edge", where time jumps.
    Stimulus channels take the nearest sample.

    Parameters
    ----------
    sfreq
        New rate in Hz.
    """

    sfreq: Hertz
    method: Literal["polyphase"] = "polyphase"

    name: ClassVar[str] = "resample"

    def needs(self, spec: SignalSpec) -> Context:
        """The filter's reach; an excerpt must also start where the two rates share a sample."""
        return Context("samples", HALF_LENGTH / float(min(spec.sfreq, exact_rate(self.sfreq))))

    def output_spec(self, spec: SignalSpec) -> SignalSpec:
        return replace(spec, sfreq=exact_rate(self.sfreq))

    def apply(self, raw: mne.io.BaseRaw, spec: SignalSpec) -> tuple[mne.io.BaseRaw, StepReport]:
        ratio = exact_rate(self.sfreq) / spec.sfreq
        if ratio == 1:
            return raw, StepReport(self.name, share=0.0, notes=share_flag(0.0, "samples"))
        signals = np.empty((spec.n_chans, math.ceil(raw.n_times * ratio)))
        kernel, parts = _kernel(ratio), list(stretches(raw))
        for i, ch_type in enumerate(spec.ch_types):
            signal = raw.get_data(picks=[i])[0]
            signals[i] = (
                _nearest(signal, ratio)
                if ch_type == "stim"
                else _resampled(signal, parts, ratio, kernel)
            )
        return _with_rate(raw, signals, self.sfreq), StepReport(self.name)


def _kernel(ratio: Fraction) -> Array:
    """SciPy's default anti-aliasing filter, designed once for all channels."""
    from scipy.signal import firwin

    widest = max(ratio.numerator, ratio.denominator)
    return np.asarray(
        firwin(2 * HALF_LENGTH * widest + 1, 1 / widest, window=("kaiser", 5.0)), dtype=np.float64
    )


def _resampled(
    signal: Array, parts: Sequence[tuple[int, int]], ratio: Fraction, kernel: Array
) -> Array:
    """A signal at another rate, part by part: none has anything of another in it."""
    made = np.empty(math.ceil(len(signal) * ratio))
    period, reach = ratio.denominator, math.ceil(HALF_LENGTH * max(Fraction(1), 1 / ratio))
    for start, stop in parts:
        before = (
            start % period + -(-reach // period) * period if start else 0
        )  # back to a sample that the two rates share
        part = (
            np.pad(signal[start:stop], (before, 0), mode="reflect", reflect_type="odd")
            if before
            else signal[start:stop]
        )
        first, last = math.ceil(start * ratio), math.ceil(stop * ratio)
        made[first:last] = _polyphase(part, ratio, kernel)[first - int((start - before) * ratio) :]
    return made


def _polyphase(signal: Array, ratio: Fraction, kernel: Any) -> Array:
    from scipy.signal import resample_poly

    if len(signal) == 1:  # which SciPy cannot reflect: it ends the process
        return np.full(math.ceil(ratio), signal[0])
    return np.asarray(
        resample_poly(signal, ratio.numerator, ratio.denominator, window=kernel, padtype="reflect"),
        dtype=np.float64,
    )


def _nearest(signal: Array, ratio: Fraction) -> Array:
    up, down = ratio.numerator, ratio.denominator
    moments = np.arange(math.ceil(len(signal) * ratio))
    return signal[np.minimum((2 * moments * down + up) // (2 * up), len(signal) - 1)]


def _with_rate(raw: mne.io.BaseRaw, signals: Array, sfreq: float) -> mne.io.BaseRaw:
    """A recording of these samples, all else as in ``raw``."""
    import mne

    info = raw.info.copy()
    with info._unlock():
        info["lowpass"] = min(info["lowpass"], sfreq / 2)
        first_samp = round(raw.first_samp * sfreq / info["sfreq"])
        info["sfreq"] = sfreq
    new = mne.io.RawArray(signals, info, first_samp=first_samp)
    annotations = raw.annotations.copy()
    annotations.onset -= raw.first_time
    if annotations.orig_time is not None:
        annotations.onset += (
            new.first_time
        )  # MNE adds it itself where there is no date to count from
    return new.set_annotations(annotations)
