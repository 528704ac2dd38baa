"""Differences of an embedding to its floors, tested over persons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from bids_dl.embedding.contents import BAND_POWER, RANDOM_WEIGHTS
from bids_dl.training.compare.paired_tests import compare_paired
from bids_dl.training.metrics import METRICS

TITLES = {RANDOM_WEIGHTS: "random weights", BAND_POWER: "log band power"}
"""Floors by the names of their arrays, in words."""

MAX_P = 0.05  # two-sided, as the 95 % interval

Metrics = Mapping[str, Any]


def compare_with_floors(
    metrics: Metrics, floors: Mapping[str, Sequence[Metrics]], *, seed: int
) -> dict[str, dict[str, Any]]:
    """Test the main metric of each person against each floor.

    Parameters
    ----------
    metrics
        Result of `evaluate` for the embedding.
    floors
        Results of each floor on the same windows: one per random network, whose mean over networks
        is compared.
    seed
        Seed of the bootstrap.

    Returns
    -------
    dict
        Of each floor ``title``, the fields of `PairedTest` and ``is_beaten``: True if the 95 %
        interval of the difference over persons lies on the better side of 0, and the p of the
        permutation test is at most `MAX_P`. Floors without a common person are left out.

    Notes
    -----
    The bootstrap interval of few persons is too narrow: without any difference, that of three
    persons lies above 0 in one of eight cases. The permutation test needs at least six.

    Examples
    --------
    >>> def result(*values):
    ...     rows = [{"dataset": "d", "subject": i, "accuracy": x} for i, x in enumerate(values)]
    ...     return {"kind": "classes", "main": "accuracy", "persons": rows}
    >>> tests = compare_with_floors(
    ...     result(*[0.9, 0.8] * 3), {"band_power": [result(*[0.7, 0.7, 0.6] * 2)]}, seed=0
    ... )
    >>> round(tests["band_power"]["difference"], 3), tests["band_power"]["is_beaten"]
    (0.183, True)
    """
    main = metrics["main"]
    directions = {spec.name: spec.higher_is_better for spec in METRICS[metrics["kind"]]}
    sign = 1 if directions[main] else -1
    values = _by_person(metrics, main)
    tests: dict[str, dict[str, Any]] = {}
    for name, results in floors.items():
        by_network = [_by_person(result, main) for result in results]
        differences: list[float] = []
        for person, value in values.items():
            if all(person in network for network in by_network):
                differences.append(value - float(np.mean([each[person] for each in by_network])))
        if differences:
            test = compare_paired(differences, seed=seed)
            limits = sorted([sign * (test.low or 0.0), sign * (test.high or 0.0)])
            is_beaten = limits[0] > 0 and test.p_permutation <= MAX_P
            tests[name] = {"title": TITLES[name], **asdict(test), "is_beaten": is_beaten}
    return tests


def list_not_beaten(tests: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """List the titles of the floors that an embedding is not shown to beat.

    Examples
    --------
    >>> list_not_beaten({"band_power": {"title": "log band power", "is_beaten": False}})
    ['log band power']
    """
    return [str(test["title"]) for test in tests.values() if not test["is_beaten"]]


def describe_verdict(tests: Mapping[str, Mapping[str, Any]]) -> str:
    """Describe in one line if an embedding beats both floors.

    Examples
    --------
    >>> describe_verdict({"band_power": {"title": "log band power", "is_beaten": True}})
    'the embedding is better than log band power'
    """
    missing = list_not_beaten(tests)
    if not missing:
        titles = [str(test["title"]) for test in tests.values()]
        return f"the embedding is better than {' and '.join(titles)}"
    return (
        f"the embedding is not shown to be better than {' and '.join(missing)}; "
        "unless it beats both floors, it adds nothing to them"
    )


def _by_person(metrics: Metrics, name: str) -> dict[tuple[str, str], float]:
    """Return the defined values of a metric by person."""
    values: dict[tuple[str, str], float] = {}
    for person in metrics["persons"]:
        if person.get(name) is not None:
            values[person["dataset"], person["subject"]] = person[name]
    return values
