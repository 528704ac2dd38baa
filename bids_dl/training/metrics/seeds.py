"""Results of several random seeds, and their spread."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import mean, stdev
from typing import Any

from bids_dl.training.metrics.registry import METRICS


def summarize_seeds(
    results_by_seed: Mapping[int, Mapping[str, Any]],
) -> tuple[list[dict[str, Any]], dict[str, dict[str, float | None]]]:
    """List the results of each seed, and compute their spread.

    Parameters
    ----------
    results_by_seed
        Result of `evaluate` for each seed.

    Returns
    -------
    seeds
        One row per seed: ``seed``, and the values of the metrics of ``windows`` and ``votes``.
    spread
        Mean, standard deviation (of a sample), minimum and maximum over seeds of each metric of
        windows. They are None if the metric is undefined for a seed, and the standard deviation
        also with one seed.

    Examples
    --------
    >>> results = {"kind": "number", "windows": {"mae": {"value": 1.0}}, "votes": {}}
    >>> seeds, spread = summarize_seeds({0: results, 1: results})
    >>> seeds[1], spread["mae"]["sd"]
    ({'seed': 1, 'windows': {'mae': 1.0}, 'votes': {}}, 0.0)
    """
    seeds: list[dict[str, Any]] = []
    for seed, results in results_by_seed.items():
        windows = _values(results, "windows")
        seeds.append({"seed": seed, "windows": windows, "votes": _values(results, "votes")})
    spread: dict[str, dict[str, float | None]] = {}
    for name in seeds[0]["windows"] if seeds else ():
        spread[name] = _spread([row["windows"][name] for row in seeds])
    return seeds, spread


def _values(results: Mapping[str, Any], unit: str) -> dict[str, float | None]:
    """Return the value of each metric of windows or votes."""
    values: dict[str, float | None] = {}
    for metric in METRICS[results["kind"]]:
        if metric.name in results[unit]:
            values[metric.name] = results[unit][metric.name]["value"]
    return values


def _spread(values: list[float | None]) -> dict[str, float | None]:
    defined = [value for value in values if value is not None]
    if len(defined) < len(values):
        return {"mean": None, "sd": None, "min": None, "max": None}
    sd = stdev(defined) if len(defined) > 1 else None
    return {"mean": mean(defined), "sd": sd, "min": min(defined), "max": max(defined)}
