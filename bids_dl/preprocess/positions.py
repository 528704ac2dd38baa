"""Electrode positions: MNE's templates, the sphere fitted to a head, and plausibility checks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from bids_dl.errors import RecordingError
from bids_dl.preprocess.step import Array
from bids_dl.wording import join_names

if TYPE_CHECKING:
    import mne

RENAMED = {
    f"standard_{kind}": f"colin27_{kind}"
    for kind in ("1005", "1020", "alphabetic", "postfixed", "prefixed", "primed")
}
"""Names of MNE's templates before release 1.13, and since. Both work with each release."""

TEMPLATES = (
    *RENAMED,
    *RENAMED.values(),
    "biosemi16",
    "biosemi32",
    "biosemi64",
    "biosemi128",
    "biosemi160",
    "biosemi256",
    "brainproducts-RNP-BA-128",
    "easycap-M1",
    "easycap-M10",
    "easycap-M43",
    "EGI_256",
    "mgh60",
    "mgh70",
    "GSN-HydroCel-32",
    "GSN-HydroCel-64_1.0",
    "GSN-HydroCel-65_1.0",
    "GSN-HydroCel-128",
    "GSN-HydroCel-129",
    "GSN-HydroCel-256",
    "GSN-HydroCel-257",
)
DEFAULT_TEMPLATE = "standard_1005"

DEFAULT_CENTRE = (0.0, 0.0, 0.04)
"""Centre of the head in m, head coordinates, if electrodes are too few to fit one, as in MNE."""

MIN_SPHERE_ELECTRODES = 10  # to fit a sphere to
MIN_FLATNESS = 0.1  # thinnest over widest extent of electrodes to which a sphere can be fitted
HEAD_RADIUS = (0.05, 0.13)  # m, from an infant's head with little hair to a large one under a cap
MAX_MEDIAN_ANGLE = 45.0  # degrees from the 10-05 system; beyond it, axes must be mixed up


def check_template_name(name: str) -> str:
    """Return the name of a template unchanged.

    Raises
    ------
    ValueError
        MNE has no template of this name.
    """
    if name not in TEMPLATES:
        raise ValueError(f"no template of this name; use one of {', '.join(TEMPLATES)}")
    return name


def load_montage(name: str) -> mne.channels.DigMontage:
    """Return MNE's template of this name, or of the name that it has in another release."""
    import mne

    other_names = {**RENAMED, **{new: old for old, new in RENAMED.items()}}
    known = mne.channels.get_builtin_montages()
    return mne.channels.make_standard_montage(
        name if name in known else other_names.get(name, name)
    )


@cache
def template_positions(name: str) -> Mapping[str, Array]:
    """Return positions (3,) in m, head coordinates, by the template's names in lower case."""
    import mne

    montage = load_montage(name)
    info = mne.create_info(montage.ch_names, 1.0, "eeg", verbose="error")
    info.set_montage(montage, verbose="error")
    positions = {}
    for channel in info["chs"]:
        positions[channel["ch_name"].casefold()] = channel["loc"][:3].astype(np.float64)
    return positions


@cache
def template_directions(name: str) -> Mapping[str, Array]:
    """Return unit vectors (3,) from the template's centre to its electrodes.

    Keys are the template's names in lower case.
    """
    positions = template_positions(name)
    return dict(zip(positions, unit_directions(np.array(list(positions.values()))), strict=True))


def fit_sphere(positions: Array) -> tuple[Array, float]:
    """Fit a sphere to electrodes by linear least squares.

    The centre is `DEFAULT_CENTRE` if the electrodes are few or nearly in a plane.

    Parameters
    ----------
    positions
        (n_chans, 3) in m, head coordinates.

    Returns
    -------
    centre : Array
        (3,) in m.
    radius : float
        In m.
    """
    extents = np.linalg.svd(positions - positions.mean(0), compute_uv=False)
    if len(positions) < MIN_SPHERE_ELECTRODES or extents[-1] < MIN_FLATNESS * extents[0]:
        centre = np.array(DEFAULT_CENTRE)
        return centre, float(np.linalg.norm(positions - centre, axis=1).mean())
    equations = np.column_stack([2 * positions, np.ones(len(positions))])
    solution = np.linalg.lstsq(equations, (positions**2).sum(1), rcond=None)[0]
    centre = solution[:3]
    return centre, float(np.sqrt(solution[3] + (centre**2).sum()))


def unit_directions(positions: Array) -> Array:
    """Return unit vectors (n_chans, 3) from the centre of the fitted sphere to the electrodes."""
    centred = positions - fit_sphere(positions)[0]
    return np.asarray(centred / np.linalg.norm(centred, axis=1, keepdims=True), dtype=np.float64)


def electrode_positions(info: mne.Info, names: Sequence[str]) -> dict[str, Array]:
    """Return positions (3,) in m by channel name, without channels that have no position."""
    located = {}
    for channel in info["chs"]:
        located[channel["ch_name"]] = channel["loc"][:3].astype(np.float64)
    positions = {}
    for name in names:
        position = located[name]
        if np.isfinite(position).all() and position.any():
            positions[name] = position
    return positions


def require_positions(info: mne.Info, names: Sequence[str], step: str) -> dict[str, Array]:
    """Return positions (3,) in m by channel name, if all channels have one.

    Parameters
    ----------
    step
        Name of the step that needs the positions, which is the stage of an error.

    Raises
    ------
    RecordingError
        A channel has no position.
    """
    positions = electrode_positions(info, names)
    missing = [name for name in names if name not in positions]
    if missing:
        raise RecordingError(
            step, f"no position for {join_names(missing)}; add the step montage before"
        )
    return positions


def require_plausible(info: mne.Info, positions: Mapping[str, Array], step: str) -> None:
    """Check that positions of EEG channels can be electrodes on a head.

    Parameters
    ----------
    positions
        Positions (3,) in m by channel name.
    step
        Name of the step that needs the positions, which is the stage of an error.

    Raises
    ------
    RecordingError
        The positions are implausible; see `explain_implausible`.
    """
    problem = explain_implausible(info, positions)
    if problem:
        raise RecordingError(
            step,
            f"positions of electrodes.tsv cannot be used: {problem}; add the step montage before",
        )


def explain_implausible(info: mne.Info, positions: Mapping[str, Array]) -> str | None:
    """Explain why positions of EEG channels cannot be electrodes on a head.

    A wrong unit or wrong axes in coordsystem.json show in the radius of the fitted sphere, and in
    the angles between channels with names of the 10-05 system and their positions in it.

    Parameters
    ----------
    info
        Description of the recording, with the coordinate frames of its channels.
    positions
        Positions (3,) in m by channel name.

    Returns
    -------
    str or None
        None if the positions are plausible.
    """
    from mne.io.constants import FIFF

    frames = {channel["coord_frame"] for channel in info["chs"] if channel["ch_name"] in positions}
    if frames - {FIFF.FIFFV_COORD_HEAD}:
        return "their coordinate system is not tied to a head"
    points = np.array(list(positions.values()))
    radius = fit_sphere(points)[1]
    low, high = HEAD_RADIUS
    if not low <= radius <= high:
        return (
            f"they are {1000 * radius:.3g} mm from their centre, "
            f"but a head has {1000 * low:g} to {1000 * high:g} mm; is the unit right?"
        )
    template = template_directions(DEFAULT_TEMPLATE)
    angles = {}
    for name, direction in zip(positions, unit_directions(points), strict=True):
        if name.casefold() in template:
            angles[name] = _angle(direction, template[name.casefold()])
    if angles and np.median(list(angles.values())) > MAX_MEDIAN_ANGLE:
        worst = max(angles, key=lambda name: angles[name])
        return (
            f"{worst} is {angles[worst]:.0f} degrees from its position in the 10-05 system; "
            "are the axes right?"
        )
    return None


def _angle(direction: Array, other: Array) -> float:
    """Return the angle between two unit vectors in degrees."""
    return float(np.degrees(np.arccos(np.clip(direction @ other, -1, 1))))
