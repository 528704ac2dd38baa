"""Where amplifier or link was silent: kept as annotations of the recording, so that MNE carries it through all other steps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from bids_dl.preprocess.step import Mask

if TYPE_CHECKING:
    import mne

SILENT = "dropout"  # description of the annotation; its channels are those that were silent
TOLERANCE = 1e-3  # samples; times are floats


def masked(raw: mne.io.BaseRaw, ch_names: Sequence[str]) -> Mask:
    """Which samples of some channels are silent, (len(ch_names), n_times), at the recording's present rate.

    A sample is, if its moment is not before the beginning of a silent stretch and before its end.
    """
    sfreq, rows = raw.info["sfreq"], {name: row for row, name in enumerate(ch_names)}
    mask = np.zeros((len(ch_names), raw.n_times), dtype=bool)
    for annotation in raw.annotations:
        if annotation["description"] == SILENT:
            begin = (annotation["onset"] - raw.first_time) * sfreq
            start, stop = (max(0, math.ceil(place - TOLERANCE)) for place in (begin, begin + annotation["duration"] * sfreq))
            mask[[rows[name] for name in annotation["ch_names"] if name in rows], start:stop] = True
    return mask
