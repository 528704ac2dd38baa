"""Accuracy of the explained models on persons that they have not seen, against chance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from bids_dl.explanation.contents import Floats, Rows
from bids_dl.explanation.estimates import ERROR_RATE, Weights, estimate_ratio
from bids_dl.models.target import TargetSpec
from bids_dl.models.target_columns import name_classes


@dataclass(frozen=True, slots=True)
class Skill:
    """A metric of the models on unseen persons.

    Attributes
    ----------
    metric
        Name of the metric.
    value, low, high
        Value with its 95 % interval over persons. NaN if it is not defined.
    chance
        Value of guesses: 1 / number of classes in the windows, or 0 for a skill relative to the
        mean.
    n_persons
        Persons with a target.
    luck
        Probability that guesses are all right if each person and true value has one guess. The
        spread of such guesses over persons is 0, so that the interval does not refute them.
    """

    metric: str
    value: float
    low: float
    high: float
    chance: float
    n_persons: int
    luck: float = 0.0

    @property
    def is_above_chance(self) -> bool:
        """Return if the lower limit of the interval is above chance, and persons are enough."""
        return bool(self.low > self.chance) and not self.are_too_few

    @property
    def are_too_few(self) -> bool:
        """Return if few guesses would be all right too often for any claim."""
        return self.luck > ERROR_RATE / 2  # one-sided, as the lower limit of the interval


def measure_skill(
    table: pd.DataFrame, spec: TargetSpec, predictions: Floats, person: Rows, seed: int
) -> Skill | None:
    """Measure predictions for windows of unseen persons.

    Classes: balanced accuracy over the classes of the windows. Labels: balanced accuracy, mean over
    the labels with both values. Number and shares: one minus the squared error divided by that of
    the mean of the targets.

    Parameters
    ----------
    table
        (n_rows,): rows of the store.
    spec
        Target of the models.
    predictions
        (n_rows, n_outputs): as `bids_dl.models.target_decoding.decode` returns them.
    person
        (n_rows,): number of the person of each row.
    seed
        Seed of the bootstrap.

    Returns
    -------
    Skill or None
        None if the store has no target, or only one class.

    Examples
    --------
    >>> spec = TargetSpec("age", "number", ("age",), ("age",))
    >>> table = pd.DataFrame({"age": [20.0, 30.0, 40.0]})
    >>> skill = measure_skill(table, spec, table.to_numpy(), np.arange(3), seed=0)
    >>> skill.metric, skill.value
    ('R²', 1.0)
    """
    if not set(spec.columns) <= set(table.columns):
        return None
    _, number = np.unique(person, return_inverse=True)
    if spec.kind == "classes":
        classes = pd.Index(spec.outputs, dtype=object)
        truth = classes.get_indexer(pd.Index(name_classes(table[spec.columns[0]])))
        correct = predictions.argmax(axis=1) == truth
        hits, totals = _count_cells(number, truth[:, None], correct[:, None], spec.n_outputs)
        is_present = totals.any(axis=0)
        return _balanced("balanced accuracy", hits[:, is_present], totals[:, is_present], seed)
    values = table[list(spec.columns)].to_numpy(np.float64)
    if spec.kind == "labels":
        truth = np.where(np.isnan(values), -1, values).astype(np.int64)
        correct = (predictions >= 0.5) == (truth == 1)
        is_varied = (truth == 0).any(axis=0) & (truth == 1).any(axis=0)
        hits, totals = _count_cells(number, truth[:, is_varied], correct[:, is_varied], 2)
        name = "balanced accuracy, mean over labels"
        return _balanced(name, hits, totals, seed, n_labels=int(is_varied.sum()))
    if spec.kind == "shares":
        values = values / values.sum(axis=1, keepdims=True)
    return _explained(predictions, values, number, seed)


def _count_cells(
    person: Rows,
    truth: npt.NDArray[np.int64],
    correct: npt.NDArray[np.bool_],
    n_values: int,
) -> tuple[Floats, Floats]:
    """Count correct and all rows (n_persons, n_columns * n_values) of each true value."""
    n_columns = truth.shape[1]
    shape = (int(person.max()) + 1, n_columns * n_values)
    hits, totals = np.zeros(shape), np.zeros(shape)
    for column in range(n_columns):
        is_known = truth[:, column] >= 0
        cells = (person[is_known], column * n_values + truth[is_known, column])
        np.add.at(totals, cells, 1)
        np.add.at(hits, cells, correct[is_known, column])
    return hits, totals


def _balanced(
    metric: str, hits: Floats, totals: Floats, seed: int, *, n_labels: int = 1
) -> Skill | None:
    """Return the balanced accuracy, the mean of the accuracies of the true values that occur."""
    n_values = totals.shape[1] // max(1, n_labels)
    if n_values < 2:
        return None
    parts = (hits, totals)

    def balance(parts: tuple[Floats, ...], weights: Weights) -> Floats:
        sizes = weights @ parts[1]
        recalls = weights @ parts[0] / np.maximum(sizes, 1)  # 0 without a row
        balanced: Floats = recalls.sum(axis=1) / np.maximum((sizes > 0).sum(axis=1), 1)
        return balanced

    n_persons = int(totals.any(axis=1).sum())
    n_guesses = (totals > 0).sum() / n_labels  # labels of a window are not independent
    estimate = estimate_ratio(balance, parts, seed)
    return Skill(metric, *estimate, 1 / n_values, n_persons, float(n_values**-n_guesses))


def _explained(predictions: Floats, values: Floats, person: Rows, seed: int) -> Skill | None:
    """Return one minus the squared error relative to that of the mean of the targets."""
    is_known = ~np.isnan(values).any(axis=1)
    if is_known.sum() < 2:
        return None
    targets = values[is_known]
    errors = np.square(predictions[is_known] - targets).sum(axis=1)
    spread = np.square(targets - targets.mean(axis=0)).sum(axis=1)
    n_persons = int(person.max()) + 1
    members = person[is_known]
    error_sums = np.bincount(members, errors, n_persons).astype(np.float64)[:, None]
    spread_sums = np.bincount(members, spread, n_persons).astype(np.float64)[:, None]

    def explain(parts: tuple[Floats, ...], weights: Weights) -> Floats:
        below = (weights @ parts[1])[:, 0]
        unknown = np.full(len(weights), np.nan)
        ratio = np.divide((weights @ parts[0])[:, 0], below, out=unknown, where=below > 0)
        gain: Floats = 1 - ratio
        return gain

    n_known = len(np.unique(members))
    return Skill("R²", *estimate_ratio(explain, (error_sums, spread_sums), seed), 0.0, n_known)
