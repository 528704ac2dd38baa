"""Facts about a recording that limit its windows: rate, length, boundaries and exclusions."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bids_dl.datamodel import boundary_sample


@dataclass(frozen=True, slots=True)
class RecordingLimits:
    """Facts about a recording that limit its windows, as far as they are known."""

    sfreq: float | None = None  # Hz
    n_times: int | None = None  # samples
    boundaries: tuple[float, ...] = ()  # s, sorted: times at which the signal is not continuous
    excluded: Mapping[str, Sequence[tuple[float, float]]] = field(default_factory=dict)
    """By label: disjoint intervals (start, stop) in s, in order of time; equal for a point."""

    @property
    def half_sample(self) -> float:
        """Half a sample in s, 0 if the rate is unknown."""
        return 0.5 / self.sfreq if self.sfreq else 0.0

    @property
    def end(self) -> float:
        """Length of the recording in s, infinite if unknown."""
        if not self.sfreq or self.n_times is None:
            return math.inf
        return self.n_times / self.sfreq

    def cut_at(self, time: float) -> float | None:
        """Return the boundary or end of the recording at a time in s.

        None without one, or if the rate is unknown. A row of EEGLAB may be half a sample early.
        """
        if not self.sfreq:
            return None
        cuts = (0.0, *self.boundaries, self.end)
        index = bisect_left(cuts, time - self.half_sample)
        latest = max(time + self.half_sample, boundary_sample(time, self.sfreq) / self.sfreq)
        return cuts[index] if index < len(cuts) and cuts[index] <= latest else None
