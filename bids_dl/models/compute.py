"""Device and precision that a model runs with."""

from __future__ import annotations

import torch

from bids_dl.errors import ConfigError

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def pick_device(name: str = "auto") -> torch.device:
    """Return the requested device.

    Parameters
    ----------
    name
        Device as in ``torch.device``. ``"auto"`` picks the first available of CUDA, MPS and CPU.

    Raises
    ------
    ConfigError
        The device is unknown, or not available on this machine.

    Examples
    --------
    >>> pick_device("cpu")
    device(type='cpu')
    """
    available = _available_devices()
    if name == "auto":
        return torch.device(available[0])
    choices = ", ".join(["auto", *available])
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ConfigError(f"unknown device {name!r}; use one of {choices}") from error
    is_available = device.type in available
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        is_available = False
    if not is_available:
        raise ConfigError(f"device {name!r} is not available here; use one of {choices}")
    return device


def _available_devices() -> list[str]:
    available: list[str] = []
    if torch.cuda.is_available():
        available.append("cuda")
    if torch.backends.mps.is_available():
        available.append("mps")
    return [*available, "cpu"]


def pick_precision(name: str, device: torch.device) -> torch.dtype:
    """Return the type that matrix products are computed in.

    Parameters
    ----------
    name
        ``"float32"``, ``"bfloat16"``, ``"float16"`` or ``"auto"``, which picks bfloat16 on CUDA
        (float16 if bfloat16 is not supported) and float32 elsewhere.
    device
        Device of the computation.
    """
    if name != "auto":
        return DTYPES[name]
    if device.type != "cuda":
        return torch.float32
    return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16


def autocast(device: torch.device, dtype: torch.dtype) -> torch.autocast:
    """Return a context in which matrix products are computed in ``dtype``, the rest in float32."""
    if dtype is torch.float32:
        return torch.autocast(device.type, enabled=False)
    return torch.autocast(device.type, dtype=dtype)
