"""Random changes of training windows: masks, shifts, dropout of channels and mixup."""

from __future__ import annotations

from bids_dl.training.augmentation.augmentation import (
    Augmentation,
    check_augmentation,
    make_augmentation,
)
from bids_dl.training.augmentation.mixup import Mixup

__all__ = ["Augmentation", "Mixup", "check_augmentation", "make_augmentation"]
