"""Filters of a page: zero-phase, at any rate, separately on each continuous run of samples.

The response is that of `scipy.signal.sosfiltfilt` at the rate of the recording: Butterworth filters
of second order and a notch, each applied forwards and backwards. It is applied to the Fourier
transform of a run, because a decimated signal then gets the response of the full rate exactly.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import fft, signal

from bids_dl.annotate.viewing.signals import Samples

ORDER = 2  # of the Butterworth filters in each direction: 24 dB per octave in both together
NOTCH_QUALITY = 25.0  # centre over width at -6 dB: 2 Hz at 50 Hz
MIN_MARGIN, MAX_MARGIN = 2.0, 30.0  # s; the slowest usual filter, 0.16 Hz, takes 12.5 s
MARGIN_PERIODS = 2.0  # of the slowest filter: its response decays to 0.014 % of a step
MIN_FREQUENCY = 0.01  # Hz: coefficients of slower filters at 32 kHz have too few digits
TRACES_AT_ONCE = 32  # that are transformed together, which bounds the memory

Gains = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PageFilter:
    """Filters of a page.

    Attributes
    ----------
    sfreq
        Rate of the recording in Hz.
    low, high, notch
        Frequencies in Hz below and above which signal is removed, and that of the line. None for
        no filter.
    """

    sfreq: float
    low: float | None = None
    high: float | None = None
    notch: float | None = None

    @property
    def is_off(self) -> bool:
        """True if nothing is filtered."""
        return self.low is None and self.high is None and self.notch is None

    @property
    def margin(self) -> float:
        """Signal in s that is read beyond each side of a page."""
        slowest = min(self.low or math.inf, self.high or math.inf)
        return min(max(MIN_MARGIN, MARGIN_PERIODS / slowest), MAX_MARGIN)

    @property
    def sections(self) -> Gains:
        """Second-order sections (n_sections, 6) for `scipy.signal.sosfiltfilt`."""
        sections = []
        if self.low is not None:
            sections.append(signal.butter(ORDER, self.low, "high", fs=self.sfreq, output="sos"))
        if self.high is not None:
            sections.append(signal.butter(ORDER, self.high, "low", fs=self.sfreq, output="sos"))
        if self.notch is not None:
            notch = signal.iirnotch(self.notch, NOTCH_QUALITY, fs=self.sfreq)
            sections.append(signal.tf2sos(*notch))
        return np.concatenate(sections)

    def gains(self, frequencies: Gains) -> Gains:
        """Return the response of both directions together at frequencies in Hz."""
        _, response = signal.freqz_sos(self.sections, frequencies, fs=self.sfreq)
        return np.asarray(np.abs(response) ** 2)

    def removed_gains(self, frequencies: Gains) -> Gains:
        """Return the response of the part that the filters remove."""
        return 1.0 - self.gains(frequencies)


def choose_filters(
    sfreq: float, *, low: float | None, high: float | None, notch: float | None
) -> PageFilter:
    """Choose the filters that a recording allows.

    A high filter or a notch at half the rate or above is left out, because there is nothing to
    remove.

    Parameters
    ----------
    sfreq
        Rate of the recording in Hz.
    low, high, notch
        Requested frequencies in Hz, None for no filter.

    Raises
    ------
    ValueError
        A frequency is below 0.01 Hz, the low filter is not below the high one, or it is not below
        half the rate.

    Examples
    --------
    >>> choose_filters(128.0, low=1.0, high=70.0, notch=50.0)
    PageFilter(sfreq=128.0, low=1.0, high=None, notch=50.0)
    """
    for name, frequency in (("low", low), ("high", high), ("notch", notch)):
        if frequency is not None and not MIN_FREQUENCY <= frequency < math.inf:
            raise ValueError(
                f"{name} filter of {frequency} Hz; it must be at least {MIN_FREQUENCY:g} Hz, or off"
            )
    if low is not None and high is not None and low >= high:
        raise ValueError(f"low filter of {low:g} Hz; it must be below the high one, {high:g} Hz")
    half = sfreq / 2
    if low is not None and low >= half:
        raise ValueError(f"low filter of {low:g} Hz; it must be below half the rate, {half:g} Hz")
    high = high if high is not None and high < half else None
    notch = notch if notch is not None and notch < half else None
    return PageFilter(sfreq, low, high, notch)


def filter_runs(
    values: Samples, page_filter: PageFilter, rate: float, *, removed: bool = False
) -> Samples:
    """Filter each run of samples between missing ones by itself.

    At its edges a run is mirrored in its first and last sample, over the margin of the filter.

    Parameters
    ----------
    values
        (n_traces, n_times) at ``rate``, NaN where samples are missing.
    page_filter
        Filters of the page.
    rate
        Rate in Hz, at most that of the recording.
    removed
        Return the part that the filters remove instead.

    Returns
    -------
    ndarray
        (n_traces, n_times), NaN where ``values`` is NaN.
    """
    filtered = np.full_like(values, np.nan)
    is_present = ~np.isnan(values)
    for rows in _group_rows(is_present):
        for start, stop in find_runs(is_present[rows[0]]):
            for first in range(0, len(rows), TRACES_AT_ONCE):
                some = rows[first : first + TRACES_AT_ONCE]
                run = values[some, start:stop]
                filtered[some, start:stop] = _filter_run(run, page_filter, rate, removed=removed)
    return filtered


def find_runs(is_present: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Find the runs of true values, as start and stop.

    Examples
    --------
    >>> find_runs(np.array([True, True, False, True]))
    [(0, 2), (3, 4)]
    """
    changes = np.flatnonzero(np.diff(is_present, prepend=False, append=False))
    return [(int(start), int(stop)) for start, stop in changes.reshape(-1, 2)]


def _group_rows(is_present: npt.NDArray[np.bool_]) -> list[npt.NDArray[np.intp]]:
    """Group the traces that miss the same samples."""
    if is_present.all():
        return [np.arange(len(is_present))]
    groups: dict[bytes, list[int]] = {}
    for row, pattern in enumerate(is_present):
        groups.setdefault(np.packbits(pattern).tobytes(), []).append(row)
    return [np.array(rows, np.intp) for rows in groups.values()]


def _filter_run(values: Samples, page_filter: PageFilter, rate: float, *, removed: bool) -> Samples:
    """Filter traces without missing samples.

    The line from the first to the last sample is filtered by itself, so that the end of the
    transform joins its beginning without a step.
    """
    n_times = values.shape[1]
    n_padded = math.ceil(page_filter.margin * rate)
    padded = np.pad(values, ((0, 0), (n_padded, n_padded)), "reflect", reflect_type="odd")
    steps = np.linspace(0.0, 1.0, padded.shape[1])
    lines = padded[:, :1] + (padded[:, -1:] - padded[:, :1]) * steps
    n_transformed = fft.next_fast_len(padded.shape[1], real=True)
    gains_of = page_filter.removed_gains if removed else page_filter.gains
    gains = gains_of(fft.rfftfreq(n_transformed, 1 / rate))
    spectrum = fft.rfft(padded - lines, n_transformed, axis=1)
    spectrum *= gains
    filtered = fft.irfft(spectrum, n_transformed, axis=1)[:, : padded.shape[1]]
    filtered += gains[0] * lines
    return np.asarray(filtered[:, n_padded : n_padded + n_times])
