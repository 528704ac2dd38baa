"""From a store to a run folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from bids_dl.config.stages import TrainConfig
from bids_dl.datamodel import Person
from bids_dl.errors import TargetError
from bids_dl.models import check_shape
from bids_dl.models.checkpoint import ModelCard, save
from bids_dl.models.compute import pick_device, pick_precision
from bids_dl.prediction import apply, tabulate
from bids_dl.store import Store, open_store
from bids_dl.stream import StreamingDataset, training_statistics
from bids_dl.training import figures, metrics, run_folder
from bids_dl.training.folds import Fold, persons_of, plan, rows_of
from bids_dl.training.loop import Compute, Row, fit, reproducible

Say = Callable[[str], None]
NOT_TARGETS = {
    "dataset",
    "subject",
    "fold",
    "window",
    "predicted",
    "seen",
}  # columns that a table of predictions has itself


@dataclass(frozen=True, slots=True)
class Result:
    """What a training found out; the run folder holds the same.

    Attributes
    ----------
    run
        The folder.
    metrics
        As `metrics.evaluate` gives them for all tested persons, with ``persons`` and ``folds``.
    predictions
        One row per tested window: fold, window (row of the store), dataset, subject, the target, predicted, ``p_<class>``.
    history
        One row per fold and epoch.
    """

    run: Path
    metrics: dict[str, Any]
    predictions: pd.DataFrame
    history: pd.DataFrame


@dataclass(frozen=True, slots=True)
class Job:
    """What all folds of a run have in common."""

    store: Store
    config: TrainConfig
    card: ModelCard
    bench: Compute
    table: pd.DataFrame  # rows of the store with a known target


def train(
    store_url: str,
    config: TrainConfig,
    *,
    run: str | Path | None = None,
    storage_options: Mapping[str, Any] | None = None,
    say: Say = lambda _: None,
) -> Result:
    """Train on some people of a store, test on others, and write a run folder.

    The same store, config, versions and device give the same numbers (on a CPU: with the same number of threads).

    Parameters
    ----------
    run
        A new or empty folder; default ``runs/<store name>-<model>-<seed>``, numbered where that is taken.
    say
        Called with one line per epoch and per fold.

    Raises
    ------
    RequestError
        A model, target, split or device that cannot be had; nothing was written then.
    """
    job = prepare(store_url, config, storage_options)
    name = job.store.location.name
    folds = plan(job.table, config, name)
    for fold in folds:
        check_classes(job, fold)
    folder = run_folder.make_folder(run, job.store, config)
    run_folder.write_json(folder / "config.json", run_folder.describe(job.store, config))
    run_folder.write_json(folder / "environment.json", run_folder.environment(job.bench.device))
    run_folder.write_json(folder / "folds.json", run_folder.describe_folds(folds))
    n_persons = len(persons_of(job.table))
    say(
        f"{name}: {len(job.table)} windows of {n_persons} persons, {config.model} on {job.bench.device}, run folder {folder}"
    )
    tested, histories = [], []
    for fold in folds:
        predictions, history = run_fold(
            job,
            fold,
            folder / run_folder.weights_name(fold, len(folds)),
            _titled(say, fold, len(folds)),
        )
        tested.append(predictions)
        histories.append(history)
    return finish(
        folder, job, pd.concat(tested, ignore_index=True), pd.concat(histories, ignore_index=True)
    )


def prepare(store_url: str, config: TrainConfig, storage_options: Mapping[str, Any] | None) -> Job:
    """Open the store and check that model, target and device fit it."""
    store = open_store(store_url, storage_options=storage_options)
    if config.target in NOT_TARGETS:
        raise TargetError(
            f"{store.location.name}: target {config.target!r} says whose a window is, or is a column of predictions; choose another"
        )
    _, n_chans, n_times = store.shape
    check_shape(config.model, (n_chans, n_times), store.location.name)
    device = pick_device(config.device)
    classes = StreamingDataset(
        store, target=config.target, drop_missing=config.drop_missing
    ).classes
    if len(classes) < 2:
        what = f"has one class, {classes[0]!r}" if classes else "holds numbers, not classes"
        raise TargetError(
            f"{store.location.name}: target {config.target!r} {what}; training tells at least two classes apart"
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
    with torch.device("meta"):  # sizes only: no memory, no random numbers
        card.build()
    table = store.table[store.table[config.target].isin(classes)]
    return Job(
        store, config, card, Compute(device, pick_precision(config.precision, device)), table
    )


def run_fold(job: Job, fold: Fold, weights: Path, say: Say) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Train one model, write its weights, and return predictions on the persons it never saw and the epochs' history."""
    seed = int(np.random.SeedSequence([job.config.seed, fold.index]).generate_state(1)[0])
    with reproducible(seed, job.bench.device):
        card = _card(job, fold)
        model = card.build().to(job.bench.device)
        bench = replace(job.bench, class_weights=_class_weights(job, fold))
        training = _stream(job, card, fold.train, seed=seed)
        validation = _stream(job, card, fold.validation) if fold.validation else None
        history = fit(model, training, validation, job.config, bench, lambda row: say(_line(row)))
        save(model, card, weights)
        outputs = apply(model, _stream(job, card, fold.test), job.bench.device)
    order = np.argsort(outputs.index.numpy())
    predictions = tabulate(
        job.store.table.iloc[outputs.index.numpy()[order]], card, outputs.probabilities[order]
    )
    predictions.insert(0, "fold", fold.index)
    accuracy = (predictions["predicted"] == predictions[job.config.target]).mean()
    say(f"{_named(fold.test)} tested: {accuracy:.1%} of {len(predictions)} windows right")
    return predictions, pd.DataFrame(history).astype({"epoch": int}).assign(fold=fold.index)


def finish(folder: Path, job: Job, predictions: pd.DataFrame, history: pd.DataFrame) -> Result:
    """Write numbers, tables and pictures of all folds together."""
    classes, target = job.card.classes, job.card.target
    numbers = metrics.evaluate(predictions, target, classes, job.config.seed)
    numbers["persons"] = metrics.by_person(predictions, target)
    numbers["folds"] = metrics.by_fold(predictions, history, target)
    history = history[["fold", *(name for name in history if name != "fold")]]
    run_folder.write_json(folder / "metrics.json", numbers)
    predictions.to_csv(folder / "predictions.csv", index=False, lineterminator="\n")
    history.to_csv(folder / "history.csv", index=False, lineterminator="\n")
    figures.learning_curves(
        history, numbers["windows"]["accuracy"]["value"], folder / "learning_curves.png"
    )
    matrices = {"windows": numbers["windows"]["confusion"], "votes": numbers["votes"]["confusion"]}
    figures.confusion(matrices, classes, folder / "confusion.png")
    return Result(folder, numbers, predictions, history)


def check_classes(job: Job, fold: Fold) -> None:
    """Refuse a fold whose training side has nothing to tell apart."""
    if np.count_nonzero(_class_counts(job, fold)) < 2:
        there = ", ".join(
            sorted(job.table.loc[rows_of(job.table, fold.train), job.card.target].unique())
        )
        raise TargetError(
            f"{job.store.location.name}: {_named(fold.test)} held out, the {len(fold.train)} person(s) to train on are all {there}; "
            f"a fold needs two classes of {job.card.target!r} to train on: more people, or other splits"
        )


def _card(job: Job, fold: Fold) -> ModelCard:
    """Return the card of a fold's model, with the statistics of the people it is trained on where they scale its input."""
    if job.config.normalize != "training":
        return job.card
    mean, std = training_statistics([job.store], job.store.table, _rows(job, fold.train))
    return replace(job.card, mean=tuple(map(float, mean)), std=tuple(map(float, std)))


def _stream(
    job: Job, card: ModelCard, persons: tuple[Person, ...], *, seed: int | None = None
) -> StreamingDataset:
    """Stream the windows of some persons: shuffled where there is a seed, else in the order of the store."""
    return StreamingDataset(
        job.store,
        where=_rows(job, persons),
        target=card.target,
        normalize=card.scaling,
        batch_size=job.config.batch_size,
        shuffle=seed is not None,
        seed=seed or 0,
        rank=0,
        world_size=1,
    )


def _rows(job: Job, persons: tuple[Person, ...]) -> npt.NDArray[np.bool_]:
    """Tell which rows of the whole store are of these persons and have a target."""
    known = job.store.table.index.isin(job.table.index)
    mine: npt.NDArray[np.bool_] = known & rows_of(job.store.table, persons)
    return mine


def _class_counts(job: Job, fold: Fold) -> npt.NDArray[np.int64]:
    mine = job.table.loc[rows_of(job.table, fold.train), job.card.target]
    return np.array([(mine == name).sum() for name in job.card.classes], dtype=np.int64)


def _class_weights(job: Job, fold: Fold) -> tuple[float, ...] | None:
    """Return N / (classes there x windows of the class): 1 for all where they are balanced; a class that is not there has 0."""
    if job.config.class_weights is None:
        return None
    counts = _class_counts(job, fold)
    share = counts.sum() / np.count_nonzero(counts)
    return tuple(float(share / count) if count else 0.0 for count in counts)


def _titled(say: Say, fold: Fold, n_folds: int) -> Say:
    title = f"fold {fold.index + 1} of {n_folds}, " if n_folds > 1 else ""
    return lambda line: say(title + line)


def _line(row: Row) -> str:
    text = f"epoch {row['epoch']:.0f}: loss {row['train_loss']:.3f}, accuracy {row['train_accuracy']:.1%}"
    if np.isfinite(row["validation_loss"]):
        text += f"; validation loss {row['validation_loss']:.3f}, accuracy {row['validation_accuracy']:.1%}"
    return text


def _named(persons: tuple[Person, ...]) -> str:
    names = [f"sub-{subject}" for _, subject in persons]
    return ", ".join(names) if len(names) <= 3 else f"{names[0]} and {len(names) - 1} more"
