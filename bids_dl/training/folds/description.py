"""Folds as JSON, for the run folder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from bids_dl.training.folds.fold import Fold, expand_ranges
from bids_dl.training.folds.people import find_people

MAX_RANGES = 100_000  # 4 MB of JSON


def describe_folds(folds: Sequence[Fold], table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the content of folds.json: persons and rows of each side.

    Parameters
    ----------
    folds
        Folds of the store.
    table
        Table of the whole store.

    Returns
    -------
    list of dict
        Of each fold ``index``, ``held_out``, ``same_person``, the sorted persons of ``train``,
        ``validation`` and ``test``, and the ranges of rows of each side as ``windows``: first row
        and the row after the last. ``windows`` is None if all folds together have more than
        `MAX_RANGES`; config.json and the store determine the windows, too.

    Examples
    --------
    >>> from bids_dl.training.folds.fold import make_fold
    >>> table = pd.DataFrame({"dataset": ["ds"] * 3, "subject": ["01", "01", "02"]})
    >>> fold = make_fold(0, "sub-02", same_person=False, train=np.arange(2), test=np.array([2]))
    >>> [description] = describe_folds([fold], table)
    >>> description["train"], description["windows"]["train"]
    ([['ds', '01']], [[0, 2]])
    """
    people = find_people(table)
    n_ranges = sum(len(ranges) for fold in folds for ranges in fold.ranges.values())
    descriptions = []
    for fold in folds:
        description: dict[str, Any] = {
            "index": fold.index,
            "held_out": fold.held_out,
            "same_person": fold.same_person,
        }
        windows = {}
        for side, ranges in fold.ranges.items():
            counts = np.bincount(people.codes[expand_ranges(ranges)], minlength=len(people.names))
            description[side] = [list(people.names[i]) for i in np.flatnonzero(counts)]
            windows[side] = ranges.tolist()
        description["windows"] = windows if n_ranges <= MAX_RANGES else None
        descriptions.append(description)
    return descriptions
