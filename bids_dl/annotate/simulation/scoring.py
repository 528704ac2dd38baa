"""Metrics of the held-out people, chosen by how rare the rarest class is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bids_dl.annotate.strategies.pool import Floats, Integers
from bids_dl.config.simulation_options import CurveMetric

RARE_SHARE = 0.2  # of an even share of the windows; a class below it is rare


@dataclass(frozen=True, slots=True)
class Scoring:
    """Metric of a curve.

    Parameters
    ----------
    name
        ``"average_precision"`` or ``"balanced_accuracy"``.
    rarest
        Index of the class with the fewest windows, which the average precision is of.
    """

    name: str
    rarest: int

    def score(self, probabilities: Floats, classes: Integers) -> float:
        """Return the metric of windows.

        Parameters
        ----------
        probabilities
            (n_windows, n_classes).
        classes
            (n_windows,): true classes.
        """
        from sklearn.metrics import average_precision_score

        if self.name == "average_precision":
            is_rarest = classes == self.rarest
            return float(average_precision_score(is_rarest, probabilities[:, self.rarest]))
        is_correct = probabilities.argmax(axis=1) == classes
        return float(np.mean([is_correct[classes == each].mean() for each in np.unique(classes)]))

    def chance(self, classes: Integers) -> float:
        """Return the metric (of windows with classes (n_windows,)) of a model that knows nothing.

        It is the share of the rarest class for average precision.
        """
        if self.name == "average_precision":
            return float((classes == self.rarest).mean())
        return 1 / len(np.unique(classes))


def choose_scoring(metric: CurveMetric, classes: Integers, n_classes: int) -> Scoring:
    """Return the requested metric, or the one that fits the shares of the classes.

    The average precision of a rare class says how many of the windows that a model lists first have
    it. If no class is rare, the balanced accuracy counts all alike.

    Parameters
    ----------
    metric
        Requested metric.
    classes
        (n_windows,): classes of all windows.
    n_classes
        Number of classes.

    Examples
    --------
    >>> choose_scoring("auto", np.array([0] * 30 + [1]), 2)
    Scoring(name='average_precision', rarest=1)
    """
    shares = np.bincount(classes, minlength=n_classes) / len(classes)
    rarest = int(shares.argmin())
    if metric == "auto":
        is_rare = shares[rarest] * n_classes < RARE_SHARE
        metric = "average_precision" if is_rare else "balanced_accuracy"
    return Scoring(metric, rarest)
