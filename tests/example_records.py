"""Records of trainings with made-up predictions, one for each kind of target."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from bids_dl.models.target import TargetSpec
from bids_dl.training.metrics import cast_votes, evaluate, naive_baselines, summarize_seeds
from bids_dl.training.record import Record

SFREQ = 128.0  # Hz
STAGES = ("Sleep stage W", "N1", "N2", "N3", "N4", "R")


def class_record(
    classes: tuple[str, ...] = ("rest", "move"),
    *,
    n_persons: int = 6,
    skill: float = 1.5,
    **options,
) -> Record:
    """Record of windows in four blocks per person; `skill` is the distance of the classes."""
    spec = TargetSpec("label", "classes", ("label",), classes)
    table = _windows(n_persons, n_blocks=max(4, len(classes)), per_block=10)
    values = (table["block"] % len(classes)).to_numpy()
    return _record(spec, table, lambda rng: _classes(rng, spec, values, skill), **options)


def number_record(*, n_persons: int = 12, **options) -> Record:
    """Record of ages from 20 to 80, predicted with an error of about 8."""
    spec = TargetSpec("Age", "number", ("Age",), ("Age",), mean=50.0, std=17.0)
    table = _windows(n_persons, n_blocks=2, per_block=10)
    ages = np.linspace(20, 80, n_persons).round(1)[_person_numbers(table)]

    def predict(rng: np.random.Generator) -> pd.DataFrame:
        persons = rng.normal(0, 6, n_persons)[_person_numbers(table)]
        predicted = 50 + 0.7 * (ages - 50) + persons + rng.normal(0, 5, len(ages))
        return pd.DataFrame({"Age": ages, "predicted": predicted})

    return _record(spec, table, predict, vote_by="subject", headline="mae", **options)


def shares_record(*, n_persons: int = 12, **options) -> Record:
    """Record of three shares of votes."""
    columns = ("votes_seizure", "votes_lpd", "votes_other")
    spec = TargetSpec("votes_*", "shares", columns, columns)
    table = _windows(n_persons, n_blocks=3, per_block=5)

    def predict(rng: np.random.Generator) -> pd.DataFrame:
        true = np.random.default_rng(1).dirichlet([0.7] * 3, size=len(table))
        predicted = 0.7 * true + 0.3 * rng.dirichlet([2.0] * 3, size=len(table))
        names = [*columns, *(f"p_{name}" for name in columns)]
        return pd.DataFrame(np.hstack([true, predicted]), columns=names)

    return _record(spec, table, predict, headline="kl", **options)


def labels_record(*, n_persons: int = 12, **options) -> Record:
    """Record of three labels of persons, one of which is missing for some."""
    columns = ("epilepsy", "medication", "slowing")
    spec = TargetSpec("3 labels", "labels", columns, columns)
    table = _windows(n_persons, n_blocks=2, per_block=6)
    persons = _person_numbers(table)
    true = np.random.default_rng(1).integers(0, 2, (n_persons, 3)).astype(float)
    true[0], true[1], true[2, 1] = 0, 1, np.nan

    def predict(rng: np.random.Generator) -> pd.DataFrame:
        noise = rng.normal(0, 1.2, (len(table), 3))
        logits = 2 * np.nan_to_num(true, nan=0.5)[persons] - 1 + noise
        names = [*columns, *(f"p_{name}" for name in columns)]
        return pd.DataFrame(np.hstack([true[persons], 1 / (1 + np.exp(-logits))]), columns=names)

    return _record(spec, table, predict, vote_by="subject", **options)


def sleep_record(*, n_persons: int = 2, **options) -> Record:
    """Record of nights of 30 s windows, with a gap of half an hour."""
    spec = TargetSpec("stage", "classes", ("stage",), STAGES)
    n_windows = 800
    table = _windows(n_persons, n_blocks=n_windows, per_block=1, window_seconds=30.0)
    table = table[(table["block"] < 300) | (table["block"] >= 360)].reset_index(drop=True)
    cycle = np.repeat([0, 1, 2, 3, 4, 2, 5], [8, 6, 30, 12, 14, 10, 20])
    values = np.tile(cycle, n_windows // len(cycle) + 1)[table["block"].to_numpy()]
    options = {"window_seconds": 30.0, "vote_by": "block"} | options
    return _record(spec, table, lambda rng: _classes(rng, spec, values, 2.5), **options)


def _windows(
    n_persons: int, n_blocks: int, per_block: int, window_seconds: float = 2.0
) -> pd.DataFrame:
    """Make a table of windows, of one recording per person."""
    n_windows = n_blocks * per_block
    subjects = [f"{number + 1:03d}" for number in range(n_persons)]
    position = np.tile(np.arange(n_windows), n_persons)
    table = pd.DataFrame({"window": np.arange(n_persons * n_windows)})
    table["dataset"] = "eyes"
    table["subject"] = np.repeat(subjects, n_windows)
    table["session"] = "01"
    table["run"] = "1"
    table["recording"] = "sub-" + table["subject"] + "_ses-01_task-rest"
    table["block"] = position // per_block
    table["onset"] = position * window_seconds
    return table


def _person_numbers(table: pd.DataFrame) -> np.ndarray:
    return table["subject"].astype(int).to_numpy() - 1


def _classes(
    rng: np.random.Generator, spec: TargetSpec, values: np.ndarray, skill: float
) -> pd.DataFrame:
    logits = rng.normal(0, 1, (len(values), spec.n_outputs))
    logits[np.arange(len(values)), values] += skill
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    names = np.array(spec.outputs, dtype=object)
    columns: dict[str, Any] = {spec.columns[0]: names[values]}
    columns["predicted"] = names[logits.argmax(axis=1)]
    for number, name in enumerate(spec.outputs):
        columns[f"p_{name}"] = probabilities[:, number]
    return pd.DataFrame(columns)


def _record(
    spec: TargetSpec,
    table: pd.DataFrame,
    predict,
    *,
    vote_by: str = "block",
    headline: str = "accuracy",
    same_person: bool = False,
    n_seeds: int = 1,
    window_seconds: float = 2.0,
) -> Record:
    persons = sorted(table["subject"].unique())
    table = table.assign(fold=[persons.index(subject) for subject in table["subject"]])
    by_seed, tables = {}, []
    for seed in range(n_seeds):
        outputs = predict(np.random.default_rng(seed))
        tables.append(pd.concat([table.assign(seed=seed), outputs], axis=1))
        by_seed[seed] = evaluate(tables[-1], spec, vote_by=vote_by, seed=seed)
    metrics = dict(by_seed[0])
    metrics["same_person"] = same_person
    metrics["baselines"] = _baselines(spec, tables[0], predict, vote_by)
    metrics["folds"] = _folds(metrics, n_seeds)
    if n_seeds > 1:
        metrics["seeds"], metrics["seed_spread"] = summarize_seeds(by_seed)
    metrics["cost"] = {
        "train_seconds": 41.5,
        "total_seconds": 47.25,
        "windows_per_second": 1234.5,
        "waiting_share": 0.031,
        "n_parameters": 45_230,
        "device": "cpu",
        "peak_memory_bytes": 512_000_000,
    }
    metrics["normalize"] = {"value": "recording", "reason": "a recording has several classes"}
    predictions = pd.concat(tables, ignore_index=True)
    return Record(
        spec,
        metrics,
        predictions,
        cast_votes(tables[0], spec, vote_by),
        _history(headline, len(persons), n_seeds),
        _config(spec, len(table), window_seconds),
        {"python": "3.12.3", "packages": {"bids_dl": "1.0", "torch": "2.13.0", "timm": None}},
        [],
    )


def _baselines(spec: TargetSpec, table: pd.DataFrame, predict, vote_by: str) -> dict[str, Any]:
    means = {}
    for fold in table["fold"].unique():
        known = table.loc[table["fold"] != fold, list(spec.columns)]
        means[int(fold)] = known.mean(numeric_only=True).to_numpy()
    baselines = naive_baselines(table, spec, vote_by=vote_by, training_means=means)
    outputs = predict(np.random.default_rng(99))
    others = table.drop(columns=outputs.columns)
    results = evaluate(pd.concat([others, outputs], axis=1), spec, vote_by=vote_by, seed=0)
    kept = ("windows", "votes", "person_means", "persons")
    return baselines | {"band_power": {name: results[name] for name in kept}}


def _folds(metrics: dict[str, Any], n_seeds: int) -> list[dict[str, Any]]:
    rows = []
    for seed in range(n_seeds):
        for number, person in enumerate(metrics["persons"]):
            row = {"seed": seed, "fold": number, "held_out": f"sub-{person['subject']}"}
            row |= {"n_windows": person["n_windows"], metrics["main"]: person[metrics["main"]]}
            rows.append(row | {"epochs": 8, "best_epoch": 5 if number else None})
    return rows


def _history(headline: str, n_folds: int, n_seeds: int) -> pd.DataFrame:
    rows = []
    rng = np.random.default_rng(0)
    for seed in range(n_seeds):
        for fold in range(n_folds):
            for epoch in range(1, 9):
                loss = 0.7 / epoch**0.5 + rng.normal(0, 0.01)
                quality = loss * 10 if headline != "accuracy" else 1 - loss / 2
                row: dict[str, float] = {"seed": seed, "fold": fold, "epoch": epoch, "lr": 1e-3}
                row |= {"train_loss": loss, f"train_{headline}": quality}
                row |= {"validation_loss": loss + 0.1, f"validation_{headline}": quality * 0.97}
                rows.append(row | {"windows_per_second": 1000.0, "waiting_share": 0.03})
    return pd.DataFrame(rows)


def _config(spec: TargetSpec, n_windows: int, window_seconds: float) -> dict[str, Any]:
    n_times = round(window_seconds * SFREQ)
    return {
        "command": f"bids-dl train data/eyes.zarr --target '{spec.name}' --folds loso --seed 0",
        "settings": {"model": "shallow-fbcsp", "target": [spec.name], "folds": "loso", "lr": 0.001},
        "store": {
            "url": "data/eyes.zarr",
            "content": "c0ffee" * 10,
            "manifest_sha256": "ab" * 32,
            "shape": [n_windows, 8, n_times],
            "sfreq": SFREQ,
            "sources": [
                {"dataset": "eyes", "doi": "10.18112/openneuro.ds004362.v1.0.0", "licence": "CC0"}
            ],
        },
    }
