"""Process one recording, from its signal file to staged windows. Runs in a worker process."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from bids_dl import preprocess, source
from bids_dl.datamodel import VOLTAGE_TYPES, Failure, SignalSpec, StepReport
from bids_dl.errors import RecordingError
from bids_dl.pipeline.entry_file import EntryWriter
from bids_dl.pipeline.processing.blas_threads import one_blas_thread
from bids_dl.pipeline.processing.cutting import cut_windows
from bids_dl.pipeline.processing.entry_builder import MICROVOLTS, EntryBuilder
from bids_dl.pipeline.processing.excerpts import Excerpt, find_jumps
from bids_dl.pipeline.processing.memory_limit import memory_limit
from bids_dl.pipeline.processing.task import Task
from bids_dl.preprocess import Windows
from bids_dl.wording import count, join_names, one_line, without_folders

if TYPE_CHECKING:
    from mne.io import BaseRaw

BATCH_BYTES = 32_000_000
"""Windows cut at once, as float64. Overlapping windows can be many times larger than their excerpt.
"""
SFREQ_TOLERANCE_HZ = 1e-6
PROCESS_LOCK = Lock()
"""Held while a recording is processed: warnings and MNE's log, which end in the reports, belong to
the process, so that a worker of several threads processes one recording at a time.
"""


@dataclass(frozen=True, slots=True)
class WindowBatch:
    """Some windows of a recording.

    Attributes
    ----------
    numbers
        Numbers of the windows within their recording.
    start
        Start of the excerpt they were cut from, in s.
    """

    numbers: tuple[int, ...]
    windows: Windows
    start: float


def run_task(task: Task, max_bytes: int | None = None) -> Failure | None:
    """Process one recording, and return an error as a value.

    A permanent failure is staged, so that a rerun does not repeat it.

    Parameters
    ----------
    max_bytes
        Memory that this process may allocate, None for no limit.

    Returns
    -------
    Failure or None
        None if the recording is staged.
    """
    key = task.recording.key
    try:
        # The sums of a BLAS depend on the number of its threads.
        with PROCESS_LOCK, one_blas_thread(), memory_limit(max_bytes):
            process_recording(task)
    except RecordingError as problem:
        failure = Failure(key, problem.stage, problem.reason, problem.transient)
    except MemoryError:
        failure = Failure(key, "worker", "not enough memory", transient=True)
    except OSError as problem:
        reason = f"{type(problem).__name__}: {problem.strerror}"
        failure = Failure(key, "worker", reason, transient=True)
    except Exception as problem:  # noqa: BLE001  (Dask cannot return one that is not picklable)
        failure = unexpected_failure(key, problem)
    else:
        return None
    if not failure.transient:
        task.staging.write_failure(task.key, failure)
    return failure


def unexpected_failure(key: str, problem: BaseException) -> Failure:
    """Return the failure of a recording for an error without a stage. A retry may succeed."""
    return Failure(key, "worker", _describe(problem), transient=True)


def _describe(problem: BaseException) -> str:
    return one_line(without_folders(f"{type(problem).__name__}: {problem}"))


def process_recording(task: Task) -> None:
    """Read a recording, clean it, cut its windows, filter them, and stage those that are kept.

    Raises
    ------
    RecordingError
        The recording cannot be processed; nothing is staged.
    """
    _check_fetched(task)
    builder = EntryBuilder(task)
    excerpts = task.excerpt_plan.excerpts
    shape = (len(task.excerpt_plan.kept), task.spec.n_chans, task.n_times)
    held: list[WindowBatch] = []  # until all windows are cut, if a step needs them together
    with task.staging.write_entry(task.key, shape) as writer:
        with source.unchanged_files(task.dataset, task.hashed), _open_signal(task) as raw:
            _check_header(raw, task)
            for excerpt in excerpts:
                signal = _read(raw, excerpt, task)
                if excerpt is excerpts[0]:
                    if len(excerpts) > 1:
                        spans = [(item.start, item.stop) for item in excerpts]
                        read_reports = _check_amplitudes(raw, task.spec, spans)
                    else:
                        read_reports = _check_amplitudes(signal, task.spec)
                    builder.add_read_reports(read_reports)
                builder.add_raw(signal, excerpt)
                cleaned, reports = task.recipe.run(signal, _used_intervals(excerpt, task))
                builder.add_signal_reports(reports, excerpt)
                for batch in _cut_windows(cleaned, excerpt, task):
                    if task.recipe.needs_all_windows:
                        held.append(batch)
                    else:
                        _filter_and_stage(batch, task, builder, writer)
        if held:
            _filter_and_stage(_concatenate(held), task, builder, writer)
        writer.entry = builder.build()


def _check_fetched(task: Task) -> None:
    """Refuse excerpts with samples that are not on this machine, which would be read as zeros."""
    if not task.fetched:
        return
    for excerpt in task.excerpt_plan.excerpts:
        if not any(start <= excerpt.start and excerpt.stop <= stop for start, stop in task.fetched):
            raise RecordingError(
                "source",
                f"samples {excerpt.start} to {excerpt.stop} were not fetched; "
                "run the same command again with --fetch whole",
            )


def _open_signal(task: Task) -> AbstractContextManager[Any]:
    """Open the signal file, unless no window is left to cut."""
    if not task.excerpt_plan.excerpts:
        return nullcontext()
    return source.open_raw(task.dataset, task.recording)


def _check_header(raw: BaseRaw | None, task: Task) -> None:
    """Refuse a file whose header changed after the plan read it, and before it was hashed."""
    if raw is None:
        return
    found = (raw.info["sfreq"], raw.n_times, tuple(raw.ch_names))
    if found != (task.header.sfreq, task.header.n_times, task.header.ch_names):
        raise RecordingError(
            "source",
            f"{task.recording.signal} has another header than was planned; convert again with "
            "--overwrite",
            transient=True,
        )


def _read(raw: BaseRaw, excerpt: Excerpt, task: Task) -> BaseRaw:
    """Read an excerpt as a recording of its own, with its jumps and selected intervals marked."""
    jumps = [jump for jump in find_jumps(task.header) if excerpt.start < jump < excerpt.stop]
    signal = preprocess.read_excerpt(
        raw, excerpt.start, excerpt.stop, before=excerpt.before, jumps=jumps
    )
    preprocess.mark_selected(signal, task.selected, task.spec.sfreq)
    return signal


def _check_amplitudes(
    raw: BaseRaw, spec: SignalSpec, spans: Sequence[tuple[int, int]] | None = None
) -> tuple[StepReport, ...]:
    """Report unusual amplitudes.

    Only channels of the store are checked, or all brain channels if the recipe renames some.

    Raises
    ------
    RecordingError
        The samples cannot be volts, or cannot be read.
    """
    keeps_names = set(spec.ch_names) <= set(raw.ch_names)
    names = spec.ch_names if keeps_names else None
    try:
        notes = source.check_amplitudes(raw, names, spans=spans)
    except RecordingError:
        raise
    except Exception as problem:  # noqa: BLE001  (readers of broken files raise anything)
        raise RecordingError("read", _describe(problem)) from None
    return (StepReport("read", share=0.0, notes=notes),) if notes else ()


def _used_intervals(excerpt: Excerpt, task: Task) -> list[tuple[int, int]] | None:
    """List the intervals of a cleaned excerpt that its windows are cut from.

    None stands for all samples, if the recipe concatenates intervals.
    """
    if task.selected:
        return None
    return [(start, start + task.n_times) for _, start in excerpt.windows]


def _cut_windows(cleaned: BaseRaw, excerpt: Excerpt, task: Task) -> Iterator[WindowBatch]:
    """Cut the windows of a cleaned excerpt, in batches of bounded size."""
    _check_channels(cleaned, task.spec)
    samples = preprocess.loaded_samples(cleaned)
    channels = [cleaned.ch_names.index(name) for name in task.spec.ch_names]
    info = preprocess.info_of(cleaned, task.spec.ch_names)
    mask = preprocess.dropout_mask(cleaned, task.spec.ch_names)
    times = (task.offset + np.arange(task.n_times)) / float(task.spec.sfreq)
    batch_size = max(1, BATCH_BYTES // (8 * task.spec.n_chans * task.n_times))
    for i in range(0, len(excerpt.windows), batch_size):
        numbers, starts = zip(*excerpt.windows[i : i + batch_size], strict=True)
        if task.selected:
            starts = tuple(preprocess.joined_position(task.selected, start) for start in starts)
        signals = cut_windows(samples, starts, task.n_times, channels)
        _scale_to_microvolts(signals, task.spec)
        windows = Windows(
            signals=signals,
            times=times,
            info=info,
            dropout_mask=cut_windows(mask, starts, task.n_times, range(len(mask))),
        )
        yield WindowBatch(numbers, windows, excerpt.start / task.header.sfreq)


def _check_channels(raw: BaseRaw, spec: SignalSpec) -> None:
    """Check the channels and the rate after the recipe.

    Raises
    ------
    RecordingError
        The recipe gave other channels or another rate than planned.
    """
    missing = [name for name in spec.ch_names if name not in raw.ch_names]
    sfreq = raw.info["sfreq"]
    has_sfreq = abs(sfreq - float(spec.sfreq)) <= SFREQ_TOLERANCE_HZ
    if missing or len(raw.ch_names) != spec.n_chans or not has_sfreq:
        names = f"; missing: {join_names(missing)}" if missing else ""
        raise RecordingError(
            "channels",
            f"{count(len(raw.ch_names), 'channel')} at {sfreq:g} Hz after the recipe, planned were "
            f"{spec.n_chans} at {float(spec.sfreq):g} Hz{names}",
        )


def _scale_to_microvolts(signals: npt.NDArray[np.float64], spec: SignalSpec) -> None:
    """Scale windows (n_windows, n_chans, n_times) from V in place. Other units are kept."""
    voltages = [ch_type in VOLTAGE_TYPES for ch_type in spec.ch_types]
    if all(voltages):  # a list of rows takes a copy more than all of them
        signals *= MICROVOLTS
    else:
        signals[:, voltages] *= MICROVOLTS


def _concatenate(batches: Sequence[WindowBatch]) -> WindowBatch:
    """Concatenate all windows of a recording."""
    numbers: list[int] = []
    signals = []
    masks = []
    for batch in batches:
        numbers += batch.numbers
        signals.append(batch.windows.signals)
        masks.append(batch.windows.dropout_mask)
    windows = replace(
        batches[0].windows,
        signals=np.concatenate(signals),
        dropout_mask=np.concatenate(masks),
    )
    return WindowBatch(tuple(numbers), windows, batches[0].start)


def _filter_and_stage(
    batch: WindowBatch, task: Task, builder: EntryBuilder, writer: EntryWriter
) -> None:
    """Run the steps on windows, and stage the windows that they keep.

    Raises
    ------
    RecordingError
        A sample is NaN or infinite after the recipe.
    """
    results = task.recipe.run_windows(batch.windows)
    signals = results.windows.signals
    if n_invalid := int(np.count_nonzero(~np.isfinite(signals))):
        raise RecordingError(
            "windows",
            f"{count(n_invalid, 'sample')} not finite after the recipe, from {batch.start:g} s on",
        )
    rows = {number: row for row, number in enumerate(task.excerpt_plan.kept)}
    stored = signals.astype(np.float32)
    writer.write([rows[batch.numbers[index]] for index in results.kept], stored)
    builder.add_windows(batch.numbers, results, stored)
