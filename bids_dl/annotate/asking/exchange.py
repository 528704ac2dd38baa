"""Values that the page and the process of the learner exchange: a round, and its result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from bids_dl.annotate.answers.replay import Answer
from bids_dl.annotate.strategies.pool import Rows

Probabilities: TypeAlias = npt.NDArray[np.float32]
"""(n_windows, n_classes): probability of each class. NaN for windows that cannot be used."""

N_BATCHES = 3  # that a round picks, so that a slow training leaves the experts questions


@dataclass(frozen=True, slots=True)
class LearnerJob:
    """Pool and learner of a process that trains between rounds.

    Attributes
    ----------
    store_url
        Path or URL of the pool.
    classes
        Names of the classes of an answer, the background first, without ``unsure``.
    run_dir
        Run folder whose embeddings replace the measures of the windows, and whose predictions
        are the opinion until each class has answers. None for none.
    model, model_options, epochs
        Network that is trained in each round, its options, and epochs of a training. With None,
        the learner is logistic regression on features.
    device
        Device of networks; ``"auto"`` selects the best that is available.
    storage_options
        Options for the file system of the URL, as in fsspec.
    """

    store_url: str
    classes: tuple[str, ...]
    run_dir: Path | None = None
    model: str | None = None
    model_options: Mapping[str, Any] = field(default_factory=dict)
    epochs: int = 30
    device: str = "auto"
    storage_options: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class RoundRequest:
    """A round: the answers so far, and which windows to choose next.

    Attributes
    ----------
    number
        Number of the round, if a model can be trained.
    answers
        Answers that hold, in the order of the log.
    held
        (n_held,): windows that experts are looking at, which are not chosen.
    strategy
        Name of the strategy.
    batch
        Questions per batch. `N_BATCHES` are chosen.
    seed
        Seed of the questions and of the learner, together with the number.
    """

    number: int
    answers: tuple[Answer, ...]
    held: Rows
    strategy: str
    batch: int
    seed: int = 0


@dataclass(frozen=True, slots=True)
class PickedWindow:
    """A window that a strategy chose.

    Attributes
    ----------
    row
        Number of the window in the pool.
    strategy
        Part of the strategy that chose it, a key of `bids_dl.annotate.asking.reasons.REASONS`.
    """

    row: int
    strategy: str


@dataclass(frozen=True, slots=True, eq=False)
class RoundResult:
    """Result of a round.

    Attributes
    ----------
    number
        Number of the last round that trained a model, 0 if none did.
    model
        Hash of the model: of the pool, the settings, and the answers that it was trained on. None
        without a model.
    probabilities
        Opinion of the model on all windows. None without a model.
    picks
        Windows to ask for training, in their order.
    is_usable
        (n_windows,): False for windows with NaN or infinite samples.
    figures
        Test figures, as `bids_dl.annotate.asking.figures.Figures.as_dict` returns them. None
        without a model.
    kappa
        Agreement with the model of the round before, as
        `bids_dl.annotate.asking.stopping.compare_models` returns it. None without one.
    likeliest
        Number of answers with an event among the last likeliest windows that were asked, and
        number of these windows.
    agreement
        Agreement of the experts, as `bids_dl.annotate.asking.stopping.describe_agreement` returns
        it.
    messages
        Lines for people: windows that are left out, once per process.
    """

    number: int
    model: str | None
    probabilities: Probabilities | None
    picks: tuple[PickedWindow, ...]
    is_usable: npt.NDArray[np.bool_]
    figures: Mapping[str, Any] | None = None
    kappa: float | None = None
    likeliest: tuple[int, int] = (0, 0)
    agreement: Mapping[str, Any] = field(default_factory=dict)
    messages: tuple[str, ...] = ()
