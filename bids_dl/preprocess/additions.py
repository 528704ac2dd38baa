"""New channels beside those of a recording."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bids_dl.preprocess.step import Array

if TYPE_CHECKING:
    import mne


def add(raw: mne.io.BaseRaw, names: Sequence[str], ch_types: Sequence[str], signals: Array, places: Sequence[Array | None]) -> None:
    """Put new channels (n_chans, n_times) in V after the others, at positions (3,) in m, head coordinates, or at none."""
    import mne

    info = mne.create_info(list(names), raw.info["sfreq"], list(ch_types), verbose="error")
    for channel, place in zip(info["chs"], places, strict=True):
        if place is not None:
            channel["loc"][:3] = place
    new = mne.io.RawArray(signals, info, first_samp=raw.first_samp, verbose="error")
    raw.add_channels([new], force_update_info=True)
