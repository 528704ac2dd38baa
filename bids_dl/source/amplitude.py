"""Whether samples can be volts: a unit misread makes them a million times too large or too small."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from bids_dl.errors import RecordingError
from bids_dl.source.channels import BRAIN
from bids_dl.source.units import few

if TYPE_CHECKING:
    from mne.io import BaseRaw

HIGHEST, LOWEST = (
    0.1,
    1e-9,
)  # V: no brain signal (10 to 1000 µV) is beyond these, nor any amplifier's range
HIGH, LOW = 5e-3, 5e-8  # V: nor usually beyond these
FLAT = 5.0  # s without any movement that no amplifier gives: the criterion of clean_rawdata
N_PIECES, LONGEST = 20, 1.0  # pieces to look at, and how long each may be, in s


def check_amplitudes(raw: BaseRaw, names: Collection[str] | None = None) -> tuple[str, ...]:
    """Refuse a recording whose brain signal cannot be volts; what is merely unusual comes back as notes.

    The amplitude of a channel is the median distance of its samples from the median of their piece, over 20 pieces of up to 1 s: neither
    drift nor a few large artifacts count. A flat channel says nothing, unless all are, nor does a sample that is no number. Loaded or not,
    only these pieces are read.

    Parameters
    ----------
    raw
        A recording, or a part of one.
    names
        The channels that matter; None means all. Of these, only those of a type of brain signal are looked at.

    Raises
    ------
    RecordingError
        Stage "read": names channels and amplitude, and what to do.
    """
    picks = [
        name
        for name, kind in zip(raw.ch_names, raw.get_channel_types(), strict=True)
        if kind in BRAIN and (names is None or name in names)
    ]
    if not picks or not raw.n_times:
        return ()
    typical, greatest = _amplitudes(raw, picks)
    if raw.n_times > FLAT * raw.info["sfreq"] and not greatest.any():
        raise RecordingError(
            "read",
            f"no channel moves in any of {N_PIECES} places ({few(picks)}); was it downloaded whole?",
        )
    found = dict(zip(picks, typical, strict=True))
    moving = {name: value for name, value in found.items() if np.isfinite(value) and value > 0}
    if not moving:
        return ()
    usual = float(np.median(list(moving.values())))
    if large := [name for name, value in moving.items() if value > HIGHEST]:
        raise RecordingError(
            "read",
            f"{few(large)}: typical amplitude {moving[large[0]]:.3g} V, which no brain signal has; mend the unit in the file's header, "
            "or its type in channels.tsv if it is none",
        )
    if usual < LOWEST:
        raise RecordingError(
            "read",
            f"typical amplitude {usual:.3g} V, which no amplifier resolves; mend the unit in the file's header",
        )
    if not LOW < usual < HIGH:
        return (f"unusual amplitude: {1e6 * usual:.3g} µV in most channels; is the unit right?",)
    return ()


def _amplitudes(
    raw: BaseRaw, picks: list[str]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """The typical and the greatest distance of a sample from the median of its piece, by channel, in V; NaN and 0 where it has none."""
    length = min(raw.n_times, max(1, round(LONGEST * raw.info["sfreq"])))
    starts = np.unique(np.linspace(0, raw.n_times - length, N_PIECES).astype(int))
    distances = []
    for start in starts:
        piece = raw.get_data(picks=picks, start=int(start), stop=int(start) + length)
        distances.append(np.abs(piece - _medians(piece)[:, None]))
    together = np.concatenate(distances, axis=1)
    return _medians(together), np.where(np.isfinite(together), together, 0.0).max(axis=1)


def _medians(signals: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Of each row, without samples that are no numbers; NaN where it has no other."""
    numbers = [row[np.isfinite(row)] for row in signals]
    return np.array([np.median(row) if len(row) else np.nan for row in numbers])
