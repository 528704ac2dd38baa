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
        ``"started"`` once the run folder exists, ``"epoch"`` after each epoch, ``"tested"`` when
        a fold is finished and its held-out persons are tested.
    text
        One line for people, which no program should parse.
    n_folds
        Number of folds of the training.
    fold
        Index of the fold, from 0. None for ``"started"``.
    values
        Numbers of the event: the row of the history for ``"epoch"``, ``accuracy`` (from 0 to 1)
        and ``n_windows`` for ``"tested"``.
    """

    kind: Literal["started", "epoch", "tested"]
    text: str
    n_folds: int
    fold: int | None = None
    values: Mapping[str, float] = field(default_factory=dict)


EventCallback = Callable[[TrainingEvent], None]
