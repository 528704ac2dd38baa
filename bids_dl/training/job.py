"""Everything that the models of a run share, checked before anything is written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from bids_dl.config.training_options import VoteUnit
from bids_dl.config.training_stage import TrainConfig
from bids_dl.errors import ConfigError, ModelError, TargetError
from bids_dl.models.checkpoint import ModelCard
from bids_dl.models.compute import pick_device, pick_precision
from bids_dl.models.target import TargetSpec
from bids_dl.models.target_columns import TargetValues, keep_known_classes, read_target
from bids_dl.models.weights import PretrainedFile
from bids_dl.prediction import BATCH_SIZE
from bids_dl.store import Store, open_store
from bids_dl.stream import StreamingDataset, training_statistics
from bids_dl.training.augmentation import check_augmentation
from bids_dl.training.distributed import Ranks
from bids_dl.training.fitting import Compute, Data
from bids_dl.training.folds.conditions import rows_where
from bids_dl.training.folds.fold import Fold, Rows
from bids_dl.training.folds.known import find_known
from bids_dl.training.folds.planning import plan_folds
from bids_dl.training.logs import check_logger
from bids_dl.training.metrics import Monitor, check_vote_unit, default_vote_unit, make_monitor
from bids_dl.training.model_choice import ModelChoice, build_initial, choose_model, make_card
from bids_dl.training.objectives import check_objective, fit_target, make_objective
from bids_dl.training.optimization import check_optimizer
from bids_dl.training.scaling import Scaling, choose_normalization, warn_of_recordings
from bids_dl.training.source_run import (
    SourceRun,
    adopt_settings,
    check_rate,
    find_seen,
    find_source,
    warn_of_seen,
)


@dataclass(frozen=True, slots=True, eq=False)
class TrainingJob:
    """A run before its models are trained.

    Parameters
    ----------
    store, config
        Store and settings.
    card
        Description of the models, without statistics of training windows.
    target
        Target of all windows of the store.
    known
        (n_windows,): windows that have a target and meet the conditions of the settings.
    folds
        Windows of each side of each fold.
    monitor
        Validation metric that early stopping watches.
    scaling
        Normalization of the windows and its reason.
    vote_by
        Unit whose windows vote together.
    compute
        Device, precision and processes.
    warnings
        Lines about the folds and the model.
    weights
        File of the weights that each model begins with, None for random ones.
    source
        Run whose model each model begins with, None for another beginning.
    n_seen
        Number of tested persons that ``source`` has seen.
    """

    store: Store
    config: TrainConfig
    card: ModelCard
    target: TargetValues
    known: npt.NDArray[np.bool_]
    folds: tuple[Fold, ...]
    monitor: Monitor
    scaling: Scaling
    vote_by: VoteUnit
    compute: Compute
    warnings: tuple[str, ...]
    weights: PretrainedFile | None = None
    source: SourceRun | None = None
    n_seen: int = 0

    @property
    def seeds(self) -> range:
        """Seeds to train with. The first one is that of the settings."""
        return range(self.config.seed, self.config.seed + self.config.seeds)


def check_settings(config: TrainConfig) -> None:
    """Refuse settings that contradict each other.

    Raises
    ------
    ConfigError
        A setting has no effect, or is out of the range that another one sets.

    Examples
    --------
    >>> check_settings(TrainConfig(monitor="r2"))
    Traceback (most recent call last):
    ...
    bids_dl.errors.ConfigError: --monitor r2 has no effect without --patience; add --patience N
    """
    if config.monitor != "loss" and config.patience is None:
        raise ConfigError(
            f"--monitor {config.monitor} has no effect without --patience; add --patience N"
        )
    if config.warmup >= config.epochs:
        raise ConfigError(
            f"--warmup {config.warmup:g}: expected fewer epochs than --epochs {config.epochs}"
        )
    if config.min_lr and config.schedule != "cosine":
        raise ConfigError(
            f"--min-lr {config.min_lr:g} has no effect without a schedule; add --schedule cosine"
        )
    if config.min_lr > config.lr:
        raise ConfigError(f"--min-lr {config.min_lr:g}: expected at most --lr {config.lr:g}")
    for option in ("model_options", "optimizer_options"):
        _check_plain(option, getattr(config, option))
    check_augmentation(config.augment)
    check_logger(config.log)


def prepare_job(
    store_url: str,
    config: TrainConfig,
    storage_options: Mapping[str, Any] | None,
    *,
    ranks: Ranks,
    device: str,
) -> TrainingJob:
    """Open the store, and check that model, target, folds and device fit it.

    Parameters
    ----------
    store_url, storage_options
        Store, as in `open_store`.
    config
        Settings.
    ranks
        Number of this process.
    device
        Device of this process.

    Raises
    ------
    StoreError, ConfigError, TargetError, ModelError
        The store cannot be read, or a setting does not fit it.
    """
    check_settings(config)
    torch_device = pick_device(device)
    source = find_source(config)
    config = adopt_settings(config, source)
    store = open_store(store_url, storage_options=storage_options)
    name = store.location.name
    model = _choose_model(config, store, source)
    table = store.table
    target = read_target(
        table,
        config.target,
        kind=config.target_kind,
        classes=store.attributes.get("classes"),
        source=name,
    )
    _check_loss(target.spec, config)
    is_selected = rows_where(table, config.where, name)
    known = find_known(target, is_selected, name, drop_missing=config.drop_missing)
    target = keep_known_classes(target, known)
    classes_of = target.values if target.spec.kind == "classes" else None
    plan = plan_folds(
        table,
        config,
        known=known,
        classes_of=classes_of,
        window_seconds=store.shape[2] / store.sfreq,
        store_name=name,
    )
    tested = target.values[known]
    vote_by = config.vote_by or default_vote_unit(table[known], target.spec, tested)
    check_vote_unit(table[known], target.spec, tested, vote_by)
    scaling = _inherit_scaling(config, source)
    doubts: list[str] = []
    if scaling is None:
        scaling = choose_normalization(config, model.spec, table, known, target.values)
    else:
        doubts = warn_of_recordings(scaling.normalize, table, known, target.values)
    card = make_card(model, config, store, target.spec, scaling.normalize)
    seen = find_seen(source, plan.folds, table)
    compute = Compute(torch_device, pick_precision(config.precision, torch_device), ranks)
    job = TrainingJob(
        store,
        config,
        card,
        target,
        known,
        tuple(plan.folds),
        make_monitor(config.monitor, target.spec),
        scaling,
        vote_by,
        compute,
        (*warn_of_seen(source, seen, plan.folds, table), *plan.warnings, *doubts, *model.warnings),
        model.weights,
        source,
        len(seen),
    )
    _check_validation(job)
    check_optimizer(config, torch_device)
    _check_model(job, needs_memory=model.spec.needs_memory)
    return replace(job, warnings=(*job.warnings, *_check_initial(job)))


def seed_of_model(seed: int, fold: int) -> int:
    """Return the seed of weights and order of the model of a fold."""
    return int(np.random.SeedSequence([seed, fold]).generate_state(1)[0])


def fold_card(job: TrainingJob, train: Rows) -> ModelCard:
    """Return the card of a fold's model, with statistics of its training windows (n_windows,)."""
    spec = fit_target(job.target.spec, job.target.values[train])
    card = replace(job.card, target=spec)
    if card.normalize != "training":
        return card
    is_training = np.zeros(len(job.known), bool)
    is_training[train] = True
    mean, std = training_statistics([job.store], job.store.table, is_training)
    return replace(card, mean=tuple(map(float, mean)), std=tuple(map(float, std)))


def fold_data(job: TrainingJob, fold: Fold, card: ModelCard, seed: int) -> Data:
    """Return the windows of a fold, shuffled by a seed, with loss and monitor."""
    train = fold.train
    validation = fold.validation
    objective = make_objective(
        card.target, job.config, job.target.values[train], job.compute.device
    )
    return Data(
        stream_rows(job, card, train, seed=seed),
        lambda rows: stream_rows(job, card, rows),
        validation if len(validation) else None,
        card.target,
        objective,
        job.monitor,
    )


def stream_rows(
    job: TrainingJob, card: ModelCard, rows: Rows, *, seed: int | None = None
) -> StreamingDataset:
    """Stream rows (n_windows,) of the store with their targets, shuffled if a seed is given."""
    mask = np.zeros(len(job.known), bool)
    mask[rows] = True
    is_training = seed is not None
    return StreamingDataset(
        job.store,
        where=mask,
        target=job.target.values,
        normalize=card.stream_normalize,
        batch_size=job.config.batch_size if is_training else BATCH_SIZE,
        shuffle=is_training,
        seed=seed or 0,
        rank=0,
        world_size=1,
    )


def begin_model(job: TrainingJob, card: ModelCard) -> tuple[nn.Module, list[str]]:
    """Return a model of the run before its training, and lines, as `build_initial` does."""
    source = None if job.source is None else job.source.model
    return build_initial(card, job.weights, job.config, source)


def _choose_model(config: TrainConfig, store: Store, source: SourceRun | None) -> ModelChoice:
    """Find the model, and check that the store has the rate of the run to begin with."""
    if source is None:
        return choose_model(config, store)
    check_rate(source.model.card, store, source.model.name)
    return choose_model(config, store, source=source.model)


def _inherit_scaling(config: TrainConfig, source: SourceRun | None) -> Scaling | None:
    """Return the normalization of the run to begin with, None if another is requested."""
    if source is None or config.normalize != "auto":
        return None
    return Scaling(source.model.card.normalize, f"--init-from {source.model.name} was trained so")


def _check_plain(option: str, values: Mapping[str, Any]) -> None:
    """Refuse values that config.json cannot hold."""
    flag = f"--{option.removesuffix('s').replace('_', '-')}"
    for name, value in values.items():
        try:
            json.dumps(value, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise ConfigError(
                f"{flag} {name}: {value!r} of type {type(value).__name__} cannot be recorded "
                f"({error}); give a finite number, text, True, False, None, or a list of them"
            ) from error


def _check_loss(spec: TargetSpec, config: TrainConfig) -> None:
    """Refuse settings of the loss that do not fit the kind of the target."""
    check_objective(spec, config)
    if config.loss != "huber" and spec.kind != "number":
        raise ConfigError(
            f"--loss {config.loss} is for numbers, but {spec.name!r} is of kind {spec.kind}; "
            "leave it out"
        )


def _check_validation(job: TrainingJob) -> None:
    """Refuse early stopping if a fold has no validation windows."""
    if job.config.patience is None:
        return
    for fold in job.folds:
        if not len(fold.validation):
            raise TargetError(
                f"{job.store.location.name}: {fold.held_out} held out: no window is left for "
                "validation, which --patience needs; train without it"
            )


def _check_initial(job: TrainingJob) -> list[str]:
    """Load the weights into a model and freeze its layers once, and describe the result."""
    if job.weights is None and job.source is None and job.config.freeze is None:
        return []
    return begin_model(job, job.card)[1]


def _check_model(job: TrainingJob, *, needs_memory: bool) -> None:
    """Build the model without memory, and compute a batch of the smallest size in training.

    Raises
    ------
    ConfigError, ModelError
        An option is wrong, the windows do not fit the model, or batches are too small for it.
    """
    smallest = min(_smallest_share(len(fold.train), job) for fold in job.folds)
    with torch.device("cpu" if needs_memory else "meta"):
        model = job.card.build().train()
        signals = torch.zeros(smallest, len(job.card.channels), job.card.n_times)
        try:
            model(signals)
        except ValueError as error:  # of batch norm, which needs more than one value
            raise ModelError(
                f"model {job.config.model} cannot be trained on batches of "
                f"{smallest} for each process ({error}); use another --batch-size"
            ) from error


def _smallest_share(n_windows: int, job: TrainingJob) -> int:
    """Return the fewest windows that a process trains on at once, but those with none.

    The last two batches of an epoch share their windows evenly.
    """
    size = job.config.batch_size
    smallest = min(n_windows, size)
    if n_windows > size and n_windows % size:
        smallest = (size + n_windows % size) // 2
    return max(1, smallest // job.compute.ranks.world_size)
