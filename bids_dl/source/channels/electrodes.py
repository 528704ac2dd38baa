"""Standard positions of electrodes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
RENAMED = (("standard_", "colin27_"), ("colin27_", "standard_"))
"""Beginnings of names of templates in another release of MNE, and in this one if it has them."""


def standard_positions(names: Sequence[str], templates: Sequence[str] = ()) -> tuple[Array, str]:
    """Look up the standard positions of channels by name, ignoring case.

    Parameters
    ----------
    names
        Channel names.
    templates
        Templates of MNE to look in beside the 10-05 system, such as ``GSN-HydroCel-129``. The
        positions are those of the template with most of the names; of equal ones, 10-05, then the
        first.

    Returns
    -------
    positions
        (n_chans, 3) in m, head coordinates (right, front, up; origin between the ears); NaN for
        a name that is not part of the template.
    template
        Name of the MNE template.

    Examples
    --------
    >>> positions, template = standard_positions(["E57", "Cz"], ["GSN-HydroCel-129"])
    >>> positions.shape, template
    ((2, 3), 'GSN-HydroCel-129')
    """
    template, _ = _template()
    known = _find_electrodes(template, names)
    for other in templates:
        in_other = _find_electrodes(other, names)
        if len(in_other) > len(known):
            template = other
            known = in_other
    unknown = np.full(3, np.nan)
    positions = [known.get(name, unknown) for name in names]
    return np.array(positions).reshape(-1, 3), template


def _find_electrodes(template: str, names: Sequence[str]) -> dict[str, Array]:
    """Return the positions of those names that a template of MNE has."""
    electrodes = _load_electrodes(template)
    return {name: electrodes[name.casefold()] for name in names if name.casefold() in electrodes}


@cache
def _template() -> tuple[str, dict[str, Array]]:
    """Load the name of the MNE template of the 10-05 system, and its positions."""
    name = _find_template("standard_1005")
    return name, _load_electrodes(name)


def _find_template(name: str) -> str:
    """Return the name that a template has in this release of MNE, which renamed some in 1.13."""
    import mne

    known = mne.channels.get_builtin_montages()
    for old, new in RENAMED:
        renamed = new + name.removeprefix(old)
        if name.startswith(old) and renamed in known:
            return renamed
    return name


@cache
def _load_electrodes(template: str) -> dict[str, Array]:
    """Load positions in m, head coordinates, by lower-case name.

    MNE's head coordinates have their origin between the ears. Templates have frames of their own,
    some of the MRI, in which electrodes are up to 4 cm lower.
    """
    import mne

    montage = mne.channels.make_standard_montage(_find_template(template))
    info = mne.create_info(montage.ch_names, 1.0, "eeg", verbose="error")
    info.set_montage(montage, verbose="error")
    return {channel["ch_name"].casefold(): channel["loc"][:3].copy() for channel in info["chs"]}
