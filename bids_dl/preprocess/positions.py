"""Where electrodes lie: MNE's templates, the sphere that a head is taken for, and whether measured positions can be those of a head."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from bids_dl.preprocess.step import Array

if TYPE_CHECKING:
    import mne

RENAMED = {
    f"standard_{kind}": f"colin27_{kind}"
    for kind in ("1005", "1020", "alphabetic", "postfixed", "prefixed", "primed")
}
"""Names of MNE's templates before release 1.13, and since; either may be used with either release."""

TEMPLATES = (
    *RENAMED,
    *RENAMED.values(),
    *(
        "biosemi16",
        "biosemi32",
        "biosemi64",
        "biosemi128",
        "biosemi160",
        "biosemi256",
        "brainproducts-RNP-BA-128",
    ),
    *("easycap-M1", "easycap-M10", "easycap-M43", "EGI_256", "mgh60", "mgh70"),
    *(
        "GSN-HydroCel-32",
        "GSN-HydroCel-64_1.0",
        "GSN-HydroCel-65_1.0",
        "GSN-HydroCel-128",
        "GSN-HydroCel-129",
    ),
    *("GSN-HydroCel-256", "GSN-HydroCel-257"),
)
DEFAULT_TEMPLATE = "standard_1005"
CENTRE = (
    0.0,
    0.0,
    0.04,
)  # m, head coordinates: of the sphere where there are too few electrodes to fit one, as in MNE
FEWEST = 10  # electrodes to fit a sphere to
FLATTEST = 0.1  # thinnest over widest extent of electrodes that a sphere can still be fitted to
HEAD_RADIUS = (0.05, 0.13)  # m, from an infant's head with little hair to a large one under a cap
TURNED = (
    45.0  # degrees from the 10-05 system, in the median, beyond which axes must have been mixed up
)


def known_template(name: str) -> str:
    """The name if it is a template's; ValueError otherwise."""
    if name not in TEMPLATES:
        raise ValueError(f"no template of this name; there are {', '.join(TEMPLATES)}")
    return name


def montage(name: str) -> mne.channels.DigMontage:
    """The template of this name, under the one it has in this release of MNE."""
    import mne

    other = {**RENAMED, **{new: old for old, new in RENAMED.items()}}
    known = mne.channels.get_builtin_montages()
    return mne.channels.make_standard_montage(name if name in known else other.get(name, name))


@cache
def template(name: str) -> Mapping[str, Array]:
    """Positions (3,) in m, head coordinates, by the template's names in lower case."""
    import mne

    digitised = montage(name)
    info = mne.create_info(digitised.ch_names, 1.0, "eeg", verbose="error").set_montage(
        digitised, verbose="error"
    )
    return {
        channel["ch_name"].casefold(): channel["loc"][:3].astype(np.float64)
        for channel in info["chs"]
    }


@cache
def template_directions(name: str) -> Mapping[str, Array]:
    """Unit vectors (3,) from the middle of the template's head to its electrodes, by name in lower case."""
    positions = template(name)
    return dict(zip(positions, directions(np.array(list(positions.values()))), strict=True))


def sphere(positions: Array) -> tuple[Array, float]:
    """Centre (3,) and radius in m of the sphere closest to positions (n, 3), by linear least squares.

    Of few electrodes, or such as lie nearly in a plane, only the radius is found.
    """
    spread = np.linalg.svd(positions - positions.mean(0), compute_uv=False)
    if len(positions) < FEWEST or spread[-1] < FLATTEST * spread[0]:
        centre = np.array(CENTRE)
        return centre, float(np.linalg.norm(positions - centre, axis=1).mean())
    equations = np.column_stack([2 * positions, np.ones(len(positions))])
    solved = np.linalg.lstsq(equations, (positions**2).sum(1), rcond=None)[0]
    centre = solved[:3]
    return centre, float(np.sqrt(solved[3] + (centre**2).sum()))


def directions(positions: Array) -> Array:
    """Unit vectors (n, 3) from the centre of the sphere through the positions."""
    centred = positions - sphere(positions)[0]
    return np.asarray(centred / np.linalg.norm(centred, axis=1, keepdims=True), dtype=np.float64)


def held(info: mne.Info, names: Sequence[str]) -> dict[str, Array]:
    """Positions (3,) in m that a recording holds, by name; channels without one are left out."""
    channels = {
        channel["ch_name"]: channel["loc"][:3].astype(np.float64) for channel in info["chs"]
    }
    return {
        name: channels[name]
        for name in names
        if np.isfinite(channels[name]).all() and channels[name].any()
    }


def implausible(info: mne.Info, positions: Mapping[str, Array]) -> str | None:
    """Why these positions of a recording's EEG channels cannot be electrodes on a head; None where they can.

    Units and axes that coordsystem.json gets wrong show in the radius, and in the angle to the 10-05 system of channels named by it.
    """
    from mne.io.constants import FIFF

    frames = {channel["coord_frame"] for channel in info["chs"] if channel["ch_name"] in positions}
    if frames - {FIFF.FIFFV_COORD_HEAD}:
        return "their coordinate system is not tied to a head"
    places = np.array(list(positions.values()))
    radius = sphere(places)[1]
    low, high = HEAD_RADIUS
    if not low <= radius <= high:
        return f"they lie {1000 * radius:.3g} mm from their middle, on a head {1000 * low:g} to {1000 * high:g} mm; is the unit right?"
    usual = template_directions(DEFAULT_TEMPLATE)
    angles = {
        name: _angle(direction, usual[name.casefold()])
        for name, direction in zip(positions, directions(places), strict=True)
        if name.casefold() in usual
    }
    if angles and np.median(list(angles.values())) > TURNED:
        worst = max(angles, key=lambda name: angles[name])
        return f"{worst} lies {angles[worst]:.0f} degrees from its place in the 10-05 system; are the axes right?"
    return None


def _angle(one: Array, other: Array) -> float:
    return float(np.degrees(np.arccos(np.clip(one @ other, -1, 1))))
