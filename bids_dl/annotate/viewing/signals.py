"""Signals of recordings as pages need them, whatever they come from: values and a protocol."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from bids_dl.datamodel import BRAIN_TYPES, VOLTAGE_TYPES

Samples: TypeAlias = npt.NDArray[np.float64]
"""Samples or traces, (n_chans, n_times) in µV, NaN where no sample exists."""

RecordingKey: TypeAlias = tuple[str, str]
"""Name of the dataset, and BIDS path without suffix and extension."""

SHOWN_TYPES = VOLTAGE_TYPES
"""MNE's types of the channels that pages show; all others have no samples in volts."""

INTRACRANIAL_TYPES = BRAIN_TYPES - {"eeg"}


@dataclass(frozen=True, slots=True)
class Channel:
    """One channel that pages can show.

    Attributes
    ----------
    name
        Name as in channels.tsv or the file.
    kind
        MNE's type.
    group
        Shaft of an intracranial contact, region of a scalp electrode, "" for all others.
    is_bad
        True if channels.tsv or the file says that the channel is bad.
    """

    name: str
    kind: str
    group: str
    is_bad: bool

    @property
    def is_brain(self) -> bool:
        """True for brain signal."""
        return self.kind in BRAIN_TYPES


@dataclass(frozen=True, slots=True)
class SignalHeader:
    """Rate, length and channels of a recording. Its dates, names and annotations stay behind.

    Attributes
    ----------
    sfreq
        Sampling rate in Hz.
    seconds
        Length in s.
    channels
        Channels that pages can show, in the order of the file.
    boundaries
        Times in s of the first sample after each jump in time, sorted. No filter crosses them.
    """

    sfreq: float
    seconds: float
    channels: tuple[Channel, ...]
    boundaries: tuple[float, ...] = ()

    @property
    def n_times(self) -> int:
        """Number of samples."""
        return round(self.seconds * self.sfreq)

    @property
    def is_intracranial(self) -> bool:
        """True if some channel is an intracranial contact."""
        return any(channel.kind in INTRACRANIAL_TYPES for channel in self.channels)


class Signals(Protocol):
    """Samples of recordings. Several threads may read at once."""

    def header(self, key: RecordingKey) -> SignalHeader:
        """Return rate, length and channels of a recording.

        Raises
        ------
        RecordingError
            The recording is missing, damaged, or another one than that of the pool.
        """

    def read(self, key: RecordingKey, start: int, stop: int) -> Samples:
        """Read the samples ``start`` to ``stop`` of all channels of the header.

        Returns
        -------
        ndarray
            float64 (n_chans, stop - start) in µV. NaN outside of the recording and in gaps.

        Raises
        ------
        RecordingError
            As `header`, or the samples cannot be read.
        """

    def close(self) -> None:
        """Close all files."""
