"""Metrics of a probe: of the embedding, its floors and naive baselines, on the same folds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from bids_dl.embedding.contents import BAND_POWER, FEATURES, RANDOM_WEIGHTS
from bids_dl.prediction import tabulate_predictions
from bids_dl.probing.floors import compare_with_floors
from bids_dl.probing.job import ProbeJob, count_seen
from bids_dl.probing.linear_model import LinearProblem, choose_inverse_penalty, fit_and_predict
from bids_dl.training.folds import Fold, find_people
from bids_dl.training.metrics import (
    METRICS,
    cast_votes,
    evaluate,
    naive_baselines,
    score,
    training_mean,
)

FLOOR_METRICS = ("windows", "votes", "person_means", "persons")


@dataclass(frozen=True, slots=True, eq=False)
class FoldPredictions:
    """Predictions of one system for the tested windows of a fold.

    Attributes
    ----------
    fold
        The fold.
    decoded
        (n_windows, n_outputs): predictions, as `decode` returns them.
    inverse_penalty
        C of the model.
    """

    fold: Fold
    decoded: npt.NDArray[np.float64]
    inverse_penalty: float


def fit_systems(
    job: ProbeJob, on_message: Callable[[str], None]
) -> dict[str, list[FoldPredictions]]:
    """Fit the embedding and its floors on each fold.

    Parameters
    ----------
    job
        Windows, target and folds.
    on_message
        Called with one line per fold.
    """
    people = find_people(job.embeddings.table)
    problem = LinearProblem(job.target.values, job.target.spec, people, job.train_config)
    systems = job.embeddings.systems
    fitted: dict[str, list[FoldPredictions]] = {name: [] for name in systems}
    for fold in job.folds:
        train = fold.train
        test = fold.test
        for name, features in systems.items():
            penalty = job.config.inverse_penalty
            if penalty is None:
                penalty = choose_inverse_penalty(problem, features, train)
            decoded = fit_and_predict(problem, features, train, test, penalty)
            fitted[name].append(FoldPredictions(fold, decoded, penalty))
        on_message(f"fold {fold.index + 1} of {len(job.folds)}: {fold.held_out} tested")
    return fitted


def evaluate_probe(
    job: ProbeJob, fitted: dict[str, list[FoldPredictions]]
) -> tuple[dict[str, Any], pd.DataFrame, pd.DataFrame]:
    """Return metrics as of a training, predictions and votes of the embedding.

    Beside the content of a training's ``metrics.json``, ``floors`` has the paired tests against
    each floor, and ``baselines`` has ``random_weights``, of the first random network, with the main
    metric of the others in ``networks``.

    Parameters
    ----------
    job
        Windows, target and folds.
    fitted
        Result of `fit_systems`.
    """
    spec = job.target.spec
    predictions = tabulate_folds(job, fitted[FEATURES])
    votes = cast_votes(predictions, spec, job.vote_by).assign(seed=job.config.seed)
    metrics = evaluate(predictions, spec, vote_by=job.vote_by, seed=job.config.seed)
    run = job.embeddings.origin["run"]
    reason = f"{run['name']} was trained with it"
    metrics["same_person"] = job.folds[0].same_person
    metrics["n_seen_persons"] = count_seen(job.embeddings, job.folds)
    metrics["normalize"] = {"value": run["normalize"], "reason": reason}
    metrics["folds"] = [describe_fold(job, result) for result in fitted[FEATURES]]
    means = {fold.index: training_mean(spec, job.target.values[fold.train]) for fold in job.folds}
    metrics["baselines"] = naive_baselines(
        predictions, spec, vote_by=job.vote_by, training_means=means
    )
    floors = _evaluate_floors(job, fitted)
    for name, results in floors.items():
        metrics["baselines"][name] = results[0]
    if len(floors[RANDOM_WEIGHTS]) > 1:
        networks = [_describe_network(metrics["main"], each) for each in floors[RANDOM_WEIGHTS]]
        metrics["baselines"][RANDOM_WEIGHTS] = {**floors[RANDOM_WEIGHTS][0], "networks": networks}
    if BAND_POWER not in floors:
        reason = job.embeddings.origin.get("band_power_reason", "")
        metrics["baselines"][BAND_POWER] = {"reason": reason}
    metrics["floors"] = compare_with_floors(metrics, floors, seed=job.config.seed)
    metrics["warnings"] = [*job.warnings, *metrics["warnings"]]
    return metrics, predictions, votes


def tabulate_folds(job: ProbeJob, results: Sequence[FoldPredictions]) -> pd.DataFrame:
    """Return one row per tested window: seed, fold, window, entities, target and prediction."""
    tables: list[pd.DataFrame] = []
    for result in results:
        rows = result.fold.test
        table = tabulate_predictions(
            job.embeddings.table.iloc[rows],
            job.target.spec,
            result.decoded,
            job.target.values[rows],
        )
        table.insert(0, "fold", result.fold.index)
        table.insert(0, "seed", job.config.seed)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def describe_fold(job: ProbeJob, result: FoldPredictions) -> dict[str, Any]:
    """Return the main metric of the tested windows of a fold, and the penalty of its model."""
    spec = job.target.spec
    rows = result.fold.test
    name = METRICS[spec.kind][0].name
    value = score(spec, name, result.decoded, job.target.values[rows])
    return {
        "seed": job.config.seed,
        "fold": result.fold.index,
        "held_out": result.fold.held_out,
        "n_windows": len(rows),
        name: value if np.isfinite(value) else None,
        "inverse_penalty": result.inverse_penalty,
    }


def _evaluate_floors(
    job: ProbeJob, fitted: dict[str, list[FoldPredictions]]
) -> dict[str, list[dict[str, Any]]]:
    """Return the metrics of each floor, one for each of its networks."""
    floors: dict[str, list[dict[str, Any]]] = {}
    for name, results in fitted.items():
        if name == FEATURES:
            continue
        table = tabulate_folds(job, results)
        metrics = evaluate(table, job.target.spec, vote_by=job.vote_by, seed=job.config.seed)
        kept = {key: metrics[key] for key in FLOOR_METRICS}
        kept["inverse_penalties"] = [result.inverse_penalty for result in results]
        kept["normalize"] = job.embeddings.origin["run"]["normalize"]
        floor = BAND_POWER if name == BAND_POWER else RANDOM_WEIGHTS
        floors.setdefault(floor, []).append(kept)
    return floors


def _describe_network(main: str, metrics: dict[str, Any]) -> dict[str, Any]:
    """Return the main metric of windows and votes of a random network."""
    return {unit: metrics[unit][main]["value"] for unit in ("windows", "votes")}
