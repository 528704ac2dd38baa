"""Where a model runs, and in which precision it trains."""

from __future__ import annotations

import torch

from bids_dl.errors import ConfigError

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def pick_device(name: str = "auto") -> torch.device:
    """Return the device asked for, or with ``"auto"`` the first there is of CUDA, MPS and CPU.

    Raises
    ------
    ConfigError
        Where there is no such device here.
    """
    there = [
        kind
        for kind, has in (
            ("cuda", torch.cuda.is_available()),
            ("mps", torch.backends.mps.is_available()),
        )
        if has
    ] + ["cpu"]
    if name == "auto":
        return torch.device(there[0])
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ConfigError(f"device {name!r} is none; there are auto, {', '.join(there)}") from error
    if device.type not in there or (
        device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count()
    ):
        raise ConfigError(
            f"device {name!r} is not available here; there are auto, {', '.join(there)}"
        )
    return device


def pick_precision(name: str, device: torch.device) -> torch.dtype:
    """Return the type that matrix products are computed in: with ``"auto"`` bfloat16 (else float16) on CUDA, float32 elsewhere."""
    if name != "auto":
        return DTYPES[name]
    if device.type != "cuda":
        return torch.float32
    return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16


def autocast(device: torch.device, dtype: torch.dtype) -> torch.autocast:
    """Return the context in which matrix products are computed in ``dtype`` and the rest in float32."""
    return torch.autocast(
        device.type,
        dtype=None if dtype is torch.float32 else dtype,
        enabled=dtype is not torch.float32,
    )
