"""Settings of embeddings and probes, each as one frozen dataclass."""

from __future__ import annotations

from pydantic import Field
from pydantic.dataclasses import dataclass

from bids_dl.config.stages import STRICT
from bids_dl.config.training_options import ClassWeighting, TargetKind, VoteUnit


@dataclass(frozen=True, config=STRICT)
class EmbedConfig:
    """Embedding of the windows of a store by one model of a run.

    Parameters
    ----------
    fold
        Number of the model in folds.json. None is the only model of a run.
    layer
        Name of the module whose output is the features, or None for the input of the last layer.
    split
        Embed only the windows of this split. None takes all.
    random_seeds
        Number of networks with random weights, of the seeds 0, 1 and so on.
    device
        Device of the computation; ``"auto"`` selects the best that is available.
    """

    fold: int | None = Field(default=None, ge=0)
    layer: str | None = None
    split: str | None = None
    random_seeds: int = Field(default=3, ge=1)
    device: str = "auto"


@dataclass(frozen=True, config=STRICT)
class ProbeConfig:
    """Linear model of embeddings.

    Parameters
    ----------
    target, target_kind, vote_by, drop_missing, folds, gap, stratify, where, class_weights
        As in `TrainConfig`.
    train_fraction
        Share of the training persons that are used.
    inverse_penalty
        C of scikit-learn's LogisticRegression. None chooses it for each system in each fold, by
        the loss on held-out training persons.
    seed
        Seed of the folds and of the intervals.
    device
        Device of the computation; ``"auto"`` selects the best that is available.
    """

    target: tuple[str, ...] = ("label",)
    target_kind: TargetKind | None = None
    vote_by: VoteUnit | None = None
    drop_missing: bool = False
    folds: str | int | None = None
    gap: float = Field(default=10.0, ge=0)
    stratify: str | None = None
    train_fraction: float = Field(default=1.0, gt=0, le=1)
    where: tuple[str, ...] = ()
    class_weights: ClassWeighting | None = None
    inverse_penalty: float | None = Field(default=None, gt=0)
    seed: int = Field(default=0, ge=0)
    device: str = "auto"
