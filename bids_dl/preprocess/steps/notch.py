"""Step `notch`: removal of the power line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import numpy as np
from pydantic import BeforeValidator
from pydantic.dataclasses import dataclass

from bids_dl.config.stages import STRICT
from bids_dl.datamodel import SignalSpec, StepReport
from bids_dl.errors import RecordingError
from bids_dl.preprocess.fir import half_length
from bids_dl.preprocess.notes import share_flag
from bids_dl.preprocess.step import Context, Hertz, StepTraits, as_tuple

if TYPE_CHECKING:
    import mne

WIDTH_RATIO = 200  # default: frequency of a notch over the width of its stop band, as in MNE


@dataclass(frozen=True, config=STRICT)
class Notch:
    """Apply zero-phase FIR notch filters, as `mne.io.Raw.notch_filter` does.

    Parameters
    ----------
    freqs
        Frequencies in Hz. None: the PowerLineFrequency of the recording, and its multiples below
        the Nyquist frequency.
    notch_widths
        Width of each stop band in Hz; None is a 200th of its frequency.
    trans_bandwidth
        Width of the transition bands in Hz.
    fir_design
        ``"firwin"`` or ``"firwin2"``, as in MNE.

    Examples
    --------
    In a recipe::

        - notch: {freqs: [60, 120]}
    """

    freqs: Annotated[tuple[Hertz, ...] | None, BeforeValidator(as_tuple)] = None
    notch_widths: Hertz | None = None
    trans_bandwidth: Hertz = 1.0
    fir_design: Literal["firwin", "firwin2"] = "firwin"

    name: ClassVar[str] = "notch"
    traits: ClassVar[StepTraits] = StepTraits()

    def required_context(self, spec: SignalSpec) -> Context:
        """Require as many seconds as the kernel extends to either side."""
        width = self.trans_bandwidth / 2
        if self.fir_design == "firwin2":
            width /= 2  # because MNE makes the kernel twice as long
        return Context("samples", half_length(width, spec.sfreq))

    def output_spec(self, spec: SignalSpec) -> SignalSpec:
        """Return the same channels and rate, if all notches end below the Nyquist frequency."""
        for freq in self.freqs or ():
            end = freq + self._half_width(freq)
            if end >= spec.sfreq / 2:
                raise RecordingError(
                    self.name,
                    f"a notch at {freq:g} Hz needs a rate over {2 * end:g} Hz, "
                    f"got {float(spec.sfreq):g}",
                )
        return spec

    def apply(self, raw: mne.io.BaseRaw, spec: SignalSpec) -> tuple[mne.io.BaseRaw, StepReport]:
        """Filter the recording in place, and report the frequencies."""
        freqs = self.freqs or self._line_frequencies(raw.info["line_freq"], float(spec.sfreq))
        if not freqs:
            notes = ("the power line frequency is not below the Nyquist frequency",)
            return raw, StepReport(self.name, share=0.0, notes=notes, flag=share_flag(0.0))
        raw.notch_filter(
            list(freqs),
            notch_widths=self.notch_widths,
            trans_bandwidth=self.trans_bandwidth,
            fir_design=self.fir_design,
            filter_length="auto",
            phase="zero",
        )
        listed = ", ".join(f"{freq:g}" for freq in freqs)
        return raw, StepReport(self.name, notes=(f"notches at {listed} Hz",))

    def _line_frequencies(self, line_freq: float | None, sfreq: float) -> tuple[float, ...]:
        """Return the power line frequency and its multiples for which there is room, in Hz."""
        if not line_freq:
            raise RecordingError(
                self.name,
                "the sidecar has no PowerLineFrequency; give freqs, such as [50, 100]",
            )
        multiples = np.arange(line_freq, sfreq / 2, line_freq).tolist()
        return tuple(freq for freq in multiples if freq + self._half_width(freq) < sfreq / 2)

    def _half_width(self, freq: float) -> float:
        """Return the distance in Hz from a notch to the end of its upper transition band."""
        stop_band = self.notch_widths or freq / WIDTH_RATIO
        return stop_band / 2 + self.trans_bandwidth / 2
