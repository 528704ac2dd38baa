"""Events of a run in progress, and its log for TensorBoard."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import numpy as np

from bids_dl.training.events import EventCallback, TrainingEvent
from bids_dl.training.fitting import Clock, EpochRow, Fitting
from bids_dl.training.folds.fold import Fold
from bids_dl.training.job import TrainingJob
from bids_dl.training.logs import EpochLog
from bids_dl.training.metrics import METRICS, score
from bids_dl.training.results import ModelResult
from bids_dl.wording import count

PROGRESS_SECONDS = 1.0  # between two events of progress, which a person reads
TENSORBOARD = "tensorboard"  # folder of a run folder


class RunReporter:
    """Reports a run to a callback and, on request, to TensorBoard.

    Parameters
    ----------
    job
        The run.
    on_event
        Called with each event.
    folder
        Run folder. None for a process that writes nothing.
    """

    def __init__(
        self, job: TrainingJob, on_event: EventCallback, folder: Path | None = None
    ) -> None:
        self.job = job
        self.on_event = on_event
        self.folder = folder
        self._log: EpochLog | None = None
        self._last = time.monotonic()
        self._reported = Clock()  # of the fitting at the last event of progress

    def __enter__(self) -> Self:
        if self.folder is not None and self.job.config.log == "tensorboard":
            self._log = EpochLog(self.folder / TENSORBOARD)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._log is not None:
            self._log.close()

    def report_start(self) -> None:
        """Report what is trained on, with the warnings about its folds."""
        job = self.job
        table = job.store.table[job.known]
        n_persons = len(table[["dataset", "subject"]].drop_duplicates())
        text = (
            f"{job.store.location.name}: {count(len(table), 'window')} of "
            f"{count(n_persons, 'person')}, {job.config.model} on {job.compute.device}, "
            f"normalized by {job.scaling.normalize} ({job.scaling.reason}), "
            f"run folder {self.folder}"
        )
        self._send("started", "; ".join([text, *job.warnings]))

    def report_step(self, fitting: Fitting, fold: Fold) -> None:
        """Report the speed of the steps, at most once a second."""
        now = time.monotonic()
        if now - self._last < PROGRESS_SECONDS:
            return
        before = self._reported
        clock = fitting.clock
        if clock.n_windows < before.n_windows:  # another model
            before = Clock()
        recent = Clock(
            clock.seconds - before.seconds,
            clock.waiting_seconds - before.waiting_seconds,
            clock.n_windows - before.n_windows,
        )
        self._last = now
        self._reported = Clock(clock.seconds, clock.waiting_seconds, clock.n_windows)
        loss_sum, loss_weight = fitting.sums[:2].tolist()
        values = {
            "step": float(fitting.step),
            "n_steps": float(len(fitting.data.training)),
            "loss": loss_sum / loss_weight if loss_weight else float("nan"),
            **recent.speeds,
        }
        self._send("progress", "", fold, values)

    def report_epoch(self, row: EpochRow, fold: Fold, seed: int) -> None:
        """Report the numbers of an epoch."""
        self._send("epoch", describe_epoch(row), fold, row)
        if self._log is not None:
            self._log.add(f"seed-{seed}/fold-{fold.index}", row)

    def report_test(self, result: ModelResult) -> None:
        """Report the main metric of the test windows of a fold."""
        job = self.job
        spec = job.target.spec
        metric = METRICS[spec.kind][0]
        model = result.model
        value = score(spec, metric.name, model.decoded, job.target.values[model.rows])
        n_windows = count(len(model.rows), "window")
        text = f"{result.fold.held_out} tested: {metric.title} {value:.3f} of {n_windows}"
        if result.fold.same_person:
            text += " (same people)"
        values = {metric.name: value, "n_windows": float(len(model.rows))}
        self._send("tested", text, result.fold, values)

    def _send(
        self,
        kind: Literal["started", "progress", "epoch", "tested"],
        text: str,
        fold: Fold | None = None,
        values: Mapping[str, float] | None = None,
    ) -> None:
        n_folds = len(self.job.folds)
        index = None if fold is None else fold.index
        if text and index is not None and n_folds > 1:
            text = f"fold {index + 1} of {n_folds}, {text}"
        self.on_event(TrainingEvent(kind, text, n_folds, index, values or {}))


def describe_epoch(row: EpochRow) -> str:
    """Describe an epoch in one line.

    Examples
    --------
    >>> describe_epoch({"epoch": 2.0, "lr": 1e-3, "train_loss": 0.5, "train_accuracy": 0.75})
    'epoch 2: train loss 0.500, accuracy 0.750'
    """
    parts: list[str] = []
    for side in ("train", "validation"):
        numbers: list[str] = []
        for name, value in row.items():
            if name.startswith(f"{side}_") and np.isfinite(value):
                title = name.removeprefix(f"{side}_").replace("_", " ")
                numbers.append(f"{title} {value:.3f}")
        if numbers:
            parts.append(f"{side} {', '.join(numbers)}")
    return f"epoch {row['epoch']:.0f}: {'; '.join(parts)}"
