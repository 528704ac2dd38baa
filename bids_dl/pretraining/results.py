"""Results of a pretraining: how well pairs of held-out persons are told apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from bids_dl.training.metrics.intervals import draw_persons, percentile_interval
from bids_dl.training.metrics.person_statistics import AdditiveStatistics, divide, sum_by_person

CHANCE = 0.5  # half of the pairs of each recording are near


def measure_pairs(
    is_correct: npt.NDArray[np.bool_], persons: Sequence[tuple[str, str]], *, seed: int
) -> dict[str, Any]:
    """Return the accuracy of pairs, with an interval over persons and the accuracy of each.

    Parameters
    ----------
    is_correct
        (n_pairs,): pairs whose class is predicted.
    persons
        Dataset and subject of each pair.
    seed
        Seed of the bootstrap of persons.

    Returns
    -------
    dict
        ``n``, ``chance``, ``accuracy`` with its 95 % interval by bootstrap of persons, which is
        None for one person, and ``persons``.

    Examples
    --------
    >>> found = measure_pairs(np.array([True, True, False]), [("d", "a")] * 3, seed=0)
    >>> round(found["accuracy"]["value"], 3), found["accuracy"]["low"], found["persons"][0]["n"]
    (0.667, None, 3)
    """
    names = sorted(set(persons))
    codes = np.array([names.index(person) for person in persons])
    counted = np.stack([is_correct.astype(np.float64), np.ones(len(is_correct))], axis=1)
    statistics = AdditiveStatistics(sum_by_person(counted, codes, len(names)))
    weights = draw_persons(len(names), seed)
    limits = None
    if weights is not None:
        resampled = statistics.resampled(weights)
        limits = percentile_interval(divide(resampled[:, 0], resampled[:, 1]))
    low, high = limits or (None, None)
    by_person: list[dict[str, Any]] = []
    for (dataset, subject), (n_correct, n) in zip(names, statistics.of_persons(), strict=True):
        row = {"dataset": dataset, "subject": subject, "n": int(n), "accuracy": n_correct / n}
        by_person.append(row)
    return {
        "n": len(is_correct),
        "chance": CHANCE,
        "accuracy": {"value": float(is_correct.mean()), "low": low, "high": high},
        "persons": by_person,
    }
