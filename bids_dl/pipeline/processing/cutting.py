"""Copies of windows of a signal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt

Scalar = TypeVar("Scalar", bound=np.generic)


def cut_windows(
    signal: npt.NDArray[Scalar], starts: Sequence[int], n_times: int, channels: Sequence[int]
) -> npt.NDArray[Scalar]:
    """Copy windows of some channels of a signal.

    Parameters
    ----------
    signal
        (n_chans, n_samples).
    starts
        First sample of each window.
    n_times
        Samples of a window.
    channels
        Numbers of the channels to copy, in the order of the result.

    Returns
    -------
    NDArray
        (n_windows, n_channels, n_times).

    Raises
    ------
    ValueError
        A window exceeds the signal.

    Examples
    --------
    >>> cut_windows(np.arange(10).reshape(2, 5), [0, 3], 2, [1])
    array([[[5, 6]],
    <BLANKLINE>
           [[8, 9]]])
    """
    if len(starts) and not 0 <= min(starts) <= max(starts) <= signal.shape[1] - n_times:
        raise ValueError(
            f"windows of {n_times} samples from {min(starts)} to {max(starts)} exceed a signal of "
            f"{signal.shape[1]} samples"
        )
    # A list of rows takes a copy more than all of them.
    rows = slice(None) if list(channels) == list(range(len(signal))) else list(channels)
    windows = np.empty((len(starts), len(channels), n_times), signal.dtype)
    for window, start in zip(windows, starts, strict=True):
        window[:] = signal[rows, start : start + n_times]
    return windows
