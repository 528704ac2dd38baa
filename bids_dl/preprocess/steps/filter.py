"""Step `filter`: band-pass, high-pass or low-pass filter."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import model_validator
from pydantic.dataclasses import dataclass

from bids_dl.config.stages import STRICT
from bids_dl.datamodel import BRAIN_TYPES, SignalSpec, StepReport
from bids_dl.errors import RecordingError
from bids_dl.preprocess.fir import MIN_TRANSITION_HZ, design_eegfiltnew, half_length
from bids_dl.preprocess.step import Context, Hertz, StepTraits
from bids_dl.wording import join_names

if TYPE_CHECKING:
    import mne

IIR_PHASES = ("zero", "zero-double", "forward")
FIR_PHASES = ("zero", "zero-double", "minimum", "minimum-half")


@dataclass(frozen=True, config=STRICT)
class Filter:
    """Filter EEG and intracranial channels, as `mne.io.Raw.filter` does.

    The default is a zero-phase FIR filter designed by the window method; the reasons for it are
    in [1]_.

    Parameters
    ----------
    low, high
        Edges of the pass band in Hz. None is open on that side.
    transition
        Width of the transition bands in Hz. ``"auto"``: by MNE's rule, a quarter of each edge
        but 2 Hz or more. ``"eeglab"``: the kernel of EEGLAB's pop_eegfiltnew, which has one
        transition width for both edges, and its treatment of the ends of the signal, which
        repeats the first and the last sample.
    method
        ``"fir"``, or ``"iir"``: Butterworth of order 4, run forwards and backwards.
    phase, fir_window, fir_design
        As in MNE. Every phase except ``"zero"`` and ``"zero-double"`` delays the signal relative
        to its events.

    References
    ----------
    .. [1] Widmann, Schröger & Maess 2015, Digital filter design for electrophysiological data,
       J Neurosci Methods 250.

    Examples
    --------
    In a recipe::

        - filter: {low: 0.5, high: 45}
    """

    low: Hertz | None = None
    high: Hertz | None = None
    transition: Literal["auto", "eeglab"] | Hertz = "auto"
    method: Literal["fir", "iir"] = "fir"
    phase: Literal["zero", "zero-double", "minimum", "minimum-half", "forward"] = "zero"
    fir_window: Literal["hamming", "hann", "blackman"] = "hamming"
    fir_design: Literal["firwin", "firwin2"] = "firwin"

    name: ClassVar[str] = "filter"
    traits: ClassVar[StepTraits] = StepTraits()

    @model_validator(mode="after")
    def _check(self) -> Filter:
        if self.low is None and self.high is None:
            raise ValueError("give low, high or both, in Hz")
        if self.low is not None and self.high is not None and self.low >= self.high:
            raise ValueError(f"low must be below high, got {self.low:g} and {self.high:g} Hz")
        phases = IIR_PHASES if self.method == "iir" else FIR_PHASES
        if self.phase not in phases:
            raise ValueError(
                f"phase {self.phase} cannot be combined with method {self.method}; "
                f"use one of {', '.join(phases)}"
            )
        self._check_transition()
        return self

    def _check_transition(self) -> None:
        if self.transition == "auto":
            return
        if self.method == "iir":
            raise ValueError(f"transition {self.transition} cannot be combined with method iir")
        if self.transition == "eeglab":
            if (self.phase, self.fir_window, self.fir_design) != ("zero", "hamming", "firwin"):
                raise ValueError(
                    "transition eeglab requires phase zero, fir_window hamming "
                    "and fir_design firwin"
                )
        elif self.low is not None and self.transition > self.low:
            raise ValueError(
                "transition must not be wider than low, "
                f"got {self.transition:g} and {self.low:g} Hz"
            )

    def required_context(self, spec: SignalSpec) -> Context:
        """Require the extent of the kernel, or the whole segment for an IIR filter."""
        sfreq = float(spec.sfreq)
        if self.method == "iir":
            return Context("samples", math.inf)
        if self.transition == "eeglab":
            design = design_eegfiltnew(self.low, self.high, sfreq)
            return Context("samples", design.order / 2 / sfreq)
        width = self._narrowest_transition(sfreq / 2)
        if self.fir_design == "firwin2":
            width /= 2  # because MNE makes the kernel twice as long
        half = half_length(width, spec.sfreq, self.fir_window)
        return Context("samples", half if self.phase == "zero" else 2 * half)

    def output_spec(self, spec: SignalSpec) -> SignalSpec:
        """Return the same channels and rate, if the bands end below the Nyquist frequency."""
        nyquist = spec.sfreq / 2
        for edge in (self.low, self.high):
            if edge is not None and edge >= nyquist:
                raise RecordingError(
                    self.name,
                    f"{edge:g} Hz is not below the Nyquist frequency, {float(nyquist):g} Hz",
                )
        if self.high is None or isinstance(self.transition, str):
            return spec
        if self.high + self.transition > nyquist:
            raise RecordingError(
                self.name,
                f"{self.high:g} Hz and a transition of {self.transition:g} Hz "
                f"end above the Nyquist frequency, {float(nyquist):g} Hz",
            )
        return spec

    def apply(self, raw: mne.io.BaseRaw, spec: SignalSpec) -> tuple[mne.io.BaseRaw, StepReport]:
        """Filter the channels in place, and report those that are not filtered."""
        raw.filter(**self._mne_arguments(float(spec.sfreq)))
        types = zip(spec.ch_names, spec.ch_types, strict=True)
        others = [name for name, ch_type in types if ch_type not in BRAIN_TYPES]
        notes = (f"not filtered: {join_names(others)}",) if others else ()
        return raw, StepReport(self.name, notes=notes)

    def _mne_arguments(self, sfreq: float) -> dict[str, Any]:
        """Return the arguments of `mne.io.Raw.filter`."""
        arguments: dict[str, Any] = {
            "l_freq": self.low,
            "h_freq": self.high,
            "l_trans_bandwidth": self.transition,
            "h_trans_bandwidth": self.transition,
            "method": self.method,
            "phase": self.phase,
            "fir_window": self.fir_window,
            "fir_design": self.fir_design,
        }
        if self.transition == "eeglab":
            design = design_eegfiltnew(self.low, self.high, sfreq)
            arguments |= {
                "l_freq": design.low,
                "h_freq": design.high,
                "l_trans_bandwidth": design.transition,
                "h_trans_bandwidth": design.transition,
                "pad": "edge",
            }
        return arguments

    def _narrowest_transition(self, nyquist: float) -> float:
        """Return the width of the narrowest transition band in Hz, by MNE's rule for "auto"."""
        if not isinstance(self.transition, str):
            return self.transition
        widths = []
        if self.low is not None:
            widths.append(min(max(self.low / 4, MIN_TRANSITION_HZ), self.low))
        if self.high is not None:
            widths.append(min(max(self.high / 4, MIN_TRANSITION_HZ), nyquist - self.high))
        return min(widths)
