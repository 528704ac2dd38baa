"""Pool of windows as a strategy sees it: features, opinions of a model, answers and times."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]
Integers: TypeAlias = npt.NDArray[np.int64]
Rows: TypeAlias = npt.NDArray[np.int64]
"""Distinct numbers of windows of a pool (n_rows,)."""

UNLABELLED = -1


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """Windows that may be asked, as a strategy sees them.

    Parameters
    ----------
    features
        (n_windows, n_features): standardized features.
    labels
        (n_windows,): index of the class that an expert answered, `UNLABELLED` without an answer.
    n_classes
        Number of classes that an expert can answer.
    recording
        (n_windows,): number of the recording of each window.
    onset
        (n_windows,): onset of each window in its recording, in s.
    window_seconds
        Length of a window in s.
    probabilities
        (n_windows, n_classes): probability of each class by a model. None before the first model.
    committee
        (n_members, n_windows, n_classes): probabilities by each model of a committee. None without
        a committee.

    Raises
    ------
    ValueError
        Shapes do not fit each other, or features, probabilities or onsets have NaN or infinite
        values.
    """

    features: Floats
    labels: Integers
    n_classes: int
    recording: Integers
    onset: Floats
    window_seconds: float
    probabilities: Floats | None = None
    committee: Floats | None = None

    def __post_init__(self) -> None:
        """Check shapes and values."""
        n_windows = len(self.features)
        opinions = (n_windows, self.n_classes)
        _check("features", self.features, (n_windows, self.features.shape[-1]))
        _check("onset", self.onset, (n_windows,))
        for name in ("labels", "recording"):
            _check(name, getattr(self, name), (n_windows,))
        if self.probabilities is not None:
            _check("probabilities", self.probabilities, opinions)
        if self.committee is not None:
            _check("committee", self.committee, (len(self.committee), *opinions))
        if n_windows and not UNLABELLED <= self.labels.min() <= self.labels.max() < self.n_classes:
            raise ValueError(
                f"pool: labels from {self.labels.min()} to {self.labels.max()}; "
                f"expected {UNLABELLED} to {self.n_classes - 1}"
            )

    def __len__(self) -> int:
        """Return the number of windows."""
        return len(self.features)

    @property
    def is_labelled(self) -> npt.NDArray[np.bool_]:
        """Windows (n_windows,) that have an answer."""
        return np.asarray(self.labels != UNLABELLED, dtype=np.bool_)

    @property
    def class_counts(self) -> Integers:
        """Number of answers of each class (n_classes,)."""
        answers = self.labels[self.is_labelled]
        return np.bincount(answers, minlength=self.n_classes).astype(np.int64)


Strategy: TypeAlias = Callable[[Pool, int, np.random.Generator], Rows]
"""Function of a pool, the number of windows to ask, and a generator of random numbers. It returns
the windows to ask, in the order of their importance: none is labelled, none comes twice, and no two
of a recording are closer than `bids_dl.annotate.strategies.spacing.MIN_LENGTHS` windows."""


def _check(name: str, values: npt.NDArray[np.generic], shape: tuple[int, ...]) -> None:
    """Refuse an array of another shape, or with values that are not finite."""
    if values.shape != shape:
        raise ValueError(f"pool: {name} has the shape {values.shape}; expected {shape}")
    if not np.isfinite(values).all():
        raise ValueError(f"pool: {name} has NaN or infinite values; leave such windows out")
