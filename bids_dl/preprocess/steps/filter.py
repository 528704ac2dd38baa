"""Band-pass, high-pass or low-pass."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import model_validator
from pydantic.dataclasses import dataclass

from bids_dl.config.stages import STRICT
from bids_dl.datamodel import SignalSpec, StepReport
from bids_dl.errors import RecordingError
from bids_dl.preprocess.channels import FILTERED_TYPES, listed
from bids_dl.preprocess.fir import eegfiltnew, half_length
from bids_dl.preprocess.step import Context, Hertz

if TYPE_CHECKING:
    import mne


@dataclass(frozen=True, config=STRICT)
class Filter:
    """Filter EEG and intracranial channels as `mne.io.Raw.filter` does; by default with a zero-phase FIR by the window method.

    Why these defaults: Widmann, Schröger & Maess 2015, Digital filter design for electrophysiological data, J Neurosci Methods 250.

    Parameters
    ----------
    low, high
        Edges of the pass band in Hz; None: open on that side.
    transition
        Bandwidth in Hz between pass band and stop band; ``"auto"``: by MNE's rule, a quarter of each edge but 2 Hz or more;
        ``"eeglab"``: kernel and edges of the signal as in EEGLAB's pop_eegfiltnew, which has one transition for both edges and goes on
        with the first and the last sample where the signal ends.
    method
        ``"fir"``, or ``"iir"``: Butterworth of order 4, run forwards and backwards.
    phase, fir_window, fir_design
        As in MNE. Any phase but ``"zero"`` and ``"zero-double"`` delays the signal against its events.
    """

    low: Hertz | None = None
    high: Hertz | None = None
    transition: Literal["auto", "eeglab"] | Hertz = "auto"
    method: Literal["fir", "iir"] = "fir"
    phase: Literal["zero", "zero-double", "minimum", "minimum-half", "forward"] = "zero"
    fir_window: Literal["hamming", "hann", "blackman"] = "hamming"
    fir_design: Literal["firwin", "firwin2"] = "firwin"

    name: ClassVar[str] = "filter"

    @model_validator(mode="after")
    def _check(self) -> Filter:
        if self.low is None and self.high is None:
            raise ValueError("give low, high or both, in Hz")
        if self.low is not None and self.high is not None and self.low >= self.high:
            raise ValueError(f"low must be below high, got {self.low:g} and {self.high:g} Hz")
        allowed = (
            ("zero", "zero-double", "forward")
            if self.method == "iir"
            else ("zero", "zero-double", "minimum", "minimum-half")
        )
        if self.phase not in allowed:
            raise ValueError(
                f"phase {self.phase} does not go with method {self.method}; {', '.join(allowed)} do"
            )
        self._check_transition()
        return self

    def _check_transition(self) -> None:
        if self.transition == "auto":
            return
        if self.method == "iir":
            raise ValueError(f"transition {self.transition} does not go with method iir")
        if self.transition == "eeglab":
            if (self.phase, self.fir_window, self.fir_design) != ("zero", "hamming", "firwin"):
                raise ValueError(
                    "transition eeglab goes with phase zero, fir_window hamming and fir_design firwin only"
                )
        elif self.low is not None and self.transition > self.low:
            raise ValueError(
                f"transition must not be wider than low, got {self.transition:g} and {self.low:g} Hz"
            )

    def needs(self, spec: SignalSpec) -> Context:
        if self.method == "iir":
            return Context("samples", math.inf)
        if self.transition == "eeglab":
            return Context(
                "samples",
                eegfiltnew(self.low, self.high, float(spec.sfreq)).order / 2 / float(spec.sfreq),
            )
        width = self._narrowest(float(spec.sfreq) / 2) / (
            2 if self.fir_design == "firwin2" else 1
        )  # MNE takes it twice as long
        half = half_length(width, spec.sfreq, self.fir_window)
        return Context("samples", half if self.phase == "zero" else 2 * half)

    def output_spec(self, spec: SignalSpec) -> SignalSpec:
        for edge in (self.low, self.high):
            if edge is not None and edge >= spec.sfreq / 2:
                raise RecordingError(
                    self.name,
                    f"{edge:g} Hz is not below the Nyquist frequency, {float(spec.sfreq) / 2:g} Hz",
                )
        if (
            self.high is not None
            and not isinstance(self.transition, str)
            and self.high + self.transition > spec.sfreq / 2
        ):
            stop = f"{self.high:g} Hz and a transition of {self.transition:g} Hz"
            raise RecordingError(
                self.name, f"{stop} end above the Nyquist frequency, {float(spec.sfreq) / 2:g} Hz"
            )
        return spec

    def apply(self, raw: mne.io.BaseRaw, spec: SignalSpec) -> tuple[mne.io.BaseRaw, StepReport]:
        raw.filter(**self._asked(float(spec.sfreq)))
        others = [
            name
            for name, ch_type in zip(spec.ch_names, spec.ch_types, strict=True)
            if ch_type not in FILTERED_TYPES
        ]
        return raw, StepReport(
            self.name, notes=(f"not filtered: {listed(others)}",) if others else ()
        )

    def _asked(self, sfreq: float) -> dict[str, Any]:
        """Arguments of `mne.io.Raw.filter`."""
        how: dict[str, Any] = {
            "method": self.method,
            "phase": self.phase,
            "fir_window": self.fir_window,
            "fir_design": self.fir_design,
        }
        if self.transition == "eeglab":
            band = eegfiltnew(self.low, self.high, sfreq)
            how |= {"l_freq": band.low, "h_freq": band.high, "pad": "edge"}
            return how | {
                "l_trans_bandwidth": band.transition,
                "h_trans_bandwidth": band.transition,
            }
        how |= {"l_freq": self.low, "h_freq": self.high}
        return how | {"l_trans_bandwidth": self.transition, "h_trans_bandwidth": self.transition}

    def _narrowest(self, nyquist: float) -> float:
        """The narrower transition band in Hz; by MNE's rule for ``"auto"``."""
        if not isinstance(self.transition, str):
            return self.transition
        below = [min(max(self.low / 4, 2), self.low)] if self.low is not None else []
        above = [min(max(self.high / 4, 2), nyquist - self.high)] if self.high is not None else []
        return min(below + above)
