"""Train a model on a store, test it on held-out persons and write a run folder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bids_dl.training.events import TrainingEvent

if TYPE_CHECKING:
    from bids_dl.training.run import TrainingResult, train

__all__ = ["TrainingEvent", "TrainingResult", "train"]


def __getattr__(name: str) -> Any:
    """Import what needs PyTorch when it is first used, because folds and metrics do not."""
    if name in ("TrainingResult", "train"):
        from bids_dl.training import run

        return getattr(run, name)
    raise AttributeError(f"module 'bids_dl.training' has no attribute {name!r}")
