"""Predict class probabilities for every window of a store with the models of a run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import Tensor, nn

from bids_dl.config.json_schema import Schema, find_violation
from bids_dl.datamodel import Person
from bids_dl.errors import ModelError
from bids_dl.input import parse_json, read_text
from bids_dl.models import check_shape
from bids_dl.models.checkpoint import ModelCard, load_checkpoint
from bids_dl.models.class_names import name_classes
from bids_dl.models.compute import pick_device
from bids_dl.store import Store, open_store
from bids_dl.stream import StreamingDataset
from bids_dl.stream.select import select_windows
from bids_dl.wording import join_names

BATCH_SIZE = 256
MAX_CHANNELS_LISTED = 6
PERSONS: Schema = {
    "type": "array",
    "items": {"type": "array", "items": {"type": "string"}, "minItems": 2, "maxItems": 2},
}
FOLDS_SCHEMA: Schema = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {"train": PERSONS, "validation": PERSONS, "weights": {"type": "string"}},
        "required": ["train", "validation", "weights"],
    },
}
"""Schema of folds.json in a run folder."""


@dataclass(frozen=True, slots=True)
class Outputs:
    """Outputs of a model for windows, on the CPU, in the order of the batches."""

    index: Tensor  # int64 (n_windows,): rows of the store
    target: Tensor  # (n_windows,)
    logits: Tensor  # float32 (n_windows, n_outputs)

    @property
    def probabilities(self) -> npt.NDArray[np.float64]:
        """Class probabilities (n_windows, n_outputs). Each row sums to 1."""
        values: npt.NDArray[np.float64] = self.logits.double().softmax(dim=1).numpy()
        return values


@dataclass(frozen=True, slots=True)
class FoldWeights:
    """Checkpoint of one model of a run, and the persons it was fitted on."""

    path: Path
    seen: frozenset[Person]  # in training or validation


def apply(
    model: nn.Module, batches: Iterable[tuple[Tensor, Tensor, Tensor]], device: torch.device
) -> Outputs:
    """Run a model over batches (signals, target, index) in float32, without gradients.

    Parameters
    ----------
    model
        Model on ``device``. It is set to evaluation mode.
    batches
        A `StreamingDataset`, or another iterable of such batches.
    device
        Device of the computation.
    """
    indices: list[Tensor] = []
    targets: list[Tensor] = []
    logits: list[Tensor] = []
    model.eval()
    with torch.inference_mode():
        for signals, target, index in batches:
            indices.append(index)
            targets.append(target)
            logits.append(model(signals.to(device)).float().cpu())
    return Outputs(torch.cat(indices), torch.cat(targets), torch.cat(logits))


def predict(
    store_url: str,
    run_dir: str | Path,
    *,
    split: str | None = None,
    device: str = "auto",
    storage_options: Mapping[str, Any] | None = None,
) -> pd.DataFrame:
    """Predict class probabilities for the windows of a store.

    The probabilities of a person are the mean over the models of the run that were not fitted on
    that person: one model for a person of a leave-one-person-out run, all models for new persons.
    If all models were fitted on a person, the mean is over all of them, and ``seen`` is True. Such
    rows do not test the models.

    Parameters
    ----------
    store_url
        Path or URL of a store.
    run_dir
        Run folder of `bids_dl.training.train`.
    split
        Predict only the windows of this split. None takes all.
    device
        Device as in ``torch.device``. ``"auto"`` picks the first available of CUDA, MPS and CPU.
    storage_options
        Options for the file system of the URL, as in fsspec.

    Returns
    -------
    pandas.DataFrame
        One row per window: ``window`` (row of the store), ``dataset``, ``subject``, the target
        under its own name if the store has it, ``predicted``, ``p_<class>`` for each class, and
        ``seen``.

    Raises
    ------
    ModelError
        The folder is not a complete run, or channels, sampling rate or window length of the store
        differ from those of the run.
    StoreError
        There is no finished store.
    NoMatchError
        The store has no window of ``split``.
    ConfigError
        The device is unknown or not available.

    Examples
    --------
    >>> table = predict("eyes.zarr", "run", split="test")
    >>> bool((table["p_eyes_open"] + table["p_eyes_closed"]).round(6).eq(1).all())
    True
    """
    store = open_store(store_url, storage_options=storage_options)
    folds = read_folds(Path(run_dir))
    _, card = load_checkpoint(folds[0].path)
    check_store(store, card)
    is_selected = select_windows(store.table, split=split, where=None)
    voters = unseen_models(store.table, folds)
    torch_device = pick_device(device)
    total = np.zeros((len(is_selected), len(card.classes)))
    for fold, is_voter in zip(folds, voters, strict=True):
        rows = is_voter & is_selected
        if rows.any():
            model, fold_card = load_checkpoint(fold.path)
            stream = stream_rows(store, fold_card, rows)
            outputs = apply(model.to(torch_device), stream, torch_device)
            total[outputs.index.numpy()] += outputs.probabilities
    mean = (total / voters.sum(axis=0)[:, None])[is_selected]
    predictions = tabulate_predictions(store.table[is_selected], card, mean)
    seen_by_all = frozenset.intersection(*(fold.seen for fold in folds))
    return predictions.assign(seen=_persons(predictions).isin(list(seen_by_all)))


def unseen_models(table: pd.DataFrame, folds: Sequence[FoldWeights]) -> npt.NDArray[np.bool_]:
    """Return which models vote on which rows (n_folds, n_rows).

    These are the models that were not fitted on the person of the row, or all models if there is
    no such model.
    """
    row_person, persons = _persons(table).factorize()
    is_unseen = np.zeros((len(folds), len(persons)), bool)
    for i, fold in enumerate(folds):
        is_unseen[i] = [person not in fold.seen for person in persons]
    is_unseen[:, ~is_unseen.any(axis=0)] = True
    voters: npt.NDArray[np.bool_] = is_unseen[:, row_person]
    return voters


def stream_rows(store: Store, card: ModelCard, rows: npt.NDArray[np.bool_]) -> StreamingDataset:
    """Stream the rows of a store in order, normalized as for training, with any target."""
    return StreamingDataset(
        store,
        where=rows,
        normalize=card.stream_normalize,
        batch_size=BATCH_SIZE,
        shuffle=False,
        rank=0,
        world_size=1,
    )


def tabulate_predictions(
    table: pd.DataFrame, card: ModelCard, probabilities: npt.NDArray[np.float64]
) -> pd.DataFrame:
    """Join probabilities (n_rows, n_outputs) with the persons and targets of rows of a store."""
    columns: dict[str, Any] = {
        "window": table.index,
        "dataset": table["dataset"],
        "subject": table["subject"],
    }
    if card.target in table:
        columns[card.target] = name_classes(table[card.target])
    columns["predicted"] = np.asarray(card.classes, dtype=object)[probabilities.argmax(axis=1)]
    for i, name in enumerate(card.classes):
        columns[f"p_{name}"] = probabilities[:, i]
    return pd.DataFrame({name: np.asarray(values) for name, values in columns.items()})


def check_store(store: Store, card: ModelCard) -> None:
    """Raise `ModelError` if the windows of a store differ from those a model was trained on."""
    name = store.location.name
    check_shape(card.model, store.shape[1:], name)
    if store.channels != card.channels:
        missing = [channel for channel in card.channels if channel not in store.channels]
        difference = "has them in another order, or has more channels"
        if missing:
            difference = f"has no {join_names(missing, limit=5)}"
        raise ModelError(
            f"{name}: the run was trained on channels {_summarize(card.channels)}; "
            f"the store {difference}"
        )
    if store.sfreq != card.sfreq:
        raise ModelError(
            f"{name}: the run was trained at {card.sfreq:g} Hz, the store has {store.sfreq:g} Hz"
        )
    if store.shape[2] != card.n_times:
        raise ModelError(
            f"{name}: the run was trained on windows of {card.n_times} samples, "
            f"the store has {store.shape[2]}"
        )


def read_folds(run_dir: Path) -> list[FoldWeights]:
    """Return the checkpoints of a run folder.

    Raises
    ------
    ModelError
        The folder is not a run, or the training was not finished.
    """
    folds: list[FoldWeights] = []
    try:
        content = parse_json(read_text(run_dir / "folds.json"))
        problem = find_violation(content, FOLDS_SCHEMA)
        if problem:
            raise ValueError(problem)
        for fold in content:
            seen = frozenset(
                (dataset, subject) for dataset, subject in [*fold["train"], *fold["validation"]]
            )
            folds.append(FoldWeights(run_dir / Path(fold["weights"]).name, seen))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"{run_dir}: not a run folder of bids-dl train (folds.json is missing or broken: "
            f"{getattr(error, 'strerror', None) or error})"
        ) from error
    if not folds:
        raise ModelError(f"{run_dir}: folds.json names no model: train again into a new folder")
    missing = [fold.path.name for fold in folds if not fold.path.exists()]
    if missing:
        raise ModelError(
            f"{run_dir}: {missing[0]} is missing: training was not finished, "
            "train again into a new folder"
        )
    return folds


def _persons(table: pd.DataFrame) -> pd.MultiIndex:
    """Return the person (dataset, subject) of each row."""
    return pd.MultiIndex.from_arrays([table["dataset"], table["subject"]])


def _summarize(channels: Sequence[str]) -> str:
    if len(channels) <= MAX_CHANNELS_LISTED:
        return ", ".join(channels)
    return f"{', '.join(channels[:3])} ... {channels[-1]} ({len(channels)})"
