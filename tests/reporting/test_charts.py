"""Coordinates of curves and ticks in charts of spectra."""

from __future__ import annotations

import numpy as np

from bids_dl.reporting.charts import draw_recording, draw_summary
from bids_dl.reporting.spectra import Spectra

FREQUENCY = np.arange(1.0, 101.0)  # Hz


def _points(line: str) -> np.ndarray:
    """Parse the points "x,y x,y ..." of a curve into an array (n_points, 2)."""
    return np.array([point.split(",") for point in line.split()], dtype=float)


def test_a_curve_stays_inside_its_chart_and_ends_at_the_bottom_edge():
    after = np.where(FREQUENCY < 50, 10.0, -90.0)
    chart = draw_recording(FREQUENCY, np.full(100, 12.0), after)
    points = _points(chart.curves[1].line)
    assert len(points) == 50
    assert ((points >= [chart.left, 0]) & (points <= [chart.width, chart.bottom])).all()


def test_a_recording_without_power_has_no_chart():
    assert draw_recording(FREQUENCY, np.full(100, np.nan), np.full(100, np.nan)) is None


def test_the_summary_draws_the_median_inside_the_quartiles():
    levels = np.stack([np.full(100, level) for level in (0.0, 10.0, 20.0)])
    chart = draw_summary(Spectra(FREQUENCY, levels, levels + 20), width=700, height=300)
    assert [curve.name for curve in chart.curves] == ["before", "after"]
    for curve in chart.curves:
        line = _points(curve.line)[:, 1]
        band = _points(curve.band)[:, 1]
        assert band.min() < line.min()
        assert line.max() < band.max()


def test_ticks_are_round_numbers_inside_the_axes():
    chart = draw_recording(FREQUENCY, np.full(100, 12.0), np.full(100, -20.0))
    assert [tick.label for tick in chart.horizontal] == ["0", "20", "40", "60", "80", "100"]
    assert all(chart.left <= tick.position <= chart.width for tick in chart.horizontal)
    assert all(0 <= tick.position <= chart.bottom for tick in chart.vertical)
