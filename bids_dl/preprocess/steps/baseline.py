"""The mean of an interval, taken out of each window."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import model_validator
from pydantic.dataclasses import dataclass

from bids_dl.config.stages import STRICT
from bids_dl.datamodel import SignalSpec, StepReport
from bids_dl.errors import RecordingError
from bids_dl.preprocess.step import Context, Seconds, Windows, WindowStepResult

TOLERANCE = 1e-6  # s; times of samples are sums of floats


@dataclass(frozen=True, config=STRICT)
class Baseline:
    """Subtract the mean of an interval from each channel of each window, as `mne.baseline.rescale` does; both ends belong to the interval.

    Parameters
    ----------
    start, end
        Seconds relative to the event (for sliding windows: to the window's first sample); None: the edge of the window.
    """

    start: Seconds | None = None
    end: Seconds | None = None

    name: ClassVar[str] = "baseline"

    @model_validator(mode="after")
    def _check(self) -> Baseline:
        if self.start is not None and self.end is not None and self.start >= self.end:
            raise ValueError(f"start must be before end, got {self.start:g} and {self.end:g} s")
        return self

    def needs(self, spec: SignalSpec) -> Context:  # noqa: ARG002
        return Context("windows")

    def output_spec(self, spec: SignalSpec) -> SignalSpec:
        return spec

    def apply_windows(self, windows: Windows) -> WindowStepResult:
        from mne.baseline import rescale

        times = windows.times
        start = times[0] if self.start is None else self.start
        end = times[-1] if self.end is None else self.end
        slack = TOLERANCE + 2 * (times[-1] - times[0]) / max(
            1, len(times) - 1
        )  # start and length were rounded to samples
        inside = (times >= start - TOLERANCE) & (times <= end + TOLERANCE)
        if start < times[0] - slack or end > times[-1] + slack or not inside.any():
            raise RecordingError(
                self.name,
                f"no baseline from {start:g} to {end:g} s in windows from {times[0]:g} to {times[-1]:g} s",
            )
        interval = (start - TOLERANCE, end + TOLERANCE)
        signals = np.asarray(
            rescale(windows.signals, times, interval, verbose="error"), dtype=np.float64
        )
        return WindowStepResult(signals, ("",) * len(signals), StepReport(self.name))
