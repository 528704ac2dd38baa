"""Where the lines of a chart of spectra go, in the units of its SVG; templates/parts.html draws them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bids_dl.reporting.spectra import Array, Spectra, quartiles

DEEPEST = 70.0  # dB shown below the highest level: what a filter takes out would squeeze the rest
STEPS = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on an axis: where, and what it says."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Curve:
    """A line, and the band around it where there is one: points as SVG has them."""

    name: str
    line: str
    band: str = ""


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart of width x height; ``left`` and ``bottom`` are where its axes lie."""

    width: int
    height: int
    left: int
    bottom: int
    horizontal: tuple[Tick, ...]
    vertical: tuple[Tick, ...]
    curves: tuple[Curve, ...]


@dataclass(frozen=True, slots=True)
class Frame:
    """From Hz and dB to the units of a chart."""

    width: int
    height: int
    left: int
    bottom: int
    top: int
    hertz: float  # at the right end
    low: float  # dB
    high: float

    def points(self, frequency: Array, levels: Array) -> list[str]:
        """The points of a curve; where it leaves the frame it ends on its edge, what is NaN is left out."""
        inside = np.pad(levels >= self.low, 1)
        there = np.isfinite(levels) & (
            inside[:-2] | inside[1:-1] | inside[2:]
        )  # with the first beyond the edge, on either side
        x = self.left + frequency[there] / self.hertz * (self.width - self.left)
        y = self.bottom - (np.clip(levels[there], self.low, self.high) - self.low) / (
            self.high - self.low
        ) * (self.bottom - self.top)
        return [f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True)]

    def chart(self, curves: Sequence[Curve]) -> Chart:
        """The chart, with ticks at round numbers."""
        hertz = _round_numbers(0, self.hertz, self.width // 60)
        across = [
            Tick(self.left + hz / self.hertz * (self.width - self.left), f"{hz:g}") for hz in hertz
        ]
        decibel = _round_numbers(self.low, self.high, self.height // 30)
        up = [
            Tick(
                self.bottom - (db - self.low) / (self.high - self.low) * (self.bottom - self.top),
                f"{db:g}",
            )
            for db in decibel
        ]
        return Chart(
            self.width, self.height, self.left, self.bottom, tuple(across), tuple(up), tuple(curves)
        )


def summary_chart(found: Spectra, *, width: int, height: int) -> Chart | None:
    """Median and quartiles over recordings, before and after; None where there is no power at all."""
    before, after = quartiles(found.before), quartiles(found.after)
    frame = _frame(found.frequency, [*before, *after], width=width, height=height)
    if frame is None:
        return None
    curves = [
        _banded(name, frame, found.frequency, levels)
        for name, levels in (("before", before), ("after", after))
    ]
    return frame.chart(curves)


def recording_chart(frequency: Array, before: Array, after: Array) -> Chart | None:
    """One recording, before and after; None where there is no power at all."""
    frame = _frame(frequency, [before, after], width=340, height=150)
    if frame is None:
        return None
    lines = (("before", before), ("after", after))
    return frame.chart(
        [Curve(name, " ".join(frame.points(frequency, levels))) for name, levels in lines]
    )


def _banded(name: str, frame: Frame, frequency: Array, levels: Array) -> Curve:
    """The median, and the quartiles as one closed shape around it."""
    low, middle, high = (frame.points(frequency, level) for level in levels)
    return Curve(name, " ".join(middle), " ".join([*low, *reversed(high)]))


def _frame(frequency: Array, curves: Sequence[Array], *, width: int, height: int) -> Frame | None:
    levels = np.array(curves)
    there = np.isfinite(levels).any(axis=0)
    if not there.any():
        return None
    greatest = float(np.nanmax(levels))
    least = max(float(np.nanmin(levels)), greatest - DEEPEST)
    low, high = 10 * np.floor(least / 10), 10 * np.ceil(greatest / 10 + 1e-9)
    high = max(high, low + 10)
    return Frame(
        width, height, 44, height - 34, 10, float(frequency[there].max()), float(low), float(high)
    )


def _round_numbers(low: float, high: float, most: int) -> list[float]:
    """At most so many round numbers from low to high."""
    step = next((step for step in STEPS if (high - low) / step <= most), high - low)
    return [step * i for i in range(int(np.ceil(low / step)), int(np.floor(high / step)) + 1)]
