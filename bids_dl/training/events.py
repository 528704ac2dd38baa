"""Progress events of a training."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class TrainingEvent:
    """A step of a training that has just been completed.

    Parameters
    ----------
    kind
        ``"started"`` once the run folder exists, ``"progress"`` every few seconds within an epoch,
        ``"epoch"`` after each epoch, ``"tested"`` when a fold is finished and its test windows
        are predicted.
    text
        One line for people, which no program should parse. Empty for ``"progress"``.
    n_folds
        Number of folds of the training.
    fold
        Index of the fold, from 0. None for ``"started"``.
    values
        Numbers of the event: the row of the history for ``"epoch"``, the main metric and
        ``n_windows`` for ``"tested"``, and for ``"progress"`` the ``step`` of the epoch, from 1 to
        ``n_steps``, ``windows_per_second``, ``waiting_share`` (from 0 to 1) and ``loss``.
    """

    kind: Literal["started", "progress", "epoch", "tested"]
    text: str
    n_folds: int
    fold: int | None = None
    values: Mapping[str, float] = field(default_factory=dict)


EventCallback = Callable[[TrainingEvent], None]
