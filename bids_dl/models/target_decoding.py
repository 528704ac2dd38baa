"""Turn the outputs of a model into values of its target."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from bids_dl.errors import ModelError
from bids_dl.models.target import TargetSpec
from bids_dl.wording import count


def decode(spec: TargetSpec, outputs: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Return the predictions that the outputs of a model mean.

    Parameters
    ----------
    spec
        Target of the model.
    outputs
        (n_windows, n_outputs): outputs of the model.

    Returns
    -------
    numpy.ndarray
        float64 (n_windows, n_outputs). Classes: the probability of each class. Number: the number
        in its own unit. Shares: the share of each column. Labels: the probability of each label.
        Probabilities of classes and shares sum to 1 in each row.

    Raises
    ------
    ModelError
        The outputs have another shape, or are not finite. NaN would otherwise be the first class.

    Examples
    --------
    >>> age = TargetSpec("age", "number", ("age",), ("age",), mean=40.0, std=10.0)
    >>> decode(age, np.array([[-1.0], [0.5]])).tolist()
    [[30.0], [45.0]]
    """
    if outputs.ndim != 2 or outputs.shape[1] != spec.n_outputs:
        raise ModelError(
            f"the model returned an array of shape {outputs.shape} for the target {spec.name!r}; "
            f"expected (n_windows, {spec.n_outputs})"
        )
    n_wrong = int((~np.isfinite(outputs)).any(axis=1).sum())
    if n_wrong:
        raise ModelError(
            f"the model returned NaN or infinity for {n_wrong} of {count(len(outputs), 'window')}: "
            "look for damaged signals, or train again with a smaller --lr or with --clip 1"
        )
    values = torch.from_numpy(np.asarray(outputs)).double()
    if spec.kind == "number":
        values = values * spec.std + spec.mean
    elif spec.kind == "labels":
        values = values.sigmoid()
    else:
        values = values.softmax(dim=1)
    decoded: npt.NDArray[np.float64] = values.numpy()
    return decoded
