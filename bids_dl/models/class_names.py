"""Whole numbers as classes, such as a column of 0 and 1 in participants.tsv."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch
from pandas.api.types import is_bool_dtype, is_numeric_dtype

from bids_dl.stream.batch_reader import Batch

MAX_CLASSES = 10  # as many as there are digits; more whole numbers are a quantity


def number_classes(values: pd.Series) -> tuple[str, ...]:
    """Return the names of the classes of a column of numbers.

    Parameters
    ----------
    values
        Column of a store. Missing values are NaN.

    Returns
    -------
    tuple of str
        The numbers in order, if they are at most ten whole numbers from 0 or 1 on without a gap.
        Empty for other numbers, which are quantities, and for text.

    Examples
    --------
    >>> number_classes(pd.Series([1.0, 0.0, np.nan])), number_classes(pd.Series([18.0, 19.0]))
    (('0', '1'), ())
    """
    if not is_numeric_dtype(values) or is_bool_dtype(values):
        return ()
    numbers = np.unique(values.dropna().to_numpy(float))
    is_counted = len(numbers) <= MAX_CLASSES and bool(np.isin(numbers[:1], (0, 1)).all())
    if not is_counted or np.any(np.diff(numbers) != 1):
        return ()
    return tuple(f"{number:g}" for number in numbers)


def name_classes(values: pd.Series) -> pd.Series:
    """Return a target as the names of its classes: numbers as text, missing ones as n/a.

    Examples
    --------
    >>> name_classes(pd.Series([1.0, np.nan])).tolist(), name_classes(pd.Series(["go"])).tolist()
    (['1', 'n/a'], ['go'])
    """
    if not is_numeric_dtype(values) or is_bool_dtype(values):
        return values
    names = [f"{value:g}" if np.isfinite(value) else "n/a" for value in values.astype(float)]
    return pd.Series(names, index=values.index, name=values.name, dtype=object)


class NumbersToClasses:
    """Transform of a stream that replaces numbers by the indices of their classes.

    Parameters
    ----------
    classes
        Result of `number_classes`.

    Examples
    --------
    >>> batch = Batch(torch.zeros(2, 1, 1), torch.tensor([2.0, 1.0]), torch.tensor([0, 1]))
    >>> NumbersToClasses(("1", "2"))(batch).target
    tensor([1, 0])
    """

    def __init__(self, classes: Sequence[str]) -> None:
        self.numbers = torch.tensor([float(name) for name in classes])

    def __call__(self, batch: Batch) -> Batch:
        """Return the batch with int64 indices as target."""
        return batch._replace(target=torch.searchsorted(self.numbers, batch.target))
