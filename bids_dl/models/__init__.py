"""Networks from (batch, n_chans, n_times) float32 µV to logits (batch, n_outputs), by name."""

from __future__ import annotations

from bids_dl.models.registry import MODELS, ModelSpec, build, check_shape

__all__ = ["MODELS", "ModelSpec", "build", "check_shape"]
