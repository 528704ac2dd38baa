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
    picks = []
    for name, ch_type in zip(raw.ch_names, raw.get_channel_types(), strict=True):
        if ch_type in BRAIN_TYPES and (names is None or name in names):
            picks.append(name)
    if not picks or not raw.n_times:
        return ()
    joined = _join(spans or [(0, raw.n_times)])
    typical, largest = _measure(raw, picks, joined)
    n_times = sum(stop - start for start, stop in joined)
    if n_times > FLAT_SECONDS * raw.info["sfreq"] and not largest.any():
        raise RecordingError(
            "read",
            f"all channels are flat in {N_EXCERPTS} excerpts ({join_names(picks)}); "
            "was the file downloaded completely?",
        )
    amplitudes = {
        name: float(value)
        for name, value in zip(picks, typical, strict=True)
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


def _measure(
    raw: BaseRaw, picks: list[str], spans: Sequence[tuple[int, int]]
) -> tuple[Array, Array]:
    """Measure the typical and the largest distance of samples from the median of their excerpt.

    Returns
    -------
    typical, largest
        Both (n_chans,) in V; NaN and 0 for a channel without a finite sample.
    """
    length = min(raw.n_times, max(1, round(EXCERPT_SECONDS * raw.info["sfreq"])))
    distances = []
    for start, stop in _place_excerpts(spans, length):
        excerpt = raw.get_data(picks=picks, start=start, stop=stop)
        distances.append(np.abs(excerpt - _finite_medians(excerpt)[:, None]))
    all_distances = np.concatenate(distances, axis=1)
    largest = np.where(np.isfinite(all_distances), all_distances, 0.0).max(axis=1)
    return _finite_medians(all_distances), largest


def _finite_medians(signals: Array) -> Array:
    """Return the median of the finite values of each row, NaN for a row without one."""
    medians = np.full(len(signals), np.nan)
    for i, row in enumerate(signals):
        finite = row[np.isfinite(row)]
        if len(finite):
            medians[i] = np.median(finite)
    return medians
