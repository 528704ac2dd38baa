"""Choice and checks of folds."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from bids_dl.config.training_stage import TrainConfig
from bids_dl.errors import ConfigError, TargetError
from bids_dl.training.folds.by_person import fold_by_split, folds_by_person
from bids_dl.training.folds.fold import Fold, FoldPlan
from bids_dl.training.folds.fraction import reduce_folds
from bids_dl.training.folds.people import Codes
from bids_dl.training.folds.request import FoldRequest, make_request
from bids_dl.training.folds.time_parts import fold_by_time
from bids_dl.training.folds.within_person import UNITS, folds_by_unit
from bids_dl.wording import closest, count, join_names

LOSO = "loso"
TIME = "time"
WITHIN_PERSON = (*UNITS, TIME)
MAX_FOLDS_NAMED = 3  # in a warning
MAX_DIGITS = 9  # of a number of folds; Python refuses to read thousands of digits


def plan_folds(
    table: pd.DataFrame,
    config: TrainConfig,
    *,
    known: npt.NDArray[np.bool_],
    classes_of: Codes | None,
    window_seconds: float,
    store_name: str,
) -> FoldPlan:
    """Return the trainings to do, in order, with warnings.

    Without ``folds`` there is one, by the splits of the store. With ``"loso"`` or a number, each
    person is tested once by a model that was trained on other persons. With ``"session"``,
    ``"run"``, ``"recording"`` or ``"time"``, models are tested on other windows of the persons
    that they were trained on. Windows are held out for validation only if ``patience`` is set;
    splits of the store always have their validation.

    Parameters
    ----------
    table
        Table of the whole store.
    config
        Folds, gap, column to stratify by, share of the persons, patience and seed.
    known
        True for windows with a target that meet the conditions (n_windows,).
    classes_of
        Class index of each window, -1 without a class (n_windows,). None if the target has no
        classes.
    window_seconds
        Length of a window in s.
    store_name
        Name of the store, for messages.

    Raises
    ------
    ConfigError
        The folds are unknown or impossible, or an option has no effect with them.
    TargetError
        The store lacks a column, a side is empty, a person is in two splits, or a class cannot be
        learnt in a fold.

    Examples
    --------
    >>> rows = {"dataset": "ds", "subject": ["01", "02", "03"] * 2, "label": list("aaabbb")}
    >>> plan = plan_folds(
    ...     pd.DataFrame(rows),
    ...     TrainConfig(folds="loso"),
    ...     known=np.ones(6, bool),
    ...     classes_of=np.array([0, 0, 0, 1, 1, 1]),
    ...     window_seconds=2.0,
    ...     store_name="eyes.zarr",
    ... )
    >>> [(fold.held_out, fold.test.tolist()) for fold in plan.folds]
    [('sub-01', [0, 3]), ('sub-02', [1, 4]), ('sub-03', [2, 5])]
    """
    kind = fold_kind(config.folds)
    check_options(config, kind)
    request = make_request(
        table,
        config,
        known=known,
        classes_of=classes_of,
        window_seconds=window_seconds,
        store_name=store_name,
    )
    if kind is None:
        plan = fold_by_split(request)
    elif kind == TIME:
        plan = fold_by_time(request)
    elif kind in UNITS:
        plan = folds_by_unit(request, kind)
    else:
        plan = folds_by_person(request)
    folds, lines = reduce_folds(plan.folds, request, _single_share(config))
    warnings = (*plan.warnings, *lines, *check_classes(folds, request, classes_of))
    return FoldPlan(folds, warnings)


def fold_kind(folds: str | int | None) -> str | None:
    """Return the kind of folds: None, "loso", "number" or a unit within persons.

    Raises
    ------
    ConfigError
        The value is no kind of folds.

    Examples
    --------
    >>> fold_kind("5"), fold_kind("session")
    ('number', 'session')
    """
    if folds is None or folds in (LOSO, *WITHIN_PERSON):
        return folds if folds is None else str(folds)
    text = str(folds)
    if text.removeprefix("-").isdecimal():
        if len(text) > MAX_DIGITS:
            raise ConfigError(f"--folds {text[:MAX_DIGITS]}...: more folds than persons")
        if int(text) < 2:
            raise ConfigError(f"--folds {text}: at least 2 folds are needed, or loso")
        return "number"
    match = closest(text, (LOSO, *WITHIN_PERSON))
    hint = f"did you mean {match!r}?" if match else "use one of them"
    raise ConfigError(
        f"folds must be {join_names(map(repr, (LOSO, *WITHIN_PERSON)))} or a number of folds, "
        f"got {folds!r}; {hint}"
    )


def check_options(config: TrainConfig, kind: str | None) -> None:
    """Raise `ConfigError` for an option that has no effect with a kind of folds.

    Examples
    --------
    >>> check_options(TrainConfig(folds="time", gap=5), "time")
    """
    if config.stratify is not None and kind != "number":
        problem = f"--folds is {kind}" if kind else "the splits of the store are used"
        raise ConfigError(
            f"--stratify {config.stratify} balances folds of persons, but {problem}; give --folds K"
        )
    has_gap = kind == TIME or (kind in UNITS and config.patience is not None)
    if config.gap != TrainConfig().gap and not has_gap:
        problem = f"--folds is {kind}" if kind else "the splits of the store are used"
        if kind == "number":
            problem = f"--folds is {config.folds}"
        raise ConfigError(
            f"--gap {config.gap:g} separates windows of one recording, but {problem}; "
            "give --folds time, or leave --gap out"
        )


def check_classes(
    folds: tuple[Fold, ...], request: FoldRequest, classes_of: Codes | None
) -> list[str]:
    """Check that each fold has two classes to train on and trains each tested class.

    A class of which no other person has a window is a warning, because the model is still tested
    on the others. Within persons it is an error, as then another kind of folds can test it.

    Returns
    -------
    list of str
        Warnings.

    Raises
    ------
    TargetError
        A fold has a single class to train on, or tests a class that it cannot learn.
    """
    if classes_of is None:
        return []
    n_classes = int(classes_of.max()) + 1
    unlearnt = []
    for fold in folds:
        trained = np.bincount(classes_of[fold.train], minlength=n_classes) > 0
        tested = np.bincount(classes_of[fold.test], minlength=n_classes) > 0
        missing = [request.class_name(int(i)) for i in np.flatnonzero(tested & ~trained)]
        if missing and fold.same_person:
            raise TargetError(
                f"{request.store_name}: {fold.held_out} held out: class {missing[0]!r} is tested "
                f"but has no training window, because it is in no other {request.config.folds}; "
                "train with --folds time or loso"
            )
        if np.count_nonzero(trained) < 2:
            raise TargetError(_describe_single_class(fold, request, trained))
        if missing:
            unlearnt.append(f"{join_names(missing)} ({fold.held_out})")
    if not unlearnt:
        return []
    shown = join_names(unlearnt, limit=MAX_FOLDS_NAMED)
    return [
        f"{count(len(unlearnt), 'fold')} with a tested class that no training person has: {shown}"
    ]


def _single_share(config: TrainConfig) -> float:
    """Return the share of the training persons, of which a training has one."""
    if isinstance(config.train_fraction, tuple):
        shares = ",".join(f"{share:g}" for share in config.train_fraction)
        raise ConfigError(
            f"--train-fraction {shares}: one training has one share; use train_variants for several"
        )
    return config.train_fraction


def _describe_single_class(fold: Fold, request: FoldRequest, trained: npt.NDArray[np.bool_]) -> str:
    names = [request.class_name(int(i)) for i in np.flatnonzero(trained)]
    windows = count(len(fold.train), "window")
    return (
        f"{request.store_name}: {fold.held_out} held out, {windows} to train on, all "
        f"{', '.join(names)}; a fold needs two classes of {request.config.target[0]!r} to train "
        "on: more persons, or other splits"
    )
