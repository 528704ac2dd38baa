from __future__ import annotations

from dataclasses import replace

import numpy as np
from explanations import BANDS, make_explanation

from bids_dl.explanation.page.channel_figures import ChannelPlotter
from bids_dl.explanation.page.levels import diverging

AXES = make_explanation().axes
N_CHANS = len(AXES.channels)


def test_a_figure_names_the_highest_and_the_lowest_channel():
    values = np.linspace(-1, 2, N_CHANS)
    figure = ChannelPlotter(AXES).draw("alpha", values, diverging(values, "dB"), caption="power")
    assert figure.label == "power, alpha: Oz +2.00, Fz −1.00 dB"
    assert figure.head is not None
    assert figure.bars is None


def test_channels_without_a_position_have_bars_beside_the_map():
    positions = AXES.positions.copy()
    positions[2] = np.nan
    plotter = ChannelPlotter(replace(AXES, positions=positions))
    values = np.ones(N_CHANS)
    figure = plotter.draw("alpha", values, diverging(values, "dB"), caption="power")
    assert figure.head.dots.count("M") == N_CHANS - 1
    assert [bar.name for bar in figure.bars.bars] == [AXES.channels[2]]


def test_each_band_with_a_value_has_a_figure():
    values = np.ones((len(BANDS), N_CHANS))
    values[4] = np.nan
    row = ChannelPlotter(AXES).draw_bands("power", values, diverging(values, "dB"))
    assert [figure.title for figure in row.figures][-1] == "beta 13–30 Hz"
    assert len(row.figures) == 4
    assert row.has_common_levels
    assert not row.has_marks
