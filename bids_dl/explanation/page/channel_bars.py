"""Values of channels without a position as horizontal bars, in SVG units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bids_dl.explanation.page.levels import Levels

Floats = npt.NDArray[np.float64]
MAX_BARS = 60  # more channels do not fit on a screen
N_LARGEST = 30  # of more channels
WIDTH = 180  # of a chart in SVG units
NAME_WIDTH = 62  # room for the name of a channel
ROW_HEIGHT = 15
MAX_NAME_CHARS = 9


@dataclass(frozen=True, slots=True)
class ChannelBar:
    """A bar from ``x`` over ``width`` SVG units in row ``y``.

    Attributes
    ----------
    name
        Name of the channel, shortened to the room that it has.
    style
        Class of the style sheet.
    is_marked
        True if the interval of the value excludes 0.
    """

    name: str
    style: str
    x: float
    y: int
    width: float
    is_marked: bool


@dataclass(frozen=True, slots=True)
class ChannelBars:
    """Bars of channels, in order, and the number of channels that are left out.

    Attributes
    ----------
    zero
        Coordinate of the value 0, or of the lowest level if 0 is outside.
    """

    bars: tuple[ChannelBar, ...]
    n_left_out: int
    zero: float
    width: int
    height: int


def draw_bars(
    channels: Sequence[str], values: Floats, levels: Levels, marked: npt.NDArray[np.bool_]
) -> ChannelBars:
    """Draw the values of channels. NaN are left out.

    Parameters
    ----------
    channels
        Names of the channels.
    values
        (n_chans,). Of more than `MAX_BARS`, the `N_LARGEST` with the largest absolute value are
        drawn.
    levels
        Levels of colour, whose ends are those of the axis.
    marked
        (n_chans,): True for channels that are marked.
    """
    known = np.flatnonzero(np.isfinite(values))
    shown = known
    if len(known) > MAX_BARS:
        order = np.argsort(-np.abs(values[known]), kind="stable")
        shown = np.sort(known[order[:N_LARGEST]])
    low, high = levels.edges[0], levels.edges[-1]
    span = WIDTH - NAME_WIDTH - 4
    zero = min(max(low, 0.0), high)
    bars = []
    for row, channel in enumerate(shown.tolist()):
        value = float(np.clip(values[channel], low, high))
        ends = sorted(NAME_WIDTH + (end - low) / (high - low) * span for end in (zero, value))
        bars.append(
            ChannelBar(
                _shorten(channels[channel]),
                levels.styles[int(levels.step_of(value))],
                round(ends[0], 1),
                row * ROW_HEIGHT,
                round(max(ends[1] - ends[0], 1.0), 1),
                bool(marked[channel]),
            )
        )
    origin = NAME_WIDTH + (zero - low) / (high - low) * span
    height = max(len(shown), 1) * ROW_HEIGHT
    return ChannelBars(tuple(bars), len(known) - len(shown), round(float(origin), 1), WIDTH, height)


def _shorten(name: str) -> str:
    return name if len(name) <= MAX_NAME_CHARS else f"{name[: MAX_NAME_CHARS - 1]}…"
