"""Predict the target of every window of a store with the models of runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from pandas.api.types import is_numeric_dtype
from torch import Tensor, nn

from bids_dl.config.json_schema import Schema, find_violation
from bids_dl.datamodel import Person
from bids_dl.errors import ModelError
from bids_dl.input import parse_json, read_text
from bids_dl.models import check_shape
from bids_dl.models.channel_selection import SelectedChannels, arrange_input, check_channels
from bids_dl.models.checkpoint import ModelCard, load_checkpoint
from bids_dl.models.compute import pick_device
from bids_dl.models.pretext import refuse_pretext
from bids_dl.models.target import TargetSpec
from bids_dl.models.target_columns import MISSING_NAME, name_classes
from bids_dl.models.target_decoding import decode
from bids_dl.store import Store, open_store
from bids_dl.stream import Batch, StreamingDataset, to_device
from bids_dl.stream.select import select_windows
from bids_dl.wording import join_names

BATCH_SIZE = 256
MAX_FOLDS_BYTES = 200_000_000  # of folds.json; a thousand folds of as many people take 50 MB
IDENTIFYING_COLUMNS = ("dataset", "subject", "session", "run", "recording", "block", "onset")
"""Columns of a store that each table of predictions repeats, where the store has them."""
SEEN = ("train", "validation", "initial")  # sides of a fold whose persons its model has seen
PERSONS: Schema = {
    "type": "array",
    "items": {"type": "array", "items": {"type": "string"}, "minItems": 2, "maxItems": 2},
}
FOLDS_SCHEMA: Schema = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {**dict.fromkeys(SEEN, PERSONS), "weights": {"type": "string"}},
        "required": ["train", "validation", "weights"],
    },
}
"""Schema of what predictions need of folds.json in a run folder of this or an earlier version."""


@dataclass(frozen=True, slots=True)
class Outputs:
    """Outputs of a model for windows, on the CPU, in the order of the batches."""

    index: Tensor  # int64 (n_windows,): rows of the store
    target: Tensor  # (n_windows,) or (n_windows, k): as the stream delivers it
    outputs: Tensor  # float32 (n_windows, n_outputs)


@dataclass(frozen=True, slots=True)
class FoldWeights:
    """Checkpoint of one model of a run, and the persons it was fitted on."""

    path: Path
    seen: frozenset[Person]  # in training or validation, also of the weights it began with


def apply(model: nn.Module, batches: Iterable[Batch], device: torch.device) -> Outputs:
    """Run a model over batches in float32, without gradients.

    Parameters
    ----------
    model
        Model on ``device``. It is set to evaluation mode.
    batches
        A `StreamingDataset`, or another iterable of batches. At least one.
    device
        Device of the computation.
    """
    indices: list[Tensor] = []
    targets: list[Tensor] = []
    outputs: list[Tensor] = []
    model.eval()
    with torch.inference_mode():
        for signals, target, index in to_device(batches, device):
            indices.append(index)
            targets.append(target)
            outputs.append(model(signals).float())
    return Outputs(torch.cat(indices).cpu(), torch.cat(targets).cpu(), torch.cat(outputs).cpu())


def predict(
    store_url: str,
    run_dir: str | Path | Sequence[str | Path],
    *,
    split: str | None = None,
    device: str = "auto",
    storage_options: Mapping[str, Any] | None = None,
) -> pd.DataFrame:
    """Predict the target of the windows of a store.

    The prediction for a person is the mean over those models that were not fitted on that person:
    one model for a person of a leave-one-person-out run, all models for new persons. Runs count
    equally, whatever their number of models. If all models of all runs were fitted on a person,
    the mean is over all of them, and ``seen`` is True. Such rows do not test the models.

    Parameters
    ----------
    store_url
        Path or URL of a store.
    run_dir
        Run folder of `bids_dl.training.train`, or several with the same target.
    split
        Predict only the windows of this split. None takes all.
    device
        Device as in ``torch.device``. ``"auto"`` picks the first available of CUDA, MPS and CPU.
    storage_options
        Options for the file system of the URL, as in fsspec.

    Returns
    -------
    pandas.DataFrame
        One row per window, as `tabulate_predictions` describes them, and ``seen``.

    Raises
    ------
    ModelError
        A folder is not a complete run, the runs have different targets, or channels, sampling rate
        or window length of the store differ from those of a run.
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
    run_dirs = [run_dir] if isinstance(run_dir, str | Path) else run_dir
    runs = {Path(path): read_folds(Path(path)) for path in run_dirs}
    spec = check_runs(store, runs)
    is_selected = select_windows(store.table, split=split, where=None)
    row_person, persons = _persons(store.table).factorize()
    weights, is_seen = weigh_models(list(persons), list(runs.values()))
    torch_device = pick_device(device)
    mean = np.zeros((len(is_selected), spec.n_outputs))
    for fold, of_person in zip(chain.from_iterable(runs.values()), weights, strict=True):
        weight = of_person[row_person]
        rows = is_selected & (weight > 0)
        if rows.any():
            model, card = load_checkpoint(fold.path)
            stream = stream_rows(store, card, rows)
            outputs = apply(model.to(torch_device), stream, torch_device)
            index = outputs.index.numpy()
            mean[index] += weight[index, None] * decode(card.target, outputs.outputs.numpy())
    selected = store.table[is_selected]
    columns = _stored_targets(selected, spec)
    predictions = _tabulate(selected, spec, mean[is_selected], columns)
    return predictions.assign(seen=is_seen[row_person[is_selected]])


def weigh_models(
    persons: Sequence[Person], runs: Sequence[Sequence[FoldWeights]]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Return the weight of each model in the prediction for each person.

    Parameters
    ----------
    persons
        Persons to predict.
    runs
        Models of each run.

    Returns
    -------
    weights
        (n_models, n_persons): models of one run after the other. Each column sums to 1. A model
        that was fitted on the person has weight 0, unless all models were. The runs of the other
        models have equal weights, and so have the models within a run.
    is_seen
        (n_persons,): True if all models were fitted on the person.
    """
    models = list(chain.from_iterable(runs))
    weights = np.zeros((len(models), len(persons)))
    for i, model in enumerate(models):
        weights[i] = [person not in model.seen for person in persons]
    is_seen = np.asarray(~weights.any(axis=0))
    weights[:, is_seen] = 1
    first = 0
    for run in runs:
        of_run = weights[first : first + len(run)]
        of_run /= np.maximum(of_run.sum(axis=0), 1)
        first += len(run)
    return weights / weights.sum(axis=0), is_seen


def stream_rows(
    store: Store, card: ModelCard, rows: npt.NDArray[np.bool_]
) -> StreamingDataset | SelectedChannels:
    """Stream the rows of a store in order, normalized as for training, with targets of 0.

    The batches have the channels of the card in its order, whatever others the store has.
    """
    normalize, indices = arrange_input(card, store)
    stream = StreamingDataset(
        store,
        where=rows,
        target=np.zeros(len(rows), np.int64),  # because the store may lack the target
        normalize=normalize,
        batch_size=BATCH_SIZE,
        shuffle=False,
        rank=0,
        world_size=1,
    )
    return stream if indices is None else SelectedChannels(stream, indices)


def tabulate_predictions(
    table: pd.DataFrame,
    spec: TargetSpec,
    decoded: npt.NDArray[np.float64],
    values: npt.NDArray[Any] | None,
) -> pd.DataFrame:
    """Join predictions with the persons and the true targets of rows of a store.

    Parameters
    ----------
    table
        (n_rows,): rows of the store, with their numbers as index.
    spec
        Target of the model.
    decoded
        (n_rows, n_outputs): predictions, by `decode`.
    values
        (n_rows,) or (n_rows, n_columns): true targets, as in `TargetValues`. None if they are not
        known.

    Returns
    -------
    pandas.DataFrame
        ``window`` (row of the store), ``dataset`` and ``subject``, and ``session``, ``run``,
        ``recording``, ``block`` and ``onset`` if the store has them; then the true target under
        the name of each of its columns. Classes have ``predicted`` and ``p_<class>`` for each
        class, a number has ``predicted``, shares and labels have ``p_<column>`` for each column.
    """
    columns: dict[str, Any] = {}
    if values is not None and spec.kind == "classes":
        names = np.array([*spec.outputs, MISSING_NAME], dtype=object)
        columns[spec.columns[0]] = names[values]  # the index of a missing class is -1
    elif values is not None:
        by_column = np.atleast_2d(values.T)
        columns = dict(zip(spec.columns, by_column, strict=True))
    return _tabulate(table, spec, decoded, columns)


def _tabulate(
    table: pd.DataFrame,
    spec: TargetSpec,
    decoded: npt.NDArray[np.float64],
    targets: Mapping[str, Any],
) -> pd.DataFrame:
    """Return the table of `tabulate_predictions` for given columns of true targets."""
    columns: dict[str, Any] = {"window": table.index}
    for name in IDENTIFYING_COLUMNS:
        if name in table:
            columns[name] = table[name]
    columns |= targets
    if spec.kind == "classes":
        columns["predicted"] = np.array(spec.outputs, dtype=object)[decoded.argmax(axis=1)]
    if spec.kind == "number":
        columns["predicted"] = decoded[:, 0]
    else:
        for name, of_output in zip(spec.outputs, decoded.T, strict=True):
            columns[f"p_{name}"] = of_output
    return pd.DataFrame({name: np.asarray(values) for name, values in columns.items()})


def _stored_targets(table: pd.DataFrame, spec: TargetSpec) -> dict[str, Any]:
    """Return the columns of a target in any store, also classes that the model does not know.

    The result is empty if the store lacks a column, or has text in place of shares.
    """
    if not set(spec.columns) <= set(table.columns):
        return {}
    if spec.kind == "classes":
        return {spec.columns[0]: name_classes(table[spec.columns[0]])}
    stored = table[list(spec.columns)]
    if spec.kind == "shares":
        if not all(is_numeric_dtype(stored[name]) for name in stored):
            return {}
        sums = stored.sum(axis=1, skipna=False)
        stored = stored.div(sums.where(sums > 0), axis=0)
    return {name: stored[name] for name in spec.columns}


def check_runs(store: Store, runs: Mapping[Path, Sequence[FoldWeights]]) -> TargetSpec:
    """Return the target of all runs, with the statistics of the first model.

    Raises
    ------
    ModelError
        The runs have different targets, or the store does not fit a run.
    """
    specs: dict[Path, TargetSpec] = {}
    for run_dir, folds in runs.items():
        _, card = load_checkpoint(folds[0].path)
        check_store(store, card, run_dir, by_name=True)
        refuse_pretext(card.target, run_dir)
        specs[run_dir] = card.target
    if not specs:
        raise ModelError("no run folder to predict with: the list is empty")
    first_dir = next(iter(specs))
    first = specs[first_dir]
    for run_dir, spec in specs.items():
        if _meaning(spec) != _meaning(first):
            raise ModelError(
                f"{run_dir} predicts {_describe(spec)}, but {first_dir} predicts "
                f"{_describe(first)}; runs that are averaged must have the same target and outputs"
            )
    return first


def _meaning(spec: TargetSpec) -> tuple[Any, ...]:
    """Return everything but the name and the statistics, which differ between folds."""
    return spec.kind, spec.columns, spec.outputs


def _describe(spec: TargetSpec) -> str:
    text = f"{spec.kind} of {join_names(spec.columns)}"
    return f"{text} ({join_names(spec.outputs)})" if spec.kind == "classes" else text


def check_store(store: Store, card: ModelCard, run_dir: Path, *, by_name: bool = False) -> None:
    """Raise `ModelError` if the windows of a store differ from those a run was trained on.

    With ``by_name``, the store may have the channels in another order, and others beside them, as
    `stream_rows` finds them by name.
    """
    name = store.location.name
    run = f"the run {run_dir}"
    check_shape(card.model, (len(card.input_channels), store.shape[2]), name)
    check_channels(card, store, run, by_name=by_name)
    found, expected = f"{store.sfreq:g} Hz", f"at {card.sfreq:g} Hz"
    if store.sfreq == card.sfreq:
        found, expected = str(store.shape[2]), f"on windows of {card.n_times} samples"
    if (store.sfreq, store.shape[2]) != (card.sfreq, card.n_times):
        raise ModelError(f"{name}: {run} was trained {expected}, the store has {found}")


def read_folds(run_dir: Path) -> list[FoldWeights]:
    """Return the checkpoints of a run folder.

    Raises
    ------
    ModelError
        The folder is not a run, or the training was not finished.
    """
    folds: list[FoldWeights] = []
    if not run_dir.exists():
        raise ModelError(f"{run_dir}: not a run folder of bids-dl train (no such folder)")
    try:
        content = parse_json(read_text(run_dir / "folds.json", max_bytes=MAX_FOLDS_BYTES))
        problem = find_violation(content, FOLDS_SCHEMA)
        if problem:
            raise ValueError(problem)
        for fold in content:
            pairs = chain.from_iterable(fold.get(side, []) for side in SEEN)
            seen = frozenset((dataset, subject) for dataset, subject in pairs)
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
            f"{run_dir}: {missing[0]} is missing: training was not finished; "
            "the same bids-dl train command finishes it"
        )
    return folds


def _persons(table: pd.DataFrame) -> pd.MultiIndex:
    """Return the person (dataset, subject) of each row."""
    return pd.MultiIndex.from_arrays([table["dataset"], table["subject"]])
