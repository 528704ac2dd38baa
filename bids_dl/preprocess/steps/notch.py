"""Take out the power line."""

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
from bids_dl.preprocess.step import Context, Hertz, listing

if TYPE_CHECKING:
    import mne


@dataclass(frozen=True, config=STRICT)
class Notch:
    """Zero-phase FIR notches, as `mne.io.Raw.notch_filter` designs them.

    Parameters
    ----------
    freqs
        Frequencies in Hz; None: the recording's PowerLineFrequency and its multiples below the Nyquist frequency.
    notch_widths
        Width of each stop band in Hz; None: a 200th of its frequency.
    trans_bandwidth
        Width of the transition bands in Hz.
    fir_design
        ``"firwin"`` or ``"firwin2"``, as in MNE.
    """

    freqs: Annotated[tuple[Hertz, ...] | None, BeforeValidator(listing)] = None
    notch_widths: Hertz | None = None
    trans_bandwidth: Hertz = 1.0
    fir_design: Literal["firwin", "firwin2"] = "firwin"

    name: ClassVar[str] = "notch"

    def needs(self, spec: SignalSpec) -> Context:
        halved = self.trans_bandwidth / (
            4 if self.fir_design == "firwin2" else 2
        )  # MNE makes a filter by firwin2 twice as long
        return Context("samples", half_length(halved, spec.sfreq))

    def output_spec(self, spec: SignalSpec) -> SignalSpec:
        for freq in self.freqs or ():
            if freq + self._reach(freq) >= spec.sfreq / 2:
                raise RecordingError(
                    self.name,
                    f"a notch at {freq:g} Hz needs a rate over {2 * (freq + self._reach(freq)):g} Hz, got {float(spec.sfreq):g}",
                )
        return spec

    def apply(self, raw: mne.io.BaseRaw, spec: SignalSpec) -> tuple[mne.io.BaseRaw, StepReport]:
        freqs = self.freqs or self._line(raw.info["line_freq"], float(spec.sfreq))
        if not freqs:
            notes = (
                "the power line's frequency is not below the Nyquist frequency",
                *share_flag(0.0, "samples"),
            )
            return raw, StepReport(self.name, share=0.0, notes=notes)
        raw.notch_filter(
            list(freqs),
            notch_widths=self.notch_widths,
            trans_bandwidth=self.trans_bandwidth,
            fir_design=self.fir_design,
            filter_length="auto",
            phase="zero",
        )
        return raw, StepReport(
            self.name, notes=(f"notches at {', '.join(f'{freq:g}' for freq in freqs)} Hz",)
        )

    def _line(self, line_freq: float | None, sfreq: float) -> tuple[float, ...]:
        if not line_freq:
            raise RecordingError(
                self.name,
                "PowerLineFrequency is not known from the sidecar; give freqs, such as [50, 100]",
            )
        multiples = np.arange(line_freq, sfreq / 2, line_freq).tolist()
        return tuple(freq for freq in multiples if freq + self._reach(freq) < sfreq / 2)

    def _reach(self, freq: float) -> float:
        """From the middle of a notch to where its upper transition ends, in Hz."""
        return (self.notch_widths or freq / 200) / 2 + self.trans_bandwidth / 2
