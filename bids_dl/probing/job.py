"""Windows, target and folds of a probe, checked before anything is fitted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from bids_dl.config.embedding_stage import ProbeConfig
from bids_dl.config.training_options import VoteUnit
from bids_dl.config.training_stage import TrainConfig
from bids_dl.embedding import Embeddings
from bids_dl.errors import ConfigError, ModelError, TargetError
from bids_dl.models.target_columns import TargetValues, keep_known_classes, read_target
from bids_dl.training.folds import Fold, FoldPlan, find_people, make_fold, plan_folds, rows_where
from bids_dl.training.folds.known import find_known
from bids_dl.training.folds.planning import check_classes, check_options
from bids_dl.training.folds.request import make_request
from bids_dl.training.metrics import check_vote_unit, default_vote_unit
from bids_dl.training.objectives import check_objective
from bids_dl.wording import count, join_names

SAME_MODEL = {
    "weights_sha256": "weights",
    "layer": "layer",
    "side": "side of the layer",
}
"""Fields of a run that two files of embeddings must share, and their titles."""


@dataclass(frozen=True, slots=True, eq=False)
class ProbeJob:
    """A probe before its models are fitted.

    Attributes
    ----------
    embeddings
        Features of all windows; those of two stores are joined.
    config
        Settings.
    train_config
        The same settings as those of a training, for its folds and its loss.
    target
        Target of all windows.
    folds
        Windows of each side of each fold, as numbers of rows of the embeddings.
    vote_by
        Unit whose windows vote together.
    warnings
        Lines about the folds, and about persons that the network has seen.
    """

    embeddings: Embeddings
    config: ProbeConfig
    train_config: TrainConfig
    target: TargetValues
    folds: tuple[Fold, ...]
    vote_by: VoteUnit
    warnings: tuple[str, ...]


def prepare_probe(
    embeddings: Embeddings, config: ProbeConfig, test: Embeddings | None = None
) -> ProbeJob:
    """Read the target and plan the folds.

    Parameters
    ----------
    embeddings
        Features to train on and, without ``test``, to test on.
    config
        Target and folds.
    test
        Features of another store by the same layer of the same model, which are tested.

    Raises
    ------
    ConfigError, TargetError, ConditionError
        The target or the folds do not fit the table.
    ModelError
        The two embeddings are of different models or layers.
    """
    name = embeddings.origin["store"]["name"]
    joined = embeddings if test is None else join_embeddings(embeddings, test)
    table = joined.table
    target = read_target(
        table,
        config.target,
        kind=config.target_kind,
        classes=joined.origin["store"]["classes"],
        source=name,
    )
    if test is not None:
        _check_columns(target.spec.columns, embeddings, test)
    train_config = _as_training(config)
    check_objective(target.spec, train_config)
    is_selected = rows_where(table, config.where, name)
    known = find_known(target, is_selected, name, drop_missing=config.drop_missing)
    target = keep_known_classes(target, known)
    if test is None:
        plan = plan_folds(
            table,
            train_config,
            known=known,
            classes_of=target.values if target.spec.kind == "classes" else None,
            window_seconds=joined.window_seconds,
            store_name=name,
        )
    else:
        plan = _fold_of_two(embeddings, test, train_config, target, known)
    tested = target.values[known]
    vote_by = config.vote_by or default_vote_unit(table[known], target.spec, tested)
    check_vote_unit(table[known], target.spec, tested, vote_by)
    warnings = (*plan.warnings, *_warn_of_seen(joined, plan.folds))
    return ProbeJob(joined, config, train_config, target, tuple(plan.folds), vote_by, warnings)


def join_embeddings(first: Embeddings, second: Embeddings) -> Embeddings:
    """Join the embeddings of two stores by the same layer of the same model.

    Only the random networks that both have are kept. Batch norm of a random network has the
    statistics of the windows of each store, which is in favour of that floor.

    Raises
    ------
    ModelError
        The models or layers differ.
    """
    for field, title in SAME_MODEL.items():
        values = [each.origin["run"][field] for each in (first, second)]
        if values[0] != values[1]:
            raise ModelError(
                f"{second.origin['store']['name']}: embedded by the {title} {values[1]!r}, but "
                f"{first.origin['store']['name']} by {values[0]!r}; "
                "embed both stores with the same model and layer"
            )
    n_seeds = min(len(first.random_weights), len(second.random_weights))
    classes: dict[str, list[str]] = {}
    for each in (first, second):
        for column, names in each.origin["store"]["classes"].items():
            classes[column] = list(dict.fromkeys([*classes.get(column, []), *names]))
    origin = {
        **first.origin,
        "store": {**first.origin["store"], "classes": classes},
        "random_seeds": list(first.origin["random_seeds"][:n_seeds]),
    }
    random_weights = (first.random_weights[:n_seeds], second.random_weights[:n_seeds])
    return Embeddings(
        np.concatenate((first.features, second.features)),
        np.concatenate(random_weights, axis=1),
        np.concatenate((first.band_power, second.band_power)),
        pd.concat([first.table, second.table]),
        np.concatenate((first.seen, second.seen)),
        origin,
    )


def _as_training(config: ProbeConfig) -> TrainConfig:
    """Return the settings that a probe and a training share, with the squared error of ridge."""
    shared = {field.name for field in fields(TrainConfig)}
    values = {name: value for name, value in asdict(config).items() if name in shared}
    return TrainConfig(**values, loss="mse")


def _check_columns(columns: tuple[str, ...], first: Embeddings, second: Embeddings) -> None:
    """Raise `TargetError` if the table of one of two embeddings lacks the target."""
    for each in (first, second):
        missing = [column for column in columns if column not in each.table]
        if missing:
            raise TargetError(
                f"{each.origin['store']['name']}: has no column {join_names(missing)}; "
                "both stores need the target"
            )


def _fold_of_two(
    first: Embeddings,
    second: Embeddings,
    config: TrainConfig,
    target: TargetValues,
    known: npt.NDArray[np.bool_],
) -> FoldPlan:
    """Return the fold that trains on all windows of the first store and tests the second."""
    name = second.origin["store"]["name"]
    if config.folds is not None:
        raise ConfigError(
            f"--folds {config.folds} has no effect with --test, which tests all windows of {name}; "
            "leave one of them out"
        )
    check_options(config, None)
    if config.train_fraction != ProbeConfig().train_fraction:
        raise ConfigError(
            f"--train-fraction {config.train_fraction} has no effect with --test; leave it out"
        )
    is_first = np.arange(len(known)) < len(first.table)
    train = np.flatnonzero(known & is_first).astype(np.int64)
    test = np.flatnonzero(known & ~is_first).astype(np.int64)
    for rows, each in ((train, first), (test, second)):
        if not len(rows):
            raise TargetError(
                f"{each.origin['store']['name']}: no window has a target and meets --where"
            )
    people = [set(find_people(each.table).names) for each in (first, second)]
    shared = people[0] & people[1]
    fold = make_fold(0, name, same_person=bool(shared), train=train, test=test)
    table = pd.concat([first.table, second.table], ignore_index=True)
    classes_of = target.values if target.spec.kind == "classes" else None
    request = make_request(
        table,
        config,
        known=known,
        classes_of=classes_of,
        window_seconds=first.window_seconds,
        store_name=name,
    )
    # an unknown class is a warning here, because no other fold could train on it
    lenient = (replace(fold, same_person=False),)
    warnings = check_classes(lenient, request, classes_of)
    if shared:
        warnings.append(
            f"{len(shared)} of {count(len(people[1]), 'person')} of {name} are also in "
            f"{first.origin['store']['name']}"
        )
    return FoldPlan((fold,), tuple(warnings))


def count_seen(embeddings: Embeddings, folds: tuple[Fold, ...]) -> int:
    """Count the tested persons that the network has seen."""
    tested = _tested_rows(folds)
    table = embeddings.table.iloc[tested]
    return len(find_people(table[embeddings.seen[tested]]).names)


def _tested_rows(folds: tuple[Fold, ...]) -> npt.NDArray[np.int64]:
    return np.unique(np.concatenate([fold.test for fold in folds]))


def _warn_of_seen(embeddings: Embeddings, folds: tuple[Fold, ...]) -> list[str]:
    """Describe the tested persons that the network was trained on."""
    n_seen = count_seen(embeddings, folds)
    if not n_seen:
        return []
    n_tested = len(find_people(embeddings.table.iloc[_tested_rows(folds)]).names)
    return [
        f"the network was trained on {n_seen} of the {count(n_tested, 'tested person')}; "
        "their results do not tell how the embedding does on new people"
    ]


def describe_embeddings(origin: Mapping[str, Any]) -> dict[str, Any]:
    """Return run, model and layer of embeddings, for config.json."""
    run = origin["run"]
    return {name: value for name, value in run.items() if name != "card"}
