"""Pretrain a network without labels, by the relative position of windows of a recording."""

from __future__ import annotations

from bids_dl.pretraining.run import PretrainingResult, pretrain_store

__all__ = ["PretrainingResult", "pretrain_store"]
