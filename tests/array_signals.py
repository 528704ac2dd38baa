"""Signals of recordings that are arrays in memory."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bids_dl.annotate.viewing.channel_groups import make_channels
from bids_dl.annotate.viewing.signals import RecordingKey, Samples, SignalHeader

TEN_TWENTY = [
    *("Fp1", "Fp2", "F7", "F3", "Fz", "F4", "F8", "T3", "C3", "Cz", "C4", "T4"),
    *("T5", "P3", "Pz", "P4", "T6", "O1", "O2"),
]
"""Electrodes of the 10-20 system from the front to the back, and from the left to the right."""

KEY: RecordingKey = ("ds1", "sub-01/eeg/sub-01_task-rest")


class ArraySignals:
    """One recording, whose samples are an array (n_chans, n_times) in µV."""

    def __init__(
        self,
        samples: Samples,
        sfreq: float,
        *,
        names: Sequence[str] | None = None,
        kind: str = "eeg",
        bads: Sequence[str] = (),
        boundaries: Sequence[float] = (),
    ) -> None:
        names = names or [f"X{i}" for i in range(len(samples))]
        channels = make_channels(names, [kind] * len(names), bads)
        self._samples = samples
        self._header = SignalHeader(sfreq, samples.shape[1] / sfreq, channels, tuple(boundaries))
        self.n_read = 0

    def header(self, key: RecordingKey) -> SignalHeader:
        assert key == KEY
        return self._header

    def read(self, key: RecordingKey, start: int, stop: int) -> Samples:
        assert key == KEY
        self.n_read += stop - start
        samples = np.full((len(self._samples), stop - start), np.nan)
        first, last = max(start, 0), min(stop, self._samples.shape[1])
        if first < last:
            samples[:, first - start : last - start] = self._samples[:, first:last]
        return samples

    def close(self) -> None:
        pass
