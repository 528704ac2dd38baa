"""Windows that each model of a run is explained on: those of persons it has not seen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import Tensor

from bids_dl.explanation.contents import Rows
from bids_dl.input import parse_json, read_text
from bids_dl.models.checkpoint import ModelCard
from bids_dl.prediction import MAX_FOLDS_BYTES, FoldWeights, weigh_models
from bids_dl.store import Store
from bids_dl.stream import StreamingDataset, to_device
from bids_dl.stream.select import select_windows

SAMPLES_AT_ONCE = 1_000_000  # of a batch, over channels and time: 4 MB, and some 100 in a network
MAX_BATCH = 64  # windows
MIN_BATCH = 2  # windows, because batch norm estimates no statistics from one

SEEN_WARNING = (
    "every person was in the training of every model: the windows are those that the models have "
    "seen, and nothing is claimed"
)


@dataclass(frozen=True, slots=True)
class UnseenWindows:
    """Windows of a store for each model of a run.

    Parameters
    ----------
    person
        (n_windows,): number of the person of each row of the store.
    n_persons
        Persons of the store.
    weights
        (n_models, n_windows): weight of each model in the output for a row. Rows that are not
        selected have 0.
    are_seen
        True if all persons were in the training of all models, so that no window is unseen.
    """

    person: npt.NDArray[np.int64]
    n_persons: int
    weights: npt.NDArray[np.float64]
    are_seen: bool

    def rows_of(self, model: int) -> Rows:
        """Return the rows of the store that a model is explained on, in order."""
        return np.flatnonzero(self.weights[model]).astype(np.int64)


def find_unseen(store: Store, folds: Sequence[FoldWeights], split: str | None) -> UnseenWindows:
    """Find the windows of persons that a model has not seen, for each model of a run.

    If all persons were seen by all models, all windows are taken.

    Raises
    ------
    NoMatchError
        The store has no window of the split.
    """
    is_selected = select_windows(store.table, split=split, where=None)
    index = pd.MultiIndex.from_arrays([store.table["dataset"], store.table["subject"]])
    person, persons = index.factorize()
    weights, is_seen = weigh_models(list(persons), [folds])
    is_unseen = is_selected & ~is_seen[person]
    are_seen = not is_unseen.any()
    is_used = is_selected if are_seen else is_unseen
    by_window = weights[:, person] * is_used
    return UnseenWindows(person.astype(np.int64), len(persons), by_window, are_seen)


def name_folds(run_dir: Path, folds: Sequence[FoldWeights]) -> list[str]:
    """Return the person or group that each fold holds out, else the name of its weights."""
    content = parse_json(read_text(run_dir / "folds.json", max_bytes=MAX_FOLDS_BYTES))
    names = [str(fold.get("held_out") or "") for fold in content]
    is_unique = len(set(names)) == len(names) and all(names)
    return names if is_unique else [fold.path.stem for fold in folds]


def choose_evenly(rows: Rows, person: npt.NDArray[np.int64], limit: int) -> Rows:
    """Choose rows evenly over persons, and evenly over the rows of each person.

    Parameters
    ----------
    rows
        Rows of the store in ascending order.
    person
        (n_windows,): number of the person of each row of the store.
    limit
        Largest number of rows.

    Returns
    -------
    numpy.ndarray
        Chosen rows in ascending order: the same ones in each call.

    Examples
    --------
    >>> choose_evenly(np.arange(8), np.array([0, 0, 0, 0, 0, 0, 1, 1]), 4).tolist()
    [0, 5, 6, 7]
    """
    if len(rows) <= limit:
        return rows
    groups = [rows[person[rows] == number] for number in np.unique(person[rows])]
    if len(groups) > limit:
        groups = [groups[i] for i in _spread_positions(len(groups), limit)]
    quota = limit // len(groups)
    chosen = [group[_spread_positions(len(group), quota)] for group in groups]
    return np.sort(np.concatenate(chosen))


def _spread_positions(n: int, limit: int) -> npt.NDArray[np.int64]:
    """Return at most ``limit`` positions from 0 to n - 1, evenly spread."""
    if n <= limit:
        return np.arange(n)
    if limit == 1:
        return np.array([n // 2])
    return np.round(np.linspace(0, n - 1, limit)).astype(np.int64)


def stream_windows(
    store: Store, rows: Rows, device: torch.device, card: ModelCard | None = None
) -> Iterator[tuple[Tensor, Rows]]:
    """Yield batches of signals (batch, n_chans, n_times) on a device with their rows, in order.

    Parameters
    ----------
    store
        Store of the windows.
    rows
        Rows in ascending order. At least one.
    device
        Device of the signals.
    card
        Description of the model whose normalization is applied. None keeps µV.
    """
    mask = np.zeros(len(store), bool)
    mask[rows] = True
    batches = StreamingDataset(
        store,
        where=mask,
        target=np.zeros(len(store), np.int64),  # because the store may lack the target
        normalize=card.stream_normalize if card else None,
        batch_size=batch_size(store.shape[1] * store.shape[2]),
        shuffle=False,
        rank=0,
        world_size=1,
    )
    for signals, _, index in to_device(batches, device):
        yield signals, index.cpu().numpy()


def batch_size(window_size: int) -> int:
    """Return the number of windows in a batch for a number of samples of a window."""
    return int(np.clip(SAMPLES_AT_ONCE // window_size, MIN_BATCH, MAX_BATCH))
