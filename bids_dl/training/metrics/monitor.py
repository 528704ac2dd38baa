"""Metric of validation windows that early stopping watches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bids_dl.errors import ConfigError
from bids_dl.models.target import TargetSpec
from bids_dl.training.metrics.registry import metrics_of
from bids_dl.training.metrics.tested import TestedRows, predict
from bids_dl.wording import suggest

LOSS = "loss"

Score = Callable[[npt.NDArray[Any], npt.NDArray[Any]], float]
"""Returns a metric of decoded outputs (n, n_outputs) and true values (n, ...)."""


@dataclass(frozen=True, slots=True)
class Monitor:
    """Metric that early stopping watches.

    Parameters
    ----------
    name
        ``"loss"``, or the name of a metric.
    higher_is_better
        If a larger value is a better one.
    score
        Returns the metric of decoded outputs and true values. It cannot compute the loss.
    """

    name: str
    higher_is_better: bool
    score: Score


def make_monitor(name: str, spec: TargetSpec) -> Monitor:
    """Check the name of a monitored metric, and return how to compute it.

    Parameters
    ----------
    name
        ``"loss"``, or the name of a metric of the target.
    spec
        Target.

    Raises
    ------
    ConfigError
        The target has no such metric.

    Examples
    --------
    >>> spec = TargetSpec("label", "classes", ("label",), ("rest", "move"))
    >>> monitor = make_monitor("accuracy", spec)
    >>> monitor.higher_is_better, monitor.score(np.array([[0.2, 0.8]]), np.array([1]))
    (True, 1.0)
    """
    if name == LOSS:
        return Monitor(LOSS, False, _refuse_loss)
    for metric in metrics_of(spec):
        if metric.name == name:
            return Monitor(name, metric.higher_is_better, _scorer(spec, name))
    known = [LOSS, *(metric.name for metric in metrics_of(spec))]
    raise ConfigError(
        f"--monitor {name}: the target {spec.name}, of kind {spec.kind}, has no such metric; "
        f"{suggest(name, known)}"
    )


def score(
    spec: TargetSpec, name: str, outputs: npt.NDArray[Any], values: npt.NDArray[Any]
) -> float:
    """Compute one metric of windows without regard to persons.

    Parameters
    ----------
    spec
        Target.
    name
        Name of a metric of the target.
    outputs
        Decoded outputs (n, n_outputs), as returned by `decode`.
    values
        True values: class indices (n,), numbers (n,), shares (n, n_outputs), or labels 0, 1 or NaN
        (n, n_outputs).

    Returns
    -------
    value
        NaN if the metric is undefined, such as with one true class.

    Examples
    --------
    >>> spec = TargetSpec("age", "number", ("age",), ("age",))
    >>> score(spec, "mae", np.array([[30.0], [40.0]]), np.array([31.0, 42.0]))
    1.5
    """
    metric = next(metric for metric in metrics_of(spec) if metric.name == name)
    if not len(values):
        return float("nan")
    dtype = np.int64 if spec.kind == "classes" else np.float64
    decoded = np.asarray(outputs, dtype=np.float64)
    persons = np.zeros(len(values), dtype=np.int64)
    true = np.asarray(values).astype(dtype)
    rows = TestedRows(spec, true, decoded, predict(spec, decoded), persons, 1)
    return float(metric.compute(metric.statistics(rows).pooled()))


def _scorer(spec: TargetSpec, name: str) -> Score:
    def score_windows(outputs: npt.NDArray[Any], values: npt.NDArray[Any]) -> float:
        return score(spec, name, outputs, values)

    return score_windows


def _refuse_loss(_outputs: npt.NDArray[Any], _values: npt.NDArray[Any]) -> float:
    raise ValueError("the loss is computed by the objective, not by the monitor")
