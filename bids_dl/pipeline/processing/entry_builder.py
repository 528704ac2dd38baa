"""Build the description of a staged recording while its windows are processed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from bids_dl import preprocess, source
from bids_dl.datamodel import BRAIN_TYPES, StepReport, exact_rate
from bids_dl.pipeline.processing.cutting import cut_windows
from bids_dl.pipeline.processing.excerpts import Excerpt
from bids_dl.pipeline.processing.spectrum import Spectrum
from bids_dl.pipeline.processing.statistics import Moments, evenly_spaced, find_runs
from bids_dl.pipeline.processing.task import Task
from bids_dl.pipeline.staging_entry import (
    NO_ELECTRODES,
    DropoutRun,
    DroppedWindow,
    ElectrodePositions,
    StagingEntry,
)
from bids_dl.preprocess import WindowResults
from bids_dl.preprocess.steps.montage import ELECTRODES, Montage
from bids_dl.store.signals.quantization import MagnitudeHistogram

if TYPE_CHECKING:
    from mne.io import BaseRaw

MICROVOLTS = 1e6  # µV of a volt, the unit of MNE
SPECTRUM_BYTES = 1_000_000  # windows transformed at once, which a processor's cache holds


class EntryBuilder:
    """Accumulates the statistics, reports and dropped windows of one recording.

    Parameters
    ----------
    task
        The recording and its planned windows.
    """

    def __init__(self, task: Task) -> None:
        self._task = task
        self._read_reports: tuple[StepReport, ...] = ()
        self._signal_reports: list[list[StepReport]] = []  # of each excerpt
        self._excerpt_spans: list[tuple[int, int]] = []  # samples of each excerpt
        self._window_reports: list[tuple[StepReport, ...]] = []  # of each batch of windows
        self._n_inputs: list[tuple[int, ...]] = []  # of each batch: windows that each step received
        self._moments = Moments(task.spec.n_chans)
        self._magnitudes = MagnitudeHistogram.empty()
        self._spectrum_before = Spectrum(task.header.sfreq)
        self._spectrum_after = Spectrum(float(task.spec.sfreq))
        self._spectrum_windows = evenly_spaced(task.excerpt_plan.kept)
        self._kept: list[int] = []
        self._dropped: list[DroppedWindow] = []
        for number, reason in task.excerpt_plan.dropped:
            self._dropped.append(DroppedWindow(number, "", reason))
        self._dropout_runs: list[DropoutRun] = []

    def add_read_reports(self, reports: tuple[StepReport, ...]) -> None:
        """Add what was noted when the recording was read."""
        self._read_reports = reports

    def add_raw(self, raw: BaseRaw, excerpt: Excerpt) -> None:
        """Add the spectra of the windows of an excerpt before the recipe."""
        picks = _brain_channels(preprocess.channel_types(raw))
        ratio = self._task.spec.sfreq / exact_rate(self._task.header.sfreq)
        n_times = min(math.ceil(self._task.n_times / ratio), raw.n_times)
        last_start = raw.n_times - n_times
        windows = [item for item in excerpt.windows if item[0] in self._spectrum_windows]
        if not windows or not picks:
            return
        numbers, rows = zip(*windows, strict=True)
        starts = [max(0, min(math.floor(row / ratio), last_start)) for row in rows]
        samples = preprocess.loaded_samples(raw)
        for part in _parts(len(numbers), len(picks) * n_times):
            signals = cut_windows(samples, starts[part], n_times, picks)
            signals *= MICROVOLTS
            self._spectrum_before.add(numbers[part], signals)

    def add_signal_reports(self, reports: list[StepReport], excerpt: Excerpt) -> None:
        """Add the reports of the steps on the signal of an excerpt."""
        self._signal_reports.append(reports)
        self._excerpt_spans.append((excerpt.start, excerpt.stop))

    def add_windows(
        self, numbers: Sequence[int], results: WindowResults, stored: npt.NDArray[np.float32]
    ) -> None:
        """Add a batch of windows after all steps.

        Parameters
        ----------
        numbers
            Numbers of the windows that the steps received.
        results
            Result of the steps.
        stored
            Kept windows (n_windows, n_chans, n_times) in µV, as staged.
        """
        kept = [numbers[index] for index in results.kept]
        self._n_inputs.append(results.n_inputs)
        self._window_reports.append(results.reports)
        for index, step, reason in results.dropped:
            self._dropped.append(DroppedWindow(numbers[index], step, reason))
        self._kept += kept
        self._add_spectra(kept, results.windows.signals)
        for number, mask in zip(kept, results.windows.dropout_mask, strict=True):
            if mask.any():
                self._dropout_runs += [DropoutRun(number, *run) for run in find_runs(mask)]
        if kept:
            self._moments.add(stored)
            self._magnitudes.add(stored)

    def _add_spectra(self, numbers: Sequence[int], signals: npt.NDArray[np.float64]) -> None:
        """Add the spectra of windows (n_windows, n_chans, n_times) after the recipe."""
        picks = _brain_channels(self._task.spec.ch_types)
        rows = [row for row, number in enumerate(numbers) if number in self._spectrum_windows]
        if not picks:
            return
        for part in _parts(len(rows), len(picks) * self._task.n_times):
            chosen = signals[rows[part]]
            if len(picks) < self._task.spec.n_chans:
                chosen = chosen[:, picks]
            self._spectrum_after.add([numbers[row] for row in rows[part]], chosen)

    def build(self) -> StagingEntry:
        """Build the entry, with windows in the order of their numbers."""
        kept = tuple(sorted(self._kept))
        mean, std = self._moments.values()
        signal_reports = preprocess.merge_reports(self._signal_reports, self._excerpt_spans)
        return StagingEntry(
            kept=kept,
            dropped=tuple(sorted(self._dropped)),
            mean=mean,
            std=std,
            steps=(*self._read_reports, *signal_reports, *self._merge_window_reports()),
            dropout_runs=tuple(sorted(self._dropout_runs)),
            spectrum_before=self._spectrum_before.median(kept),
            spectrum_after=self._spectrum_after.median(kept),
            magnitudes=tuple(self._magnitudes.counts.tolist()) if kept else (),
            verified=source.describe_verification(self._task.dataset),
            electrodes=self._find_electrodes() if kept else NO_ELECTRODES,
        )

    def _find_electrodes(self) -> ElectrodePositions:
        """Look up the channels of the store in the templates that the recipe names."""
        templates: list[str] = []
        for step in self._task.recipe.steps:
            if isinstance(step, Montage):
                templates.extend(name for name in step.positions if name != ELECTRODES)
        return ElectrodePositions.of_names(self._task.spec.ch_names, templates)

    def _merge_window_reports(self) -> list[StepReport]:
        """Merge the reports of each step on windows over all batches.

        The share of a step refers to the windows it received. These are fewer than all windows if
        a step before it dropped some.
        """
        n_inputs = np.array(self._n_inputs, dtype=int)  # (n_batches, n_steps)
        stops = n_inputs.cumsum(axis=0)
        starts = stops - n_inputs
        merged = []
        for step, reports in enumerate(zip(*self._window_reports, strict=True)):
            spans = list(zip(starts[:, step].tolist(), stops[:, step].tolist(), strict=True))
            merged += preprocess.merge_reports([[report] for report in reports], spans)
        return merged


def _parts(count: int, size: int) -> Iterator[slice]:
    """Yield slices of windows of ``size`` samples that are transformed at once."""
    step = max(1, SPECTRUM_BYTES // (8 * size))
    for start in range(0, count, step):
        yield slice(start, start + step)


def _brain_channels(ch_types: Sequence[str]) -> list[int]:
    """Return the numbers of the channels that hold brain signal."""
    return [number for number, ch_type in enumerate(ch_types) if ch_type in BRAIN_TYPES]
