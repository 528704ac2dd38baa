"""Description of a metric."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bids_dl.training.metrics.person_statistics import Floats, PersonStatistics
from bids_dl.training.metrics.tested import TestedRows


@dataclass(frozen=True, slots=True)
class MetricSpec:
    """A metric of tested windows or votes.

    Parameters
    ----------
    name
        Key in ``metrics.json``.
    title
        Heading in tables.
    statistics
        Returns the statistics of each person from which the metric is computed. Metrics that share
        this function share its result.
    compute
        Returns the values (...) of statistics (..., as of one person). An undefined value is NaN.
    definition
        Definition for ``metrics.json``, with its reference.
    higher_is_better
        If a larger value is a better one.
    interval
        Returns the confidence limits for the statistics of independent votes, which may be
        fractions. None uses a bootstrap of persons.
    interval_method
        Name of the method of ``interval``.
    n_outputs
        Number of outputs that the metric needs. None accepts any.
    """

    name: str
    title: str
    statistics: Callable[[TestedRows], PersonStatistics]
    compute: Callable[[Floats], Floats]
    definition: str
    higher_is_better: bool = True
    interval: Callable[[Floats], tuple[float, float]] | None = None
    interval_method: str = ""
    n_outputs: int | None = None
