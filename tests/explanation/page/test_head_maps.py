"""Maps of the head: colours at electrodes are those of their values."""

from __future__ import annotations

import re

import numpy as np
import pytest
from matplotlib.path import Path

from bids_dl.explanation.page.head_maps import DIAMETER, MIDDLE, Head
from bids_dl.explanation.page.levels import diverging

NONE = np.zeros(4, bool)
CROSS = 0.09 * np.array([[0, 0.8, 0.6], [0, -0.8, 0.6], [-0.8, 0, 0.6], [0.8, 0, 0.6]])
CROSS[:, 2] += 0.04  # front, back, left, right of the center of the head
POINTS = {"front": (0, 0.295), "back": (0, -0.295), "left": (-0.295, 0), "right": (0.295, 0)}


def style_at(head_map, point) -> str:
    """Return the class of the area that has a point (right, front)."""
    x, y = MIDDLE[0] + DIAMETER * point[0], MIDDLE[1] - DIAMETER * point[1]
    hits = []
    for style, path in head_map.areas:
        crossings = sum(polygon.contains_point((x, y)) for polygon in polygons(path))
        if crossings % 2:
            hits.append(style)
    assert len(hits) == 1
    return hits[0]


def polygons(path: str) -> list[Path]:
    shapes = []
    for part in path.split("z")[:-1]:
        numbers = np.array([int(text) for text in re.findall(r"-?\d+", part)]).reshape(-1, 2)
        shapes.append(Path(np.cumsum(numbers, axis=0)))
    return shapes


@pytest.mark.parametrize("side", POINTS)
def test_the_side_with_the_largest_value_has_the_last_colour(side):
    values = np.array([1.0 if name == side else -1.0 for name in POINTS])
    head_map = Head(CROSS).draw(values, diverging([1.0], "dB"), NONE)
    for name, point in POINTS.items():
        assert style_at(head_map, point) == ("d10" if name == side else "d0")


def test_electrodes_and_marks_are_drawn_where_they_are():
    marked = np.array([True, False, False, False])
    head_map = Head(CROSS).draw(np.ones(4), diverging([1.0], "dB"), marked)
    assert head_map.dots.count("M") == 4
    [(x, y)] = re.findall(r"M(\d+) (\d+)h0", head_map.marks)
    assert int(x) == MIDDLE[0]
    assert int(y) < MIDDLE[1]  # in front of the center, above it on the page


def test_channels_without_a_position_or_with_that_of_another_are_not_on_the_map():
    positions = np.concatenate([CROSS, CROSS[:1], np.full((1, 3), np.nan)])
    assert Head(positions).is_placed.tolist() == [True] * 4 + [False] * 2


@pytest.mark.parametrize("n_known", [0, 1, 2])
def test_fewer_than_three_positions_make_no_map(n_known):
    positions = CROSS.copy()
    positions[n_known:] = np.nan
    head = Head(positions)
    assert not head.is_placed.any()
    assert head.draw(np.ones(4), diverging([1.0], "dB"), NONE) is None


def test_a_channel_without_a_value_is_interpolated():
    values = np.array([1.0, -1.0, np.nan, -1.0])
    head_map = Head(CROSS).draw(values, diverging([1.0], "dB"), NONE)
    assert head_map.dots.count("M") == 3
    assert style_at(head_map, POINTS["front"]) == "d10"
    assert Head(CROSS).draw(np.full(4, np.nan), diverging([1.0], "dB"), NONE) is None
