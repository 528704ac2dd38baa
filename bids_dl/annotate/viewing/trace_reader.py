"""Read the traces of a montage in blocks, and find where they are continuous."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from bids_dl.annotate.viewing.decimation import Decimator
from bids_dl.annotate.viewing.montages import PageMontage
from bids_dl.annotate.viewing.signals import RecordingKey, Samples, SignalHeader, Signals

BLOCK_VALUES = 400_000  # samples of all channels: 3 MB, which a processor's cache holds


@dataclass(frozen=True)
class TraceReader:
    """Reads traces of one recording.

    Attributes
    ----------
    signals, key
        Where the samples come from, and the recording.
    header
        Rate, length and channels of the recording.
    montage
        Montage of its channels.
    """

    signals: Signals
    key: RecordingKey
    header: SignalHeader
    montage: PageMontage

    @property
    def n_traces(self) -> int:
        """Number of traces."""
        return len(self.montage.traces)

    def blocks(self, start: int, stop: int, *, multiple: int = 1) -> Iterator[tuple[int, Samples]]:
        """Read traces in blocks.

        Parameters
        ----------
        start, stop
            First sample, and the sample after the last.
        multiple
            Blocks but the first begin at a multiple of this number of samples.

        Yields
        ------
        start : int
            Number of the first sample of the block.
        traces : ndarray
            (n_traces, n_times) in µV.
        """
        n_times = max(BLOCK_VALUES // max(self.montage.n_chans, 1) // multiple, 1) * multiple
        while start < stop:
            end = min(start // multiple * multiple + n_times, stop)
            samples = self.signals.read(self.key, start, end)
            with np.errstate(invalid="ignore"):  # of infinity minus infinity
                is_finite = math.isfinite(samples.sum())
            if not is_finite:
                samples = np.where(np.isinf(samples), np.nan, samples)  # as missing ones
            yield start, self.montage.apply(samples)
            start = end

    def segments(self, start: int, stop: int) -> list[tuple[int, int]]:
        """Divide an interval of samples where time jumps, within the recording."""
        start, stop = max(start, 0), min(stop, self.header.n_times)
        # as `bids_dl.pipeline.processing.excerpts.find_jumps`, of which a boundary is a sample
        jumps = [math.ceil(time * self.header.sfreq - 1e-3) for time in self.header.boundaries]
        inside = jumps[bisect_right(jumps, start) : bisect_left(jumps, stop)]
        edges = [start, *inside, stop]
        return [pair for pair in pairwise(edges) if pair[0] < pair[1]]

    def read_segment(
        self, start: int, stop: int, *, factor: int, n_mirrored: int
    ) -> tuple[int, Samples]:
        """Read a continuous segment at the rate of the recording, or decimated.

        Parameters
        ----------
        start, stop
            First sample, and the sample after the last.
        factor
            Samples of the recording per sample of the result.
        n_mirrored
            Samples to mirror at each end before they are decimated. They are decimated too.

        Returns
        -------
        first : int
            Number of the first sample at the new rate.
        traces : ndarray
            (n_traces, n_times) in µV, NaN where samples are missing.
        """
        if factor == 1:
            blocks = [traces for _, traces in self.blocks(start, stop)]
            return start, np.concatenate(blocks, axis=1)
        decimator = Decimator(self.n_traces, factor, (start, stop), n_mirrored=n_mirrored)
        for first, traces in self.blocks(start, stop, multiple=factor):
            decimator.add(first, traces)
        return decimator.finish()
