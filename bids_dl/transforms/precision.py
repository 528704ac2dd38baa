"""Precision of transforms: float32, or float64 for signals in float64, also under autocast."""

from __future__ import annotations

import contextlib

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor


def without_autocast(signals: Tensor) -> contextlib.AbstractContextManager[None]:
    """Return a context without autocast on the device of the signals.

    Autocast would compute matrix products in bfloat16, with an error of some percent.
    """
    device_type = signals.device.type
    if not torch.amp.is_autocast_available(device_type):  # such as the device meta
        return contextlib.nullcontext()
    return torch.autocast(device_type, enabled=False)


def as_real(signals: Tensor) -> Tensor:
    """Return signals in float32, because a Fourier transform refuses bfloat16, or in float64.

    Examples
    --------
    >>> as_real(torch.zeros(1, 2, 8, dtype=torch.bfloat16)).dtype
    torch.float32
    """
    return signals if signals.dtype is torch.float64 else signals.float()


def as_buffer(values: npt.NDArray[np.float64]) -> Tensor:
    """Return an array as a tensor of torch's default type, on torch's default device."""
    return torch.tensor(values.tolist(), dtype=torch.get_default_dtype())
