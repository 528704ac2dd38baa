"""Charts of power spectra as coordinates in SVG units, drawn by ``templates/parts.html``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bids_dl.reporting.spectra import Array, Spectra, quartiles

MAX_RANGE_DB = 70.0  # below the highest level; a filter's stop band would squeeze the rest
TICK_STEPS = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)  # Hz or dB
TICK_DISTANCE_X = 60  # least distance between two ticks, in SVG units
TICK_DISTANCE_Y = 30
LEFT_MARGIN = 44  # SVG units; room for the numbers of the vertical axis
TOP_MARGIN = 10
BOTTOM_MARGIN = 34  # room for the numbers and the name of the horizontal axis
RECORDING_CHART_SIZE = (340, 150)  # width and height in SVG units


@dataclass(frozen=True, slots=True)
class Tick:
    """A tick of an axis: its coordinate in SVG units and its label."""

    position: float
    label: str


@dataclass(frozen=True, slots=True)
class Curve:
    """A curve of a chart.

    Attributes
    ----------
    line
        Its points as SVG writes them, "x,y x,y ...".
    band
        The outline of the band around it, written like ``line``; "" without a band.
    """

    name: str
    line: str
    band: str = ""


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart of ``width`` x ``height`` with its axes at x = ``left`` and y = ``bottom``."""

    width: int
    height: int
    left: int
    bottom: int
    horizontal: tuple[Tick, ...]
    vertical: tuple[Tick, ...]
    curves: tuple[Curve, ...]


@dataclass(frozen=True, slots=True)
class ChartScale:
    """The conversion from Hz and dB to the SVG units of a chart.

    Attributes
    ----------
    max_frequency
        Frequency in Hz at the right edge; 0 Hz is at the left edge.
    min_level, max_level
        Levels in dB at the bottom and the top.
    """

    width: int
    height: int
    max_frequency: float
    min_level: float
    max_level: float

    @property
    def bottom(self) -> int:
        """Coordinate of the horizontal axis."""
        return self.height - BOTTOM_MARGIN

    def x(self, frequency: Array) -> Array:
        """Convert frequencies in Hz to horizontal coordinates."""
        return LEFT_MARGIN + frequency / self.max_frequency * (self.width - LEFT_MARGIN)

    def y(self, level: Array) -> Array:
        """Convert levels in dB to vertical coordinates, which grow downwards."""
        fraction = (level - self.min_level) / (self.max_level - self.min_level)
        return self.bottom - fraction * (self.bottom - TOP_MARGIN)

    def to_points(self, frequency: Array, levels: Array) -> list[str]:
        """Convert a curve to its points "x,y".

        NaN are omitted. A curve that leaves the chart at the bottom ends on the axis: of the
        samples below the axis, only those next to a sample above it are kept, on the axis.
        """
        above = np.pad(levels >= self.min_level, 1)
        near = above[:-2] | above[1:-1] | above[2:]
        shown = np.isfinite(levels) & near
        x = self.x(frequency[shown])
        y = self.y(np.clip(levels[shown], self.min_level, self.max_level))
        return [f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True)]

    def draw(self, curves: Sequence[Curve]) -> Chart:
        """Make a chart of curves, with ticks at round numbers."""
        frequencies = _round_numbers(0, self.max_frequency, self.width // TICK_DISTANCE_X)
        levels = _round_numbers(self.min_level, self.max_level, self.height // TICK_DISTANCE_Y)
        return Chart(
            self.width,
            self.height,
            LEFT_MARGIN,
            self.bottom,
            horizontal=_make_ticks(frequencies, self.x(np.array(frequencies))),
            vertical=_make_ticks(levels, self.y(np.array(levels))),
            curves=tuple(curves),
        )


def draw_summary(spectra: Spectra, *, width: int, height: int) -> Chart | None:
    """Draw median and quartiles over recordings, before and after the recipe.

    Parameters
    ----------
    width, height
        Size of the chart in SVG units.

    Returns
    -------
    Chart or None
        The chart; None if no recording has power at any frequency.
    """
    before = quartiles(spectra.before)
    after = quartiles(spectra.after)
    scale = _fit_scale(spectra.frequency, np.concatenate([before, after]), (width, height))
    if scale is None:
        return None
    curves = []
    for name, levels in (("before", before), ("after", after)):
        low, middle, high = (scale.to_points(spectra.frequency, level) for level in levels)
        outline = [*low, *reversed(high)]
        curves.append(Curve(name, " ".join(middle), " ".join(outline)))
    return scale.draw(curves)


def draw_recording(frequency: Array, before: Array, after: Array) -> Chart | None:
    """Draw the spectra of one recording, before and after the recipe.

    Parameters
    ----------
    frequency
        Frequencies (n_frequencies,) in Hz.
    before, after
        Levels (n_frequencies,) in dB; NaN are omitted.

    Returns
    -------
    Chart or None
        The chart; None if the recording has no power at any frequency.
    """
    scale = _fit_scale(frequency, np.stack([before, after]), RECORDING_CHART_SIZE)
    if scale is None:
        return None
    curves = []
    for name, levels in (("before", before), ("after", after)):
        curves.append(Curve(name, " ".join(scale.to_points(frequency, levels))))
    return scale.draw(curves)


def _fit_scale(frequency: Array, levels: Array, size: tuple[int, int]) -> ChartScale | None:
    """Choose the scale of a chart, with limits in dB at multiples of 10.

    Parameters
    ----------
    levels
        Levels (n_curves, n_frequencies) in dB.
    size
        Width and height in SVG units.
    """
    finite = np.isfinite(levels).any(axis=0)
    if not finite.any():
        return None
    highest = float(np.nanmax(levels))
    lowest = max(float(np.nanmin(levels)), highest - MAX_RANGE_DB)
    min_level = float(10 * np.floor(lowest / 10))
    max_level = float(10 * np.ceil(highest / 10 + 1e-9))  # above a level that is a multiple of 10
    max_level = max(max_level, min_level + 10)
    return ChartScale(*size, float(frequency[finite].max()), min_level, max_level)


def _round_numbers(low: float, high: float, max_count: int) -> list[float]:
    """List at most about ``max_count`` round numbers from ``low`` to ``high``."""
    fitting = [step for step in TICK_STEPS if (high - low) / step <= max_count]
    step = fitting[0] if fitting else high - low
    first = int(np.ceil(low / step))
    last = int(np.floor(high / step))
    return [step * i for i in range(first, last + 1)]


def _make_ticks(values: Sequence[float], positions: Array) -> tuple[Tick, ...]:
    pairs = zip(values, positions, strict=True)
    return tuple(Tick(float(position), f"{value:g}") for value, position in pairs)
