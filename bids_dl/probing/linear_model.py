"""Linear model of features, with a penalty that is chosen on held-out training persons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from bids_dl.config.training_stage import TrainConfig
from bids_dl.models.compute import pick_device
from bids_dl.models.target import TargetSpec
from bids_dl.models.target_decoding import decode
from bids_dl.splits import Strata, make_folds
from bids_dl.training.baseline import INVERSE_PENALTY, Features, Standardization, fit_dense
from bids_dl.training.folds.fold import Rows
from bids_dl.training.folds.people import People
from bids_dl.training.objectives import fit_target, make_objective

# Values of C of scikit-learn's LogisticRegression, the strongest penalty first. The best one
# differs by a factor of 1000 with the number of features, so that one value for all would favour
# the embedding or a floor: eyes open against closed was best at 1 for the 1040 features of
# shallow-fbcsp and at 0.01 for random weights, the sex of 40 planted people at 0.0001 for both.
INVERSE_PENALTIES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
INNER_FOLDS = 5
ROUNDING = 1e-5  # standard deviation of a constant feature in float32, relative to its mean


@dataclass(frozen=True, slots=True, eq=False)
class LinearProblem:
    """Targets and persons of windows, to which several kinds of features are fitted.

    Attributes
    ----------
    values
        (n_windows,) or (n_windows, n_columns): targets, as in `TargetValues`.
    spec
        Target.
    people
        Person of each window.
    config
        Loss, class weights, device and seed.
    """

    values: npt.NDArray[Any]
    spec: TargetSpec
    people: People
    config: TrainConfig


def fit_and_predict(
    problem: LinearProblem, features: Features, train: Rows, test: Rows, inverse_penalty: float
) -> npt.NDArray[np.float64]:
    """Fit the linear model to some windows, and predict others.

    The model is that of the band-power baseline of a training, and finds the same weights if
    ``inverse_penalty`` is the same.

    Parameters
    ----------
    problem
        Targets of all windows.
    features
        (n_windows, n_features): features of all windows.
    train, test
        Numbers of the windows to fit and to predict.
    inverse_penalty
        C of scikit-learn's LogisticRegression.

    Returns
    -------
    decoded
        (n_test, n_outputs): predictions, as `decode` returns them.

    Examples
    --------
    >>> problem = LinearProblem(
    ...     np.array([0, 0, 1, 1, 0, 1]),
    ...     TargetSpec("label", "classes", ("label",), ("rest", "move")),
    ...     People((("ds", "a"), ("ds", "b")), np.array([0, 0, 0, 0, 1, 1])),
    ...     TrainConfig(device="cpu"),
    ... )
    >>> features = np.array([[1], [2], [8], [9], [1], [9]], np.float32)
    >>> fit_and_predict(problem, features, np.arange(4), np.array([4, 5]), 1.0).argmax(axis=1)
    array([0, 1])
    """
    spec = fit_target(problem.spec, problem.values[train])
    outputs = _fit_outputs(problem, spec, features, (train, test), inverse_penalty)
    return decode(spec, outputs.cpu().numpy())


def choose_inverse_penalty(problem: LinearProblem, features: Features, train: Rows) -> float:
    """Choose the penalty with the smallest loss on held-out persons of the training windows.

    The persons are divided into at most `INNER_FOLDS` folds. Penalties are tried from the
    strongest one on until the loss rises.

    Parameters
    ----------
    problem
        Targets and persons of all windows.
    features
        (n_windows, n_features): features of all windows.
    train
        Numbers of the windows of the training side. No other window is used.

    Returns
    -------
    inverse_penalty
        One of `INVERSE_PENALTIES`, or that of the band-power baseline if fewer than two persons
        can be divided.
    """
    folds = _divide_persons(problem, train)
    if not folds:
        return INVERSE_PENALTY
    best = INVERSE_PENALTIES[0]
    smallest = float("inf")
    for inverse_penalty in INVERSE_PENALTIES:
        loss = _held_out_loss(problem, features, folds, inverse_penalty)
        if loss >= smallest:
            break
        smallest = loss
        best = inverse_penalty
    return best


def standardize_features(features: Tensor) -> Standardization:
    """Return mean and standard deviation of features (n_windows, n_features).

    Unlike in `bids_dl.training.baseline.standardize`, the features have no unit: a feature is
    constant if its standard deviation is the rounding of its mean. Its own is then 1.

    Examples
    --------
    >>> features = torch.tensor([[1e-6, 5.0], [3e-6, 5.0]])
    >>> standardize_features(features).apply(features).round().tolist()
    [[-1.0, 0.0], [1.0, 0.0]]
    """
    mean = features.mean(dim=0)
    std = features.std(dim=0, correction=0)
    return Standardization(
        mean, torch.where(std > ROUNDING * mean.abs(), std, torch.ones_like(std))
    )


def _fit_outputs(
    problem: LinearProblem,
    spec: TargetSpec,
    features: Features,
    sides: tuple[Rows, Rows],
    inverse_penalty: float,
) -> Tensor:
    """Return the outputs (n_test, n_outputs) of a model that is fitted to the first side."""
    train, test = sides
    device = pick_device(problem.config.device)
    x = torch.from_numpy(features[train]).to(device)
    standardization = standardize_features(x)
    weight, bias = fit_dense(
        standardization.apply(x),
        problem.values[train],
        spec,
        problem.config,
        inverse_penalty=inverse_penalty,
    )
    x = torch.from_numpy(features[test]).to(device)
    return standardization.apply(x) @ weight.T + bias


def _held_out_loss(
    problem: LinearProblem,
    features: Features,
    folds: list[tuple[Rows, Rows]],
    inverse_penalty: float,
) -> float:
    """Return the loss of the windows that are held out in folds, all folds together."""
    device = pick_device(problem.config.device)
    numerator = denominator = 0.0
    for train, test in folds:
        spec = fit_target(problem.spec, problem.values[train])
        outputs = _fit_outputs(problem, spec, features, (train, test), inverse_penalty)
        objective = make_objective(spec, problem.config, problem.values[train], device)
        target = objective.to_target(torch.from_numpy(problem.values[test]).to(device))
        sums = objective.loss_sums(outputs, target)
        numerator += float(sums[0])
        denominator += float(sums[1])
    return numerator / denominator if denominator else float("inf")


def _divide_persons(problem: LinearProblem, train: Rows) -> list[tuple[Rows, Rows]]:
    """Return training and held-out windows of each fold whose target can be learnt."""
    codes = problem.people.codes[train]
    present = np.unique(codes)
    if len(present) < 2:
        return []
    persons = [problem.people.names[code] for code in present]
    numbers = dict(zip(persons, present.tolist(), strict=True))
    folds: list[tuple[Rows, Rows]] = []
    for held_out in make_folds(
        persons,
        min(INNER_FOLDS, len(persons)),
        problem.config.seed,
        _stratify(problem, train, numbers),
    ):
        is_test = np.isin(codes, [numbers[person] for person in held_out])
        known = problem.values[train[~is_test]]
        if not (known == known[:1]).all():
            folds.append((train[~is_test], train[is_test]))
    return folds


def _stratify(problem: LinearProblem, train: Rows, numbers: dict[Any, int]) -> Strata | None:
    """Return the most frequent class of each person, so that all folds have all classes."""
    if problem.spec.kind != "classes":
        return None
    codes = problem.people.codes[train]
    strata: dict[Any, str] = {}
    for person, number in numbers.items():
        counts = np.bincount(problem.values[train[codes == number]])
        strata[person] = str(counts.argmax())
    return strata
