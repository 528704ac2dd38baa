"""A store and a model give a run folder: weights, numbers on unseen people, and all that is needed to repeat them."""

from __future__ import annotations

from bids_dl.training.run import Result, train

__all__ = ["Result", "train"]
