"""Networks by name, from (batch, n_chans, n_times) float32 µV to logits (batch, n_outputs)."""

from __future__ import annotations

from bids_dl.models.registry import MODELS, build, check_shape, count_parameters, find_spec
from bids_dl.models.spec import ModelSpec

__all__ = ["MODELS", "ModelSpec", "build", "check_shape", "count_parameters", "find_spec"]
