"""The run that a training begins with: its model, its settings and the persons it has seen."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from bids_dl.config.training_stage import TrainConfig
from bids_dl.datamodel import Person
from bids_dl.errors import ConfigError, ModelError
from bids_dl.models.checkpoint import ModelCard
from bids_dl.models.transfer import SourceModel, read_source
from bids_dl.prediction import FoldWeights, read_folds
from bids_dl.store import Store
from bids_dl.training.folds.fold import Fold
from bids_dl.training.folds.people import describe_people, find_people
from bids_dl.wording import count, join_names

FOLDS_FILE = "folds.json"  # of a run folder
SUFFIX = ".safetensors"
SHOWN = 3  # names of files in a message


@dataclass(frozen=True, slots=True, eq=False)
class SourceRun:
    """A model of a finished run, and the persons that it has seen.

    Parameters
    ----------
    model
        The model.
    seen
        Persons in its training or validation, or in those of the weights that it began with.
        Empty for a checkpoint outside of a run folder.
    """

    model: SourceModel
    seen: frozenset[Person]


def find_source(config: TrainConfig) -> SourceRun | None:
    """Read the model that a training begins with. None if it begins with no run.

    Raises
    ------
    ConfigError
        There is no such folder or file, the folder has several models, or another option
        contradicts ``init_from``.
    ModelError
        The run is not finished, or the file is no checkpoint.
    """
    if config.init_from is None:
        if config.channels != "match":
            raise ConfigError(
                f"--channels {config.channels} has no effect without a run to begin with; add "
                "--init-from RUN"
            )
        return None
    if config.weights is not None:
        raise ConfigError(
            f"--init-from {config.init_from} and --weights {config.weights} both name the weights "
            "to begin with; leave one out"
        )
    path = Path(config.init_from)
    is_folder = os.path.isdir(path)  # noqa: PTH112  # False, not an error, for a name too long
    if is_folder:
        fold = _find_only_model(path, config.init_from)
    elif path.suffix == SUFFIX and os.path.isfile(path):  # noqa: PTH113
        fold = _find_fold(path)
    else:
        raise ConfigError(
            f"--init-from {config.init_from}: no such run; give a run folder of bids-dl train, or "
            f"one of its {SUFFIX} files"
        )
    name = f"{path.name}/{fold.path.name}" if is_folder else path.name
    return SourceRun(read_source(fold.path, name), fold.seen)


def adopt_settings(config: TrainConfig, source: SourceRun | None) -> TrainConfig:
    """Return settings with the architecture and options of the run to begin with.

    Raises
    ------
    ConfigError
        Another architecture or another value of an option is requested.
    """
    if source is None:
        return config
    card = source.model.card
    if config.model != TrainConfig().model:
        check_model(config.model, source)
    for option, value in config.model_options.items():
        if option not in card.options or card.options[option] != value:
            found = card.options.get(option, "its default")
            raise ConfigError(
                f"--model-option {option}={value}: --init-from {source.model.name} has {found}, "
                "whose weights would not fit; leave the option out"
            )
    return replace(config, model=card.model, model_options=dict(card.options))


def check_model(name: str, source: SourceRun) -> None:
    """Refuse another architecture than that of the run to begin with.

    Raises
    ------
    ConfigError
        The names differ.
    """
    if name != source.model.card.model:
        raise ConfigError(
            f"--model {name}: --init-from {source.model.name} is {source.model.card.model}; leave "
            "--model out"
        )


def check_rate(card: ModelCard, store: Store, name: str) -> None:
    """Refuse a store of another sampling rate than that of the run to begin with.

    Raises
    ------
    ModelError
        The rates differ.
    """
    if store.sfreq != card.sfreq:
        raise ModelError(
            f"--init-from {name} was trained at {card.sfreq:g} Hz, {store.location.name} has "
            f"{store.sfreq:g} Hz; convert with --recipe and a step resample to {card.sfreq:g} Hz"
        )


def find_seen(source: SourceRun | None, folds: Sequence[Fold], table: pd.DataFrame) -> list[Person]:
    """List the tested persons that the run to begin with has seen.

    Parameters
    ----------
    source
        The run.
    folds
        Folds of the new training.
    table
        Table of the whole store.
    """
    if source is None:
        return []
    return [person for person in _list_tested(folds, table) if person in source.seen]


def warn_of_seen(
    source: SourceRun | None, seen: Sequence[Person], folds: Sequence[Fold], table: pd.DataFrame
) -> list[str]:
    """Return a warning on the persons of `find_seen`, if there are any."""
    if source is None or not seen:
        return []
    n_tested = len(_list_tested(folds, table))
    return [
        f"LEAK: {len(seen)} of {count(n_tested, 'tested person')} were in the training of "
        f"--init-from {source.model.name} ({describe_people(seen, with_dataset=True)}); the result "
        "does not hold for new people: begin with a run that has not seen them"
    ]


def describe_seen(source: SourceRun | None) -> dict[str, Any]:
    """Return the persons seen by the run to begin with, as they are written in folds.json."""
    if source is None:
        return {}
    return {"initial": [list(person) for person in sorted(source.seen)]}


def _list_tested(folds: Sequence[Fold], table: pd.DataFrame) -> list[Person]:
    """List the persons with a test window in a fold, in the order of the store."""
    people = find_people(table)
    tested = {int(code) for fold in folds for code in set(people.codes[fold.test].tolist())}
    return [people.names[code] for code in sorted(tested)]


def _find_only_model(folder: Path, name: str) -> FoldWeights:
    """Return the model of a run folder with a single one."""
    folds = read_folds(folder)
    if len(folds) > 1:
        files = join_names([fold.path.name for fold in folds], limit=SHOWN)
        raise ConfigError(
            f"--init-from {name}: the run has {len(folds)} models, {files}; name one of the files"
        )
    return folds[0]


def _find_fold(path: Path) -> FoldWeights:
    """Return a checkpoint with the persons that the folder of its run names."""
    if (path.parent / FOLDS_FILE).is_file():
        for fold in read_folds(path.parent):
            if fold.path.name == path.name:
                return fold
    return FoldWeights(path, frozenset())
