"""Traces have the shape of the signal, and scale bars their length."""

from __future__ import annotations

import re

import numpy as np
import pytest

from bids_dl.cataloguing.traces import LEFT_MARGIN, TraceScale, decimate, round_down, write_path


def points_of(path: str) -> list[tuple[float, float]]:
    """Return the points of a path as SVG reads it, in units."""
    points, x, y = [], 0, 0
    for command, text in re.findall(r"([Ml])([^Ml]*)", path):
        numbers = [int(number) for number in re.findall(r"-?\d+", text)]
        for dx, dy in zip(numbers[::2], numbers[1::2], strict=True):
            x, y = (dx, dy) if command == "M" else (x + dx, y + dy)
            points.append((x / 10, y / 10))
    return points


def test_a_path_is_read_back_as_its_points():
    rng = np.random.default_rng(0)
    x, y = np.linspace(0, 300, 50), rng.normal(0, 50, 50).round(1)
    assert np.allclose(points_of(write_path(x, y)), np.column_stack([x, y]), atol=0.051)


def test_nan_interrupt_a_path():
    y = np.array([0.0, 1.0, np.nan, 2.0, 3.0])
    path = write_path(np.arange(5.0), y)
    assert path.count("M") == 2
    assert points_of(path) == [(0, 0), (1, 1), (3, 2), (4, 3)]


def test_a_peak_of_one_sample_survives_decimation():
    values = np.zeros(10_000)
    values[4321] = 7.0
    time, kept = decimate(np.arange(10_000.0), values, 90)
    assert len(kept) <= 180
    assert time[kept == 7.0].tolist() == [4321.0]


@pytest.mark.parametrize(
    ("value", "expected"), [(0.013, 0.01), (0.2, 0.2), (1.99, 1.0), (999.0, 500.0)]
)
def test_bars_have_round_lengths(value, expected):
    assert round_down(value) == pytest.approx(expected)


def draw(signals: np.ndarray, time: np.ndarray):
    scale = TraceScale.fit([signals[None].astype(np.float32)], time, "µV")
    return scale, scale.draw("x", ["A"] * len(signals), signals.astype(np.float64))


def test_the_amplitude_bar_is_as_long_as_its_amplitude_in_a_trace():
    time = np.arange(128) / 64
    signals = np.stack([20 * np.sign(np.sin(2 * np.pi * 3 * time + 0.1))] * 2)
    _, window = draw(signals, time)
    heights = [y for _, y in points_of(window.traces[0].path)]
    per_uv = (max(heights) - min(heights)) / 40
    amplitude = float(window.amplitude_bar.text.split()[0])
    assert window.amplitude_bar.length == pytest.approx(amplitude * per_uv, abs=0.2)


def test_the_time_bar_is_as_long_as_its_time_in_a_trace():
    time = np.arange(129) / 64
    _, window = draw(np.random.default_rng(0).normal(size=(2, 129)), time)
    x = [x for x, _ in points_of(window.traces[0].path)]
    seconds = float(window.time_bar.text.split()[0])
    assert window.time_bar.length == pytest.approx((x[-1] - x[0]) * seconds / 2, abs=0.2)


def test_the_event_is_drawn_only_within_the_window():
    signals = np.random.default_rng(0).normal(size=(1, 100))
    locked = np.arange(-20, 80) / 100
    scale, _ = draw(signals, locked)
    assert scale.event is not None
    assert scale.event > LEFT_MARGIN
    assert draw(signals, locked + 0.2)[0].event is None


def test_flat_and_constant_signals_are_drawn():
    _, window = draw(np.full((2, 50), 3.0), np.arange(50.0))
    assert [trace.path.count("M") for trace in window.traces] == [1, 1]
