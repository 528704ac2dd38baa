"""Votes: the predictions of all windows of a unit, such as a person, combined into one."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from bids_dl.config.training_options import VoteUnit
from bids_dl.errors import TargetError
from bids_dl.models.target import TargetSpec
from bids_dl.training.metrics.person_statistics import Floats, divide, sum_by_person
from bids_dl.training.metrics.tested import read_values
from bids_dl.wording import join_names

UNIT_COLUMNS: dict[VoteUnit, tuple[str, ...]] = {
    "subject": ("dataset", "subject"),
    "session": ("dataset", "subject", "session"),
    "recording": ("dataset", "subject", "recording"),
    "block": ("dataset", "subject", "recording", "block"),
}
"""Columns whose values identify a unit. None of them is the target."""

TIE_DECIMALS = 12  # mean probabilities that agree to so many digits are equal


def default_vote_unit(table: pd.DataFrame, spec: TargetSpec, values: npt.NDArray[Any]) -> VoteUnit:
    """Return the unit of vote of a target: the person, or the block.

    Parameters
    ----------
    table
        Rows of the store (n_windows,): dataset and subject.
    spec
        Target.
    values
        True values of these rows, as in `TestedRows`. Missing values are -1 or NaN.

    Returns
    -------
    unit
        ``"subject"`` if each person has one value of the target, else ``"block"``.

    Examples
    --------
    >>> spec = TargetSpec("age", "number", ("age",), ("age",))
    >>> table = pd.DataFrame({"dataset": "ds", "subject": ["a", "a", "b"]})
    >>> default_vote_unit(table, spec, np.array([30.0, 30.0, 40.0]))
    'subject'
    """
    keys = list(UNIT_COLUMNS["subject"])
    n_values = (
        _known_values(spec, values).groupby([table[key].to_numpy() for key in keys]).nunique()
    )
    return "subject" if (n_values <= 1).all(axis=None) else "block"


def check_vote_unit(
    table: pd.DataFrame, spec: TargetSpec, values: npt.NDArray[Any], vote_by: VoteUnit
) -> None:
    """Raise `TargetError` if a unit of vote has several true classes.

    Shares and numbers may differ within a unit, because their mean is the true value of a vote.

    Parameters
    ----------
    table
        Rows of the store or predictions (n_windows,): the columns of the unit.
    spec
        Target.
    values
        True values of these rows, as in `TestedRows`. Missing values are -1 or NaN.
    vote_by
        Unit of vote.

    Examples
    --------
    >>> spec = TargetSpec("label", "classes", ("label",), ("rest", "move"))
    >>> table = pd.DataFrame({"dataset": "ds", "subject": ["001", "001"]})
    >>> check_vote_unit(table, spec, np.array([0, 1]), "subject")
    Traceback (most recent call last):
    bids_dl.errors.TargetError: --vote-by subject: ds/sub-001 has several values of label (rest,
    move); vote by a smaller unit, such as block
    """
    if spec.kind in ("number", "shares"):
        return
    units = _number_units(table, vote_by)
    known = _known_values(spec, values)
    n_values = known.groupby(units).nunique()
    for position, column in enumerate(known):
        several = np.flatnonzero(n_values[column].to_numpy() > 1)
        if len(several):
            rows = np.flatnonzero(units == several[0])
            codes = sorted(known[column].iloc[rows].dropna().unique())
            is_class = spec.kind == "classes"
            names = [spec.outputs[int(code)] if is_class else f"{code:.0f}" for code in codes]
            raise TargetError(
                f"--vote-by {vote_by}: {_name_unit(table.iloc[rows[0]], vote_by)} has several "
                f"values of {spec.columns[position]} ({join_names(names)}); {_advise(vote_by)}"
            )


def cast_votes(predictions: pd.DataFrame, spec: TargetSpec, vote_by: VoteUnit) -> pd.DataFrame:
    """Combine the predictions of the windows of each unit into one vote.

    The vote is the class that was predicted for most windows, and the mean of predicted numbers,
    shares or probabilities of labels. A tie of classes goes to the class with the larger mean
    probability, and to the first class if these are equal. The true value of a vote is that of its
    windows, and their mean for numbers and shares.

    Parameters
    ----------
    predictions
        One row per window: the columns of the unit, those of the target, ``predicted`` for classes
        and numbers, and ``p_<output>`` for all but numbers.
    spec
        Target.
    vote_by
        Unit of vote.

    Returns
    -------
    votes
        One row per unit, sorted: the columns of the unit, ``n_windows``, the columns of the target
        and of the prediction as in ``predictions`` and, for classes, ``tie``.

    Raises
    ------
    TargetError
        A unit has several true classes.

    Examples
    --------
    >>> spec = TargetSpec("age", "number", ("age",), ("age",))
    >>> table = pd.DataFrame({"dataset": "ds", "subject": "a", "age": 30.0, "predicted": [20, 30]})
    >>> cast_votes(table, spec, "subject")["predicted"].tolist()
    [25.0]
    """
    values = read_values(predictions, spec)
    check_vote_unit(predictions, spec, values, vote_by)
    units = _number_units(predictions, vote_by)
    first_rows = np.unique(units, return_index=True)[1]
    unit_columns = list(UNIT_COLUMNS[vote_by])
    votes = predictions.iloc[first_rows][unit_columns].reset_index(drop=True)
    votes["n_windows"] = np.bincount(units)
    means = _mean_by_unit(predictions, units, spec)
    if spec.kind == "classes":
        votes[spec.columns[0]] = np.array(spec.outputs, dtype=object)[values[first_rows]]
        names = [f"p_{name}" for name in spec.outputs]
        winner, is_tie = _elect(predictions["predicted"], units, means[names].to_numpy(), spec)
        votes["predicted"] = np.array(spec.outputs, dtype=object)[winner]
        return pd.concat([votes, means[names]], axis=1).assign(tie=is_tie)
    return pd.concat([votes, means], axis=1)


def _mean_by_unit(
    predictions: pd.DataFrame, units: npt.NDArray[np.int64], spec: TargetSpec
) -> pd.DataFrame:
    """Average true values, predicted numbers and probabilities, leaving out missing labels."""
    columns = [] if spec.kind == "classes" else list(spec.columns)
    if spec.kind == "number":
        columns.append("predicted")
    else:
        columns += [f"p_{name}" for name in spec.outputs]
    values = predictions[columns].to_numpy(dtype=np.float64)
    n_units = int(units.max()) + 1
    totals = sum_by_person(np.nan_to_num(values), units, n_units)
    means = divide(totals, sum_by_person(~np.isnan(values), units, n_units))
    return pd.DataFrame(means, columns=columns)


def _elect(
    predicted: pd.Series, units: npt.NDArray[np.int64], means: Floats, spec: TargetSpec
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Return the class index that most windows of each unit (n_units,) have, and if it is tied."""
    indices = pd.Index(spec.outputs).get_indexer(pd.Index(predicted.astype(str)))
    cells = np.bincount(units * spec.n_outputs + indices, minlength=means.size)
    counts = cells.reshape(means.shape)
    is_most = counts == counts.max(axis=1, keepdims=True)
    winner = np.where(is_most, means.round(TIE_DECIMALS), -1.0).argmax(axis=1)
    return winner, is_most.sum(axis=1) > 1


def _number_units(table: pd.DataFrame, vote_by: VoteUnit) -> npt.NDArray[np.int64]:
    """Return the number of the unit of each row (n,), in sorted order."""
    groups = table.groupby(list(UNIT_COLUMNS[vote_by]), sort=True, dropna=False)
    return np.asarray(groups.ngroup(), dtype=np.int64)


def _known_values(spec: TargetSpec, values: npt.NDArray[Any]) -> pd.DataFrame:
    """Return the true values as columns, with NaN for missing ones."""
    table = pd.DataFrame(np.asarray(values, dtype=np.float64).reshape(len(values), -1))
    return table.where(table >= 0) if spec.kind == "classes" else table


def _name_unit(row: pd.Series, vote_by: VoteUnit) -> str:
    if vote_by in ("recording", "block"):
        name = f"{row['dataset']}/{row['recording']}"
        return f"{name}, block {row['block']}," if vote_by == "block" else name
    name = f"{row['dataset']}/sub-{row['subject']}"
    return f"{name}, session {row['session']}," if vote_by == "session" else name


def _advise(vote_by: VoteUnit) -> str:
    if vote_by == "block":
        return "choose a target with one value per block"
    return "vote by a smaller unit, such as block"
