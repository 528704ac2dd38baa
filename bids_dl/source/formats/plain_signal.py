"""Facts about a plain signal file: all that MNE would read of it, except its samples."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PlainSignal:
    """Channels, rate, length and marked times of a file, equal to those that MNE reads.

    Attributes
    ----------
    labels, ch_types
        Names of the channels to read, and MNE's types.
    sfreq
        Sampling rate in Hz.
    n_times
        Number of samples.
    markers
        Onset in s and description of each annotation that may be a boundary.
    """

    labels: tuple[str, ...]
    ch_types: tuple[str, ...]
    sfreq: float
    n_times: int
    markers: tuple[tuple[float, str], ...] = ()
