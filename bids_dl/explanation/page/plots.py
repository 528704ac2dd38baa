"""Plots of an explanation by frequency, time and layer, drawn by ``templates/plots.html``."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from bids_dl.explanation.contents import Axes
from bids_dl.reporting.plots import Plot, PlotArea, PlotLine, limits_of

Floats = npt.NDArray[np.float64]
MAX_POINTS = 256  # of a line; more cannot be seen, and make the page large
MAX_RANGE_DB = 50.0  # below the highest level; a filter's stop band would squeeze the rest
MAX_THIN_LINES = 12  # of folds
MAX_WAVES = 6  # channels of a waveform
MAX_NAME_CHARS = 7  # of a channel beside its waveform
POWER = "power (dB re 1 µV²/Hz)"
FREQUENCY = "frequency (Hz)"


def condense(values: Floats) -> Floats:
    """Average neighbours along the last axis, so that at most `MAX_POINTS` remain.

    Examples
    --------
    >>> condense(np.arange(512.0))[:3].tolist()
    [0.5, 2.5, 4.5]
    """
    n_points = values.shape[-1]
    size = -(-n_points // MAX_POINTS)
    if size == 1:
        return values
    starts = np.arange(0, n_points, size)
    counts = np.diff([*starts, n_points])
    means: Floats = np.add.reduceat(values, starts, axis=-1) / counts
    return means


def select_frequencies(axes: Axes) -> npt.NDArray[np.bool_]:
    """Return which frequencies are up to the highest band: all if that leaves fewer than two."""
    highest = max((high for _, high in axes.bands.values()), default=np.inf)
    is_shown = axes.frequencies <= highest
    return is_shown if is_shown.sum() > 1 else np.ones_like(is_shown)


class FrequencyPlot:
    """Lines over the frequencies of the bands, in the order in which they are added.

    Frequencies above the highest band are not shown, because most are those of a filter's stop
    band.

    Parameters
    ----------
    axes
        Frequencies and bands.
    title
        Title of the vertical axis, with its unit.
    levels
        Values that decide the limits of the vertical axis.
    is_power
        True for dB of power, of which at most `MAX_RANGE_DB` are shown.
    """

    def __init__(
        self, axes: Axes, title: str, levels: Sequence[Floats], *, is_power: bool = False
    ) -> None:
        self._shown = select_frequencies(axes)
        self._frequencies = condense(axes.frequencies[self._shown])
        parts = [condense(values[..., self._shown]).ravel() for values in levels]
        low, high = limits_of(np.concatenate([*parts, np.empty(0)]))
        if is_power:
            low = max(low, high - MAX_RANGE_DB)
        self._low = low
        self._title = title
        right = float(self._frequencies[-1]) if len(self._frequencies) else 1.0
        self._area = PlotArea((0.0, right), (low, high))
        self._lines: list[PlotLine] = []
        self._dots: list[tuple[float, float]] = []

    def add(self, style: str, values: Floats) -> None:
        """Add a line (n_freqs,)."""
        levels = np.maximum(condense(values[self._shown]), self._low)
        self._lines.append(self._area.line(style, self._frequencies, levels))

    def add_area(self, style: str, low: Floats, high: Floats) -> None:
        """Add the area between two lines (n_freqs,)."""
        below = np.maximum(condense(low[self._shown]), self._low)
        above = np.maximum(condense(high[self._shown]), self._low)
        self._lines.append(self._area.area(style, self._frequencies, below, above))

    def add_dots(self, frequencies: Floats, levels: Floats) -> None:
        """Add dots at frequencies in Hz."""
        for frequency, level in zip(frequencies, levels, strict=True):
            if frequency <= self._frequencies[-1]:
                self._dots.append((float(frequency), max(float(level), self._low)))

    def add_zero(self) -> None:
        """Add a line at 0."""
        ends = (0.0, float(self._area.x_limits[1]))
        self._lines.append(self._area.line("reference", ends, (0.0, 0.0)))

    def draw(self) -> Plot:
        """Return the plot."""
        dots = np.array(self._dots, float).reshape(-1, 2)
        drawn = self._area.dots("f0", dots[:, 0], dots[:, 1], 4.0)
        return self._area.plot((FREQUENCY, self._title), self._lines, drawn)


def plot_folds(
    axes: Axes,
    title: str,
    of_folds: Floats,
    of_random: Floats,
    *,
    is_power: bool = False,
    peaks: Floats | None = None,
) -> Plot:
    """Plot the spectra of all folds beside those of networks with random weights.

    Parameters
    ----------
    title
        Title of the vertical axis, with its unit.
    of_folds
        (n_folds, n_freqs).
    of_random
        (n_networks, n_freqs).
    peaks
        (n_folds,) in Hz: a dot on the line of each fold.
    """
    plot = FrequencyPlot(axes, title, [of_folds, of_random], is_power=is_power)
    if np.isfinite(of_random).any():
        plot.add_area("random", min_over(of_random), max_over(of_random))
        plot.add("randomline dashed", mean_over(of_random))
    if len(of_folds) > 1:
        for values in of_folds[:MAX_THIN_LINES]:
            plot.add("s0 thin", values)
    plot.add("s0", mean_over(of_folds))
    if peaks is not None:
        shown = [row for row in range(len(peaks)) if np.isfinite(peaks[row])]
        nearest = [int(np.abs(axes.frequencies - peaks[row]).argmin()) for row in shown]
        plot.add_dots(peaks[shown], of_folds[shown, nearest])
    return plot.draw()


def plot_time(title: str, of_folds: Floats, sfreq: float) -> Plot:
    """Plot values (n_folds, n_times) over the time of a window."""
    seconds = condense(np.arange(of_folds.shape[1]) / sfreq)
    values = condense(of_folds)
    high = limits_of(values)[1]
    area = PlotArea((0.0, of_folds.shape[1] / sfreq), (0.0, max(high, 1e-12)))
    thin = values[:MAX_THIN_LINES] if len(values) > 1 else values[:0]
    lines = [area.line("s0 thin", seconds, row) for row in thin]
    lines.append(area.line("s0 fine", seconds, mean_over(values)))
    return area.plot(("time in the window (s)", title), lines)


def plot_waves(channels: Sequence[str], signals: Floats, sfreq: float) -> tuple[Plot, float]:
    """Plot the channels with the largest amplitude, one below the other.

    Parameters
    ----------
    signals
        (n_chans, n_times) in µV.

    Returns
    -------
    plot
        The plot.
    distance
        Distance of two channels in µV.
    """
    power = np.nan_to_num(np.square(signals).mean(axis=1))
    shown = np.sort(np.argsort(-power, kind="stable")[:MAX_WAVES])
    waves = condense(signals[shown])
    seconds = condense(np.arange(signals.shape[1]) / sfreq)
    distance = 2 * float(np.nan_to_num(np.abs(waves)).max(initial=0.0)) or 1.0
    area = PlotArea((0.0, signals.shape[1] / sfreq), (0.4 - len(shown), 0.6))
    rows = np.arange(len(shown))
    lines = [area.line("s0 fine", seconds, waves[row] / distance - row) for row in rows]
    levels = [(-float(row), _shorten(channels[shown[row]])) for row in rows]
    return area.plot(("time (s)", ""), lines, levels=levels), distance


def style_of(output: int) -> str:
    """Return the classes of the style sheet for the line of an output.

    Examples
    --------
    >>> style_of(0), style_of(7)
    ('s0', 's1 dashed')
    """
    color = f"s{output % 6}"
    return f"{color} dashed" if output % 2 else color


def plot_layers(correlations: Floats, limit: float) -> Plot:
    """Plot rank correlations (n_outputs, n_layers) over the number of replaced layers."""
    n_layers = correlations.shape[1]
    low = min(-0.1, limits_of(correlations)[0])
    area = PlotArea((0.0, float(n_layers)), (low, 1.0))
    steps = np.arange(n_layers + 1)
    lines = [area.line("reference", (0.0, n_layers), (limit, limit))]
    for output, values in enumerate(correlations):
        lines.append(area.line(style_of(output), steps, [1.0, *values]))
    titles = ("layers with random weights", "rank correlation of the map")
    return area.plot(titles, lines, counts=True)


def mean_over(values: Floats) -> Floats:
    """Return the mean over the first axis without NaN, NaN if there is no number."""
    known = np.isfinite(values)
    total = np.where(known, values, 0.0).sum(axis=0)
    count = known.sum(axis=0)
    means: Floats = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return means


def min_over(values: Floats) -> Floats:
    """Return the least number over the first axis, NaN if there is none."""
    least = np.where(np.isfinite(values), values, np.inf).min(axis=0)
    return np.where(np.isfinite(least), least, np.nan)


def max_over(values: Floats) -> Floats:
    """Return the greatest number over the first axis, NaN if there is none."""
    return -min_over(-values)


def _shorten(name: str) -> str:
    return name if len(name) <= MAX_NAME_CHARS else f"{name[: MAX_NAME_CHARS - 1]}…"
