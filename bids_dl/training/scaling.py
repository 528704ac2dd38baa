"""Choose the normalization of the windows of a training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from bids_dl.config.training_stage import TrainConfig
from bids_dl.errors import ConfigError
from bids_dl.models import ModelSpec


@dataclass(frozen=True, slots=True)
class Scaling:
    """Normalization of a training, and its reason for the record.

    Parameters
    ----------
    normalize
        ``"window"``, ``"recording"``, ``"training"``, or ``"none"`` for µV.
    reason
        Reason, as the end of a sentence.
    """

    normalize: str
    reason: str


def choose_normalization(
    config: TrainConfig,
    model: ModelSpec,
    table: pd.DataFrame,
    known: npt.NDArray[np.bool_],
    values: npt.NDArray[Any],
) -> Scaling:
    """Choose the normalization: the requested one, else the published one, else by the target.

    If the target varies within a recording, windows are normalized by recording, because this
    removes differences between amplifiers and people but keeps the target. Otherwise they are
    normalized by the training windows, because normalization by recording or by window may remove
    the target with the power of the recording. With one class per recording, training and window
    did not differ in two datasets by more than seeds do: shallow-fbcsp had 91 and 92 % of windows
    in eyes open against closed, and a balanced accuracy of 63 and 60 % in rest against arithmetic.

    Parameters
    ----------
    config
        Requested normalization.
    model
        Model with its published normalization.
    table
        All windows of a store.
    known
        (n_windows,): windows that may be used.
    values
        (n_windows,) or (n_windows, n_columns): target of all windows, as in `TargetValues`.

    Examples
    --------
    >>> from bids_dl.models import MODELS
    >>> table = pd.DataFrame({"dataset": "eyes", "recording": ["a", "a", "b"]})
    >>> known = np.ones(3, bool)
    >>> model = MODELS["shallow-fbcsp"]
    >>> choose_normalization(TrainConfig(), model, table, known, np.array([0, 1, 0])).normalize
    'recording'
    >>> choose_normalization(TrainConfig(), model, table, known, np.array([0, 0, 1])).normalize
    'training'
    """
    if model.has_fixed_scale and config.normalize not in ("auto", model.normalize):
        raise ConfigError(
            f"--normalize {config.normalize}: model {model.name} expects {model.normalize}; "
            "leave the option out"
        )
    if config.normalize != "auto":
        return Scaling(config.normalize, "it was requested")
    if model.normalize is not None:
        return Scaling(model.normalize, f"{model.name} was published with it")
    if _varies_within_recordings(table[known], values[known]):
        return Scaling("recording", "the target varies within recordings")
    return Scaling(
        "training",
        "each recording has one value of the target, so that normalization by recording may "
        "remove the difference",
    )


def warn_of_recordings(
    normalize: str, table: pd.DataFrame, known: npt.NDArray[np.bool_], values: npt.NDArray[Any]
) -> list[str]:
    """Return a warning if an inherited normalization may remove what is to be learnt.

    Parameters
    ----------
    normalize
        Normalization of the run that a training begins with.
    table, known, values
        As in `choose_normalization`.

    Examples
    --------
    >>> table = pd.DataFrame({"dataset": "eyes", "recording": ["a", "b"]})
    >>> warn_of_recordings("training", table, np.ones(2, bool), np.array([0, 1]))
    []
    """
    if normalize not in ("recording", "window"):
        return []
    if _varies_within_recordings(table[known], values[known]):
        return []
    return [
        f"the run to begin with was normalized by {normalize}, which may remove the difference, "
        "because each recording has one value of the target; --normalize training keeps it"
    ]


def _varies_within_recordings(table: pd.DataFrame, values: npt.NDArray[Any]) -> bool:
    """Return True if a recording has windows with different known targets."""
    columns = pd.DataFrame(values.reshape(len(values), -1))
    if np.issubdtype(values.dtype, np.integer):
        columns = columns.where(columns >= 0)  # a missing class is -1, and NaN does not count
    recordings = [table[name].to_numpy() for name in ("dataset", "recording")]
    n_different = columns.groupby(recordings).nunique()
    return bool((n_different > 1).to_numpy().any())
