"""Step `reject`: rejection of windows by amplitude or dropouts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass as plain_dataclass
from typing import Annotated, ClassVar, TypeAlias

import numpy as np
from pydantic import BeforeValidator, Field, model_validator
from pydantic.dataclasses import dataclass

from bids_dl.config.stages import STRICT
from bids_dl.datamodel import BRAIN_TYPES, SignalSpec, StepReport
from bids_dl.errors import RecordingError
from bids_dl.preprocess.channels import locate_channels
from bids_dl.preprocess.notes import share_flag
from bids_dl.preprocess.step import (
    Array,
    Context,
    Names,
    StepTraits,
    Windows,
    WindowStepResult,
    reject_bool,
)
from bids_dl.wording import join_names

Microvolts: TypeAlias = Annotated[
    float, Field(gt=0, allow_inf_nan=False), BeforeValidator(reject_bool)
]
Share: TypeAlias = Annotated[float, Field(ge=0, lt=1), BeforeValidator(reject_bool)]

CRITERIA = ("dropout", "peak_to_peak", "flat", "absolute")


@plain_dataclass(frozen=True, slots=True)
class _Fault:
    """Reason for dropping a window, and the index of the channel it is found on, if it is one."""

    value: str
    limit: str
    channel: int | None = None

    def describe(self, names: Sequence[str]) -> str:
        """Return the reason in one line, with the name of the channel."""
        if self.channel is None:
            return f"{self.value}, {self.limit}"
        return f"{self.value} on {names[self.channel]}, {self.limit}"


@dataclass(frozen=True, config=STRICT)
class Reject:
    """Drop windows in which a channel is too loud or too flat, or with too many dropouts.

    The amplitude criteria are those of `mne.Epochs.drop_bad`. EEG and intracranial channels that
    are not marked bad are checked. The reason for dropping a window is the first criterion that
    it fails, in the order dropout, peak to peak, flat, absolute, with the worst channel.

    Parameters
    ----------
    peak_to_peak
        Largest difference in µV between two samples of a channel in a good window.
    flat
        Smallest such difference in µV.
    absolute
        Largest absolute value in µV.
    dropout
        Largest share of the samples of a window, over channels and times, that may be in
        dropouts. The step `dropouts` must find them before.
    channels
        Names of the channels to check, of any type.

    Examples
    --------
    In a recipe, after the other steps::

        - reject: {peak_to_peak: 150, flat: 0.5}
    """

    peak_to_peak: Microvolts | None = None
    flat: Microvolts | None = None
    absolute: Microvolts | None = None
    dropout: Share | None = None
    channels: Names = ()

    name: ClassVar[str] = "reject"

    @property
    def traits(self) -> StepTraits:
        """Properties of the step, which needs dropouts only if it rejects by them."""
        return StepTraits(needs_dropouts=self.dropout is not None)

    @model_validator(mode="after")
    def _check(self) -> Reject:
        if all(getattr(self, name) is None for name in CRITERIA):
            raise ValueError(f"give one or more of {', '.join(CRITERIA)}")
        return self

    def required_context(self, spec: SignalSpec) -> Context:  # noqa: ARG002
        """Require the window only."""
        return Context("windows")

    def output_spec(self, spec: SignalSpec) -> SignalSpec:
        """Return the same channels and rate, if there is a channel to check."""
        if not locate_channels(self.channels, spec) and not BRAIN_TYPES & set(spec.ch_types):
            raise RecordingError(
                self.name,
                f"no EEG or intracranial channel; the recording has {join_names(spec.ch_names)}",
            )
        return spec

    def apply_windows(self, windows: Windows) -> WindowStepResult:
        """Drop the windows that fail a criterion, and report their worst channels."""
        if not len(windows.signals):
            return WindowStepResult(windows.signals, (), StepReport(self.name, share=0.0))
        picks = self._checked_channels(windows)
        names = [windows.info["ch_names"][i] for i in picks]
        signals = windows.signals[:, picks]
        dropout_shares = windows.dropout_mask[:, picks].mean((1, 2))
        spans = np.ptp(signals, axis=2)
        peaks = np.abs(signals).max(2)
        reasons = []
        faulty = set()
        for dropout_share, span, peak in zip(dropout_shares, spans, peaks, strict=True):
            fault = self._find_fault(float(dropout_share), span, peak)
            reasons.append(fault.describe(names) if fault else "")
            if fault and fault.channel is not None:
                faulty.add(names[fault.channel])
        share = sum(map(bool, reasons)) / len(reasons)
        channels = tuple(name for name in windows.info["ch_names"] if name in faulty)
        report = StepReport(self.name, channels, share, flag=share_flag(share))
        return WindowStepResult(windows.signals, tuple(reasons), report)

    def _find_fault(self, dropout_share: float, spans: Array, peaks: Array) -> _Fault | None:
        """Return the first criterion that a window fails, or None for a good window.

        Parameters
        ----------
        dropout_share
            Share of its samples that are in dropouts.
        spans
            Largest difference between two samples of each channel (n_chans,) in µV.
        peaks
            Largest absolute value of each channel (n_chans,) in µV.
        """
        if self.dropout is not None and dropout_share > self.dropout:
            return _Fault(f"{dropout_share:.1%} in dropouts", f"{self.dropout:.1%} allowed")
        if self.peak_to_peak is not None and spans.max() > self.peak_to_peak:
            value = f"{spans.max():.4g} µV peak to peak"
            return _Fault(value, f"{self.peak_to_peak:g} allowed", int(spans.argmax()))
        if self.flat is not None and spans.min() < self.flat:
            value = f"{spans.min():.4g} µV peak to peak"
            return _Fault(value, f"{self.flat:g} or more expected", int(spans.argmin()))
        if self.absolute is not None and peaks.max() > self.absolute:
            value = f"{peaks.max():.4g} µV from 0"
            return _Fault(value, f"{self.absolute:g} allowed", int(peaks.argmax()))
        return None

    def _checked_channels(self, windows: Windows) -> list[int]:
        """Return the indices of the channels to check, of which one must be good."""
        ch_names = windows.info["ch_names"]
        requested = {name.casefold() for name in self.channels}
        indices = []
        for i, ch_type in enumerate(windows.info.get_channel_types()):
            is_requested = ch_names[i].casefold() in requested
            if is_requested if requested else ch_type in BRAIN_TYPES:
                indices.append(i)
        good = [i for i in indices if ch_names[i] not in windows.info["bads"]]
        if not good:
            bads = join_names(ch_names[i] for i in indices)
            raise RecordingError(self.name, f"all channels to check are marked bad: {bads}")
        return good
