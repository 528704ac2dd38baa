"""Metrics on tested windows, votes and persons, with 95 % confidence intervals.

`METRICS` has one entry per metric. Results, tables and figures read these entries, so a new metric
is a function and its entry in ``registry.py``.
"""

from __future__ import annotations

from bids_dl.training.metrics.evaluation import evaluate
from bids_dl.training.metrics.monitor import Monitor, make_monitor, score
from bids_dl.training.metrics.naive_baselines import naive_baselines, training_mean
from bids_dl.training.metrics.registry import METRICS, metrics_of
from bids_dl.training.metrics.seeds import summarize_seeds
from bids_dl.training.metrics.spec import MetricSpec
from bids_dl.training.metrics.votes import cast_votes, check_vote_unit, default_vote_unit

__all__ = [
    "METRICS",
    "MetricSpec",
    "Monitor",
    "cast_votes",
    "check_vote_unit",
    "default_vote_unit",
    "evaluate",
    "make_monitor",
    "metrics_of",
    "naive_baselines",
    "score",
    "summarize_seeds",
    "training_mean",
]
