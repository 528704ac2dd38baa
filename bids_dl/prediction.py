"""A trained run and a store give class probabilities for every window."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import Tensor, nn

from bids_dl.errors import ModelError
from bids_dl.models import check_shape
from bids_dl.models.checkpoint import ModelCard, load
from bids_dl.models.compute import pick_device
from bids_dl.store import Store, open_store
from bids_dl.stream import StreamingDataset
from bids_dl.stream.select import select

BATCH_SIZE = 256


@dataclass(frozen=True, slots=True)
class Outputs:
    """What a model says of windows, on the CPU, in the order they came."""

    index: Tensor  # rows of the store
    target: Tensor
    logits: Tensor  # (n, n_outputs)

    @property
    def probabilities(self) -> npt.NDArray[np.float64]:
        """(n, n_outputs), each row adds up to 1."""
        values: npt.NDArray[np.float64] = self.logits.double().softmax(dim=1).numpy()
        return values


@dataclass(frozen=True, slots=True)
class FoldWeights:
    """One trained model of a run and who it was fitted on."""

    path: Path
    seen: frozenset[tuple[str, str]]  # persons it was trained on or stopped by


def apply(
    model: nn.Module, batches: Iterable[tuple[Tensor, Tensor, Tensor]], device: torch.device
) -> Outputs:
    """Run a model over batches (signals, target, index) in float32, without gradients."""
    parts: list[tuple[Tensor, Tensor, Tensor]] = []
    model.eval()
    with torch.inference_mode():
        for signals, target, index in batches:
            parts.append((index, target, model(signals.to(device)).float().cpu()))
    return Outputs(*(torch.cat(column) for column in zip(*parts, strict=True)))


def predict(
    store_url: str,
    run: str | Path,
    *,
    split: str | None = None,
    device: str = "auto",
    storage_options: Mapping[str, Any] | None = None,
) -> pd.DataFrame:
    """Return one row per window of a store: window, dataset, subject, label if known, a probability per class.

    A person is judged by the mean of those models of the run that never saw them: for somebody of a leave-one-person-out run
    the one fold they were held out in, for new people all folds. Who was seen by every model is judged by all of them, and the
    column ``seen`` says so: those rows are no test.

    Parameters
    ----------
    run
        A run folder of `bids_dl.training.train`.
    split
        Only the windows of this split of the store.

    Returns
    -------
    pandas.DataFrame
        ``window`` (row of the store), ``dataset``, ``subject``, the target's column under its own name where the store has it,
        ``predicted``, ``seen``, and ``p_<class>`` for each class.

    Raises
    ------
    ModelError
        No run there, or a store whose channels, rate or window length are not those of the run.
    """
    store = open_store(store_url, storage_options=storage_options)
    folds = read_folds(Path(run))
    _, card = load(folds[0].path)
    check_store(store, card)
    rows = select(store.table, split=split, where=None)
    judges = unseen_models(store.table, folds)
    total = np.zeros((len(rows), len(card.classes)))
    where = pick_device(device)
    for fold, mine in zip(folds, judges & rows, strict=True):
        if mine.any():
            model, fold_card = load(fold.path)
            outputs = apply(model.to(where), stream_rows(store, fold_card, mine), where)
            total[outputs.index.numpy()] += outputs.probabilities
    mean = (total / judges.sum(axis=0)[:, None])[rows]
    seen_by_all = frozenset.intersection(*(fold.seen for fold in folds))
    predictions = tabulate(store.table[rows], card, mean)
    return predictions.assign(seen=_identities(predictions).isin(list(seen_by_all)))


def unseen_models(table: pd.DataFrame, folds: Sequence[FoldWeights]) -> npt.NDArray[np.bool_]:
    """Tell which models judge which rows (n_folds, n_rows): those that never saw the person, all where all did."""
    codes, distinct = _identities(table).factorize()
    unseen = np.array([[person not in fold.seen for person in distinct] for fold in folds])
    judges: npt.NDArray[np.bool_] = np.where(unseen.any(axis=0), unseen, True)[:, codes]
    return judges


def stream_rows(store: Store, card: ModelCard, rows: npt.NDArray[np.bool_]) -> StreamingDataset:
    """Stream the rows of a store in its order, scaled as a model wants them, whatever their target."""
    return StreamingDataset(
        store,
        where=rows,
        normalize=card.scaling,
        batch_size=BATCH_SIZE,
        shuffle=False,
        rank=0,
        world_size=1,
    )


def tabulate(
    table: pd.DataFrame, card: ModelCard, probabilities: npt.NDArray[np.float64]
) -> pd.DataFrame:
    """Set the probabilities (n, n_outputs) of some rows of a store beside who and what they are."""
    columns: dict[str, Any] = {
        "window": table.index,
        "dataset": table["dataset"],
        "subject": table["subject"],
    }
    if card.target in table:
        columns[card.target] = table[card.target]
    columns["predicted"] = np.asarray(card.classes, dtype=object)[probabilities.argmax(axis=1)]
    columns |= {f"p_{name}": probabilities[:, i] for i, name in enumerate(card.classes)}
    return pd.DataFrame({name: np.asarray(values) for name, values in columns.items()})


def check_store(store: Store, card: ModelCard) -> None:
    """Refuse a store whose windows are not of the kind that a model was trained on."""
    name = store.location.name
    check_shape(card.model, store.shape[1:], name)
    if store.channels != card.channels:
        missing = [channel for channel in card.channels if channel not in store.channels]
        why = (
            f"misses {', '.join(missing[:5])}"
            if missing
            else "has them in another order or more of them"
        )
        raise ModelError(
            f"{name}: the run was trained on channels {_short(card.channels)}; the store {why}"
        )
    if store.sfreq != card.sfreq:
        raise ModelError(
            f"{name}: the run was trained at {card.sfreq:g} Hz, the store has {store.sfreq:g} Hz"
        )
    if store.shape[2] != card.n_times:
        raise ModelError(
            f"{name}: the run was trained on windows of {card.n_times} samples, the store has {store.shape[2]}"
        )


def read_folds(run: Path) -> list[FoldWeights]:
    """Return the trained models of a run folder."""
    try:
        folds = json.loads((run / "folds.json").read_text(encoding="utf-8"))
        made = [
            FoldWeights(run / Path(f["weights"]).name, _persons(f["train"], f["validation"]))
            for f in folds
        ]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"{run}: no run of bids-dl train there (folds.json is missing or broken)"
        ) from error
    if not made:
        raise ModelError(f"{run}: folds.json names no model: train again into a new folder")
    if missing := [fold.path.name for fold in made if not fold.path.exists()]:
        raise ModelError(
            f"{run}: {missing[0]} is missing: training was not finished, train again into a new folder"
        )
    return made


def _identities(table: pd.DataFrame) -> pd.MultiIndex:
    return pd.MultiIndex.from_arrays([table["dataset"], table["subject"]])


def _persons(*groups: Sequence[Sequence[str]]) -> frozenset[tuple[str, str]]:
    return frozenset((dataset, subject) for group in groups for dataset, subject in group)


def _short(names: Sequence[str]) -> str:
    return (
        ", ".join(names)
        if len(names) <= 6
        else f"{', '.join(names[:3])} ... {names[-1]} ({len(names)})"
    )
