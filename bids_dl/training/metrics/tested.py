"""Tested windows or votes as arrays: true values, outputs of the model and persons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from bids_dl.errors import TargetError
from bids_dl.models.target import TargetSpec
from bids_dl.training.metrics.person_statistics import Counts, Floats

PERSON = ["dataset", "subject"]
MIN_PROBABILITY = 0.5  # of a label from which it is predicted


@dataclass(frozen=True, eq=False, slots=True)
class TestedRows:
    """Tested windows or votes.

    Parameters
    ----------
    spec
        Target.
    values
        True values: class indices (n,), numbers (n,), shares (n, n_outputs), or labels 0, 1 or NaN
        (n, n_outputs).
    outputs
        Decoded outputs of the model (n, n_outputs), as returned by `decode`.
    predicted
        Predicted class indices (n,), numbers (n,), indices of the largest share (n,), or labels
        0 or 1 (n, n_outputs).
    persons
        Number of the person of each row (n,), in order of dataset and subject.
    n_persons
        Number of persons.
    """

    __test__ = False  # not a class of tests, for pytest

    spec: TargetSpec
    values: npt.NDArray[Any]
    outputs: Floats
    predicted: npt.NDArray[Any]
    persons: Counts
    n_persons: int


def read_tested(table: pd.DataFrame, spec: TargetSpec) -> TestedRows:
    """Read the columns of predictions or votes.

    Parameters
    ----------
    table
        Predictions or votes: dataset, subject, columns of the target, ``predicted`` for classes
        and numbers, and ``p_<output>`` for all but numbers.
    spec
        Target.

    Raises
    ------
    TargetError
        A class is no output of the model.

    Examples
    --------
    >>> spec = TargetSpec("age", "number", ("age",), ("age",))
    >>> table = pd.DataFrame({"dataset": "ds", "subject": ["b", "a"], "age": 30.0, "predicted": 1})
    >>> read_tested(table, spec).persons.tolist()
    [1, 0]
    """
    persons = np.asarray(table.groupby(PERSON, sort=True).ngroup(), dtype=np.int64)
    values = read_values(table, spec)
    if spec.kind == "number":
        outputs = table[["predicted"]].to_numpy(dtype=np.float64)
    else:
        outputs = table[[f"p_{name}" for name in spec.outputs]].to_numpy(dtype=np.float64)
    predicted = predict(spec, outputs)
    if spec.kind == "classes":  # a vote may differ from the largest mean probability
        predicted = _class_indices(table["predicted"], spec)
    return TestedRows(spec, values, outputs, predicted, persons, len(np.unique(persons)))


def read_values(table: pd.DataFrame, spec: TargetSpec) -> npt.NDArray[Any]:
    """Read the true values of predictions or votes, as in `TestedRows`.

    Raises
    ------
    TargetError
        A class is no output of the model.
    """
    columns = list(spec.columns)
    if spec.kind == "classes":
        return _class_indices(table[columns[0]], spec)
    if spec.kind == "number":
        return table[columns[0]].to_numpy(dtype=np.float64)
    return table[columns].to_numpy(dtype=np.float64)


def predict(spec: TargetSpec, outputs: Floats) -> npt.NDArray[Any]:
    """Return the prediction of decoded outputs (n, n_outputs), as in `TestedRows`.

    Examples
    --------
    >>> spec = TargetSpec("label", "classes", ("label",), ("rest", "move"))
    >>> predict(spec, np.array([[0.2, 0.8]])).tolist()
    [1]
    """
    if spec.kind == "number":
        return outputs[:, 0]
    if spec.kind == "labels":
        return (outputs >= MIN_PROBABILITY).astype(np.int64)
    largest: npt.NDArray[np.int64] = outputs.argmax(axis=1)
    return largest


def list_persons(table: pd.DataFrame) -> list[tuple[str, str]]:
    """List dataset and subject of each person, in the order of `TestedRows.persons`."""
    unique = table[PERSON].drop_duplicates().sort_values(PERSON)
    return list(unique.itertuples(index=False, name=None))


def _class_indices(column: pd.Series, spec: TargetSpec) -> npt.NDArray[np.int64]:
    """Return the index of each class name among the outputs."""
    indices = pd.Index(spec.outputs).get_indexer(pd.Index(column.astype(str)))
    if (indices < 0).any():
        unknown = column.iloc[int(np.flatnonzero(indices < 0)[0])]
        raise TargetError(
            f"predictions: {column.name} has the value {str(unknown)!r}, which is none of the "
            f"classes {', '.join(spec.outputs)}; use the predictions of the same run"
        )
    return indices.astype(np.int64)
