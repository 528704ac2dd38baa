"""Plots of the page as coordinates in SVG units, drawn by ``templates/plots.html``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from matplotlib.ticker import MaxNLocator

from bids_dl.reporting.charts import Tick

Values = npt.NDArray[np.float64]
LEFT_MARGIN = 52  # SVG units; room for the title and numbers of the vertical axis
RIGHT_MARGIN = 10
TOP_MARGIN = 10
BOTTOM_MARGIN = 36  # room for the numbers and the title of the horizontal axis
PANEL_SIZE = (340, 250)  # width and height in SVG units: a phone, or half a laptop
TICK_DISTANCE = (55, 32)  # least distance of ticks of the horizontal and the vertical axis
ROUND_STEPS = (1, 2, 5, 10)


@dataclass(frozen=True, slots=True)
class PlotLine:
    """A line of a plot.

    Attributes
    ----------
    style
        Classes of the style sheet.
    points
        Its points as SVG writes them, "x,y x,y ...".
    is_filled
        True for an area with these points as its outline, such as an interval.
    """

    style: str
    points: str
    is_filled: bool = False


@dataclass(frozen=True, slots=True)
class PlotDot:
    """A dot of a plot at ``x`` and ``y`` with its radius, all in SVG units."""

    style: str
    x: float
    y: float
    radius: float


@dataclass(frozen=True, slots=True)
class Plot:
    """A plot of ``width`` x ``height`` with its axes at x = ``left`` and y = ``bottom``."""

    width: int
    height: int
    left: int
    bottom: int
    titles: tuple[str, str]
    horizontal: tuple[Tick, ...]
    vertical: tuple[Tick, ...]
    lines: tuple[PlotLine, ...]
    dots: tuple[PlotDot, ...] = ()


@dataclass(frozen=True, slots=True)
class PlotArea:
    """The conversion from values to SVG units.

    Attributes
    ----------
    x_limits, y_limits
        Values at the left and right edge, and at the bottom and the top. The first may be the
        greater.
    size
        Width and height of the plot in SVG units.
    """

    x_limits: tuple[float, float]
    y_limits: tuple[float, float]
    size: tuple[int, int] = PANEL_SIZE

    @property
    def bottom(self) -> int:
        """Coordinate of the horizontal axis."""
        return self.size[1] - BOTTOM_MARGIN

    def x(self, values: npt.ArrayLike) -> Values:
        """Convert values to horizontal coordinates."""
        span = self.size[0] - LEFT_MARGIN - RIGHT_MARGIN
        return LEFT_MARGIN + _fractions(values, self.x_limits) * span

    def y(self, values: npt.ArrayLike) -> Values:
        """Convert values to vertical coordinates, which grow downwards."""
        span = self.bottom - TOP_MARGIN
        return self.bottom - _fractions(values, self.y_limits) * span

    def line(self, style: str, x: npt.ArrayLike, y: npt.ArrayLike) -> PlotLine:
        """Make a line of points (n,), without those that are NaN."""
        rows = np.column_stack([self.x(x), self.y(y)])
        rows = rows[np.isfinite(rows).all(axis=1)]
        return PlotLine(style, " ".join(f"{a:.1f},{b:.1f}" for a, b in rows))

    def area(
        self, style: str, x: npt.ArrayLike, low: npt.ArrayLike, high: npt.ArrayLike
    ) -> PlotLine:
        """Make the area between two lines of points (n,), without points that are NaN."""
        rows = np.column_stack([self.x(x), self.y(low), self.y(high)])
        rows = rows[np.isfinite(rows).all(axis=1)]
        outline = np.concatenate([rows[:, [0, 1]], rows[::-1, [0, 2]]])
        return PlotLine(style, " ".join(f"{a:.1f},{b:.1f}" for a, b in outline), is_filled=True)

    def dots(
        self, style: str, x: npt.ArrayLike, y: npt.ArrayLike, radius: npt.ArrayLike = 3.0
    ) -> tuple[PlotDot, ...]:
        """Make dots at points (n,), without those that are NaN."""
        columns = np.broadcast_arrays(self.x(x), self.y(y), np.asarray(radius, dtype=float))
        rows = np.column_stack(columns)
        rows = rows[np.isfinite(rows).all(axis=1)].round(1)
        return tuple(PlotDot(style, *map(float, row)) for row in rows)

    def plot(
        self,
        titles: tuple[str, str],
        lines: Sequence[PlotLine],
        dots: Sequence[PlotDot] = (),
        *,
        levels: Sequence[tuple[float, str]] | None = None,
        counts: bool = False,
    ) -> Plot:
        """Make a plot, with ticks at round numbers.

        Parameters
        ----------
        titles
            Titles of the horizontal and the vertical axis.
        lines, dots
            Contents, from the lowest layer to the highest.
        levels
            Values and labels of the ticks of the vertical axis, if they are not numbers.
        counts
            If the horizontal axis has integers only, such as epochs.
        """
        width, height = self.size
        x_ticks = round_numbers(self.x_limits, width // TICK_DISTANCE[0], integer=counts)
        if levels is None:
            levels = round_numbers(self.y_limits, height // TICK_DISTANCE[1])
        return Plot(
            width,
            height,
            LEFT_MARGIN,
            self.bottom,
            titles,
            horizontal=tuple(Tick(float(self.x(value)), text) for value, text in x_ticks),
            vertical=tuple(Tick(float(self.y(value)), text) for value, text in levels),
            lines=tuple(line for line in lines if line.points),
            dots=tuple(dots),
        )


def round_numbers(
    limits: tuple[float, float], max_count: int, *, integer: bool = False
) -> list[tuple[float, str]]:
    """List about ``max_count`` round numbers, or integers, within limits, with their texts.

    Examples
    --------
    >>> round_numbers((0, 1), 5)
    [(0.0, '0'), (0.2, '0.2'), (0.4, '0.4'), (0.6, '0.6'), (0.8, '0.8'), (1.0, '1')]
    """
    low, high = sorted(limits)
    tolerance = 1e-9 * (high - low)
    numbers = []
    locator = MaxNLocator(max_count, steps=ROUND_STEPS, integer=integer)
    for value in locator.tick_values(low, high):
        if low - tolerance <= value <= high + tolerance:
            number = round(float(value), 10) + 0.0  # adding 0.0 turns -0.0 into 0.0
            numbers.append((number, f"{number:g}"))
    return numbers


def limits_of(values: npt.ArrayLike, *, margin: float = 0.05) -> tuple[float, float]:
    """Return limits that hold all finite values, with a margin as a fraction of their range."""
    finite = np.asarray(values, dtype=float)
    finite = finite[np.isfinite(finite)]
    if not finite.size:
        return 0.0, 1.0
    low, high = float(finite.min()), float(finite.max())
    room = margin * (high - low) or max(abs(high), 1.0) * margin
    return low - room, high + room


def _fractions(values: npt.ArrayLike, limits: tuple[float, float]) -> Values:
    start, stop = limits
    fractions: Values = (np.asarray(values, dtype=float) - start) / (stop - start)
    return fractions
