"""Train the models of a run, test them, and write the run folder."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from bids_dl.config.training_stage import TrainConfig
from bids_dl.models.checkpoint import ModelCard, save_checkpoint
from bids_dl.models.target_decoding import decode
from bids_dl.training import run_folder
from bids_dl.training.checkpoints import Checkpoints, FittedModel, RunProgress
from bids_dl.training.distributed import joined_ranks
from bids_dl.training.events import EventCallback
from bids_dl.training.fitting import Fitting
from bids_dl.training.folds.description import describe_folds
from bids_dl.training.folds.fold import Fold
from bids_dl.training.job import (
    TrainingJob,
    begin_model,
    fold_card,
    fold_data,
    prepare_job,
    seed_of_model,
)
from bids_dl.training.loop import evaluate_windows, fit, reproducible
from bids_dl.training.reports import RunReporter
from bids_dl.training.results import ModelResult, write_results
from bids_dl.training.source_run import describe_seen


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """Results of a training, as in its run folder.

    Attributes
    ----------
    run_dir
        The run folder.
    metrics
        Content of ``metrics.json``: metrics by window, by vote and by person with intervals,
        baselines, folds and warnings.
    predictions
        One row per tested window, seed and fold: content of ``predictions.csv``.
    history
        One row per epoch: content of ``history.csv``.
    """

    run_dir: Path
    metrics: dict[str, Any] = field(repr=False)
    predictions: pd.DataFrame = field(repr=False)
    history: pd.DataFrame = field(repr=False)


def train(
    store_url: str,
    config: TrainConfig,
    *,
    run_dir: str | Path | None = None,
    storage_options: Mapping[str, Any] | None = None,
    on_event: EventCallback = lambda _: None,
) -> TrainingResult:
    """Train on some windows of a store, test on others, and write a run folder.

    The same store, settings, versions and device give the same numbers. On a CPU, the number of
    threads must be the same too. A training that was interrupted or killed is resumed by the same
    call with the same run folder, and ends with the same weights.

    Under torchrun, all processes train each model together, and the first one writes.

    Parameters
    ----------
    store_url
        Path or URL of a store.
    config
        Model, target, folds and settings of the training.
    run_dir
        A new or empty folder, or that of the same training, not finished. None takes
        ``runs/<store name>-<model>-<seed>``, with a number appended if that is in use.
    storage_options
        Options for the file system of the URL, as in fsspec.
    on_event
        Called when the training starts, every few seconds, and after each epoch and each fold.

    Raises
    ------
    StoreError
        There is no finished store.
    ConfigError
        The model, device or number of folds is unknown or impossible, or ``run_dir`` holds
        something else.
    ModelError
        The model does not accept the windows of the store.
    TargetError
        The target is missing or unsuitable, or a side of a fold is empty.
    BidsDlError
        The loss is not finite, or a file cannot be written. Only in this case something may have
        been written.

    Examples
    --------
    >>> result = train("eyes.zarr", TrainConfig(folds="loso", epochs=1), run_dir="run")
    >>> sorted(result.metrics["windows"]["accuracy"])
    ['high', 'low', 'value']
    """
    with joined_ranks(config.device) as (ranks, device), _threads(config.threads):
        if not ranks.is_first:
            ranks.wait()  # until the first process has checked the request
        job = prepare_job(store_url, config, storage_options, ranks=ranks, device=device)
        if not ranks.is_first:
            return _train_along(job)
        documents = run_folder.RunDocuments(
            run_folder.describe_config(job.store, job.config) | _describe_weights(job),
            run_folder.describe_environment(job.compute.device),
            _describe_models(job),
        )
        with run_folder.claimed_run_folder(run_dir, job.store, documents) as folder:
            ranks.wait()
            result = _train_models(job, folder, documents, on_event)
        ranks.send_first(result)
        return result


def _train_along(job: TrainingJob) -> TrainingResult:
    """Train in a process that writes nothing, and return the result of the first process."""
    ranks = job.compute.ranks
    progress = RunProgress(Path(ranks.send_first("")))
    for seed in job.seeds:
        for fold in job.folds:
            if not ranks.send_first(False):  # whether the model is finished
                _fit_model(job, fold, seed, progress, RunReporter(job, lambda _: None))
    return ranks.send_first(TrainingResult(Path(), {}, pd.DataFrame(), pd.DataFrame()))


def _train_models(
    job: TrainingJob, folder: Path, documents: run_folder.RunDocuments, on_event: EventCallback
) -> TrainingResult:
    """Train all models that are not finished, and write the results."""
    start = time.monotonic()
    ranks = job.compute.ranks
    progress = RunProgress(folder)
    ranks.send_first(str(folder))
    results: list[ModelResult] = []
    with RunReporter(job, on_event, folder) as reporter:
        reporter.report_start()
        for seed in job.seeds:
            for fold in job.folds:
                name = _model_name(job, fold, seed)
                model = progress.load_model(name)
                ranks.send_first(model is not None)
                if model is None:
                    model = _fit_model(job, fold, seed, progress, reporter)
                result = ModelResult(seed, fold, model)
                reporter.report_test(result)
                results.append(result)
        with run_folder.writing_run(folder):
            metrics, predictions, history = write_results(
                job, results, folder, documents, start=start
            )
    progress.remove()
    return TrainingResult(folder, metrics, predictions, history)


def _fit_model(
    job: TrainingJob, fold: Fold, seed: int, progress: RunProgress, reporter: RunReporter
) -> FittedModel:
    """Train one model, or go on with its checkpoint, write its weights, and test it."""
    compute = job.compute
    name = _model_name(job, fold, seed)
    checkpoints = Checkpoints(progress, name, 60 * job.config.checkpoint_minutes)
    model_seed = seed_of_model(seed, fold.index)
    with reproducible(model_seed, compute.device):
        card = fold_card(job, fold.train)
        model, _ = begin_model(job, card)
        fitting = Fitting(
            model.to(compute.device),
            fold_data(job, fold, card, model_seed),
            job.config,
            compute,
        )
        if not compute.ranks.is_first:  # else all processes drop the same features
            torch.manual_seed(model_seed + compute.ranks.rank)
        state = progress.load_checkpoint(name)
        if state is not None:
            fitting.load_state_dict(state)
        try:
            fit(
                fitting,
                checkpoints=checkpoints,
                on_step=lambda fitting: reporter.report_step(fitting, fold),
                on_epoch=lambda row: reporter.report_epoch(row, fold, seed),
            )
        except KeyboardInterrupt:
            if compute.ranks.world_size == 1:  # others may be at another step
                checkpoints.save(fitting)
            raise
        fitted = _test_model(job, fold, card, fitting)
    if compute.ranks.is_first:
        with run_folder.writing_run(progress.folder.parent):
            weights = progress.folder.parent / f"{name}.safetensors"
            save_checkpoint(fitting.evaluated, card, weights)
            progress.save_model(name, fitted)
    compute.ranks.wait()
    return fitted


def _test_model(job: TrainingJob, fold: Fold, card: ModelCard, fitting: Fitting) -> FittedModel:
    """Apply a trained model to the test windows of its fold."""
    outputs = evaluate_windows(fitting.evaluated, fitting.data.stream_rows, fold.test, job.compute)
    best_epoch = fitting.best.epoch or fitting.epoch
    decoded = decode(card.target, outputs.outputs.numpy())
    return FittedModel(outputs.index.numpy(), decoded, fitting.history, best_epoch, fitting.clock)


def _describe_weights(job: TrainingJob) -> dict[str, Any]:
    """Return the name and the SHA-256 of the weights that the training begins with."""
    weights = job.weights if job.source is None else job.source.model
    if weights is None:
        return {}
    return {"initial_weights": {"name": weights.name, "sha256": weights.sha256}}


def _describe_models(job: TrainingJob) -> list[dict[str, Any]]:
    """Return the content of folds.json: each fold and seed with the file of its weights."""
    described: list[dict[str, Any]] = []
    folds = describe_folds(job.folds, job.store.table)
    for seed in job.seeds:
        for fold, document in zip(job.folds, folds, strict=True):
            weights = f"{_model_name(job, fold, seed)}.safetensors"
            seen = describe_seen(job.source)
            described.append({"seed": seed, **document, **seen, "weights": weights})
    return described


def _model_name(job: TrainingJob, fold: Fold, seed: int) -> str:
    return run_folder.model_name(fold.index, len(job.folds), seed, job.config.seed)


@contextmanager
def _threads(number: int | None) -> Iterator[None]:
    """Compute with a number of threads inside the context. None changes nothing."""
    before = torch.get_num_threads()
    if number is not None:
        torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)
