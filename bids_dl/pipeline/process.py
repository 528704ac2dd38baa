"""One recording, from signal file to staged windows. Runs in a worker process."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from bids_dl import preprocess, source
from bids_dl.datamodel import Failure, SignalSpec, StepReport, exact_rate
from bids_dl.errors import RecordingError
from bids_dl.pipeline.excerpts import Excerpt, jumps
from bids_dl.pipeline.memory_limit import memory_limit
from bids_dl.pipeline.staging import DropoutRun, Entry
from bids_dl.pipeline.statistics import Moments, Spectrum, runs, some
from bids_dl.pipeline.task import Task
from bids_dl.preprocess import WindowResults, Windows
from bids_dl.store.quantization import MagnitudeHistogram

if TYPE_CHECKING:
    from mne.io import BaseRaw

MICROVOLTS = 1e6  # MNE works in volts
VOLTAGES = {
    "eeg",
    "eog",
    "ecg",
    "emg",
    "seeg",
    "ecog",
    "dbs",
    "bio",
}  # MNE's channel types whose samples are volts
BRAIN = {"eeg", "seeg", "ecog", "dbs"}
CUT_BYTES = 32_000_000  # windows cut at a time, as float64: where they overlap, all of a piece would be many times its size
ALONE = Lock()  # warnings and MNE's log, which end in the reports, belong to the process: a worker of several threads takes one at a time

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Cut:
    """Some windows of a recording by their numbers, and where in it they were cut, in s."""

    numbers: tuple[int, ...]
    windows: Windows
    start: float


def stage(task: Task, memory: int | None = None) -> Failure | None:
    """Preprocess one recording and stage its windows; what goes wrong comes back as a value.

    A failure that no other try can mend is staged too, so that a rerun does not repeat it.

    Parameters
    ----------
    memory
        Bytes after which this process is refused more, None: the system decides.
    """
    try:
        with (
            ALONE,
            threadpool_limits(limits=1),
            memory_limit(memory),
        ):  # the sums of a BLAS depend on its threads
            _stage(task)
    except RecordingError as problem:
        failure = Failure(task.recording.key, problem.stage, problem.reason, problem.transient)
    except MemoryError:
        failure = Failure(task.recording.key, "worker", "not enough memory", transient=True)
    except OSError as problem:
        failure = Failure(
            task.recording.key,
            "worker",
            f"{type(problem).__name__}: {problem.strerror}",
            transient=True,
        )
    except Exception as problem:  # noqa: BLE001  (one that cannot be unpickled where it arrives would never be heard of)
        failure = Failure(
            task.recording.key,
            "worker",
            f"{type(problem).__name__}: {' '.join(str(problem).split())}"[:300],
            transient=True,
        )
    else:
        return None
    if not failure.transient:
        task.staging.write_failure(task.key, failure)
    return failure


def _stage(task: Task) -> None:
    planned = task.pieces.kept
    rows = {number: row for row, number in enumerate(planned)}
    learnt = EntryBuilder(task)
    with task.staging.writing(task.key, (len(planned), task.spec.n_chans, task.n_times)) as write:
        for cut in (
            _together(_cuts(task, learnt)) if task.recipe.needs_all_windows else _cuts(task, learnt)
        ):
            sifted = task.recipe.run_windows(cut.windows)
            kept = [cut.numbers[i] for i in sifted.kept]
            signals = sifted.windows.signals
            if bad := np.count_nonzero(~np.isfinite(signals)):
                raise RecordingError(
                    "windows",
                    f"{bad} samples are not finite after the recipe, from {cut.start:g} s on",
                )
            stored = signals.astype(np.float32)
            write([rows[number] for number in kept], stored)
            learnt.add(cut, sifted, kept, stored)
        write.entry = learnt.entry()


def _cuts(task: Task, learnt: EntryBuilder) -> Iterator[Cut]:
    """The windows of a recording after the steps on its signal, a bounded number at a time."""
    if not task.pieces.pieces:
        return
    with source.open_raw(task.dataset, task.recording) as raw:
        for piece in task.pieces.pieces:
            excerpt = _read(raw, piece, task)
            if not learnt.signal:
                learnt.noted = _check(raw if len(task.pieces.pieces) > 1 else excerpt, task.spec)
            learnt.see(excerpt, piece)
            cleaned, reports = task.recipe.run(excerpt)
            learnt.signal.append(((piece.start, piece.stop), reports))
            yield from _cut(cleaned, piece, task)


def _check(raw: BaseRaw, spec: SignalSpec) -> tuple[StepReport, ...]:
    """Refuse samples that cannot be volts, and report what is unusual; only channels of the store count, where the recipe renames none."""
    kept = set(spec.ch_names) <= set(raw.ch_names)
    types = raw.get_channel_types()
    names = [
        name
        for name, kind in zip(raw.ch_names, types, strict=True)
        if (name in spec.ch_names if kept else kind in BRAIN)
    ]
    try:
        notes = source.check_amplitudes(raw, names or None)
    except RecordingError:
        raise
    except Exception as problem:  # noqa: BLE001  (readers of broken files raise anything)
        raise RecordingError(
            "read", f"{type(problem).__name__}: {' '.join(str(problem).split())}"[:300]
        ) from None
    return (StepReport("read", share=0.0, notes=notes),) if notes else ()


def _read(raw: BaseRaw, piece: Excerpt, task: Task) -> BaseRaw:
    inside = [jump for jump in jumps(task.header) if piece.start < jump < piece.stop]
    excerpt = preprocess.excerpt(raw, piece.start, piece.stop, before=piece.before, jumps=inside)
    preprocess.mark_selected(excerpt, task.selected, task.spec.sfreq)
    return excerpt


def _signal(raw: BaseRaw, spec: SignalSpec) -> npt.NDArray[np.float64]:
    """The signal (n_chans, n_times) in µV, channels in the order of the store; what is no voltage stays in its own unit."""
    missing = [name for name in spec.ch_names if name not in raw.ch_names]
    if (
        missing
        or len(raw.ch_names) != spec.n_chans
        or abs(raw.info["sfreq"] - float(spec.sfreq)) > 1e-6
    ):
        raise RecordingError(
            "channels",
            f"{len(raw.ch_names)} channels at {raw.info['sfreq']:g} Hz after the recipe, planned were {spec.n_chans} "
            f"at {float(spec.sfreq):g} Hz{'; missing: ' + ', '.join(missing[:5]) if missing else ''}",
        )
    signal: npt.NDArray[np.float64] = raw.get_data(picks=list(spec.ch_names))
    factors = np.array([MICROVOLTS if kind in VOLTAGES else 1.0 for kind in spec.ch_types])
    signal *= factors[:, None]
    return signal


def _cut(cleaned: BaseRaw, piece: Excerpt, task: Task) -> Iterator[Cut]:
    signal, info = _signal(cleaned, task.spec), preprocess.info_of(cleaned, task.spec.ch_names)
    silent = preprocess.dropout_mask(cleaned, task.spec.ch_names)
    times = (task.offset + np.arange(task.n_times)) / float(task.spec.sfreq)
    most = max(1, CUT_BYTES // (8 * task.spec.n_chans * task.n_times))
    for i in range(0, len(piece.windows), most):
        numbers, starts = zip(*piece.windows[i : i + most], strict=True)
        if task.selected:
            starts = tuple(preprocess.position(task.selected, start) for start in starts)
        spans = [slice(start, start + task.n_times) for start in starts]
        windows = Windows(
            np.stack([signal[:, span] for span in spans]),
            times,
            info,
            np.stack([silent[:, span] for span in spans]),
        )
        yield Cut(numbers, windows, piece.start / task.header.sfreq)


def _together(cuts: Iterator[Cut]) -> Iterator[Cut]:
    """All windows of a recording at once."""
    every = list(cuts)
    if every:
        first = every[0].windows
        signals, silent = (
            np.concatenate([getattr(cut.windows, name) for cut in every])
            for name in ("signals", "silent")
        )
        numbers = tuple(number for cut in every for number in cut.numbers)
        yield Cut(numbers, replace(first, signals=signals, silent=silent), every[0].start)


class EntryBuilder:
    """What an entry says of its recording, collected while its windows go by."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.noted: tuple[StepReport, ...] = ()
        self.signal: list[
            tuple[Span, list[StepReport]]
        ] = []  # of each piece: its samples, and what the steps on the signal did
        self._windows: list[
            tuple[tuple[int, ...], tuple[StepReport, ...]]
        ] = []  # of each cut: windows given to each step, what it did
        self._moments, self._magnitudes = Moments(task.spec.n_chans), MagnitudeHistogram.none()
        self._before, self._after = Spectrum(task.header.sfreq), Spectrum(float(task.spec.sfreq))
        self._looked_at = some(task.pieces.kept)
        self._kept: list[int] = []
        self._dropped = list(task.pieces.dropped)
        self._silent: list[DropoutRun] = []

    def see(self, excerpt: BaseRaw, piece: Excerpt) -> None:
        """Look at windows of a piece before the recipe."""
        picks = _brain(excerpt.get_channel_types())
        ratio = self.task.spec.sfreq / exact_rate(self.task.header.sfreq)
        n_times = math.ceil(self.task.n_times / ratio)
        for number, start in piece.windows:
            if number in self._looked_at and picks:
                first = min(max(0, math.floor(start / ratio)), excerpt.n_times - n_times)
                self._before.add(
                    number,
                    excerpt.get_data(picks, max(0, first), max(0, first) + n_times) * MICROVOLTS,
                )

    def add(
        self, cut: Cut, sifted: WindowResults, kept: Sequence[int], stored: npt.NDArray[np.float32]
    ) -> None:
        """Take in windows after all steps: by number those that were kept, and as they are stored."""
        signals, silent = sifted.windows.signals, sifted.windows.silent
        picks = _brain(self.task.spec.ch_types)
        self._windows.append((sifted.given, sifted.reports))
        self._dropped += [(cut.numbers[i], reason) for i, reason in sifted.dropped]
        self._kept += kept
        for number, signal, mask in zip(kept, signals, silent, strict=True):
            if number in self._looked_at and picks:
                self._after.add(number, signal[picks])
            if mask.any():
                self._silent += [(number, *run) for run in runs(mask)]
        if kept:
            self._moments.add(stored)
            self._magnitudes.add(stored)

    def entry(self) -> Entry:
        """All of it, windows by their numbers."""
        on_signal = preprocess.joined(
            [reports for _, reports in self.signal], [span for span, _ in self.signal]
        )
        kept = tuple(sorted(self._kept))
        return Entry(
            kept,
            tuple(sorted(self._dropped)),
            *self._moments.values(),
            steps=(*self.noted, *on_signal, *self._on_windows()),
            silent=tuple(sorted(self._silent)),
            before=self._before.median(kept),
            after=self._after.median(kept),
            magnitudes=tuple(self._magnitudes.counts.tolist()) if kept else (),
        )

    def _on_windows(self) -> Iterator[StepReport]:
        """What each step on windows did to all that it was given, which is less where a step before it dropped some."""
        given = np.array([given for given, _ in self._windows], dtype=int)
        stops = given.cumsum(axis=0)
        for step, reports in enumerate(
            zip(*(reports for _, reports in self._windows), strict=True)
        ):
            spans = zip((stops - given)[:, step].tolist(), stops[:, step].tolist(), strict=True)
            yield from preprocess.joined([[report] for report in reports], list(spans))


def _brain(ch_types: Sequence[str]) -> list[int]:
    """Numbers of the channels that hold brain signal."""
    return [i for i, ch_type in enumerate(ch_types) if ch_type in BRAIN]
