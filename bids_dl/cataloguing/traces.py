"""Example windows as traces in SVG units, drawn by ``templates/pictures.html``."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bids_dl.cataloguing.shown_windows import ShownWindows, choose_channels
from bids_dl.reporting.formatting import format_value
from bids_dl.store import Store
from bids_dl.store.format import SIGNALS

MAX_TRACES = 16  # channels of a window; more could not be told apart
MAX_BINS = 90  # along the time axis; each has a minimum and a maximum
WIDTH = 320  # SVG units: a third of a laptop, or a phone
LEFT_MARGIN = 46  # room for the names of the channels
RIGHT_MARGIN = 6
TOP_MARGIN = 8
SCALE_MARGIN = 30  # room for the scale bars below the traces
TRACES_HEIGHT = 230  # of all traces together, within the limits of the next line
LANE_LIMITS = (13.0, 34.0)  # height of one trace
TRACE_PERCENTILE = 95.0  # of the magnitudes of a trace: its amplitude without short artifacts
SCALE_PERCENTILE = 75.0  # of the amplitudes of all traces; a few exceed their lanes
LANE_SHARE = 0.85  # of a lane that the amplitude of `SCALE_PERCENTILE` fills from peak to peak
MAX_LANES = 3.0  # that a trace may deviate from its zero; samples beyond are not drawn
MAX_BAR = 24.0  # height of the amplitude bar
BAR_SHARE = 0.25  # of the width: about the length of the time bar
ROUND_DIGITS = (1.0, 2.0, 5.0)
MAX_NAME_CHARS = 7  # of a channel
DECIMALS = 10  # paths count in tenths of a unit, so that they are integers

Values = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ChannelTrace:
    """One channel of a window: its name, the coordinate of its zero, and its path in tenths."""

    name: str
    zero: float
    path: str


@dataclass(frozen=True, slots=True)
class ScaleBar:
    """A bar of ``length`` SVG units and its text, such as "50 µV"."""

    length: float
    text: str


@dataclass(frozen=True, slots=True)
class ExampleWindow:
    """A window as traces.

    Attributes
    ----------
    title
        Subject and time.
    event
        Horizontal coordinate of the event, None if it is not within the window.
    time_bar, amplitude_bar
        Scale bars. All windows of a page have the same.
    """

    title: str
    width: int
    height: float
    left: int
    bottom: float
    traces: tuple[ChannelTrace, ...]
    event: float | None
    time_bar: ScaleBar
    amplitude_bar: ScaleBar


@dataclass(frozen=True, slots=True)
class ExampleWindows:
    """Windows of all labels as traces, and the numbers of channels shown and stored."""

    by_label: tuple[tuple[str, tuple[ExampleWindow, ...]], ...]
    n_shown: int
    n_chans: int
    has_event: bool


def draw_examples(store: Store, shown: Sequence[ShownWindows]) -> ExampleWindows | None:
    """Draw the example windows of a store, all to the same scale.

    Parameters
    ----------
    store
        An open store.
    shown
        Its windows, from `read_shown_windows`.

    Returns
    -------
    ExampleWindows or None
        None if the store has no window.
    """
    if not shown:
        return None
    candidates = choose_channels(store)
    chosen = _spread(candidates, MAX_TRACES)
    names = [store.channels[index] for index in chosen]
    time = store.read("time") if "time" in store.arrays else np.arange(store.shape[2]) / store.sfreq
    unit = str(store.metadata(SIGNALS)["attributes"].get("units", "uV")).replace("u", "µ", 1)
    scale = TraceScale.fit([label.examples[:, chosen] for label in shown], time, unit)
    by_label = []
    for label in shown:
        windows = []
        for title, signals in zip(label.titles, label.examples[:, chosen], strict=True):
            windows.append(scale.draw(title, names, signals.astype(np.float64)))
        by_label.append((label.label, tuple(windows)))
    return ExampleWindows(tuple(by_label), len(chosen), store.shape[1], scale.event is not None)


def _spread(items: Sequence[int], count: int) -> list[int]:
    """Choose items at equal distances, the first and the last among them."""
    if len(items) <= count:
        return list(items)
    positions = np.linspace(0, len(items) - 1, count).round().astype(int)
    return [items[position] for position in positions]


@dataclass(frozen=True)
class TraceScale:
    """The conversion from seconds and amplitudes to SVG units, the same for all windows.

    Attributes
    ----------
    lane
        Height of a trace.
    amplitude
        Amplitude from zero that fills half of `LANE_SHARE` of a lane, in the unit of the store.
    """

    time: Values
    lane: float
    amplitude: float
    n_traces: int
    unit: str

    @classmethod
    def fit(cls, signals: Sequence[npt.NDArray[np.float32]], time: Values, unit: str) -> TraceScale:
        """Choose the scale of windows (n_windows, n_chans, n_times) of each label."""
        amplitudes = []
        for windows in signals:
            magnitudes = np.abs(windows - np.median(windows, axis=2, keepdims=True))
            amplitudes.append(np.percentile(magnitudes, TRACE_PERCENTILE, axis=2).ravel())
        values = np.concatenate(amplitudes)
        values = values[np.isfinite(values)]
        amplitude = float(np.percentile(values, SCALE_PERCENTILE)) if values.size else 0.0
        n_traces = signals[0].shape[1]
        lane = float(np.clip(TRACES_HEIGHT / n_traces, *LANE_LIMITS))
        return cls(time, lane, amplitude or 1.0, n_traces, unit)

    @property
    def bottom(self) -> float:
        """Coordinate below the last trace."""
        return TOP_MARGIN + self.lane * self.n_traces

    @property
    def seconds(self) -> float:
        """Duration of a window, from its first sample to its last."""
        return float(self.time[-1] - self.time[0]) or 1.0

    @property
    def event(self) -> float | None:
        """Horizontal coordinate of time 0, None if no sample is before it."""
        if not self.time[0] < 0 <= self.time[-1]:
            return None
        return round(float(self._x(np.zeros(1))[0]), 1)

    def _x(self, time: Values) -> Values:
        span = WIDTH - LEFT_MARGIN - RIGHT_MARGIN
        position: Values = LEFT_MARGIN + (time - self.time[0]) / self.seconds * span
        return position

    def draw(self, title: str, names: Sequence[str], signals: Values) -> ExampleWindow:
        """Draw one window (n_chans, n_times)."""
        traces = []
        units_per_amplitude = self.lane * LANE_SHARE / 2 / self.amplitude
        for number, (name, signal) in enumerate(zip(names, signals, strict=True)):
            zero = TOP_MARGIN + self.lane * (number + 0.5)
            time, values = decimate(self.time, signal - np.nanmedian(signal), MAX_BINS)
            heights = values * units_per_amplitude
            heights[np.abs(heights) > MAX_LANES * self.lane] = np.nan
            path = write_path(self._x(time), zero - heights)
            traces.append(ChannelTrace(_shorten(name), round(zero, 1), path))
        seconds = round_down(self.seconds * BAR_SHARE)
        amplitude = round_down(MAX_BAR / units_per_amplitude)
        span = WIDTH - LEFT_MARGIN - RIGHT_MARGIN
        return ExampleWindow(
            title,
            WIDTH,
            self.bottom + SCALE_MARGIN,
            LEFT_MARGIN,
            self.bottom,
            tuple(traces),
            self.event,
            ScaleBar(round(seconds / self.seconds * span, 1), f"{format_value(seconds)} s"),
            ScaleBar(
                round(amplitude * units_per_amplitude, 1), f"{format_value(amplitude)} {self.unit}"
            ),
        )


def _shorten(name: str) -> str:
    return name if len(name) <= MAX_NAME_CHARS else f"{name[: MAX_NAME_CHARS - 1]}…"


def round_down(value: float) -> float:
    """Return the largest of 1, 2, 5, 10, 20, ... (and their tenths, ...) up to a value.

    Examples
    --------
    >>> round_down(0.7), round_down(49.0), round_down(50.0)
    (0.5, 20.0, 50.0)
    """
    exponent = float(np.floor(np.log10(value) + 1e-9))
    power = 10.0**exponent
    digit = max(digit for digit in ROUND_DIGITS if digit * power <= value * (1 + 1e-9))
    return float(round(digit * power, 12))


def decimate(time: Values, values: Values, n_bins: int) -> tuple[Values, Values]:
    """Keep the minimum and the maximum of each bin of a signal, in their order.

    Parameters
    ----------
    time, values
        (n_times,): the signal.
    n_bins
        Number of bins. A signal of up to two samples a bin is returned as it is.

    Examples
    --------
    >>> time, values = decimate(np.arange(6.0), np.array([0.0, 3, 1, 2, 5, 4]), 2)
    >>> time.tolist(), values.tolist()
    ([0.0, 1.0, 3.0, 4.0], [0.0, 3.0, 2.0, 5.0])
    """
    if len(values) <= 2 * n_bins:
        return time, values
    edges = np.linspace(0, len(values), n_bins + 1).astype(int)
    kept = []
    for start, stop in itertools.pairwise(edges):
        if np.isfinite(values[start:stop]).any():
            low = start + int(np.nanargmin(values[start:stop]))
            high = start + int(np.nanargmax(values[start:stop]))
            kept += sorted({low, high})
    return time[kept], values[kept]


def write_path(x: Values, y: Values) -> str:
    """Write a line as the path of SVG, relative and in tenths of a unit. NaN interrupt it.

    Examples
    --------
    >>> write_path(np.array([1.0, 2.0, 3.0]), np.array([0.0, 1.5, 1.0]))
    'M10 0l10 15 10-5'
    """
    finite = np.isfinite(y)
    points = np.column_stack([x, y])[finite]
    tenths = np.round(points * DECIMALS).astype(int)
    gaps = np.diff(np.flatnonzero(finite), prepend=-1) > 1
    gaps[:1] = True
    parts = []
    command = ""  # of the last point; SVG repeats that of a line
    previous = (0, 0)
    for (horizontal, vertical), follows_gap in zip(tenths.tolist(), gaps, strict=True):
        if follows_gap:
            command = "M"
            parts.append(f"M{_join(horizontal, vertical)}")
        else:
            step = _join(horizontal - previous[0], vertical - previous[1])
            separator = " " if command == "l" else "l"
            parts.append(f"{separator}{step}")
            command = "l"
        previous = horizontal, vertical
    return "".join(parts)


def _join(horizontal: int, vertical: int) -> str:
    """Write a pair of integers as briefly as SVG allows."""
    return f"{horizontal}{vertical}" if vertical < 0 else f"{horizontal} {vertical}"
