"""Electrodes of the 10-05 system and their standard positions."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import mne
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


def is_electrode(name: str) -> bool:
    """Return whether a name is an electrode of the 10-05 system, ignoring case.

    The 10-05 system is that of Oostenveld and Praamstra (2001),
    https://doi.org/10.1016/S1388-2457(00)00527-7.

    Examples
    --------
    >>> is_electrode("fcz"), is_electrode("E57")
    (True, False)
    """
    return name.casefold() in _template()[1]


def standard_positions(names: Sequence[str]) -> tuple[Array, str]:
    """Look up the standard positions of channels by name, ignoring case.

    Parameters
    ----------
    names
        Channel names.

    Returns
    -------
    positions
        (n_chans, 3) in m, in the coordinates of the MNE template; NaN for a name that is not
        part of the 10-05 system.
    template
        Name of the MNE template.
    """
    template, electrodes = _template()
    positions = np.full((len(names), 3), np.nan)
    for i, name in enumerate(names):
        position = electrodes.get(name.casefold())
        if position is not None:
            positions[i] = position
    return positions, template


@cache
def _template() -> tuple[str, dict[str, Array]]:
    """Load the name of the MNE template, and its positions in m by lower-case name."""
    name = "standard_1005"
    if "colin27_1005" in mne.channels.get_builtin_montages():  # renamed in MNE 1.13
        name = "colin27_1005"
    positions = mne.channels.make_standard_montage(name).get_positions()["ch_pos"]
    return name, {label.casefold(): np.asarray(xyz, float) for label, xyz in positions.items()}
