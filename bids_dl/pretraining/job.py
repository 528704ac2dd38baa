"""Everything that a pretraining needs, checked before anything is written."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, cast

import numpy as np

from bids_dl.config.pretraining_stage import PretrainConfig
from bids_dl.config.training_stage import TrainConfig
from bids_dl.datamodel import Person
from bids_dl.errors import ConfigError, TargetError
from bids_dl.models import ModelSpec
from bids_dl.models.checkpoint import ModelCard
from bids_dl.models.compute import pick_device, pick_precision
from bids_dl.models.pretext import RELATIVE_POSITION
from bids_dl.pretraining.pair_network import count_features
from bids_dl.pretraining.pair_stream import PairStream
from bids_dl.pretraining.pairs import Distances, PairedRecording, find_recordings, keep_paired
from bids_dl.splits import SPLITS
from bids_dl.store import Store, open_store
from bids_dl.stream import StreamingDataset, training_statistics
from bids_dl.stream.normalize import make_normalizer
from bids_dl.training.fitting import Compute, Data
from bids_dl.training.folds.by_person import check_disjoint
from bids_dl.training.folds.description import describe_folds
from bids_dl.training.folds.fold import Fold, make_fold
from bids_dl.training.folds.people import describe_people, find_people
from bids_dl.training.metrics import make_monitor
from bids_dl.training.model_choice import choose_model, make_card
from bids_dl.training.objectives import make_objective
from bids_dl.training.run_folder import RunDocuments, describe_config, describe_environment
from bids_dl.training.scaling import Scaling
from bids_dl.wording import count

MODEL_NAME = "weights"  # of the only model of the run
NEAR_WINDOWS, FAR_WINDOWS = 2, 30  # default distances in lengths of a window, as for sleep
HELD_OUT_SPLITS = SPLITS[1:]
COLUMNS = ("dataset", "subject", "recording", "onset", "split")


@dataclass(frozen=True, slots=True, eq=False)
class PretrainJob:
    """A pretraining before its first step.

    Parameters
    ----------
    store, config
        Store and settings.
    card
        Description of the model.
    distances
        Distances of near and far windows.
    fold
        Windows of the training persons, and those of held-out persons as test.
    training, held_out
        Recordings of each side that have pairs.
    scaling
        Normalization of the windows and its reason.
    compute
        Device and precision.
    warnings
        Lines about recordings that are left out, and about the model.
    """

    store: Store
    config: PretrainConfig
    card: ModelCard
    distances: Distances
    fold: Fold
    training: tuple[PairedRecording, ...]
    held_out: tuple[PairedRecording, ...]
    scaling: Scaling
    compute: Compute
    warnings: tuple[str, ...]

    @property
    def n_features(self) -> int:
        """Number of features before the last layer of the model."""
        return count_features(self.card)


def prepare_pretraining(
    store_url: str, config: PretrainConfig, storage_options: Mapping[str, Any] | None
) -> PretrainJob:
    """Open the store, and check that model, pairs and device fit it.

    Parameters
    ----------
    store_url, storage_options
        Store, as in `open_store`.
    config
        Settings.

    Raises
    ------
    StoreError, ConfigError, TargetError, ModelError
        The store cannot be read, or a setting does not fit it.
    """
    device = pick_device(config.device)
    compute = Compute(device, pick_precision(config.precision, device))
    store = open_store(store_url, storage_options=storage_options)
    training_config = as_training(config)
    model = choose_model(training_config, store)
    distances = choose_distances(config, store.shape[2] / store.sfreq)
    fold = split_store(store)
    name = store.location.name
    recordings = find_recordings(store.table, fold.train, distances)
    training, lines = keep_paired(recordings, f"{name}, training persons")
    recordings = find_recordings(store.table, fold.test, distances)
    held_out, more_lines = keep_paired(recordings, f"{name}, held-out persons")
    scaling = choose_scaling(config, model.spec)
    card = make_card(model, training_config, store, RELATIVE_POSITION, scaling.normalize)
    if card.normalize == "training":
        is_training = np.zeros(len(store), bool)
        is_training[fold.train] = True
        mean, std = training_statistics([store], store.table, is_training)
        card = replace(card, mean=tuple(map(float, mean)), std=tuple(map(float, std)))
    count_features(card)  # refuses a model without features
    return PretrainJob(
        store,
        config,
        card,
        distances,
        fold,
        tuple(training),
        tuple(held_out),
        scaling,
        compute,
        (*model.warnings, *lines, *more_lines),
    )


def as_training(config: PretrainConfig) -> TrainConfig:
    """Return the settings of the loop of trainings.

    Examples
    --------
    >>> as_training(PretrainConfig(epochs=3)).epochs
    3
    """
    return TrainConfig(
        model=config.model,
        model_options=dict(config.model_options),
        target=RELATIVE_POSITION.columns,
        epochs=config.epochs,
        batch_size=config.batch_size,
        lr=config.lr,
        seed=config.seed,
        device=config.device,
        precision=config.precision,
        checkpoint_minutes=config.checkpoint_minutes,
    )


def choose_distances(config: PretrainConfig, window: float) -> Distances:
    """Return the requested distances, or those by the length of the windows in s.

    Raises
    ------
    ConfigError
        Near windows would share samples, or near is more than far.

    Examples
    --------
    >>> choose_distances(PretrainConfig(far=600.0), window=30.0)
    Distances(window=30.0, near=60.0, far=600.0)
    """
    near = NEAR_WINDOWS * window if config.near is None else config.near
    far = FAR_WINDOWS * window if config.far is None else config.far
    if near < window:
        raise ConfigError(
            f"--near {near:g}: windows of {window:g} s that share no sample are at least "
            f"{window:g} s apart; use a larger value"
        )
    if far < near:
        raise ConfigError(f"--far {far:g}: expected at least --near {near:g}")
    return Distances(window, near, far)


def choose_scaling(config: PretrainConfig, model: ModelSpec) -> Scaling:
    """Return the requested normalization, that of the publication of the model, or by recording.

    Raises
    ------
    ConfigError
        The model expects another normalization.
    """
    if model.has_fixed_scale and config.normalize not in ("auto", model.normalize):
        raise ConfigError(
            f"--normalize {config.normalize}: model {model.name} expects {model.normalize}; "
            "leave the option out"
        )
    if config.normalize != "auto":
        return Scaling(config.normalize, "it was requested")
    if model.normalize is not None:
        return Scaling(model.normalize, f"{model.name} was published with it")
    return Scaling("recording", "pairs are of one recording")


def split_store(store: Store) -> Fold:
    """Return the windows of the training persons, and those of all others as test.

    Raises
    ------
    TargetError
        A column is missing, a side has no person, or a person is on both sides.
    """
    name = store.location.name
    table = store.table
    missing = [column for column in COLUMNS if column not in table]
    if missing:
        raise TargetError(f"{name}: pretraining needs the column {missing[0]!r}; convert again")
    split = table["split"].to_numpy()
    rows = {
        "train": np.flatnonzero(split == SPLITS[0]),
        "test": np.flatnonzero(np.isin(split, HELD_OUT_SPLITS)),
    }
    people = find_people(table)
    persons: dict[str, list[Person]] = {}
    for side, of_side in rows.items():
        persons[side] = [people.names[i] for i in np.unique(people.codes[of_side])]
    for side, names in persons.items():
        if not names:
            splits = " and ".join(SPLITS[:1] if side == "train" else HELD_OUT_SPLITS)
            raise TargetError(
                f"{name}: no window is in the split {splits}; convert with --split, such as "
                "--split 0.7,0.15,0.15"
            )
    check_disjoint({"train": persons["train"], "validation": [], "test": persons["test"]}, name)
    held_out = describe_people(persons["test"], with_dataset=len({p[0] for p in people.names}) > 1)
    return make_fold(0, held_out, same_person=False, train=rows["train"], test=rows["test"])


def make_data(job: PretrainJob) -> Data:
    """Return shuffled pairs of the training persons, and fixed ones of held-out persons."""
    held_out = stream_held_out(job)
    config = as_training(job.config)
    target = np.arange(RELATIVE_POSITION.n_outputs)
    return Data(
        # the loop uses no more of a stream than a stream of pairs has
        cast(StreamingDataset, _stream(job, job.training, shuffle=True)),
        lambda _: cast(StreamingDataset, held_out),
        np.arange(held_out.n_pairs),
        RELATIVE_POSITION,
        make_objective(RELATIVE_POSITION, config, target, job.compute.device),
        make_monitor("loss", RELATIVE_POSITION),
    )


def stream_held_out(job: PretrainJob) -> PairStream:
    """Return the pairs of held-out persons, the same ones in each epoch."""
    return _stream(job, job.held_out, shuffle=False)


def describe_job(job: PretrainJob) -> RunDocuments:
    """Return the description of a pretraining, in the form of that of a training."""
    config = describe_config(job.store, as_training(job.config))
    settings = asdict(job.config)
    command = _command_line(config["store"]["url"], settings)
    [fold] = describe_folds([job.fold], job.store.table)
    return RunDocuments(
        config | {"command": command, "pretext": RELATIVE_POSITION.name, "settings": settings},
        describe_environment(job.compute.device),
        [{"seed": job.config.seed, **fold, "weights": f"{MODEL_NAME}.safetensors"}],
    )


def describe_start(job: PretrainJob, folder: str) -> str:
    """Describe the model and the pairs in one line."""
    n_pairs = _stream(job, job.training, shuffle=True).n_pairs
    limits = job.distances
    text = (
        f"{job.store.location.name}: {count(n_pairs, 'pair')} per epoch of "
        f"{count(len(job.training), 'recording')}, near up to {limits.near:g} s, far more than "
        f"{limits.far:g} s, {job.config.model} on {job.compute.device}, normalized by "
        f"{job.scaling.normalize} ({job.scaling.reason}), run folder {folder}"
    )
    return "; ".join([text, *job.warnings])


def _stream(
    job: PretrainJob, recordings: tuple[PairedRecording, ...], *, shuffle: bool
) -> PairStream:
    normalize = job.card.stream_normalize
    return PairStream(
        job.store,
        recordings,
        normalizer=make_normalizer([job.store], job.store.table, normalize),
        batch_size=job.config.batch_size,
        seed=job.config.seed,
        shuffle=shuffle,
    )


def _command_line(url: str, settings: Mapping[str, Any]) -> str:
    """Return the shell command that repeats a pretraining."""
    words = ["bids-dl", "pretrain", url]
    defaults = asdict(PretrainConfig())
    for option, value in settings.items():
        if option != "model" and value == defaults[option]:
            continue
        flag = f"--{option.replace('_', '-')}"
        if isinstance(value, dict):
            for name, setting in value.items():
                words += [flag.removesuffix("s"), f"{name}={setting}"]
        else:
            words += [flag, str(value)]
    return shlex.join(words)
