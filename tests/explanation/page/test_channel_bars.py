from __future__ import annotations

import numpy as np

from bids_dl.explanation.page.channel_bars import MAX_BARS, N_LARGEST, draw_bars
from bids_dl.explanation.page.levels import diverging, sequential


def test_bars_begin_at_zero_and_are_as_long_as_their_values():
    values = np.array([2.0, -1.0, np.nan])
    bars = draw_bars(["a", "b", "c"], values, diverging([2.0], "dB"), np.array([True, False, True]))
    first, second = bars.bars
    assert (first.name, first.style, first.is_marked) == ("a", "d10", True)
    assert first.x == bars.zero
    assert abs(second.x + second.width - bars.zero) < 0.2
    assert abs(first.width - 2 * second.width) < 0.2


def test_bars_of_levels_above_zero_begin_at_the_left():
    bars = draw_bars(["a"], np.array([15.0]), sequential([10.0, 20.0], "dB"), np.zeros(1, bool))
    assert bars.bars[0].x == bars.zero


def test_the_largest_of_many_channels_are_drawn_and_the_others_counted():
    n_chans = MAX_BARS + 1
    values = np.arange(n_chans, dtype=float)
    values[0] = -1000.0
    names = [f"E{number}" for number in range(n_chans)]
    bars = draw_bars(names, values, diverging(values, "dB"), np.zeros(n_chans, bool))
    shown = [bar.name for bar in bars.bars]
    assert len(shown) == N_LARGEST
    assert shown[0] == "E0"
    assert shown[1:] == names[-(N_LARGEST - 1) :]
    assert bars.n_left_out == n_chans - N_LARGEST
