"""One recording, from signal file to staged windows. Runs in a worker process."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from bids_dl import preprocess, source
from bids_dl.datamodel import Failure, Header, Layout, Recording, StepReport
from bids_dl.errors import RecordingError
from bids_dl.pipeline.memory import bounded
from bids_dl.pipeline.pieces import Piece, Pieces, jumps
from bids_dl.pipeline.staging import Entry, Staging

if TYPE_CHECKING:
    from mne.io import BaseRaw

MICROVOLTS = 1e6  # MNE works in volts
VOLTAGES = {"eeg", "eog", "ecg", "emg", "seeg", "ecog", "dbs", "bio"}  # MNE's channel types whose samples are volts
CUT_BYTES = 32_000_000  # windows cut at a time, as float64: where they overlap, all of a piece would be many times its size
ALONE = Lock()  # warnings and MNE's log, which end in the reports, belong to the process: a worker of several threads takes one at a time


@dataclass(frozen=True)
class Task:
    """All that a worker needs to stage one recording."""

    key: str  # of the staging entry
    dataset: source.Dataset
    recording: Recording
    header: Header  # its boundaries are all that are known, also those that events.tsv notes
    pieces: Pieces
    recipe: preprocess.Recipe
    layout: Layout  # of the store
    n_times: int  # samples of a window
    offset: int  # samples from a window's anchor to its first
    staging: Staging


def stage(task: Task, memory: int | None = None) -> Failure | None:
    """Preprocess one recording and stage its windows; what goes wrong comes back as a value.

    A failure that no other try can mend is staged too, so that a rerun does not repeat it.

    Parameters
    ----------
    memory
        Bytes after which this process is refused more, None: the system decides.
    """
    try:
        with ALONE, threadpool_limits(limits=1), bounded(memory):  # the sums of a BLAS depend on its threads
            _stage(task)
    except RecordingError as problem:
        failure = Failure(task.recording.key, problem.stage, problem.reason, problem.transient)
    except MemoryError:
        failure = Failure(task.recording.key, "worker", "not enough memory", transient=True)
    except OSError as problem:
        failure = Failure(task.recording.key, "worker", f"{type(problem).__name__}: {problem.strerror}", transient=True)
    except Exception as problem:  # noqa: BLE001  (one that cannot be unpickled where it arrives would never be heard of)
        failure = Failure(task.recording.key, "worker", f"{type(problem).__name__}: {' '.join(str(problem).split())}"[:300], transient=True)
    else:
        return None
    if not failure.transient:
        task.staging.write_failure(task.key, failure)
    return failure


def _stage(task: Task) -> None:
    kept, n_chans = task.pieces.kept, task.layout.n_chans
    rows = {number: row for row, number in enumerate(kept)}
    reports: list[list[StepReport]] = []
    moments = Moments(n_chans)
    noted: tuple[StepReport, ...] = ()
    with task.staging.writing(task.key, (len(kept), n_chans, task.n_times)) as write:
        if kept:
            with source.open_raw(task.dataset, task.recording) as raw:
                for piece in task.pieces.pieces:
                    excerpt = _read(raw, piece, task)
                    if not reports:
                        noted = _check(raw if len(task.pieces.pieces) > 1 else excerpt, task.layout)
                    cleaned, report = task.recipe.run(excerpt)
                    signal = _signal(cleaned, task.layout)
                    reports.append(report)
                    for numbers, cut in _cut(signal, piece, task):
                        moments.add(cut)
                        write([rows[number] for number in numbers], cut)
        steps = preprocess.joined(reports, [piece.stop - piece.start for piece in task.pieces.pieces])
        write.entry = Entry(kept, task.pieces.dropped, *moments.values(), (*noted, *steps))


def _check(raw: BaseRaw, layout: Layout) -> tuple[StepReport, ...]:
    """Refuse samples that cannot be volts, and report what is unusual; of the channels that keep their names those of the store count."""
    names = [name for name in raw.ch_names if name in layout.ch_names]
    try:
        notes = source.check_amplitudes(raw, names or None)
    except RecordingError:
        raise
    except Exception as problem:  # noqa: BLE001  (readers of broken files raise anything)
        raise RecordingError("read", f"{type(problem).__name__}: {' '.join(str(problem).split())}"[:300]) from None
    return (StepReport("read", share=0.0, notes=notes),) if notes else ()


def _read(raw: BaseRaw, piece: Piece, task: Task) -> BaseRaw:
    inside = [jump for jump in jumps(task.header) if piece.start < jump < piece.stop]
    return preprocess.excerpt(raw, piece.start, piece.stop, before=piece.before, jumps=inside)


def _signal(raw: BaseRaw, layout: Layout) -> npt.NDArray[np.float64]:
    """The signal (n_chans, n_times) in µV, channels in the order of the store; what is no voltage stays in its own unit."""
    missing = [name for name in layout.ch_names if name not in raw.ch_names]
    if missing or len(raw.ch_names) != layout.n_chans or abs(raw.info["sfreq"] - float(layout.sfreq)) > 1e-6:
        raise RecordingError(
            "channels",
            f"{len(raw.ch_names)} channels at {raw.info['sfreq']:g} Hz after the recipe, planned were {layout.n_chans} "
            f"at {float(layout.sfreq):g} Hz{'; missing: ' + ', '.join(missing[:5]) if missing else ''}",
        )
    signal: npt.NDArray[np.float64] = raw.get_data(picks=list(layout.ch_names))
    factors = np.array([MICROVOLTS if kind in VOLTAGES else 1.0 for kind in layout.ch_types])
    signal *= factors[:, None]
    return signal


def _cut(signal: npt.NDArray[np.float64], piece: Piece, task: Task) -> Iterator[tuple[list[int], npt.NDArray[np.float32]]]:
    """Numbers of some windows and the windows (n_windows, n_chans, n_times), a bounded number at a time."""
    times = (task.offset + np.arange(task.n_times)) / float(task.layout.sfreq)
    most = max(1, CUT_BYTES // (8 * task.layout.n_chans * task.n_times))
    for i in range(0, len(piece.windows), most):
        some = piece.windows[i : i + most]
        cut = np.stack([signal[:, start : start + task.n_times] for _, start in some])
        cut = task.recipe.run_windows(cut, times)
        if bad := np.count_nonzero(~np.isfinite(cut)):
            raise RecordingError("windows", f"{bad} samples are not finite after the recipe, from {piece.start / task.header.sfreq:g} s on")
        yield [number for number, _ in some], cut.astype(np.float32)


class Moments:
    """Mean and standard deviation of each channel over all windows, in double precision, collected piece by piece (Chan et al. 1983)."""

    def __init__(self, n_chans: int) -> None:
        self.count = 0
        self.mean = np.zeros(n_chans)
        self.squares = np.zeros(n_chans)  # of the distances from the mean

    def add(self, signals: npt.NDArray[np.float32]) -> None:
        """Take in windows (n_windows, n_chans, n_times)."""
        count = signals.shape[0] * signals.shape[2]
        mean = signals.mean((0, 2), dtype=np.float64)
        squares = signals.var((0, 2), dtype=np.float64) * count
        apart = mean - self.mean
        total = self.count + count
        self.squares += squares + apart**2 * self.count * count / total
        self.mean += apart * count / total
        self.count = total

    def values(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Means and standard deviations by channel; nothing where there was no window."""
        if not self.count:
            return (), ()
        return tuple(self.mean.tolist()), tuple(np.sqrt(self.squares / self.count).tolist())
