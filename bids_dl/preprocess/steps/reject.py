"""Windows left out by their amplitude, or for what is missing in them."""

from __future__ import annotations

from typing import Annotated, ClassVar, TypeAlias

import numpy as np
from pydantic import BeforeValidator, Field, model_validator
from pydantic.dataclasses import dataclass

from bids_dl.config.stages import STRICT
from bids_dl.datamodel import SignalSpec, StepReport
from bids_dl.errors import RecordingError
from bids_dl.preprocess.channels import FILTERED_TYPES, listed, locate
from bids_dl.preprocess.notes import share_flag
from bids_dl.preprocess.step import Array, Context, Names, Windows, WindowStepResult, number

Microvolts: TypeAlias = Annotated[float, Field(gt=0, allow_inf_nan=False), BeforeValidator(number)]
Share: TypeAlias = Annotated[float, Field(ge=0, lt=1), BeforeValidator(number)]

CRITERIA = ("dropout", "peak_to_peak", "flat", "absolute")


@dataclass(frozen=True, config=STRICT)
class Reject:
    """Leave out windows in which a channel is too loud or too flat, as `mne.Epochs.drop_bad` does, or in which too much is silent.

    EEG and intracranial channels that are not marked bad are looked at. The store's list of what was left out gives the first fault of a
    window, in the order of dropout, peak to peak, flat, absolute, and the channel that has most of it.

    Parameters
    ----------
    peak_to_peak
        Largest difference in µV between two samples of a channel in a good window.
    flat
        Smallest such difference in µV.
    absolute
        Largest distance from 0 in µV.
    dropout
        Largest share of a window's samples, over channels and times, that may lie in dropouts, which the step `dropouts` finds.
    channels
        Look at these only, of whatever type.
    """

    peak_to_peak: Microvolts | None = None
    flat: Microvolts | None = None
    absolute: Microvolts | None = None
    dropout: Share | None = None
    channels: Names = ()

    name: ClassVar[str] = "reject"

    @model_validator(mode="after")
    def _check(self) -> Reject:
        if all(getattr(self, name) is None for name in CRITERIA):
            raise ValueError(f"give one or more of {', '.join(CRITERIA)}")
        return self

    def needs(self, spec: SignalSpec) -> Context:  # noqa: ARG002
        return Context("windows")

    def output_spec(self, spec: SignalSpec) -> SignalSpec:
        if not locate(self.channels, spec) and not set(spec.ch_types) & set(FILTERED_TYPES):
            raise RecordingError(
                self.name,
                f"no EEG or intracranial channel; the recording has {listed(spec.ch_names)}",
            )
        return spec

    def apply_windows(self, windows: Windows) -> WindowStepResult:
        if not len(windows.signals):
            return WindowStepResult(windows.signals, (), StepReport(self.name, share=0.0))
        picks = self._picks(windows)
        names = np.array([windows.info["ch_names"][i] for i in picks])
        signals = windows.signals[:, picks]
        silent = windows.silent[:, picks].mean((1, 2))
        spans, peaks = np.ptp(signals, axis=2), np.abs(signals).max(2)
        reasons, channels = [], set()
        for share, span, peak in zip(silent, spans, peaks, strict=True):
            reason, channel = self._fault(float(share), span, peak)
            reasons.append(
                f"{reason[0]} on {names[channel]}, {reason[1]}"
                if channel is not None
                else ", ".join(reason)
            )
            channels |= {str(names[channel])} if channel is not None else set()
        share = sum(map(bool, reasons)) / len(reasons)
        touched = tuple(name for name in windows.info["ch_names"] if name in channels)
        return WindowStepResult(
            windows.signals,
            tuple(reasons),
            StepReport(self.name, touched, share, share_flag(share, "windows")),
        )

    def _fault(
        self, silent: float, spans: Array, peaks: Array
    ) -> tuple[tuple[str, ...], int | None]:
        """What is wrong with a window and what is allowed, and the channel that is meant; nothing where it is good."""
        if self.dropout is not None and silent > self.dropout:
            return (f"{silent:.1%} in dropouts", f"{self.dropout:.1%} allowed"), None
        if self.peak_to_peak is not None and spans.max() > self.peak_to_peak:
            return (f"{spans.max():.4g} µV peak to peak", f"{self.peak_to_peak:g} allowed"), int(
                spans.argmax()
            )
        if self.flat is not None and spans.min() < self.flat:
            return (f"{spans.min():.4g} µV peak to peak", f"{self.flat:g} or more expected"), int(
                spans.argmin()
            )
        if self.absolute is not None and peaks.max() > self.absolute:
            return (f"{peaks.max():.4g} µV from 0", f"{self.absolute:g} allowed"), int(
                peaks.argmax()
            )
        return (), None

    def _picks(self, windows: Windows) -> list[int]:
        names, bads = windows.info["ch_names"], set(windows.info["bads"])
        wanted = {name.casefold() for name in self.channels}
        types = windows.info.get_channel_types()
        looked = [
            i
            for i, name in enumerate(names)
            if (name.casefold() in wanted if wanted else types[i] in FILTERED_TYPES)
        ]
        picks = [i for i in looked if names[i] not in bads]
        if not picks:
            raise RecordingError(
                self.name,
                f"all channels to look at are marked bad: {listed(names[i] for i in looked)}",
            )
        return picks
