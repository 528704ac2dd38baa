"""Interpolation of values at electrodes to a square image of the head, as one matrix.

It is the map of EEGLAB's topoplot, with the biharmonic spline of Sandwell (1987,
doi:10.1029/GL014i002p00139), which MATLAB's griddata calls "v4".
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bids_dl.errors import ModelError

Array = npt.NDArray[np.float64]
HEAD_RADIUS = 0.5  # of the image, and the arc length of an electrode on the equator of the head
MARGIN = 1.02  # radius of the map in relation to that of the outermost electrode
MIN_ELECTRODES = 3  # on a line, a map has no second direction


def flatten_positions(positions: Array, center: Array) -> Array:
    """Project electrodes to the plane by their arc length from the vertex.

    Parameters
    ----------
    positions
        (n_chans, 3): right, front and up in m.
    center
        (3,): center of the head.

    Returns
    -------
    points
        (n_chans, 2): right and front. The distance from the origin is 0 at the vertex, 0.5 on the
        equator, and 1 at the lowest point. If the outermost electrode is closer to the equator
        than 2 %, or below it, all points are squeezed, so that it lies at 0.49.
    """
    right, front, up = (positions - center).T
    across = np.hypot(right, front)
    arc_length = 0.5 - np.arctan2(up, across) / np.pi
    map_radius = max(HEAD_RADIUS, min(1.0, MARGIN * float(arc_length.max())))
    radius = arc_length * HEAD_RADIUS / map_radius
    angle = np.arctan2(right, front)
    return np.stack([radius * np.sin(angle), radius * np.cos(angle)], axis=1)


def grid_points(n_pixels: int) -> Array:
    """Return the points (n_pixels * n_pixels, 2) of an image: front row first, left pixel first."""
    axis = np.linspace(-HEAD_RADIUS, HEAD_RADIUS, n_pixels)
    front, right = np.meshgrid(axis[::-1], axis, indexing="ij")
    return np.stack([right.ravel(), front.ravel()], axis=1)


def spline_matrix(electrodes: Array, points: Array) -> Array:
    """Return the matrix from values at electrodes to values at points.

    Parameters
    ----------
    electrodes
        (n_chans, 2), all different.
    points
        (n_points, 2).

    Returns
    -------
    matrix
        (n_points, n_chans). At an electrode, it returns the value of the electrode.
    """
    between = _spline(electrodes[:, None] - electrodes[None])
    to_points = _spline(points[:, None] - electrodes[None])
    return np.asarray(np.linalg.solve(between, to_points.T).T)  # ``between`` is symmetric


def check_positions(transform: str, positions: npt.ArrayLike, n_chans: int) -> Array:
    """Return positions as an array (n_chans, 3).

    Raises
    ------
    ModelError
        The shape is another, a position is unknown, two are equal, or there are too few.
    """
    values = np.asarray(positions, float)
    if values.shape != (n_chans, 3):
        raise ModelError(
            f"transform {transform} expects positions of shape ({n_chans}, 3), got {values.shape}"
        )
    if n_chans < MIN_ELECTRODES:
        raise ModelError(
            f"transform {transform} expects at least {MIN_ELECTRODES} channels, got {n_chans}"
        )
    unknown = np.flatnonzero(~np.isfinite(values).all(axis=1))
    if len(unknown):
        raise ModelError(
            f"transform {transform}: channel {unknown[0] + 1} of {n_chans} has no position; "
            "drop channels without a position, or give them one"
        )
    _, first = np.unique(values.round(6), axis=0, return_index=True)
    if len(first) < n_chans:
        repeated = np.setdiff1d(np.arange(n_chans), first)
        raise ModelError(
            f"transform {transform}: channel {repeated[0] + 1} of {n_chans} has the position of "
            "another channel; drop one of them"
        )
    return values


def _spline(offsets: Array) -> Array:
    """Return Green's function d^2 (ln d - 1) of offsets (..., 2). It is 0 at 0."""
    squared = np.square(offsets).sum(axis=-1)
    is_apart = squared > 0
    logarithm = np.log(squared, out=np.zeros_like(squared), where=is_apart)
    values: Array = np.where(is_apart, squared * (logarithm / 2 - 1), 0.0)
    return values
