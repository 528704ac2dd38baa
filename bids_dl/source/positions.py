"""Electrodes of the 10-05 system and where they are."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import mne
import numpy as np
import numpy.typing as npt


def is_electrode(name: str) -> bool:
    """Whether a name is an electrode of the 10-05 system (Oostenveld & Praamstra 2001)."""
    return name.casefold() in _electrodes()[1]


def positions(names: Sequence[str]) -> tuple[npt.NDArray[np.float64], str]:
    """Positions (n_chans, 3) in m by name, NaN where a name is none of the 10-05 system, and the name of the template."""
    template, electrodes = _electrodes()
    unknown = np.full(3, np.nan)
    return np.array([electrodes.get(name.casefold(), unknown) for name in names]).reshape(
        len(names), 3
    ), template


@cache
def _electrodes() -> tuple[str, dict[str, npt.NDArray[np.float64]]]:
    template = (
        "colin27_1005" if "colin27_1005" in mne.channels.get_builtin_montages() else "standard_1005"
    )  # renamed in MNE 1.13
    places = mne.channels.make_standard_montage(template).get_positions()["ch_pos"]
    return template, {name.casefold(): np.asarray(place, float) for name, place in places.items()}
