"""Preview of a selection: one recording drawn with its events, blocks and windows."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, TypeVar

import numpy as np
from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from bids_dl import source
from bids_dl.config.stages import WindowsConfig
from bids_dl.datamodel import BRAIN_TYPES, Block, Event, EventRows, Recording, Window
from bids_dl.errors import RecordingError, escape_controls
from bids_dl.output import check_output, writing
from bids_dl.planning.survey import Survey

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from mne.io import BaseRaw

COLORS = ("#1f6f8b", "#d1495b", "#edae49", "#6a4c93", "#2a9d5c", "#8d6a4f")
INK = "#30343b"
FAINT = "#b8bcc4"
SUFFIXES = (".png", ".svg", ".pdf")
DPI = 130
MAX_CHANNELS = 8  # evenly spaced over the brain channels of the recording
N_BINS = 1500  # over the width of the figure; each shows the range of its samples
MAX_SAMPLES_READ = 4_000_000  # of all channels at a time, which limits the memory
MIN_END = 1.0  # s, of the time axis
MIN_LABELED_FRACTION = 1 / 12  # of the time axis, from which a block has room for its end rule
ROW_SPACING = 2.2  # between two channels, in units of the spread of their samples

Array: TypeAlias = NDArray[np.float64]
T = TypeVar("T", Event, Block, Window)


@dataclass(frozen=True, eq=False)
class _SignalEnvelope:
    """Smallest and largest sample in each bin of a few channels.

    Attributes
    ----------
    times
        Start of each bin (n_bins,) in s.
    ranges
        Smallest and largest sample of each bin (n_chans, 2, n_bins) in µV.
    """

    ch_names: tuple[str, ...]
    times: Array
    ranges: Array


@dataclass(frozen=True)
class _RecordingSelection:
    """The part of a survey that is about one recording.

    Attributes
    ----------
    end
        Right edge of the time axis in s.
    colors
        Color of each label of the survey.
    end_rules
        End rule of the event of each block, in the order of ``blocks``.
    window_duration
        Duration of a window in s; 0 if no windows were requested.
    row_onsets
        Onsets in s of all rows of events.tsv.
    boundaries
        Times in s at which the signal is discontinuous.
    """

    end: float
    colors: dict[str, str]
    events: tuple[Event, ...]
    blocks: tuple[Block, ...]
    end_rules: tuple[str, ...]
    windows: tuple[Window, ...]
    window_duration: float
    excluded: tuple[Event, ...]
    row_onsets: tuple[float, ...]
    boundaries: tuple[float, ...]

    def block_end(self, block: Block) -> float:
        """Return the end of a block in s, at most the end of the axis."""
        return self.end if block.end is None else min(block.end, self.end)

    def event_end(self, event: Event) -> float:
        """Return the end of an event in s. An event without an end rule is a point."""
        if event.end is not None:
            return event.end
        return self.end if event.end_rule else event.onset


@rc_context({"text.parse_math": False})  # because names may have dollar signs
def draw_preview(survey: Survey, windows_config: WindowsConfig, path: str | Path) -> Recording:
    """Draw the first recording with selected blocks or events.

    The figure shows the signal, if the file can be read, above the blocks and windows of each
    label, the excluded events and the rows of events.tsv.

    Parameters
    ----------
    survey
        A survey with at least one event.
    windows_config
        The windows that were requested.
    path
        File of the figure: PNG, SVG or PDF.

    Returns
    -------
    Recording
        The recording that was drawn.

    Raises
    ------
    ConfigError
        If the suffix of the path is unknown or the file cannot be written.

    Examples
    --------
    >>> draw_preview(survey, windows_config, "preview.png").key  # doctest: +SKIP
    'ds004362/sub-001/eeg/sub-001_task-motion_run-1'
    """
    path = Path(path)
    check_plot(path)
    recording = _first_selected(survey)
    selected = _select_recording(survey, windows_config, recording)
    envelope = _read_envelope(survey.datasets[recording.dataset], recording)
    figure = Figure(figsize=(11, 6.4 if envelope else 2.6), layout="constrained")
    FigureCanvasAgg(figure)
    if envelope:
        panels = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1.4])
        _draw_signal(panels[0], envelope, selected)
    else:
        panels = [figure.subplots()]
    _draw_lanes(panels[-1], selected)
    for axes in panels:
        for boundary in selected.boundaries:
            axes.axvline(boundary, color=INK, linewidth=1, linestyle=":")
    figure.suptitle(escape_controls(recording.key), fontsize=11, color=INK)
    with writing(f"--plot {path}"):
        figure.savefig(path, dpi=DPI)
    return recording


def check_plot(path: str | Path) -> None:
    """Check that a figure can be written to a path, before the survey that it shows.

    Raises
    ------
    ConfigError
        The suffix is unknown, or the folder is missing or read-only.

    Examples
    --------
    >>> check_plot("preview.png")
    """
    check_output(f"--plot {path}", Path(path), suffixes=SUFFIXES)


def _first_selected(survey: Survey) -> Recording:
    """Return the first recording with a block or, if there are no blocks, with an event."""
    keys = {block.recording for block in survey.blocks}
    if not keys:
        keys = {event.recording for event in survey.events}
    return next(recording for recording in survey.recordings if recording.key in keys)


def _select_recording(
    survey: Survey, windows_config: WindowsConfig, recording: Recording
) -> _RecordingSelection:
    """Collect the events, blocks and windows of one recording."""
    key = recording.key
    colors: dict[str, str] = {}  # by label
    for event in survey.events:
        colors.setdefault(event.label, COLORS[len(colors) % len(COLORS)])
    events = _of_recording(survey.events, key)
    blocks = _of_recording(survey.blocks, key)
    rows = survey.event_rows[key]
    plan = survey.window_plan
    return _RecordingSelection(
        end=_time_limit(rows, events, blocks),
        colors=colors,
        events=events,
        blocks=blocks,
        end_rules=tuple(survey.events[block.index].end_rule for block in blocks),
        windows=_of_recording(plan.windows, key) if plan else (),
        window_duration=windows_config.duration if plan else 0.0,
        excluded=_of_recording(survey.excluded, key),
        row_onsets=_row_onsets(rows),
        boundaries=tuple(survey.limits[key].boundaries),
    )


def _of_recording(items: Iterable[T], key: str) -> tuple[T, ...]:
    return tuple(item for item in items if item.recording == key)


def _onsets_by_label(items: Iterable[Event | Window]) -> dict[str, list[float]]:
    onsets: dict[str, list[float]] = {}
    for item in items:
        onsets.setdefault(item.label, []).append(item.onset)
    return onsets


def _time_limit(rows: EventRows, events: Sequence[Event], blocks: Sequence[Block]) -> float:
    """Return the duration of a recording in s or, if unknown, a time after its last event."""
    if rows.duration:
        return rows.duration
    times = [MIN_END, *_row_onsets(rows)]
    items: list[Event | Block] = [*events, *blocks]
    times.extend(item.end for item in items if item.end is not None)
    return max(times) * 1.03


def _row_onsets(rows: EventRows) -> tuple[float, ...]:
    """Return the onsets of events.tsv in s, without cells that are not finite numbers."""
    onsets = []
    for cell in rows.columns.get("onset", ()):
        try:
            onset = float(cell)
        except ValueError:
            continue
        if math.isfinite(onset):
            onsets.append(onset)
    return tuple(onsets)


def _read_envelope(dataset: source.Dataset, recording: Recording) -> _SignalEnvelope | None:
    """Read the envelope of a recording, or None if it has no readable brain signal."""
    if recording.signal is None:
        return None
    try:
        with source.open_raw(dataset, recording) as raw:
            return _compute_envelope(raw)
    except RecordingError:
        return None  # the dry run reports the failure; events can be drawn without the signal


def _compute_envelope(raw: BaseRaw) -> _SignalEnvelope | None:
    ch_types = zip(raw.ch_names, raw.get_channel_types(), strict=True)
    names = [name for name, ch_type in ch_types if ch_type in BRAIN_TYPES]
    if not names:
        return None
    positions = np.linspace(0, len(names) - 1, MAX_CHANNELS)
    shown = tuple(names[i] for i in sorted(set(map(round, positions))))
    bin_size = math.ceil(raw.n_times / N_BINS)
    bins_read = max(1, MAX_SAMPLES_READ // (len(shown) * bin_size))
    n_read = bins_read * bin_size
    parts = []
    for start in range(0, raw.n_times, n_read):
        stop = min(start + n_read, raw.n_times)
        signal = raw.get_data(picks=list(shown), start=start, stop=stop)
        parts.append(_bin_ranges(signal, bin_size))
    ranges = np.concatenate(parts, axis=2) * 1e6
    times = np.arange(ranges.shape[2]) * bin_size / raw.info["sfreq"]
    return _SignalEnvelope(shown, times, ranges)


def _bin_ranges(signal: Array, bin_size: int) -> Array:
    """Compute the smallest and largest of every ``bin_size`` samples, (n_chans, 2, n_bins).

    The last bin may have fewer samples.
    """
    edges = np.arange(0, signal.shape[1], bin_size)
    smallest = np.minimum.reduceat(signal, edges, axis=1)
    largest = np.maximum.reduceat(signal, edges, axis=1)
    return np.stack([smallest, largest], axis=1)


def _draw_signal(axes: Axes, envelope: _SignalEnvelope, selected: _RecordingSelection) -> None:
    """Draw the channels below each other, and the blocks as shaded spans."""
    centers = np.median(envelope.ranges.mean(axis=1), axis=1)
    deviations = np.abs(envelope.ranges - centers[:, None, None])
    spreads = np.quantile(deviations, 0.95, axis=(1, 2))  # of each channel
    spacing = ROW_SPACING * (float(np.quantile(spreads, 0.75)) or 1.0)  # µV
    for i, name in enumerate(envelope.ch_names):
        low, high = (envelope.ranges[i] - centers[i]) / spacing - i
        axes.fill_between(envelope.times, low, high, color=INK, linewidth=0.4, rasterized=True)
        axes.text(
            -0.008,
            -i,
            escape_controls(name),
            transform=axes.get_yaxis_transform(),
            ha="right",
            va="center",
            fontsize=8,
            color=INK,
        )
    for block in selected.blocks:
        color = selected.colors[block.label]
        axes.axvspan(block.onset, selected.block_end(block), color=color, alpha=0.16, linewidth=0)
    n_chans = len(envelope.ch_names)
    axes.set(xlim=(0, selected.end), ylim=(-n_chans + 0.2, 0.9), yticks=[])
    title = f"signal as recorded, {n_chans} of its channels, {spacing:.3g} µV between two channels"
    axes.set_title(title, fontsize=9, color=INK)
    _hide_frame(axes)


def _draw_lanes(axes: Axes, selected: _RecordingSelection) -> None:
    """Draw a lane for each label, one for excluded events and one for events.tsv."""
    lanes = [*selected.colors, "events.tsv"]
    if selected.excluded:
        lanes.insert(-1, "excluded")
    heights = {lane: -i for i, lane in enumerate(lanes)}
    _draw_blocks(axes, selected, heights)
    event_onsets = _onsets_by_label(selected.events)
    window_onsets = _onsets_by_label(selected.windows)
    for label, color in selected.colors.items():
        _draw_ticks(axes, event_onsets.get(label, []), heights[label], 0.4, color)
        axes.broken_barh(
            [(onset, selected.window_duration) for onset in window_onsets.get(label, [])],
            (heights[label] - 0.29, 0.12),
            facecolor=color,
            edgecolor="white",
            linewidth=0.6,
        )
    for event in selected.excluded:
        axes.barh(
            heights["excluded"],
            selected.event_end(event) - event.onset,
            left=event.onset,
            height=0.62,
            color=FAINT,
            edgecolor=INK,
            linewidth=0.8,
        )
    _draw_ticks(axes, selected.row_onsets, heights["events.tsv"], 0.3, INK)
    axes.set(
        xlim=(0, selected.end), ylim=(-len(lanes) + 0.4, 0.6), xlabel="time in the recording, s"
    )
    axes.set_yticks(list(heights.values()), list(map(escape_controls, lanes)), fontsize=8)
    _hide_frame(axes)


def _draw_blocks(axes: Axes, selected: _RecordingSelection, heights: dict[str, int]) -> None:
    """Draw the blocks, with their end rules if there is room."""
    for block, end_rule in zip(selected.blocks, selected.end_rules, strict=True):
        height = heights[block.label]
        stop = selected.block_end(block)
        axes.barh(
            height,
            stop - block.onset,
            left=block.onset,
            height=0.62,
            color=selected.colors[block.label],
            alpha=0.45,
            edgecolor="white",
        )
        if stop - block.onset > selected.end * MIN_LABELED_FRACTION:
            axes.text(
                (block.onset + stop) / 2,
                height + 0.12,
                end_rule,
                ha="center",
                va="center",
                fontsize=7,
                color=INK,
            )


def _draw_ticks(
    axes: Axes, times: Iterable[float], height: float, half_length: float, color: str
) -> None:
    bottom = height - half_length
    top = height + half_length
    axes.vlines(list(times), bottom, top, color=color, linewidth=1)


def _hide_frame(axes: Axes) -> None:
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.tick_params(left=False, colors=INK)
