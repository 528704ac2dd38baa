from __future__ import annotations

import numpy as np

from bids_dl.reporting.plots import PlotArea, limits_of


def test_a_line_ends_at_the_edges_of_its_area():
    area = PlotArea((0, 10), (0, 1), (340, 250))
    assert area.line("s0", [0, 10], [0, 1]).points == "52.0,214.0 330.0,10.0"


def test_points_that_are_nan_are_left_out():
    area = PlotArea((0, 1), (0, 1))
    assert len(area.line("s0", [0, np.nan, 1], [0, 1, 1]).points.split()) == 2
    assert len(area.dots("f0", [0, 1], [np.nan, 1], [1, 2])) == 1


def test_a_line_without_points_is_not_in_the_plot():
    area = PlotArea((0, 1), (0, 1))
    assert area.plot(("x", "y"), [area.line("s0", [np.nan], [0])]).lines == ()


def test_limits_hold_equal_values_and_no_value():
    low, high = limits_of([3.0, 3.0, np.nan])
    assert low < 3.0 < high
    assert limits_of([np.nan]) == (0.0, 1.0)
