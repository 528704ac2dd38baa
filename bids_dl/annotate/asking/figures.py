"""Test figures of a round: of the random sample only, with the intervals of a bootstrap."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bids_dl.annotate.strategies.pool import Floats, Integers
from bids_dl.training.metrics.intervals import percentile_interval

N_RESAMPLES = 1000
MIN_PEOPLE = 5  # of a bootstrap of people; with fewer, windows are drawn
MIN_WINDOWS = 5  # of each class that counts; with fewer, an interval would be far too narrow
MAX_CELLS = 2_000_000  # of weights at once, 16 MB

Value = float | None
"""A figure, None if it is not defined."""


@dataclass(frozen=True, slots=True, eq=False)
class TestedWindows:
    """Windows of the random sample, and the opinion of a model.

    Attributes
    ----------
    probabilities
        (n_test, n_classes).
    classes
        (n_test,): index of the class that experts answered.
    people
        (n_test,): number of the person.
    """

    __test__ = False  # no class of tests for pytest

    probabilities: Floats
    classes: Integers
    people: Integers


@dataclass(frozen=True, slots=True)
class Figures:
    """Test figures of a model.

    Attributes
    ----------
    round, n_train
        Number of the round, and of windows that trained the model.
    n_test, n_positive
        Number of tested windows, and of those with the class of the figure.
    metric
        ``"average_precision"``, of the class with the fewest tested windows but the background.
        It does not depend on a threshold, and means the same for rare and for frequent events.
    title
        Metric as people read it, with its class.
    value
        Figure, None if it is not defined: without a window of the class, or of another class.
    low, high
        95 % interval of a bootstrap, both None if there are too few windows.
    interval
        ``"people"`` or ``"windows"``: what the bootstrap draws. None without an interval.
    same_people
        True if a person is both in training and in test, so that the figures do not hold for new
        people.
    by_class
        Average precision of each class against the others.
    balanced_accuracy
        Mean share of correct windows of each class, None without windows.
    """

    round: int
    n_train: int
    n_test: int
    n_positive: int
    metric: str
    title: str
    value: Value
    low: Value
    high: Value
    interval: str | None
    same_people: bool
    by_class: Mapping[str, Value]
    balanced_accuracy: Value

    def as_dict(self) -> dict[str, Any]:
        """Return the figures for JSON. No number is NaN."""
        names = tuple(self.__dataclass_fields__)
        return {name: getattr(self, name) for name in names} | {"by_class": dict(self.by_class)}


def find_rarest(counts: Sequence[int]) -> int:
    """Return the class with the fewest answers, of those that have any, without the background.

    Parameters
    ----------
    counts
        Number of answers of each class, the background first.

    Returns
    -------
    int
        Index of the class, the first of equal ones. It is 1 if only the background has answers, and
        0 if there is no other class.

    Examples
    --------
    >>> find_rarest([90, 0, 7, 3]), find_rarest([90, 0]), find_rarest([90])
    (3, 1, 0)
    """
    known = [index for index in range(1, len(counts)) if counts[index]]
    return min(known, key=lambda index: counts[index], default=min(1, len(counts) - 1))


def compute_figures(
    tested: TestedWindows,
    class_names: Sequence[str],
    train_people: Integers,
    *,
    number: int,
    seed: int = 0,
) -> Figures:
    """Compute the test figures of a round.

    With `MIN_PEOPLE` people or more, the bootstrap draws people, because windows of one person are
    not independent. With fewer it draws windows, and the interval holds for these people only.

    Parameters
    ----------
    tested
        Windows of the random sample; there may be none.
    class_names
        Names of the classes.
    train_people
        (n_train,): number of the person of each window that trained the model.
    number
        Number of the round.
    seed
        Seed of the bootstrap.

    Examples
    --------
    >>> tested = TestedWindows(np.array([[0.9, 0.1]]), np.array([0]), np.array([0]))
    >>> figures = compute_figures(tested, ("background", "spike"), np.array([1, 1]), number=1)
    >>> figures.title, figures.value, figures.same_people
    ('average precision of spike', None, False)
    """
    counts = np.bincount(tested.classes, minlength=len(class_names))
    rarest = find_rarest(counts.tolist())
    ones = np.ones((1, len(tested.classes)))
    by_class: dict[str, Value] = {}
    for index, name in enumerate(class_names):
        is_mixed = counts[index] < len(tested.classes)  # else any order has a precision of 1
        by_class[name] = _as_value(_score(tested, index, ones)[0]) if is_mixed else None
    interval = _find_interval(tested, rarest, seed)
    low, high, kind = (None, None, None) if interval is None else interval
    accuracy = weigh_balanced_accuracy(tested.probabilities, tested.classes, ones)[0]
    return Figures(
        round=number,
        n_train=len(train_people),
        n_test=len(tested.classes),
        n_positive=int(counts[rarest]),
        metric="average_precision",
        title=f"average precision of {class_names[rarest]}",
        value=by_class[class_names[rarest]],
        low=low,
        high=high,
        interval=kind,
        same_people=bool(np.isin(train_people, tested.people).any()),
        by_class=by_class,
        balanced_accuracy=_as_value(accuracy),
    )


def weigh_average_precision(
    scores: Floats, is_positive: npt.NDArray[np.bool_], weights: Floats
) -> Floats:
    """Return the average precision of windows for several weights, as of scikit-learn.

    Parameters
    ----------
    scores
        (n_windows,): the higher, the likelier.
    is_positive
        (n_windows,): windows of the class.
    weights
        (n_resamples, n_windows): number of times that each window counts.

    Returns
    -------
    numpy.ndarray
        (n_resamples,): NaN without a positive window.

    Examples
    --------
    >>> scores = np.array([0.9, 0.8, 0.1])
    >>> is_positive = np.array([True, False, True])
    >>> weigh_average_precision(scores, is_positive, np.ones((1, 3))).round(3)
    array([0.833])
    """
    if not len(scores):
        return np.full(len(weights), np.nan)
    order = np.argsort(-scores, kind="stable")
    ordered = scores[order]
    is_last = np.append(ordered[1:] != ordered[:-1], True)  # of the windows with equal scores
    found = np.cumsum(weights[:, order] * is_positive[order], axis=1)[:, is_last]
    listed = np.cumsum(weights[:, order], axis=1)[:, is_last]
    precision = found / np.maximum(listed, 1)
    steps = np.diff(found, axis=1, prepend=0)
    n_positive = found[:, -1]
    area = (precision * steps).sum(axis=1)
    return np.where(n_positive > 0, area / np.maximum(n_positive, 1), np.nan)


def weigh_balanced_accuracy(probabilities: Floats, classes: Integers, weights: Floats) -> Floats:
    """Return the mean share of correct windows of each class for several weights.

    Parameters
    ----------
    probabilities
        (n_windows, n_classes).
    classes
        (n_windows,): true classes.
    weights
        (n_resamples, n_windows): number of times that each window counts.

    Returns
    -------
    numpy.ndarray
        (n_resamples,): classes without a window do not count; NaN without windows.

    Examples
    --------
    >>> probabilities = np.array([[0.9, 0.1], [0.8, 0.2], [0.6, 0.4]])
    >>> weigh_balanced_accuracy(probabilities, np.array([0, 0, 1]), np.ones((1, 3)))
    array([0.5])
    """
    is_correct = probabilities.argmax(axis=1) == classes
    shares = []
    for each in np.unique(classes):
        of_class = weights[:, classes == each]
        total = of_class.sum(axis=1)
        correct = of_class @ is_correct[classes == each]
        shares.append(np.where(total > 0, correct / np.maximum(total, 1), np.nan))
    if not shares:
        return np.full(len(weights), np.nan)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of resamples without any window
        return np.asarray(np.nanmean(shares, axis=0))


def _score(tested: TestedWindows, index: int, weights: Floats) -> Floats:
    """Return the average precision of a class in each resample (n_resamples,)."""
    return weigh_average_precision(tested.probabilities[:, index], tested.classes == index, weights)


def _find_interval(tested: TestedWindows, index: int, seed: int) -> tuple[float, float, str] | None:
    """Return the limits of a bootstrap, and what it draws. None if there are too few windows."""
    n_positive = int((tested.classes == index).sum())
    if min(n_positive, len(tested.classes) - n_positive) < MIN_WINDOWS:
        return None
    _, unit = np.unique(tested.people, return_inverse=True)
    kind = "people"
    if unit.max() + 1 < MIN_PEOPLE:
        kind, unit = "windows", np.arange(len(tested.classes))
    n_units = int(unit.max()) + 1
    rng = np.random.default_rng(seed)
    values: list[Floats] = []
    n_done = 0
    while n_done < N_RESAMPLES:
        n_drawn = min(N_RESAMPLES - n_done, max(1, MAX_CELLS // len(unit)))
        drawn = rng.multinomial(n_units, np.full(n_units, 1 / n_units), size=n_drawn)
        values.append(_score(tested, index, drawn[:, unit].astype(np.float64)))
        n_done += n_drawn
    limits = percentile_interval(np.concatenate(values))
    return None if limits is None else (*limits, kind)


def _as_value(value: float) -> Value:
    return None if np.isnan(value) else float(value)
