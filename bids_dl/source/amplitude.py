"""Plausibility of amplitudes, which a misread unit makes a million times too large or small."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from bids_dl.datamodel import BRAIN_TYPES
from bids_dl.errors import RecordingError
from bids_dl.wording import join_names

if TYPE_CHECKING:
    from mne.io import BaseRaw

# Brain signal has 10 to 1000 µV. No amplifier has a range or a resolution beyond these limits.
MAX_VOLTS = 0.1
MIN_VOLTS = 1e-9
USUAL_MAX_VOLTS = 5e-3
USUAL_MIN_VOLTS = 5e-8
FLAT_SECONDS = 5.0  # a working amplifier is never flat for so long: criterion of clean_rawdata
N_EXCERPTS = 20
EXCERPT_SECONDS = 1.0  # longest excerpt to inspect

Array = npt.NDArray[np.float64]


def check_amplitudes(
    raw: BaseRaw,
    names: Collection[str] | None = None,
    *,
    spans: Sequence[tuple[int, int]] | None = None,
) -> tuple[str, ...]:
    """Check that the brain signal of a recording can be in volts.

    The typical amplitude of a channel is the median distance of its samples from the median of
    their excerpt, over 20 excerpts of up to 1 s, so that drifts and single large artifacts do not
    matter. Flat channels and NaN are ignored, unless all channels are flat. Only the excerpts are
    read, even if the recording is not loaded.

    Parameters
    ----------
    raw
        A recording, or a part of one, with samples in V.
    names
        Channels to check, None for all. Channels of other types than brain signal are skipped.
    spans
        Samples that may be read, as sorted (start, stop); None for all. Of a remote recording,
        only these may be on this machine.

    Returns
    -------
    tuple of str
        Notes on unusual amplitudes, one line each.

    Raises
    ------
    RecordingError
        Stage "read": an amplitude is impossible. The message has the channels and the amplitude.
    """
    import mne

    picks = []
    checked = set(raw.ch_names if names is None else names)
    for number, name in enumerate(raw.ch_names):
        if name in checked and mne.channel_type(raw.info, number) in BRAIN_TYPES:
            picks.append(number)
    if not picks or not raw.n_times:
        return ()
    ch_names = [raw.ch_names[number] for number in picks]
    joined = _join(spans or [(0, raw.n_times)])
    distances = _measure_distances(raw, picks, joined)
    if _are_usual(distances):
        return ()
    largest = np.where(np.isfinite(distances), distances, 0.0).max(axis=1)
    typical = _finite_medians(distances)
    n_times = sum(stop - start for start, stop in joined)
    if n_times > FLAT_SECONDS * raw.info["sfreq"] and not largest.any():
        raise RecordingError(
            "read",
            f"all channels are flat in {N_EXCERPTS} excerpts ({join_names(ch_names)}); "
            "was the file downloaded completely?",
        )
    amplitudes = {
        name: float(value)
        for name, value in zip(ch_names, typical, strict=True)
        if np.isfinite(value) and value > 0
    }
    return _assess(amplitudes) if amplitudes else ()


def _assess(amplitudes: dict[str, float]) -> tuple[str, ...]:
    """Raise if an amplitude in V is impossible, and return notes on unusual ones."""
    median = float(np.median(list(amplitudes.values())))
    too_large = [name for name, amplitude in amplitudes.items() if amplitude > MAX_VOLTS]
    if too_large:
        raise RecordingError(
            "read",
            f"{join_names(too_large)}: typical amplitude {amplitudes[too_large[0]]:.3g} V is "
            "impossible for brain signal; correct the unit in the file's header, or the type in "
            "channels.tsv if this is not brain signal",
        )
    if median < MIN_VOLTS:
        raise RecordingError(
            "read",
            f"typical amplitude {median:.3g} V is below the resolution of any amplifier; "
            "correct the unit in the file's header",
        )
    if not USUAL_MIN_VOLTS < median < USUAL_MAX_VOLTS:
        return (f"unusual amplitude: {1e6 * median:.3g} µV in most channels; is the unit right?",)
    return ()


def _join(spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Join sorted spans that touch or overlap."""
    joined: list[tuple[int, int]] = []
    for start, stop in spans:
        if joined and start <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(stop, joined[-1][1])
        else:
            joined.append((start, stop))
    return joined


def _place_excerpts(spans: Sequence[tuple[int, int]], length: int) -> list[tuple[int, int]]:
    """Place excerpts at equal distances in the samples of all spans together.

    An excerpt that would cross the end of its span begins earlier, and is shorter than ``length``
    if the span is.
    """
    n_times = sum(stop - start for start, stop in spans)
    positions = np.unique(np.linspace(0, max(0, n_times - length), N_EXCERPTS).astype(int))
    excerpts = set()
    for position in positions:
        offset = int(position)
        for start, stop in spans:
            if offset < stop - start:
                first = max(start, min(start + offset, stop - length))
                excerpts.add((first, min(stop, first + length)))
                break
            offset -= stop - start
    return sorted(excerpts)


def _measure_distances(raw: BaseRaw, picks: list[int], spans: Sequence[tuple[int, int]]) -> Array:
    """Measure the distances of samples from the median of their excerpt.

    Parameters
    ----------
    picks
        Numbers of the channels.

    Returns
    -------
    Array
        (n_chans, n_samples) in V.
    """
    length = min(raw.n_times, max(1, round(EXCERPT_SECONDS * raw.info["sfreq"])))
    by_length: dict[int, list[Array]] = {}  # nearly always one length
    for span in _place_excerpts(spans, length):
        excerpt = _read_excerpt(raw, picks, span)
        by_length.setdefault(excerpt.shape[1], []).append(excerpt)
    distances = []
    while by_length:
        n_times, excerpts = by_length.popitem()
        signals = np.stack(excerpts, axis=1)  # (n_chans, n_excerpts, n_times)
        del excerpts
        signals -= _finite_medians(signals.reshape(-1, n_times)).reshape(*signals.shape[:2], 1)
        distances.append(np.abs(signals, out=signals).reshape(len(picks), -1))
    return distances[0] if len(distances) == 1 else np.concatenate(distances, axis=1)


def _are_usual(distances: Array) -> bool:
    """Return whether the typical amplitude of each channel is surely usual.

    It is if more than half of the distances are, which costs less to count than a median.
    """
    usual = (distances > USUAL_MIN_VOLTS) & (distances < USUAL_MAX_VOLTS)
    return bool((2 * np.count_nonzero(usual, axis=1) > distances.shape[1]).all())


def _read_excerpt(raw: BaseRaw, picks: list[int], span: tuple[int, int]) -> Array:
    """Read some samples (n_chans, n_times) of some channels."""
    start, stop = span
    if raw.preload:  # `get_data` takes longer for its checks than for a second of signal
        return np.asarray(raw._data[picks, start:stop])
    return np.asarray(raw.get_data(picks, start, stop))


def _finite_medians(signals: Array) -> Array:
    """Return the median of the finite values of each row, NaN for a row without one."""
    is_finite = np.isfinite(signals)
    if is_finite.all():
        return _medians(signals)
    is_complete = is_finite.all(axis=1)
    medians = np.full(len(signals), np.nan)
    medians[is_complete] = _medians(signals[is_complete])
    for row in np.flatnonzero(~is_complete):
        medians[row] = _medians(signals[None, row, is_finite[row]])[0]
    return medians


def _medians(signals: Array) -> Array:
    """Return the median of each row, as `numpy.median` does, NaN for rows without samples.

    One position is partitioned instead of two and the last, which takes a seventh of the time.
    """
    n_times = signals.shape[1]
    if not n_times:
        return np.full(len(signals), np.nan)
    middle = n_times // 2
    parted = np.partition(signals, middle, axis=1)
    if n_times % 2:
        return parted[:, middle]
    lower: Array = parted[:, :middle].max(axis=1)
    return (lower + parted[:, middle]) / 2
