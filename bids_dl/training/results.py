"""Results of a run: tables, metrics, baselines and the record."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

from bids_dl.errors import ModelError
from bids_dl.prediction import tabulate_predictions
from bids_dl.training.baseline import fit_baseline, read_features
from bids_dl.training.checkpoints import FittedModel
from bids_dl.training.fitting import Clock
from bids_dl.training.folds.fold import Fold
from bids_dl.training.job import TrainingJob, seed_of_model, stream_rows
from bids_dl.training.loop import reproducible
from bids_dl.training.metrics import (
    METRICS,
    cast_votes,
    evaluate,
    naive_baselines,
    score,
    summarize_seeds,
    training_mean,
)
from bids_dl.training.record import Record, write_record
from bids_dl.training.run_folder import METRICS_FILE, RunDocuments, write_json

COST_FILE = "cost.json"
BASELINE_METRICS = ("windows", "votes", "person_means", "persons")


@dataclass(frozen=True, slots=True, eq=False)
class ModelResult:
    """A trained and tested model of a run."""

    seed: int
    fold: Fold
    model: FittedModel


def write_results(
    job: TrainingJob,
    results: Sequence[ModelResult],
    folder: Path,
    documents: RunDocuments,
    *,
    start: float,
) -> tuple[dict[str, Any], pd.DataFrame, pd.DataFrame]:
    """Write tables, record and metrics of a run, the metrics last.

    Parameters
    ----------
    job
        The run.
    results
        Its models, by seed and fold.
    folder
        Run folder.
    documents
        Description of the run.
    start
        Time at which this process began, by `time.monotonic`.

    Returns
    -------
    metrics, predictions, history
        As in `TrainingResult`.
    """
    metrics, predictions, votes = evaluate_run(job, results)
    history = tabulate_history(results)
    cost = describe_cost(job, results, start)
    record = Record(
        job.target.spec,
        {**metrics, "cost": cost},
        predictions,
        votes,
        history,
        dict(documents.config),
        dict(documents.environment),
        [dict(fold) for fold in documents.folds],
    )
    predictions.to_csv(folder / "predictions.csv", index=False, lineterminator="\n")
    history.to_csv(folder / "history.csv", index=False, lineterminator="\n")
    write_json(folder / COST_FILE, cost)
    write_record(folder, record)
    write_json(folder / METRICS_FILE, metrics)
    return metrics, predictions, history


def evaluate_run(
    job: TrainingJob, results: Sequence[ModelResult]
) -> tuple[dict[str, Any], pd.DataFrame, pd.DataFrame]:
    """Return metrics, predictions and votes of all models of a run.

    Metrics are those of the first seed; the others are summarized beside them.

    Parameters
    ----------
    job
        The run.
    results
        Its models, by seed and fold.
    """
    spec = job.target.spec
    predictions = tabulate_results(
        job, [(r.seed, r.fold, r.model.rows, r.model.decoded) for r in results]
    )
    evaluated: dict[int, dict[str, Any]] = {}
    votes: list[pd.DataFrame] = []
    for seed in job.seeds:
        table = predictions[predictions["seed"] == seed]
        evaluated[seed] = evaluate(table, spec, vote_by=job.vote_by, seed=job.config.seed)
        votes.append(cast_votes(table, spec, job.vote_by).assign(seed=seed))
    first = predictions[predictions["seed"] == job.config.seed]
    metrics = dict(evaluated[job.config.seed])
    metrics["same_person"] = job.folds[0].same_person
    metrics["n_seen_persons"] = job.n_seen
    metrics["normalize"] = {"value": job.scaling.normalize, "reason": job.scaling.reason}
    metrics["folds"] = [describe_result(job, result) for result in results]
    metrics["baselines"] = evaluate_baselines(job, first)
    metrics["warnings"] = [*job.warnings, *metrics["warnings"]]
    if len(evaluated) > 1:
        metrics["seeds"], metrics["seed_spread"] = summarize_seeds(evaluated)
    return metrics, predictions, pd.concat(votes, ignore_index=True)


def tabulate_results(
    job: TrainingJob,
    results: Sequence[tuple[int, Fold, npt.NDArray[np.int64], npt.NDArray[np.float64]]],
) -> pd.DataFrame:
    """Return one row per tested window: seed, fold, window, entities, target and prediction.

    Parameters
    ----------
    job
        The run.
    results
        Seed, fold, tested rows (n_windows,) and decoded outputs (n_windows, n_outputs).
    """
    tables: list[pd.DataFrame] = []
    for seed, fold, rows, decoded in results:
        values = job.target.values[rows]
        table = tabulate_predictions(job.store.table.iloc[rows], job.target.spec, decoded, values)
        table.insert(0, "fold", fold.index)
        table.insert(0, "seed", seed)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def tabulate_history(results: Sequence[ModelResult]) -> pd.DataFrame:
    """Return one row per epoch: seed, fold, epoch and its numbers."""
    tables: list[pd.DataFrame] = []
    for result in results:
        table = pd.DataFrame(result.model.history).astype({"epoch": int})
        table.insert(0, "fold", result.fold.index)
        table.insert(0, "seed", result.seed)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def describe_result(job: TrainingJob, result: ModelResult) -> dict[str, Any]:
    """Return the main metric of the test windows of a model, and its epochs."""
    spec = job.target.spec
    model = result.model
    name = METRICS[spec.kind][0].name
    value = score(spec, name, model.decoded, job.target.values[model.rows])
    return {
        "seed": result.seed,
        "fold": result.fold.index,
        "held_out": result.fold.held_out,
        "n_windows": len(model.rows),
        name: value if np.isfinite(value) else None,
        "epochs": len(model.history),
        "best_epoch": model.best_epoch,
    }


def evaluate_baselines(job: TrainingJob, predictions: pd.DataFrame) -> dict[str, Any]:
    """Return results without a network on the same folds: naive ones, and band power.

    Parameters
    ----------
    job
        The run.
    predictions
        Predictions of the first seed.
    """
    spec = job.target.spec
    means = {fold.index: training_mean(spec, job.target.values[fold.train]) for fold in job.folds}
    baselines = naive_baselines(predictions, spec, vote_by=job.vote_by, training_means=means)
    baselines["band_power"] = evaluate_band_power(job)
    return baselines


def evaluate_band_power(job: TrainingJob) -> dict[str, Any]:
    """Return the metrics of the linear baseline, or the reason why it is absent.

    It is given the same windows, folds and normalization as the network.
    """
    card = job.card
    # Statistics of the training windows shift each log power by a constant, which the baseline
    # removes anyway, so that one pass over the windows is enough for all folds.
    normalize = "none" if card.normalize == "training" else card.normalize
    stream = stream_rows(job, replace(card, normalize=normalize), np.flatnonzero(job.known))
    spec = job.target.spec
    with reproducible(seed_of_model(job.config.seed, 0), job.compute.device):
        try:
            rows, features = read_features(
                stream, len(card.channels), card.n_times, card.sfreq, job.compute.device
            )
        except ModelError as error:
            return {"reason": str(error)}
        fitted = fit_baseline(features, rows, job.folds, job.target.values, spec, job.config)
    folds = {fold.index: fold for fold in job.folds}
    table = tabulate_results(
        job, [(job.config.seed, folds[index], tested, decoded) for index, tested, decoded in fitted]
    )
    metrics = evaluate(table, spec, vote_by=job.vote_by, seed=job.config.seed)
    baseline = {name: metrics[name] for name in BASELINE_METRICS}
    return baseline | {"normalize": job.scaling.normalize}


def describe_cost(job: TrainingJob, results: Sequence[ModelResult], start: float) -> dict[str, Any]:
    """Return time, speed and memory of a run, for cost.json."""
    clock = Clock()
    for result in results:
        clock.add(result.model.clock)
    with torch.device("meta"):
        model = job.card.build()
    return {
        "train_seconds": clock.seconds,
        "total_seconds": time.monotonic() - start,
        **clock.speeds,
        "n_parameters": sum(parameter.numel() for parameter in model.parameters()),
        "device": str(job.compute.device),
        "processes": job.compute.ranks.world_size,
        "peak_memory_bytes": _peak_memory(job.compute.device),
    }


def _peak_memory(device: torch.device) -> int | None:
    """Return the largest memory in bytes: of the GPU, else of this process if it is known."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    if resource is None:
        return None
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
