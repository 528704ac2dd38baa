"""Figures of one value per channel: a map of the head, bars of channels without position, both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bids_dl.explanation.contents import Axes
from bids_dl.explanation.page.channel_bars import ChannelBars, draw_bars
from bids_dl.explanation.page.head_maps import Head, HeadMap
from bids_dl.explanation.page.levels import Levels

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ChannelFigure:
    """One value per channel, drawn.

    Attributes
    ----------
    title
        Heading, such as a band.
    extremes
        Channels with the highest and the lowest value, with their values.
    label
        Description for readers who do not see the figure.
    head
        Map of the channels with a position. None if there are fewer than three.
    bars
        Bars of the other channels. None if all have a position.
    levels
        Levels of colour.
    """

    title: str
    extremes: str
    label: str
    head: HeadMap | None
    bars: ChannelBars | None
    levels: Levels


@dataclass(frozen=True, slots=True)
class FigureRow:
    """Figures side by side.

    Attributes
    ----------
    caption
        Quantity and unit.
    has_common_levels
        True if one colour bar is for all figures.
    """

    caption: str
    figures: tuple[ChannelFigure, ...]
    has_common_levels: bool

    @property
    def has_marks(self) -> bool:
        """True if a figure has marked channels."""
        for figure in self.figures:
            if figure.head is not None and figure.head.marks:
                return True
            if figure.bars is not None and any(bar.is_marked for bar in figure.bars.bars):
                return True
        return False


class ChannelPlotter:
    """Figures of the channels of an explanation."""

    def __init__(self, axes: Axes) -> None:
        self._axes = axes
        self._head = Head(axes.positions)

    @property
    def has_map(self) -> bool:
        """True if enough channels have a position for a map of the head."""
        return bool(self._head.is_placed.any())

    def draw_bands(
        self,
        caption: str,
        values: Floats,
        levels: Levels | Sequence[Levels],
        marked: npt.NDArray[np.bool_] | None = None,
    ) -> FigureRow:
        """Draw one figure per band.

        Parameters
        ----------
        caption
            Quantity and unit.
        values
            (n_bands, n_chans).
        levels
            Levels of colour of all bands, or of each.
        marked
            (n_bands, n_chans): True for channels that are marked. None marks none.
        """
        is_common = isinstance(levels, Levels)
        figures = []
        for band, (name, (low, high)) in enumerate(self._axes.bands.items()):
            title = f"{name} {low:g}–{high:g} Hz"
            of_band = levels if isinstance(levels, Levels) else levels[band]
            marks = None if marked is None else marked[band]
            if np.isfinite(values[band]).any():
                figures.append(self.draw(title, values[band], of_band, marks, caption=caption))
        return FigureRow(caption, tuple(figures), is_common)

    def draw(
        self,
        title: str,
        values: Floats,
        levels: Levels,
        marked: npt.NDArray[np.bool_] | None = None,
        *,
        caption: str,
    ) -> ChannelFigure:
        """Draw one value per channel.

        Parameters
        ----------
        values
            (n_chans,).
        caption
            Quantity and unit, for the description.
        """
        marks = np.zeros(len(values), bool) if marked is None else marked
        head = self._head.draw(values, levels, marks)
        bars = None
        names = self._axes.channels
        if head is None:
            bars = draw_bars(names, values, levels, marks)
        elif not self._head.is_placed.all():
            others = np.where(self._head.is_placed, np.nan, values)
            bars = draw_bars(names, others, levels, marks)
        extremes = describe_extremes(names, values, levels)
        label = f"{caption}, {title}: {extremes}"
        return ChannelFigure(title, extremes, label, head, bars, levels)


def describe_extremes(channels: Sequence[str], values: Floats, levels: Levels) -> str:
    """Name the channels with the highest and the lowest value.

    Examples
    --------
    >>> from bids_dl.explanation.page.levels import diverging
    >>> describe_extremes(["Fz", "O1"], np.array([-1.0, 3.5]), diverging([4.0], "dB"))
    'O1 +3.50, Fz −1.00 dB'
    """
    if not np.isfinite(values).any():
        return "no values"
    highest = int(np.nanargmax(values))
    lowest = int(np.nanargmin(values))
    text = f"{channels[highest]} {levels.format(values[highest])}"
    if lowest != highest:
        text = f"{text}, {channels[lowest]} {levels.format(values[lowest])}"
    return f"{text} {levels.unit}".rstrip()
