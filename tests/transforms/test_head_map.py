from __future__ import annotations

import numpy as np
import pytest

from bids_dl.errors import ModelError
from bids_dl.transforms.head_map import (
    check_positions,
    flatten_positions,
    grid_points,
    spline_matrix,
)

ORIGIN = np.zeros(3)
POINTS = np.random.default_rng(0).uniform(-0.4, 0.4, (24, 2))


def test_the_spline_is_exact_at_electrodes():
    np.testing.assert_allclose(spline_matrix(POINTS, POINTS), np.eye(24), atol=1e-10)


def test_the_spline_is_the_formula_of_griddata_v4():
    values = np.random.default_rng(1).normal(size=24)
    distance = np.abs(np.subtract.outer(POINTS @ [1, 1j], POINTS @ [1, 1j])) + np.eye(24)
    green = np.where(np.eye(24), 0, distance**2 * (np.log(distance) - 1))
    weights = np.linalg.solve(green, values)
    to_grid = np.abs(np.subtract.outer(grid_points(24) @ [1, 1j], POINTS @ [1, 1j]))
    expected = (to_grid**2 * (np.log(to_grid) - 1)) @ weights
    np.testing.assert_allclose(
        spline_matrix(POINTS, grid_points(24)) @ values, expected, atol=1e-10
    )


def test_the_spline_is_that_of_icalabel():
    utilities = pytest.importorskip("mne_icalabel.iclabel._utils")
    values = np.random.default_rng(1).normal(size=24)
    grid = grid_points(24).reshape(24, 24, 2)
    _, _, expected = utilities._gdatav4(*POINTS.T, values, grid[..., 0], grid[..., 1])
    found = spline_matrix(POINTS, grid_points(24)) @ values
    np.testing.assert_allclose(found.reshape(24, 24), expected, atol=1e-10)


@pytest.mark.parametrize(
    ("position", "point"),
    [
        ([0, 0, 1], [0, 0]),  # vertex
        ([1, 0, 1], [0.25, 0]),  # right
        ([0, 2, 2], [0, 0.25]),  # front, at any distance
    ],
)
def test_a_point_has_its_arc_length_from_the_vertex(position, point):
    points = flatten_positions(np.array([position], float), ORIGIN)
    np.testing.assert_allclose(points, [point], atol=1e-15)


def test_an_electrode_below_the_equator_squeezes_all_into_the_circle():
    points = flatten_positions(np.array([[1.0, 0, -1], [-1, 0, 0]]), ORIGIN)
    expected = [[0.5 / 1.02, 0], [-0.5 * 0.5 / (0.75 * 1.02), 0]]
    np.testing.assert_allclose(points, expected, atol=1e-15)


def test_the_center_moves_the_equator():
    position = np.array([[0.08, 0, 0.12]])
    points = flatten_positions(position, np.array([0, 0, 0.04]))
    np.testing.assert_allclose(points, [[0.25, 0]], atol=1e-15)


def test_the_first_pixel_is_front_left():
    grid = grid_points(24)
    np.testing.assert_allclose(grid[[0, 23, -1]], [[-0.5, 0.5], [0.5, 0.5], [0.5, -0.5]])


def test_positions_that_cannot_be_mapped_are_refused():
    positions = np.random.default_rng(0).normal(size=(4, 3))
    with pytest.raises(ModelError, match=r"shape \(4, 3\), got \(3, 3\)"):
        check_positions("band-topography", positions[:3], 4)
    with pytest.raises(ModelError, match="at least 3 channels, got 2"):
        check_positions("band-topography", positions[:2], 2)
    unknown = positions.copy()
    unknown[2] = np.nan
    with pytest.raises(ModelError, match="channel 3 of 4 has no position"):
        check_positions("band-topography", unknown, 4)
    positions[3] = positions[1]
    with pytest.raises(ModelError, match="channel 4 of 4 has the position of another"):
        check_positions("band-topography", positions, 4)
