"""EEGLAB's high-pass of clean_rawdata."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import BeforeValidator, Field, model_validator
from pydantic.dataclasses import dataclass

from bids_dl.config.stages import STRICT
from bids_dl.datamodel import SignalSpec, StepReport
from bids_dl.errors import RecordingError
from bids_dl.preprocess.channels import FILTERED_TYPES, listed
from bids_dl.preprocess.eeglab import MICROVOLT, microvolts, quiet, structure
from bids_dl.preprocess.excerpt import stretches
from bids_dl.preprocess.packages import needed
from bids_dl.preprocess.step import Context, Hertz, number

if TYPE_CHECKING:
    import mne


@dataclass(frozen=True, config=STRICT)
class Drifts:
    """High-pass EEG and intracranial channels as clean_rawdata's clean_drifts does: a Kaiser-windowed FIR, forwards and backwards.

    The work is eegprep's. Where the signal is not continuous, the filter begins anew. As EEGLAB designs it, the filter is half as long as
    the transition band asks for: with the defaults, 0.25 Hz come out at 0.7 % and 0.75 Hz at 72 % of their amplitude.

    Parameters
    ----------
    low, high
        Where the transition band begins and ends, in Hz.
    attenuation
        Of the stop band in each direction, in dB.
    """

    low: Hertz = 0.25
    high: Hertz = 0.75
    attenuation: Annotated[float, Field(gt=21, allow_inf_nan=False), BeforeValidator(number)] = (
        80.0  # below, a Kaiser window is none
    )

    name: ClassVar[str] = "drifts"
    packages: ClassVar[tuple[str, ...]] = ("eegprep",)

    @model_validator(mode="after")
    def _check(self) -> Drifts:
        if self.low >= self.high:
            raise ValueError(f"low must be below high, got {self.low:g} and {self.high:g} Hz")
        return self

    def needs(self, spec: SignalSpec) -> Context:  # noqa: ARG002
        return Context("samples", math.inf)

    def output_spec(self, spec: SignalSpec) -> SignalSpec:
        needed(self.name, *self.packages)
        if self.high >= spec.sfreq / 2:
            raise RecordingError(
                self.name,
                f"{self.high:g} Hz is not below the Nyquist frequency, {float(spec.sfreq) / 2:g} Hz",
            )
        return spec

    def apply(self, raw: mne.io.BaseRaw, spec: SignalSpec) -> tuple[mne.io.BaseRaw, StepReport]:
        from eegprep.plugins.clean_rawdata.clean_drifts import clean_drifts

        kinds = dict(zip(spec.ch_names, spec.ch_types, strict=True))
        names = [name for name, kind in kinds.items() if kind in FILTERED_TYPES]
        others = [name for name in spec.ch_names if name not in names]
        for name in names:
            signal = microvolts(raw, [name], self.name)
            for start, stop in stretches(raw):
                with quiet():
                    made = clean_drifts(
                        structure(signal[:, start:stop], float(spec.sfreq)),
                        (self.low, self.high),
                        self.attenuation,
                    )
                signal[:, start:stop] = made["data"]
            raw[[name]] = signal * MICROVOLT
        with raw.info._unlock():
            raw.info["highpass"] = max(raw.info["highpass"], (self.low + self.high) / 2)
        return raw, StepReport(
            self.name,
            share=len(names) / spec.n_chans,
            notes=(f"not filtered: {listed(others)}",) if others else (),
        )
