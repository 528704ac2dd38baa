"""A simulation before its first question: windows, classes, people, learners and metric."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bids_dl.annotate.learning.features import Measures
from bids_dl.annotate.learning.network import NetworkLearner
from bids_dl.annotate.simulation.scoring import Scoring
from bids_dl.annotate.strategies.pool import Floats, Integers, Rows
from bids_dl.config.simulation_stage import SimulateConfig
from bids_dl.errors import TargetError

SPLIT_STREAM, START_STREAM, ROUND_STREAM, LEARNER_STREAM = range(4)
"""Last values of the seeds of a repetition: all its strategies share them."""
MAX_DRAWS = 200  # of people, until both sides have each class
LOGISTIC = "logistic regression"


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """Windows of a store that have a class, and everything that repetitions share.

    Parameters
    ----------
    rows
        (n_windows,): rows of the store.
    classes
        (n_windows,): class of each window.
    class_names
        Name of each class.
    people
        (n_windows,): number of the person of each window.
    people_names
        Name of each person, as dataset and subject.
    recording, onset
        (n_windows,): number of the recording of each window, and its onset in s.
    window_seconds
        Length of a window in s.
    is_split_test
        (n_windows,): windows of the split test of the store. None if people are drawn.
    measures
        Measures of these windows, as `measure_windows` returns them.
    scoring
        Metric.
    networks
        Learners by name. Empty for logistic regression.
    config
        Settings.
    """

    rows: Rows
    classes: Integers
    class_names: tuple[str, ...]
    people: Integers
    people_names: tuple[str, ...]
    recording: Integers
    onset: Floats
    window_seconds: float
    is_split_test: np.ndarray[tuple[int], np.dtype[np.bool_]] | None
    measures: Measures
    scoring: Scoring
    networks: Mapping[str, NetworkLearner]
    config: SimulateConfig

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return len(self.class_names)

    @property
    def learner_names(self) -> tuple[str, ...]:
        """Names of the learners, of each of which there are curves."""
        return tuple(self.networks) or (LOGISTIC,)


def hold_out(problem: Problem, seed: int) -> tuple[Rows, Rows]:
    """Return the windows that may be asked, and those of the held-out people, as sorted numbers.

    Parameters
    ----------
    problem
        The simulation.
    seed
        Seed of the repetition. All have the same windows if the split of the store decides.

    Raises
    ------
    TargetError
        There are fewer than two people, or some class is only known to people of one side.
    """
    if problem.is_split_test is not None:
        return _divide(problem, problem.is_split_test)
    rng = np.random.default_rng([seed, SPLIT_STREAM])
    n_people = int(problem.people.max()) + 1
    if n_people < 2:
        raise TargetError("one person has windows with a class; two or more are needed to test")
    n_test = min(max(1, round(float(problem.config.test) * n_people)), n_people - 1)
    for _ in range(MAX_DRAWS):
        is_test = np.isin(problem.people, rng.choice(n_people, n_test, replace=False))
        sides = [problem.classes[is_test], problem.classes[~is_test]]
        if all(len(np.unique(side)) == problem.n_classes for side in sides):
            return _divide(problem, is_test)
    raise TargetError(
        f"no draw of {n_test} of {n_people} people leaves windows of all "
        f"{problem.n_classes} classes on both sides; use another --test or --target"
    )


def _divide(
    problem: Problem, is_test: np.ndarray[tuple[int], np.dtype[np.bool_]]
) -> tuple[Rows, Rows]:
    """Return the numbers of other windows and of test windows."""
    if set(problem.people[is_test]) & set(problem.people[~is_test]):
        raise TargetError("the split test shares people with other splits; use --test SHARE")
    for side, name in ((is_test, "test"), (~is_test, "train and validation")):
        missing = np.setdiff1d(np.arange(problem.n_classes), problem.classes[side])
        if len(missing):
            raise TargetError(
                f"the split {name} has no window of the class {problem.class_names[missing[0]]!r}; "
                "use --test SHARE"
            )
    return np.flatnonzero(~is_test), np.flatnonzero(is_test)
