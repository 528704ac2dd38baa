"""Band-pass, high-pass or low-pass."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import model_validator
from pydantic.dataclasses import dataclass

from bids_dl.config import STRICT
from bids_dl.datamodel import Layout, StepReport
from bids_dl.errors import RecordingError
from bids_dl.preprocess.channels import FILTERED_TYPES, listed
from bids_dl.preprocess.fir import half_length
from bids_dl.preprocess.step import Hertz, Need

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
    method
        ``"fir"``, or ``"iir"``: Butterworth of order 4, run forwards and backwards.
    phase, fir_window, fir_design
        As in MNE. Any phase but ``"zero"`` and ``"zero-double"`` delays the signal against its events.
    """

    low: Hertz | None = None
    high: Hertz | None = None
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
        allowed = ("zero", "zero-double", "forward") if self.method == "iir" else ("zero", "zero-double", "minimum", "minimum-half")
        if self.phase not in allowed:
            raise ValueError(f"phase {self.phase} does not go with method {self.method}; {', '.join(allowed)} do")
        return self

    def needs(self, layout: Layout) -> Need:
        if self.method == "iir":
            return Need("samples", math.inf)
        transition = self._transition(float(layout.sfreq) / 2) / (2 if self.fir_design == "firwin2" else 1)  # MNE takes it twice as long
        half = half_length(transition, layout.sfreq, self.fir_window)
        return Need("samples", half if self.phase == "zero" else 2 * half)

    def layout(self, layout: Layout) -> Layout:
        for edge in (self.low, self.high):
            if edge is not None and edge >= layout.sfreq / 2:
                raise RecordingError(self.name, f"{edge:g} Hz is not below the Nyquist frequency, {float(layout.sfreq) / 2:g} Hz")
        return layout

    def apply(self, raw: mne.io.BaseRaw, layout: Layout) -> tuple[mne.io.BaseRaw, StepReport]:
        raw.filter(self.low, self.high, method=self.method, phase=self.phase, fir_window=self.fir_window, fir_design=self.fir_design)
        others = [name for name, ch_type in zip(layout.ch_names, layout.ch_types, strict=True) if ch_type not in FILTERED_TYPES]
        return raw, StepReport(self.name, notes=(f"not filtered: {listed(others)}",) if others else ())

    def _transition(self, nyquist: float) -> float:
        """The narrower transition band in Hz, by MNE's rule for ``"auto"``."""
        below = [min(max(self.low / 4, 2), self.low)] if self.low is not None else []
        above = [min(max(self.high / 4, 2), nyquist - self.high)] if self.high is not None else []
        return min(below + above)
