"""Folds: the windows that train, validate and test one model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.int64]
"""Rows of the store, ascending (n_rows,)."""

Ranges = npt.NDArray[np.int64]
"""First row and the row after the last of each run of neighbouring rows (n_ranges, 2)."""

NO_ROWS = np.empty(0, np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Fold:
    """One training: the rows of the store on each side.

    Rows are kept as ranges. A store of a million windows with one fold per person would otherwise
    need gigabytes.

    Parameters
    ----------
    index
        Number of the fold, from 0.
    held_out
        Description of the tested windows, such as ``"sub-003"``.
    same_person
        True if a model is tested on persons of whom it has seen other windows.
    train_ranges, validation_ranges, test_ranges
        Ranges of rows on each side, ascending (n_ranges, 2).

    Examples
    --------
    >>> fold = make_fold(0, "sub-003", same_person=False, train=np.arange(4), test=np.array([4, 7]))
    >>> fold.train.tolist(), fold.validation.tolist(), fold.test.tolist()
    ([0, 1, 2, 3], [], [4, 7])
    """

    index: int
    held_out: str
    same_person: bool
    train_ranges: Ranges
    validation_ranges: Ranges
    test_ranges: Ranges

    @property
    def train(self) -> Rows:
        """Rows of the training windows, as a new ascending array."""
        return expand_ranges(self.train_ranges)

    @property
    def validation(self) -> Rows:
        """Rows of the validation windows, as a new ascending array, which may be empty."""
        return expand_ranges(self.validation_ranges)

    @property
    def test(self) -> Rows:
        """Rows of the test windows, as a new ascending array."""
        return expand_ranges(self.test_ranges)

    @property
    def ranges(self) -> dict[str, Ranges]:
        """Ranges of rows by the name of the side."""
        return {
            "train": self.train_ranges,
            "validation": self.validation_ranges,
            "test": self.test_ranges,
        }


@dataclass(frozen=True, slots=True)
class FoldPlan:
    """Folds to train, in order, and warnings for the user."""

    folds: tuple[Fold, ...]
    warnings: tuple[str, ...] = ()


def make_fold(
    index: int,
    held_out: str,
    *,
    same_person: bool,
    train: Rows,
    validation: Rows = NO_ROWS,
    test: Rows,
) -> Fold:
    """Create a fold from rows.

    Parameters
    ----------
    index, held_out, same_person
        As in `Fold`.
    train, validation, test
        Rows of the store on each side, ascending.

    Examples
    --------
    >>> fold = make_fold(0, "sub-003", same_person=False, train=np.arange(4), test=np.array([4, 7]))
    >>> fold.train_ranges.tolist(), fold.test_ranges.tolist()
    ([[0, 4]], [[4, 5], [7, 8]])
    """
    sides = [find_ranges(rows) for rows in (train, validation, test)]
    return Fold(index, held_out, same_person, *sides)


def find_ranges(rows: Rows) -> Ranges:
    """Return the ranges of neighbouring rows.

    Parameters
    ----------
    rows
        Distinct rows, ascending (n_rows,).

    Examples
    --------
    >>> find_ranges(np.array([2, 3, 4, 9])).tolist()
    [[2, 5], [9, 10]]
    """
    if not len(rows):
        return np.empty((0, 2), np.int64)
    last = np.flatnonzero(np.diff(rows) != 1)
    starts = rows[np.concatenate(([0], last + 1))]
    stops = rows[np.concatenate((last, [len(rows) - 1]))] + 1
    return np.column_stack((starts, stops)).astype(np.int64)


def expand_ranges(ranges: Ranges) -> Rows:
    """Return the rows of ranges, ascending.

    Examples
    --------
    >>> expand_ranges(np.array([[2, 5], [9, 10]])).tolist()
    [2, 3, 4, 9]
    """
    if not len(ranges):
        return NO_ROWS.copy()
    lengths = ranges[:, 1] - ranges[:, 0]
    before = np.concatenate(([0], np.cumsum(lengths)[:-1]))
    return np.repeat(ranges[:, 0] - before, lengths) + np.arange(lengths.sum())
