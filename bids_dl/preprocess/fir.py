"""Length of the FIR filters that MNE designs, known without designing them."""

from __future__ import annotations

from fractions import Fraction

LENGTH_FACTORS = {"hann": 3.1, "hamming": 3.3, "blackman": 5.0}
"""Length times transition bandwidth, by window (Ifeachor & Jervis 2002, Digital Signal Processing, table 7.3)."""


def half_length(trans_bandwidth: float, sfreq: Fraction, fir_window: str = "hamming") -> float:
    """Seconds from the middle of a zero-phase filter to its end, by its narrowest transition in Hz (`mne.filter.create_filter`)."""
    n_times = round(LENGTH_FACTORS[fir_window] / trans_bandwidth * float(sfreq)) + 2
    return n_times // 2 / float(sfreq)
