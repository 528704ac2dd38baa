from __future__ import annotations

import doctest

import numpy as np
import pytest
from explanations import make_explanation

from bids_dl.explanation.page import plots
from bids_dl.explanation.page.plots import (
    MAX_POINTS,
    MAX_RANGE_DB,
    MAX_THIN_LINES,
    FrequencyPlot,
    condense,
    mean_over,
    plot_folds,
    plot_layers,
    plot_time,
    plot_waves,
)

AXES = make_explanation().axes
FREQUENCIES = AXES.frequencies


def points_of(line) -> np.ndarray:
    return np.array([point.split(",") for point in line.points.split()], float)


def test_the_examples_are_right():
    assert doctest.testmod(plots).failed == 0


@pytest.mark.parametrize("n_points", [1, 256, 257, 3840])
def test_a_long_line_is_averaged_to_few_points_with_the_same_mean(n_points):
    values = np.random.default_rng(0).normal(size=(2, n_points))
    condensed = condense(values)
    assert condensed.shape[1] <= MAX_POINTS
    if n_points % condensed.shape[1] == 0:
        assert np.allclose(condensed.mean(axis=1), values.mean(axis=1))


def test_means_leave_out_nan_and_have_nan_for_no_number():
    means = mean_over(np.array([[1.0, np.nan], [3.0, np.nan]]))
    assert means[0] == 2.0
    assert np.isnan(means[1])


def test_the_peaks_of_folds_lie_on_their_lines():
    spectra = np.zeros((2, len(FREQUENCIES)))
    spectra[:, 19] = 5.0  # 10 Hz
    random = np.full((3, len(FREQUENCIES)), -5.0)
    plot = plot_folds(AXES, "power", spectra, random, peaks=np.array([10.0, np.nan]))
    [dot] = plot.dots
    highest = min(points_of(plot.lines[-1]), key=lambda point: point[1])
    assert (dot.x, dot.y) == tuple(highest)
    assert [line.is_filled for line in plot.lines] == [True, False, False, False, False]


def test_at_most_a_few_folds_have_lines_of_their_own():
    spectra = np.zeros((100, len(FREQUENCIES)))
    plot = plot_folds(AXES, "power", spectra, np.full((1, len(FREQUENCIES)), np.nan))
    assert len(plot.lines) == MAX_THIN_LINES + 1


def test_power_far_below_the_highest_level_is_cut_off():
    values = np.where(FREQUENCIES < 40, 0.0, -200.0)
    plot = FrequencyPlot(AXES, "power", [values], is_power=True)
    plot.add("s0", values)
    assert points_of(plot.draw().lines[0])[:, 1].max() <= plot.draw().bottom
    labels = [float(tick.label) for tick in plot.draw().vertical]
    assert min(labels) >= -MAX_RANGE_DB - 20


def test_the_channels_with_the_largest_amplitude_are_drawn_in_order():
    signals = np.zeros((8, 128))
    signals[[1, 7]] = np.sin(np.arange(128))
    names = [f"E{number}" for number in range(8)]
    plot, distance = plot_waves(names, signals, 128.0)
    labels = [tick.label for tick in plot.vertical]
    assert {"E1", "E7"} <= set(labels)
    assert labels == sorted(labels)
    assert distance == pytest.approx(2.0, abs=0.01)


def test_silent_channels_and_missing_shares_are_drawn():
    assert plot_waves(["a"], np.zeros((1, 8)), 8.0)[1] == 1.0
    assert plot_time("share", np.full((2, 8), np.nan), 8.0).lines == ()


def test_the_line_of_an_output_begins_at_one():
    plot = plot_layers(np.array([[0.5, 0.1]]), limit=0.5)
    reference, line = plot.lines
    assert points_of(line)[0, 1] < points_of(line)[1, 1] < points_of(line)[2, 1]
    assert points_of(reference)[0, 1] == points_of(line)[1, 1]


def test_frequencies_above_the_highest_band_are_not_shown():
    plot = FrequencyPlot(AXES, "power", [FREQUENCIES])
    plot.add("s0", FREQUENCIES)
    plot.add_dots(np.array([10.0, 60.0]), np.array([1.0, 1.0]))
    drawn = plot.draw()
    assert len(points_of(drawn.lines[0])) == (FREQUENCIES <= 45).sum()
    assert len(drawn.dots) == 1
