"""Metrics as text: their titles, units and directions."""

from __future__ import annotations

from bids_dl.config.training_options import TargetKind
from bids_dl.training.metrics import METRICS

LOSS = "loss"
TITLES = {"f1": "F1", "npv": "negative predictive value"}
"""Titles of metrics that only a class or a label has."""
PERCENTAGES = frozenset(
    {
        *("accuracy", "balanced_accuracy", "macro_f1", "precision", "recall", "f1"),
        *("specificity", "npv"),
    }
)
COEFFICIENTS = frozenset({"kappa", "mcc", "auroc", "r", "r2"})  # at most 1, without a unit


def name_metric(kind: TargetKind, name: str) -> str:
    """Return the title of a metric of a kind of target.

    Examples
    --------
    >>> name_metric("classes", "kappa"), name_metric("classes", "recall")
    ("Cohen's kappa", 'recall')
    """
    for metric in METRICS[kind]:
        if metric.name == name:
            return metric.title
    return TITLES.get(name, name.replace("_", " "))


def is_error(kind: TargetKind, name: str) -> bool:
    """Return if a lower value of a metric of a kind of target is better.

    Examples
    --------
    >>> is_error("number", "mae"), is_error("number", "r")
    (True, False)
    """
    lower = {metric.name for metric in METRICS[kind] if not metric.higher_is_better}
    return name == LOSS or name in lower


def format_metric(name: str, value: float | None) -> str:
    """Format a value of a metric: fractions as percentages, errors with four digits.

    Examples
    --------
    >>> format_metric("accuracy", 0.954), format_metric("mae", 7.61234), format_metric("r", 0.5)
    ('95.4 %', '7.612', '0.500')
    >>> format_metric("auroc", None)
    '–'
    """
    if value is None:
        return "–"
    if name in PERCENTAGES:
        return f"{100 * value:.1f} %"
    if name in COEFFICIENTS:
        return f"{value:.3f}"
    return f"{value:.4g}"
