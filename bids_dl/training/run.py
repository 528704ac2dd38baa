"""Train a model on a store and write a run folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from bids_dl.config.training_stage import TrainConfig
from bids_dl.datamodel import Person
from bids_dl.errors import TargetError
from bids_dl.models import check_shape
from bids_dl.models.checkpoint import ModelCard, save_checkpoint
from bids_dl.models.class_names import NumbersToClasses, name_classes, number_classes
from bids_dl.models.compute import pick_device, pick_precision
from bids_dl.prediction import apply, tabulate_predictions
from bids_dl.store import Store, open_store
from bids_dl.stream import StreamingDataset, training_statistics
from bids_dl.training import figures, metrics, run_folder
from bids_dl.training.events import EventCallback, TrainingEvent
from bids_dl.training.folds import (
    Fold,
    list_persons,
    plan_folds,
    rows_of_persons,
    warn_about_strata,
)
from bids_dl.training.loop import Compute, EpochRow, fit, reproducible
from bids_dl.wording import count

# Columns of a table of predictions, which therefore cannot be targets.
RESERVED_COLUMNS = {"dataset", "subject", "fold", "window", "predicted", "seen"}


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """Results of a training, as in its run folder.

    Attributes
    ----------
    run_dir
        The run folder.
    metrics
        Result of `metrics.evaluate` for all tested persons, with ``persons`` and ``folds``.
    predictions
        One row per tested window: fold, window (row of the store), dataset, subject, the target,
        predicted, ``p_<class>``.
    history
        One row per fold and epoch.
    """

    run_dir: Path
    metrics: dict[str, Any]
    predictions: pd.DataFrame
    history: pd.DataFrame


@dataclass(frozen=True, slots=True)
class TrainingJob:
    """Everything that all folds of a run share."""

    store: Store
    config: TrainConfig
    card: ModelCard
    compute: Compute
    table: pd.DataFrame  # rows of the store with a known target


def train(
    store_url: str,
    config: TrainConfig,
    *,
    run_dir: str | Path | None = None,
    storage_options: Mapping[str, Any] | None = None,
    on_event: EventCallback = lambda _: None,
) -> TrainingResult:
    """Train on some persons of a store, test on others, and write a run folder.

    The same store, settings, versions and device give the same numbers. On a CPU, the number of
    threads must be the same too.

    Parameters
    ----------
    store_url
        Path or URL of a store.
    config
        Model, target, folds and settings of the training.
    run_dir
        A new or empty folder. None takes ``runs/<store name>-<model>-<seed>``, with a number
        appended if that exists.
    storage_options
        Options for the file system of the URL, as in fsspec.
    on_event
        Called when the training starts, and after each epoch and each fold.

    Raises
    ------
    StoreError
        There is no finished store.
    ConfigError
        The model, device or number of folds is unknown or impossible, or ``run_dir`` is not empty.
    ModelError
        The model does not accept the windows of the store.
    TargetError
        The target is missing or unsuitable, or a split is empty.
    BidsDlError
        The loss is not finite. Only in this case something may have been written.

    Examples
    --------
    >>> result = train("eyes.zarr", TrainConfig(folds="loso", epochs=1), run_dir="run")
    >>> sorted(result.metrics["windows"]["accuracy"])
    ['high', 'low', 'value']
    """
    job = prepare_job(store_url, config, storage_options)
    name = job.store.location.name
    folds = plan_folds(job.table, config, name)
    for fold in folds:
        check_classes(job, fold)
    folder = run_folder.create_run_folder(run_dir, job.store, config)
    documents = {
        run_folder.CONFIG_FILE: run_folder.describe_config(job.store, config),
        "environment.json": run_folder.describe_environment(job.compute.device),
        "folds.json": run_folder.describe_folds(folds),
    }
    with run_folder.writing_run(folder):
        for file, content in documents.items():
            run_folder.write_json(folder / file, content)
    persons = count(len(list_persons(job.table)), "person")
    text = (
        f"{name}: {count(len(job.table), 'window')} of {persons}, "
        f"{config.model} on {job.compute.device}, run folder {folder}"
    )
    warnings = warn_about_strata(job.table, config, name)
    on_event(TrainingEvent("started", "; ".join([text, *warnings]), len(folds)))
    predictions: list[pd.DataFrame] = []
    histories: list[pd.DataFrame] = []
    for fold in folds:
        weights = folder / run_folder.weights_name(fold, len(folds))
        fold_predictions, fold_history = train_fold(job, fold, weights, len(folds), on_event)
        predictions.append(fold_predictions)
        histories.append(fold_history)
    all_predictions = pd.concat(predictions, ignore_index=True)
    history = pd.concat(histories, ignore_index=True)
    with run_folder.writing_run(folder):
        return write_results(folder, job, all_predictions, history)


def prepare_job(
    store_url: str, config: TrainConfig, storage_options: Mapping[str, Any] | None
) -> TrainingJob:
    """Open the store and check that model, target and device fit it."""
    store = open_store(store_url, storage_options=storage_options)
    name = store.location.name
    if config.target in RESERVED_COLUMNS:
        raise TargetError(
            f"{name}: {config.target!r} cannot be a target, because it is a column of every table "
            "of predictions; choose another"
        )
    _, n_chans, n_times = store.shape
    check_shape(config.model, (n_chans, n_times), name)
    device = pick_device(config.device)
    stream = StreamingDataset(store, target=config.target, drop_missing=config.drop_missing)
    classes = stream.classes or number_classes(store.table[config.target])
    if len(classes) < 2:
        content = "contains numbers, not classes, which are text or whole numbers from 0 or 1 on"
        if classes:
            content = f"has one class, {classes[0]!r}"
        raise TargetError(
            f"{name}: target {config.target!r} {content}; training needs at least two classes"
        )
    card = ModelCard(
        model=config.model,
        channels=store.channels,
        n_times=n_times,
        sfreq=store.sfreq,
        target=config.target,
        classes=classes,
        normalize=config.normalize,
        options=dict(config.model_options),
    )
    with torch.device("meta"):  # checks the options without memory and random numbers
        card.build()
    table = store.table.assign(**{config.target: name_classes(store.table[config.target])})
    table = table[table[config.target].isin(classes)]
    compute = Compute(device, pick_precision(config.precision, device))
    return TrainingJob(store, config, card, compute, table)


def train_fold(
    job: TrainingJob, fold: Fold, weights: Path, n_folds: int, on_event: EventCallback
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Train one model, write its weights, and test it on the held-out persons.

    Returns
    -------
    predictions
        One row per tested window.
    history
        One row per epoch.
    """

    def on_epoch(row: EpochRow) -> None:
        on_event(_event("epoch", _describe_epoch(row), fold, n_folds, row))

    compute = replace(job.compute, class_weights=_class_weights(job, fold))
    seed = int(np.random.SeedSequence([job.config.seed, fold.index]).generate_state(1)[0])
    with reproducible(seed, compute.device):
        card = _fold_card(job, fold)
        model = card.build().to(compute.device)
        training = _stream(job, card, fold.train, seed=seed)
        validation = _stream(job, card, fold.validation) if fold.validation else None
        history = fit(model, training, validation, job.config, compute, on_epoch)
        with run_folder.writing_run(weights.parent):
            save_checkpoint(model, card, weights)
        outputs = apply(model, _stream(job, card, fold.test), compute.device)
    rows = outputs.index.numpy()
    order = np.argsort(rows)
    predictions = tabulate_predictions(
        job.store.table.iloc[rows[order]], card, outputs.probabilities[order]
    )
    predictions.insert(0, "fold", fold.index)
    accuracy = float((predictions["predicted"] == predictions[job.config.target]).mean())
    text = (
        f"{_describe_persons(fold.test)} tested: "
        f"{accuracy:.1%} of {count(len(predictions), 'window')} correct"
    )
    values = {"accuracy": accuracy, "n_windows": float(len(predictions))}
    on_event(_event("tested", text, fold, n_folds, values))
    return predictions, pd.DataFrame(history).astype({"epoch": int}).assign(fold=fold.index)


def write_results(
    folder: Path, job: TrainingJob, predictions: pd.DataFrame, history: pd.DataFrame
) -> TrainingResult:
    """Write metrics, tables and figures of all folds."""
    classes = job.card.classes
    target = job.card.target
    results = metrics.evaluate(predictions, target, classes, job.config.seed)
    results["persons"] = metrics.accuracy_by_person(predictions, target)
    results["folds"] = metrics.accuracy_by_fold(predictions, history, target)
    history = history[["fold", *(name for name in history if name != "fold")]]
    run_folder.write_json(folder / run_folder.METRICS_FILE, results)
    predictions.to_csv(folder / "predictions.csv", index=False, lineterminator="\n")
    history.to_csv(folder / "history.csv", index=False, lineterminator="\n")
    test_accuracy = results["windows"]["accuracy"]["value"]
    figures.draw_learning_curves(history, test_accuracy, folder / "learning_curves.png")
    matrices = {unit: results[unit]["confusion"] for unit in ("windows", "votes")}
    figures.draw_confusion(matrices, classes, folder / "confusion.png")
    return TrainingResult(folder, results, predictions, history)


def check_classes(job: TrainingJob, fold: Fold) -> None:
    """Raise `TargetError` if the training side of a fold has a single class."""
    counts = _class_counts(job, fold)
    if np.count_nonzero(counts) >= 2:
        return
    class_names = [job.card.classes[i] for i in np.flatnonzero(counts)]
    raise TargetError(
        f"{job.store.location.name}: {_describe_persons(fold.test)} held out, "
        f"{count(len(fold.train), 'person')} to train on, all {', '.join(class_names)}; "
        f"a fold needs two classes of {job.card.target!r} to train on: "
        "more persons, or other splits"
    )


def _fold_card(job: TrainingJob, fold: Fold) -> ModelCard:
    """Return the card of a fold's model, with the statistics of its training persons if used."""
    if job.config.normalize != "training":
        return job.card
    mean, std = training_statistics([job.store], job.store.table, _rows(job, fold.train))
    return replace(job.card, mean=tuple(map(float, mean)), std=tuple(map(float, std)))


def _stream(
    job: TrainingJob, card: ModelCard, persons: tuple[Person, ...], *, seed: int | None = None
) -> StreamingDataset:
    """Stream the windows of some persons, shuffled if a seed is given."""
    return StreamingDataset(
        job.store,
        where=_rows(job, persons),
        target=card.target,
        transform=_target_transform(job),
        normalize=card.stream_normalize,
        batch_size=job.config.batch_size,
        shuffle=seed is not None,
        seed=seed or 0,
        rank=0,
        world_size=1,
    )


def _target_transform(job: TrainingJob) -> NumbersToClasses | None:
    """Return the transform of a target that is a column of numbers."""
    is_number = bool(number_classes(job.store.table[job.config.target]))
    return NumbersToClasses(job.card.classes) if is_number else None


def _rows(job: TrainingJob, persons: tuple[Person, ...]) -> npt.NDArray[np.bool_]:
    """Return a mask of the store's rows (n_windows,) of the persons with a known target."""
    has_target = job.store.table.index.isin(job.table.index)
    mask: npt.NDArray[np.bool_] = has_target & rows_of_persons(job.store.table, persons)
    return mask


def _class_counts(job: TrainingJob, fold: Fold) -> npt.NDArray[np.int64]:
    """Return the number of training windows of each class (n_outputs,)."""
    labels = job.table.loc[rows_of_persons(job.table, fold.train), job.card.target]
    return np.array([(labels == name).sum() for name in job.card.classes], dtype=np.int64)


def _class_weights(job: TrainingJob, fold: Fold) -> tuple[float, ...] | None:
    """Return weights inversely proportional to class frequency.

    The weight is n_windows / (n_classes * windows of the class), which is 1 for balanced classes.
    Classes without a training window have weight 0 and do not count.
    """
    if job.config.class_weights is None:
        return None
    counts = _class_counts(job, fold)
    balanced_count = counts.sum() / np.count_nonzero(counts)
    return tuple(float(balanced_count / count) if count else 0.0 for count in counts)


def _event(
    kind: Literal["epoch", "tested"],
    text: str,
    fold: Fold,
    n_folds: int,
    values: Mapping[str, float],
) -> TrainingEvent:
    if n_folds > 1:
        text = f"fold {fold.index + 1} of {n_folds}, {text}"
    return TrainingEvent(kind, text, n_folds, fold.index, values)


def _describe_epoch(row: EpochRow) -> str:
    loss = row["train_loss"]
    text = f"epoch {row['epoch']:.0f}: loss {loss:.3f}, accuracy {row['train_accuracy']:.1%}"
    if np.isfinite(row["validation_loss"]):
        text += (
            f"; validation loss {row['validation_loss']:.3f}, "
            f"accuracy {row['validation_accuracy']:.1%}"
        )
    return text


def _describe_persons(persons: tuple[Person, ...]) -> str:
    names = [f"sub-{subject}" for _, subject in persons]
    if len(names) <= 3:
        return ", ".join(names)
    return f"{names[0]} and {len(names) - 1} more"
