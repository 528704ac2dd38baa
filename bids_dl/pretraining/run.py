"""Pretrain a network by the relative position of windows, and write the run folder."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from bids_dl.config.pretraining_stage import PretrainConfig
from bids_dl.models.checkpoint import save_checkpoint
from bids_dl.pretraining.job import (
    MODEL_NAME,
    PretrainJob,
    as_training,
    describe_job,
    describe_start,
    make_data,
    prepare_pretraining,
    stream_held_out,
)
from bids_dl.pretraining.pair_network import PairNetwork
from bids_dl.pretraining.results import measure_pairs
from bids_dl.training import reports
from bids_dl.training.checkpoints import Checkpoints, RunProgress
from bids_dl.training.events import EventCallback, TrainingEvent
from bids_dl.training.fitting import EpochRow, Fitting
from bids_dl.training.job import seed_of_model
from bids_dl.training.loop import evaluate_windows, fit, reproducible
from bids_dl.training.results import COST_FILE
from bids_dl.training.run_folder import (
    METRICS_FILE,
    claimed_run_folder,
    write_json,
    writing_run,
)


@dataclass(frozen=True, slots=True)
class PretrainingResult:
    """Results of a pretraining, as in its run folder.

    Attributes
    ----------
    run_dir
        The run folder.
    metrics
        Content of ``metrics.json``: ``pairs``, as `measure_pairs` returns them, and ``warnings``.
    history
        One row per epoch: content of ``history.csv``.
    """

    run_dir: Path
    metrics: dict[str, Any]
    history: pd.DataFrame


def pretrain_store(
    store_url: str,
    config: PretrainConfig,
    *,
    run_dir: str | Path,
    storage_options: Mapping[str, Any] | None = None,
    on_event: EventCallback = lambda _: None,
) -> PretrainingResult:
    """Train a network to tell near from far windows of a recording. No label is used.

    Relative positioning of Banville et al. 2021 (doi:10.1088/1741-2552/abca18): near windows of a
    recording are in the same state more often than far ones, so that features that tell them apart
    describe states. Persons of the split train are trained on, all others are held out.

    The same call with the run folder of an interrupted pretraining resumes it, with the same
    weights. The run folder is one of `bids_dl.training.train`, for embeddings and transfer.

    Parameters
    ----------
    store_url
        Path or URL of a store.
    config
        Model, distances and settings of the optimization.
    run_dir
        A new or empty folder, or that of the same pretraining, not finished.
    storage_options
        Options for the file system of the URL, as in fsspec.
    on_event
        Called when the pretraining starts, every few seconds, and after each epoch.

    Raises
    ------
    StoreError
        There is no finished store.
    ConfigError
        An option is impossible, no recording has pairs, or ``run_dir`` holds something else.
    ModelError
        The model does not accept the windows of the store.
    TargetError
        No person is in the split train, or none is held out.
    BidsDlError
        The loss is not finite, or a file cannot be written.

    Examples
    --------
    >>> config = PretrainConfig(near=4.0, far=10.0, epochs=1, device="cpu")
    >>> result = pretrain_store("eyes.zarr", config, run_dir="pretrained")
    >>> sorted(result.metrics["pairs"])
    ['accuracy', 'chance', 'n', 'persons']
    """
    job = prepare_pretraining(store_url, config, storage_options)
    with claimed_run_folder(run_dir, job.store, describe_job(job)) as folder:
        reporter = PretrainReporter(on_event)
        reporter.send("started", describe_start(job, str(folder)))
        progress = RunProgress(folder)
        network, fitting = _fit(job, progress, reporter)
        history = pd.DataFrame(fitting.history).astype({"epoch": int})
        metrics = _measure(job, fitting)
        with writing_run(folder):
            save_checkpoint(network.extractor.model, job.card, folder / f"{MODEL_NAME}.safetensors")
            write_json(folder / COST_FILE, _describe_cost(fitting))
            history.to_csv(folder / "history.csv", index=False, lineterminator="\n")
            write_json(folder / METRICS_FILE, metrics)
        progress.remove()
        accuracy = metrics["pairs"]["accuracy"]["value"]
        text = f"{job.fold.held_out} tested: accuracy of pairs {accuracy:.3f}, chance 0.5"
        reporter.send("tested", text, {"accuracy": accuracy})
    return PretrainingResult(folder, metrics, history)


class PretrainReporter:
    """Reports a pretraining to a callback.

    Parameters
    ----------
    on_event
        Called with each event.
    """

    def __init__(self, on_event: EventCallback) -> None:
        self.on_event = on_event
        self._last = time.monotonic()

    def send(self, kind: Any, text: str = "", values: Mapping[str, float] | None = None) -> None:
        """Send an event."""
        fold = None if kind == "started" else 0
        self.on_event(TrainingEvent(kind, text, 1, fold, values or {}))

    def report_step(self, fitting: Fitting) -> None:
        """Report the speed since the beginning, at most once a second."""
        if time.monotonic() - self._last < reports.PROGRESS_SECONDS:
            return
        self._last = time.monotonic()
        loss_sum, loss_weight = fitting.sums[:2].tolist()
        values = {
            "step": float(fitting.step),
            "n_steps": float(len(fitting.data.training)),
            "loss": loss_sum / loss_weight if loss_weight else float("nan"),
            **fitting.clock.speeds,
        }
        self.send("progress", values=values)

    def report_epoch(self, row: EpochRow) -> None:
        """Report the numbers of an epoch."""
        self.send("epoch", reports.describe_epoch(row), row)


def _fit(
    job: PretrainJob, progress: RunProgress, reporter: PretrainReporter
) -> tuple[PairNetwork, Fitting]:
    """Train the network of pairs, or go on with its checkpoint."""
    seed = seed_of_model(job.config.seed, 0)
    checkpoints = Checkpoints(progress, MODEL_NAME, 60 * job.config.checkpoint_minutes)
    with reproducible(seed, job.compute.device):
        model = job.card.build()
        network = PairNetwork(model, job.n_features).to(job.compute.device)
        fitting = Fitting(network, make_data(job), as_training(job.config), job.compute)
        state = progress.load_checkpoint(MODEL_NAME)
        if state is not None:
            fitting.load_state_dict(state)
        try:
            fit(
                fitting,
                checkpoints=checkpoints,
                on_step=reporter.report_step,
                on_epoch=reporter.report_epoch,
            )
        except KeyboardInterrupt:
            checkpoints.save(fitting)
            raise
    return network, fitting


def _describe_cost(fitting: Fitting) -> dict[str, float]:
    """Return time and speed of the training, for cost.json."""
    clock = fitting.clock
    speeds = clock.speeds
    return {
        "train_seconds": clock.seconds,
        "pairs_per_second": speeds["windows_per_second"],
        "waiting_share": speeds["waiting_share"],
    }


def _measure(job: PretrainJob, fitting: Fitting) -> dict[str, Any]:
    """Return the content of metrics.json."""
    stream = stream_held_out(job)
    pairs = torch.arange(stream.n_pairs).numpy()
    outputs = evaluate_windows(fitting.model, fitting.data.stream_rows, pairs, job.compute)
    is_correct = (outputs.outputs.argmax(dim=1) == outputs.target).numpy()
    return {
        "kind": "pretext",
        "pretext": job.card.target.name,
        "same_person": job.fold.same_person,
        "near_seconds": job.distances.near,
        "far_seconds": job.distances.far,
        "normalize": {"value": job.scaling.normalize, "reason": job.scaling.reason},
        "pairs": measure_pairs(is_correct, stream.persons(), seed=job.config.seed),
        "warnings": list(job.warnings),
    }
