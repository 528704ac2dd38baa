"""Design of FIR filters: their length in MNE, and the kernels of EEGLAB in MNE's parameters."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

LENGTH_FACTORS = {"hann": 3.1, "hamming": 3.3, "blackman": 5.0}
"""Length times transition bandwidth, by window.

Ifeachor & Jervis 2002, Digital Signal Processing, table 7.3.
"""

MIN_TRANSITION_HZ = 2.0  # of pop_eegfiltnew, unless the pass band leaves less room


def half_length(trans_bandwidth: float, sfreq: Fraction, fir_window: str = "hamming") -> float:
    """Return the time from the middle of a zero-phase filter to its end, in s.

    The length is that of `mne.filter.create_filter`.

    Parameters
    ----------
    trans_bandwidth
        Bandwidth of its narrowest transition in Hz.
    sfreq
        Sampling rate in Hz.
    fir_window
        A key of `LENGTH_FACTORS`.
    """
    n_times = round(LENGTH_FACTORS[fir_window] / trans_bandwidth * float(sfreq)) + 2
    return n_times // 2 / float(sfreq)


@dataclass(frozen=True, slots=True)
class FirDesign:
    """Hamming-windowed sinc filter, as the parameters from which MNE designs its kernel.

    Attributes
    ----------
    order
        Number of samples of the kernel, less one; even.
    low, high
        Edges of the pass band in Hz; None: open on that side.
    transition
        Bandwidth in Hz of either transition. The middle of each is the cutoff, at which the
        amplitude is halved.
    """

    order: int
    low: float | None
    high: float | None
    transition: float


def design_eegfiltnew(low: float | None, high: float | None, sfreq: float) -> FirDesign:
    """Compute the design of EEGLAB's pop_eegfiltnew, with one transition for both edges.

    The transition is a quarter of the lowest edge but 2 Hz or more, and no wider than the room
    below the low edge and above the high edge. The kernel is the shortest of an even order with
    at most that transition (Widmann, Schröger & Maess 2015, J Neurosci Methods 250).

    Parameters
    ----------
    low, high
        Edges of the pass band in Hz; None: open on that side. At least one is given.
    sfreq
        Sampling rate in Hz.
    """
    edges = []
    room = []
    if low is not None:
        edges.append(low)
        room.append(low)
    if high is not None:
        edges.append(high)
        room.append(sfreq / 2 - high)
    width = min(max(edges[0] / 4, MIN_TRANSITION_HZ), *room)
    # Rounded to the last bit as EEGLAB does.
    order = 2 * math.ceil(LENGTH_FACTORS["hamming"] / (width / sfreq) / 2)
    # MNE derives the length from the transition. The order is rounded up, so MNE receives a
    # slightly narrower transition around the same cutoffs.
    narrower = LENGTH_FACTORS["hamming"] * sfreq / order
    shift = (width - narrower) / 2
    return FirDesign(
        order,
        None if low is None else low - shift,
        None if high is None else high + shift,
        narrower,
    )
