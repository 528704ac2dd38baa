"""Maps of values over the head as paths in SVG units, drawn by ``templates/channels.html``."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import cast

import numpy as np
import numpy.typing as npt
from contourpy import FillType, contour_generator

from bids_dl.explanation.page.levels import Levels
from bids_dl.transforms.head_map import (
    MIN_ELECTRODES,
    flatten_positions,
    grid_points,
    spline_matrix,
)
from bids_dl.transforms.topography import CENTER

Floats = npt.NDArray[np.float64]
N_PIXELS = 41  # along each side of the grid between which contours are interpolated
MIDDLE = (100.0, 112.0)  # of the head in SVG units
DIAMETER = 184.0  # of the map in SVG units
MIN_DISTANCE = 1e-4  # in head diameters, below which two electrodes are at the same point


@dataclass(frozen=True, slots=True)
class HeadMap:
    """Areas of equal colour over the head, and its electrodes.

    Attributes
    ----------
    areas
        Class of the style sheet and path of each area.
    dots, marks
        Paths of all electrodes, and of those that are marked.
    """

    areas: tuple[tuple[str, str], ...]
    dots: str
    marks: str


class Head:
    """Interpolation from electrodes to the head, prepared once for all maps of a page.

    The map is that of `bids_dl.transforms.BandTopography`: electrodes at their arc length from the
    vertex, and a biharmonic spline between them. Seen from above, the nose is up.

    Parameters
    ----------
    positions
        (n_chans, 3) in m, head coordinates. NaN if unknown.

    Attributes
    ----------
    is_placed
        (n_chans,): True for channels on the map. All are False if fewer than three channels have
        a position of their own.
    """

    def __init__(self, positions: Floats) -> None:
        self.is_placed = _find_placed(positions)
        self._points = _flatten(positions[self.is_placed])
        self._matrix = None
        if self.is_placed.any():
            self._matrix = spline_matrix(self._points, grid_points(N_PIXELS))

    def draw(self, values: Floats, levels: Levels, marked: npt.NDArray[np.bool_]) -> HeadMap | None:
        """Draw values of the channels.

        Parameters
        ----------
        values
            (n_chans,). Channels with NaN are left out of the interpolation.
        levels
            Levels of colour.
        marked
            (n_chans,): True for electrodes that are drawn larger.

        Returns
        -------
        HeadMap or None
            The map. None if fewer than three channels with a position have a value.
        """
        known = np.isfinite(values[self.is_placed])
        if self._matrix is None or known.sum() < MIN_ELECTRODES:
            return None
        points = self._points[known]
        matrix = self._matrix if known.all() else spline_matrix(points, grid_points(N_PIXELS))
        image = (matrix @ values[self.is_placed][known]).reshape(N_PIXELS, N_PIXELS)
        is_marked = marked[self.is_placed][known]
        return HeadMap(
            _draw_areas(image, levels), _draw_dots(points), _draw_dots(points[is_marked])
        )


def _flatten(positions: Floats) -> Floats:
    """Project positions (n, 3) to points (n, 2) of the map, also if there are none."""
    if not len(positions):
        return np.empty((0, 2))
    return flatten_positions(positions, np.array(CENTER))


def _find_placed(positions: Floats) -> npt.NDArray[np.bool_]:
    """Return which channels have a position that no earlier channel has."""
    known = np.flatnonzero(np.isfinite(positions).all(axis=1))
    points = _flatten(positions[known])
    placed: list[int] = []
    for number in range(len(known)):
        distances = np.linalg.norm(points[placed] - points[number], axis=1)
        if (distances >= MIN_DISTANCE).all():
            placed.append(number)
    is_placed = np.zeros(len(positions), bool)
    if len(placed) >= MIN_ELECTRODES:
        is_placed[known[placed]] = True
    return is_placed


def _to_units(points: Floats) -> npt.NDArray[np.int64]:
    """Convert points (right, front) of the map to whole SVG units."""
    right, front = points.T
    x = MIDDLE[0] + DIAMETER * right
    y = MIDDLE[1] - DIAMETER * front
    return np.asarray(np.stack([x, y], axis=1).round().astype(np.int64))


def _draw_dots(points: Floats) -> str:
    """Write points as lines of length 0, which a round end turns into dots."""
    return "".join(f"M{x} {y}h0" for x, y in _to_units(points))


def _draw_areas(image: Floats, levels: Levels) -> tuple[tuple[str, str], ...]:
    """Return the areas between the edges of the levels, by contours of an image."""
    axis = np.linspace(-0.5, 0.5, N_PIXELS)
    low, high = levels.edges[0], levels.edges[-1]
    margin = 1e-6 * (high - low)  # because contours leave out the lowest edge itself
    clipped = np.clip(image, low + margin, high - margin)
    contours = contour_generator(axis, axis[::-1], clipped, fill_type=FillType.OuterOffset)
    areas = []
    for style, (start, stop) in zip(levels.styles, pairwise(levels.edges), strict=True):
        filled = cast("tuple[list[Floats], list[Floats]]", contours.filled(start, stop))
        polygons, offsets = filled
        parts = []
        for points, limits in zip(polygons, offsets, strict=True):
            parts += [_write_ring(points[first:last]) for first, last in pairwise(limits.tolist())]
        if path := "".join(parts):
            areas.append((style, path))
    return tuple(areas)


def _write_ring(points: Floats) -> str:
    """Write a closed line in whole units, each point relative to the one before."""
    units = _to_units(points)
    steps = np.diff(units, axis=0)
    steps = steps[steps.any(axis=1)][:-1]  # the last step closes the line
    if len(steps) < 2:
        return ""
    moves = "l".join([f"{x}{y}" if y < 0 else f"{x} {y}" for x, y in steps.tolist()])
    return f"M{units[0, 0]} {units[0, 1]}l{moves}z"
