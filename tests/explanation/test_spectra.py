from __future__ import annotations

import numpy as np
import pytest
from people_store import window_table, write_store

from bids_dl.explanation.spectra import (
    average_bands,
    compute_power,
    in_band,
    read_axes,
    sum_bands,
    to_decibels,
)
from bids_dl.store import open_store


@pytest.fixture(scope="module")
def axes(tmp_path_factory):
    url = write_store(tmp_path_factory.mktemp("stores") / "s.zarr", window_table(1))
    return read_axes(open_store(url))


def test_bands_above_half_the_rate_are_left_out(axes):
    assert axes.frequencies[[0, -1]].tolist() == [1.0, 32.0]
    assert list(axes.bands) == ["delta", "theta", "alpha", "beta", "gamma"]
    assert in_band(axes.frequencies, axes.bands["gamma"]).sum() == 3  # 30, 31, 32 Hz


def test_channels_without_positions_have_nan(axes):
    assert axes.positions.shape == (3, 3)
    assert np.isnan(axes.positions).all()


def test_the_power_of_a_sine_is_the_half_of_its_squared_amplitude():
    signal = 10 * np.sin(2 * np.pi * 10 * np.arange(256) / 128)
    power = compute_power(signal, 128.0)
    assert power.sum() * 0.5 == pytest.approx(50, rel=1e-6)  # bins of 0.5 Hz
    assert np.argmax(power) == 19  # 10 Hz, the first bin is 0.5 Hz


def test_a_constant_signal_has_the_lowest_power():
    assert to_decibels(compute_power(np.full(64, 7.0), 64.0)).max() == -60


def test_bands_are_the_first_axis(axes):
    values = np.broadcast_to(axes.frequencies, (2, 3, 32))
    assert average_bands(values, axes)[2].tolist() == np.full((2, 3), 10.0).tolist()
    assert sum_bands(values, axes).shape == (5, 2, 3)
