"""Smallest and largest sample in each column of pixels, of samples that arrive in blocks."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bids_dl.annotate.viewing.signals import Samples

ROUNDING = 1e-6  # samples by which the edge of a column may be beside a sample


@dataclass(frozen=True)
class PageGrid:
    """Columns of a page, and the samples in each.

    A page with fewer samples than columns is a line: its samples are drawn as they are, with one
    before the page and one after.

    Attributes
    ----------
    start, duration
        Start and length of the page in s.
    width
        Number of columns.
    rate
        Rate of the samples in Hz. Sample ``k`` is at ``k / rate`` s.
    n_times
        Number of samples in the recording.
    """

    start: float
    duration: float
    width: int
    rate: float
    n_times: int

    @property
    def spacing(self) -> float:
        """Samples per column."""
        return self.duration * self.rate / self.width

    @property
    def is_line(self) -> bool:
        """True if there are fewer samples than columns."""
        return self.spacing < 1 + ROUNDING

    @cached_property
    def edges(self) -> npt.NDArray[np.int64]:
        """First sample of each column, then the first sample after the page, (width + 1,)."""
        places = self.start * self.rate + np.arange(self.width + 1) * self.spacing
        return np.asarray(np.ceil(places - ROUNDING), np.int64)

    @property
    def span(self) -> tuple[int, int]:
        """First sample that the page needs, and the sample after the last."""
        start, stop = int(self.edges[0]), int(self.edges[-1])
        if self.is_line:
            start, stop = start - 1, stop + 1
        start = min(max(start, 0), self.n_times - 1)
        return start, max(min(stop, self.n_times), start + 1)

    @property
    def n_columns(self) -> int:
        """Number of columns, or of samples if the page is a line."""
        start, stop = self.span
        return stop - start if self.is_line else self.width

    @property
    def first_time(self) -> float:
        """Time in s of the first column, or of the first sample if the page is a line."""
        return self.span[0] / self.rate if self.is_line else self.start

    @property
    def column_seconds(self) -> float:
        """Time in s from one column or sample to the next."""
        return 1 / self.rate if self.is_line else self.duration / self.width


class ColumnRange(NamedTuple):
    """Smallest and largest sample of each column, (n_traces, n_columns) in µV, NaN for none."""

    minima: Samples
    maxima: Samples


class Envelope:
    """Collects the smallest and largest sample of each column.

    Parameters
    ----------
    grid
        Columns of the page.
    n_traces
        Number of traces.
    """

    def __init__(self, grid: PageGrid, n_traces: int) -> None:
        self._grid = grid
        shape = (n_traces, grid.n_columns)
        self._minima = np.full(shape, np.nan)
        self._maxima = np.full(shape, np.nan)
        self._firsts = np.full(shape, np.nan)
        self._lasts = np.full(shape, np.nan)

    def add(self, start: int, samples: Samples) -> None:
        """Add samples. Those outside of the page are ignored.

        Parameters
        ----------
        start
            Number of the first sample, at the rate of the grid.
        samples
            (n_traces, n_times) in µV, NaN where there is no sample.
        """
        low, high = self._grid.span
        if not self._grid.is_line:
            low = max(low, int(self._grid.edges[0]))  # a page behind the last sample has none
        stop = min(start + samples.shape[1], high)
        samples = samples[:, max(low - start, 0) : max(stop - start, 0)]
        start = max(start, low)
        if stop <= start:
            return
        if self._grid.is_line:
            self._minima[:, start - low : stop - low] = samples
        else:
            self._add_to_columns(start, samples)

    def finish(self) -> ColumnRange:
        """Return the range of each column, including the line to its neighbours.

        The line from the last sample of a column to the first of the next crosses their border.
        Both columns cover the crossing, so that no steep slope is interrupted.
        """
        if self._grid.is_line:
            return ColumnRange(self._minima, self._minima)
        grid = self._grid
        borders = grid.start * grid.rate + np.arange(1, grid.width) * grid.spacing
        fractions = np.clip(borders - (grid.edges[1:-1] - 1), 0.0, 1.0)
        last, first = self._lasts[:, :-1], self._firsts[:, 1:]
        crossings = last + (first - last) * fractions
        minima, maxima = self._minima, self._maxima
        np.fmin(minima[:, :-1], crossings, out=minima[:, :-1])
        np.fmin(minima[:, 1:], crossings, out=minima[:, 1:])
        np.fmax(maxima[:, :-1], crossings, out=maxima[:, :-1])
        np.fmax(maxima[:, 1:], crossings, out=maxima[:, 1:])
        return ColumnRange(minima, maxima)

    def _add_to_columns(self, start: int, samples: Samples) -> None:
        """Add samples to the columns that they are in, the first and last of which may be cut."""
        edges = self._grid.edges
        stop = start + samples.shape[1]
        first = int(np.searchsorted(edges, start, side="right")) - 1
        after = int(np.searchsorted(edges, stop, side="left"))
        places = np.maximum(edges[first:after], start) - start
        has_gaps = math.isnan(samples.sum())
        smallest: np.ufunc = np.fmin if has_gaps else np.minimum  # faster without NaN
        largest: np.ufunc = np.fmax if has_gaps else np.maximum
        minima, maxima = self._minima[:, first:after], self._maxima[:, first:after]
        np.fmin(minima, smallest.reduceat(samples, places, axis=1), out=minima)
        np.fmax(maxima, largest.reduceat(samples, places, axis=1), out=maxima)
        starts = edges[first:after] - start
        has_first = starts >= 0
        self._firsts[:, first:after][:, has_first] = samples[:, starts[has_first]]
        ends = edges[first + 1 : after + 1] - 1 - start
        has_last = ends < samples.shape[1]
        self._lasts[:, first:after][:, has_last] = samples[:, ends[has_last]]
