"""Step `baseline`: baseline correction of windows."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import model_validator
from pydantic.dataclasses import dataclass

from bids_dl.config.stages import STRICT
from bids_dl.datamodel import SignalSpec, StepReport
from bids_dl.errors import RecordingError
from bids_dl.preprocess.step import Context, Seconds, StepTraits, Windows, WindowStepResult

TIME_TOLERANCE = 1e-6  # s; times of samples are sums of floats


@dataclass(frozen=True, config=STRICT)
class Baseline:
    """Subtract the mean of an interval from each channel of each window.

    The computation is that of `mne.baseline.rescale`. Both ends belong to the interval.

    Parameters
    ----------
    start, end
        Ends of the interval in s relative to the event; for sliding windows, relative to the
        first sample of the window. None is the edge of the window.

    Examples
    --------
    In a recipe, for windows that begin 0.2 s before the event::

        - baseline: {end: 0}
    """

    start: Seconds | None = None
    end: Seconds | None = None

    name: ClassVar[str] = "baseline"
    traits: ClassVar[StepTraits] = StepTraits()

    @model_validator(mode="after")
    def _check(self) -> Baseline:
        if self.start is not None and self.end is not None and self.start >= self.end:
            raise ValueError(f"start must be before end, got {self.start:g} and {self.end:g} s")
        return self

    def required_context(self, spec: SignalSpec) -> Context:  # noqa: ARG002
        """Require the window only."""
        return Context("windows")

    def output_spec(self, spec: SignalSpec) -> SignalSpec:
        """Return the same channels and rate."""
        return spec

    def apply_windows(self, windows: Windows) -> WindowStepResult:
        """Subtract the mean, or raise `RecordingError` if the interval is outside the windows."""
        from mne.baseline import rescale

        times = windows.times
        start = times[0] if self.start is None else self.start
        end = times[-1] if self.end is None else self.end
        sample_interval = (times[-1] - times[0]) / max(1, len(times) - 1)
        # Onset and length of a window are rounded to samples, so its edges may be off by two.
        margin = TIME_TOLERANCE + 2 * sample_interval
        low = start - TIME_TOLERANCE
        high = end + TIME_TOLERANCE
        is_inside = (times >= low) & (times <= high)
        if start < times[0] - margin or end > times[-1] + margin or not is_inside.any():
            raise RecordingError(
                self.name,
                f"no baseline from {start:g} to {end:g} s "
                f"in windows from {times[0]:g} to {times[-1]:g} s",
            )
        corrected = rescale(windows.signals, times, (low, high), verbose="error")
        signals = np.asarray(corrected, dtype=np.float64)
        return WindowStepResult(signals, ("",) * len(signals), StepReport(self.name))
