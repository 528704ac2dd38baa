"""Lengths of kernels and pools, which are in seconds in the specifications of models."""

from __future__ import annotations


def count_kernel_samples(seconds: float, sfreq: float) -> int:
    """Return the number of samples of a length, at least 1.

    Parameters
    ----------
    seconds
        Length in s.
    sfreq
        Sampling rate in Hz.

    Examples
    --------
    >>> count_kernel_samples(0.1, 128.0)
    13
    """
    return max(1, round(seconds * sfreq))
