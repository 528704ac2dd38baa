"""FIR filters as MNE and EEGLAB design them: their length, and EEGLAB's design in MNE's words."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

LENGTH_FACTORS = {"hann": 3.1, "hamming": 3.3, "blackman": 5.0}
"""Length times transition bandwidth, by window (Ifeachor & Jervis 2002, Digital Signal Processing, table 7.3)."""


def half_length(trans_bandwidth: float, sfreq: Fraction, fir_window: str = "hamming") -> float:
    """Seconds from the middle of a zero-phase filter to its end, by its narrowest transition in Hz (`mne.filter.create_filter`)."""
    n_times = round(LENGTH_FACTORS[fir_window] / trans_bandwidth * float(sfreq)) + 2
    return n_times // 2 / float(sfreq)


@dataclass(frozen=True, slots=True)
class Band:
    """A Hamming-windowed sinc filter by edges and transition band, from which MNE designs the kernel of EEGLAB's pop_eegfiltnew.

    Attributes
    ----------
    order
        Samples of the kernel, less one; even.
    low, high
        Edges of the pass band in Hz.
    transition
        Bandwidth in Hz of either transition; the middle of each is the cutoff, where the amplitude is halved.
    """

    order: int
    low: float | None
    high: float | None
    transition: float


def eegfiltnew(low: float | None, high: float | None, sfreq: float) -> Band:
    """What pop_eegfiltnew makes of the edges of a pass band in Hz (Widmann, Schröger & Maess 2015, J Neurosci Methods 250).

    Its transition is a quarter of the lowest edge, but 2 Hz or more, and no wider than there is room below the low and above the high
    edge; the kernel is the shortest of an even order that reaches it. Such a kernel is a little longer than the transition asks for, and
    MNE, which has the length follow from the transition, is told a little narrower one around the same cutoffs.
    """
    edges = [edge for edge in (low, high) if edge is not None]
    room = [*edges[: low is not None], *(sfreq / 2 - edge for edge in edges[low is not None :])]
    width = min(max(edges[0] / 4, 2.0), *room)
    order = 2 * math.ceil(
        LENGTH_FACTORS["hamming"] / (width / sfreq) / 2
    )  # rounded as EEGLAB does, to the last bit
    narrower = LENGTH_FACTORS["hamming"] * sfreq / order
    shift = (width - narrower) / 2
    return Band(
        order,
        None if low is None else low - shift,
        None if high is None else high + shift,
        narrower,
    )
