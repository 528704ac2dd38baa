"""One recording, from signal file to staged windows. Runs in a worker process."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from bids_dl import preprocess, source, windows
from bids_dl.datamodel import Failure, Layout, Recording, Window
from bids_dl.errors import RecordingError
from bids_dl.pipeline.staging import Entry, Staging

if TYPE_CHECKING:
    from mne.io import BaseRaw

MICROVOLTS = 1e6  # MNE works in volts
VOLTAGES = {"eeg", "eog", "ecg", "emg", "seeg", "ecog", "dbs", "bio"}  # MNE's channel types whose samples are volts


@dataclass(frozen=True)
class Task:
    """All that a worker needs to stage one recording."""

    key: str  # of the staging entry
    dataset: source.Dataset
    recording: Recording
    windows: tuple[Window, ...]
    recipe: preprocess.Recipe
    layout: Layout  # of the store
    n_times: int  # samples of a window
    offset: int  # samples from a window's anchor to its first
    ratio: Fraction  # new over source rate
    staging: Staging


def stage(task: Task) -> Failure | None:
    """Preprocess one recording and stage its windows; what goes wrong comes back as a value.

    A failure that no other try can mend is staged too, so that a rerun does not repeat it.
    """
    try:
        _stage(task)
    except RecordingError as problem:
        failure = Failure(task.recording.key, problem.stage, problem.reason, problem.transient)
    except MemoryError:
        failure = Failure(task.recording.key, "worker", "not enough memory", transient=True)
    except OSError as problem:
        failure = Failure(task.recording.key, "worker", f"{type(problem).__name__}: {problem.strerror}", transient=True)
    else:
        return None
    if not failure.transient:
        task.staging.write_failure(task.key, failure)
    return failure


def _stage(task: Task) -> None:
    with source.open_raw(task.dataset, task.recording) as opened:
        raw, steps = task.recipe.run(opened)
    signal = _signal(raw, task.layout)
    kept, dropped, cut = _cut(signal, task)
    times = (task.offset + np.arange(task.n_times)) / float(task.layout.sfreq)
    cut = task.recipe.run_windows(cut, times)
    if not np.isfinite(cut).all():
        raise RecordingError("windows", f"{np.count_nonzero(~np.isfinite(cut))} samples are not finite after the recipe")
    signals = cut.astype(np.float32)
    mean, std = _moments(signals)
    task.staging.write(task.key, signals, Entry(kept, dropped, mean, std, tuple(steps)))


def _signal(raw: BaseRaw, layout: Layout) -> npt.NDArray[np.float64]:
    """The signal (n_chans, n_times) in µV, channels in the order of the store; what is no voltage stays in its own unit."""
    missing = [name for name in layout.ch_names if name not in raw.ch_names]
    if missing or len(raw.ch_names) != layout.n_chans or abs(raw.info["sfreq"] - float(layout.sfreq)) > 1e-6:
        raise RecordingError(
            "channels",
            f"{len(raw.ch_names)} channels at {raw.info['sfreq']:g} Hz after the recipe, planned were {layout.n_chans} "
            f"at {float(layout.sfreq):g} Hz{'; missing: ' + ', '.join(missing[:5]) if missing else ''}",
        )
    factors = np.array([MICROVOLTS if kind in VOLTAGES else 1.0 for kind in layout.ch_types])
    signal: npt.NDArray[np.float64] = raw.get_data(picks=list(layout.ch_names)) * factors[:, None]
    return signal


def _cut(signal: npt.NDArray[np.float64], task: Task) -> tuple[tuple[int, ...], tuple[tuple[int, str], ...], npt.NDArray[np.float64]]:
    """Windows (n_windows, n_chans, n_times), which of the planned ones they are, and why others are missing."""
    starts = [windows.position(window, task.ratio, task.offset) for window in task.windows]
    length = signal.shape[1]
    inside = [start >= 0 and start + task.n_times <= length for start in starts]
    kept = tuple(i for i, fits in enumerate(inside) if fits)
    dropped = tuple((i, f"it needs samples up to {starts[i] + task.n_times} of {length}") for i, fits in enumerate(inside) if not fits)
    cut = np.empty((len(kept), signal.shape[0], task.n_times))
    for row, i in enumerate(kept):
        cut[row] = signal[:, starts[i] : starts[i] + task.n_times]
    return kept, dropped, cut


def _moments(signals: npt.NDArray[np.float32]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of each channel over all windows, in µV, in double precision."""
    if not len(signals):
        return (), ()
    return tuple(signals.mean((0, 2), dtype=np.float64).tolist()), tuple(signals.std((0, 2), dtype=np.float64).tolist())
