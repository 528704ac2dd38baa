"""Step `drifts`: the high-pass filter of EEGLAB's clean_rawdata."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import BeforeValidator, Field, model_validator
from pydantic.dataclasses import dataclass

from bids_dl.config.stages import STRICT
from bids_dl.datamodel import BRAIN_TYPES, SignalSpec, StepReport
from bids_dl.errors import RecordingError
from bids_dl.preprocess.channels import channels_of_type
from bids_dl.preprocess.eeglab import MICROVOLT, quiet_eegprep, read_microvolts, to_eeglab
from bids_dl.preprocess.excerpt import continuous_segments
from bids_dl.preprocess.packages import require_packages
from bids_dl.preprocess.step import Context, Hertz, StepTraits, reject_bool
from bids_dl.wording import join_names

if TYPE_CHECKING:
    import mne


@dataclass(frozen=True, config=STRICT)
class Drifts:
    """High-pass filter EEG and intracranial channels as clean_drifts of clean_rawdata does.

    The filter is a Kaiser-windowed FIR, run forwards and backwards, as ported by eegprep. It
    starts anew where the signal is not continuous. As EEGLAB designs it, the kernel is half as
    long as its transition band requires: with the defaults, 0.25 Hz keep 0.7 % of their
    amplitude and 0.75 Hz keep 72 %.

    Parameters
    ----------
    low, high
        Lower and upper edge of the transition band in Hz.
    attenuation
        Attenuation of the stop band in each direction, in dB.

    Examples
    --------
    In a recipe::

        - drifts: {low: 0.25, high: 0.75}
    """

    low: Hertz = 0.25
    high: Hertz = 0.75
    # At 21 dB or less, a Kaiser window would be rectangular.
    attenuation: Annotated[
        float, Field(gt=21, allow_inf_nan=False), BeforeValidator(reject_bool)
    ] = 80.0

    name: ClassVar[str] = "drifts"
    traits: ClassVar[StepTraits] = StepTraits(packages=("eegprep",))

    @model_validator(mode="after")
    def _check(self) -> Drifts:
        if self.low >= self.high:
            raise ValueError(f"low must be below high, got {self.low:g} and {self.high:g} Hz")
        return self

    def required_context(self, spec: SignalSpec) -> Context:  # noqa: ARG002
        """Require the whole continuous segment, because the kernel is long."""
        return Context("samples", math.inf)

    def output_spec(self, spec: SignalSpec) -> SignalSpec:
        """Return the same channels and rate, if the band is below the Nyquist frequency."""
        require_packages(self.name, *self.traits.packages)
        nyquist = spec.sfreq / 2
        if self.high >= nyquist:
            raise RecordingError(
                self.name,
                f"{self.high:g} Hz is not below the Nyquist frequency, {float(nyquist):g} Hz",
            )
        return spec

    def apply(self, raw: mne.io.BaseRaw, spec: SignalSpec) -> tuple[mne.io.BaseRaw, StepReport]:
        """Filter the channels in place, and report those that are not filtered."""
        from eegprep.plugins.clean_rawdata.clean_drifts import clean_drifts

        names = channels_of_type(spec, *BRAIN_TYPES)
        others = [name for name in spec.ch_names if name not in names]
        for name in names:
            signal = read_microvolts(raw, [name], self.name)
            for start, stop in continuous_segments(raw):
                with quiet_eegprep():
                    filtered = clean_drifts(
                        to_eeglab(signal[:, start:stop], float(spec.sfreq)),
                        (self.low, self.high),
                        self.attenuation,
                    )
                signal[:, start:stop] = filtered["data"]
            raw[[name]] = signal * MICROVOLT
        with raw.info._unlock():
            raw.info["highpass"] = max(raw.info["highpass"], (self.low + self.high) / 2)
        return raw, StepReport(
            self.name,
            share=len(names) / spec.n_chans,
            notes=(f"not filtered: {join_names(others)}",) if others else (),
        )
