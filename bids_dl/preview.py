"""A recording with what a request selects of it, as a picture."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from bids_dl import source
from bids_dl.config.stages import WindowsConfig
from bids_dl.datamodel import Block, Event, EventRows, Recording
from bids_dl.errors import ConfigError, RecordingError
from bids_dl.planning.survey import Survey

COLOURS = ("#1f6f8b", "#d1495b", "#edae49", "#6a4c93", "#2a9d5c", "#8d6a4f")
INK, FAINT = "#30343b", "#b8bcc4"
KINDS = (".png", ".svg", ".pdf")
BRAIN = {"eeg", "seeg", "ecog", "dbs"}
MOST_CHANNELS = 8
BINS = 1500  # of the picture's width: each shows the least and the greatest sample in it
PIECE = 4_000_000  # samples read at a time

Array = npt.NDArray[np.float64]


def draw(found: Survey, how: WindowsConfig, path: str | Path) -> Recording:
    """Draw the first recording of which anything is selected: its signal where it is there, its rows, blocks and windows.

    Returns
    -------
    Recording
        The one that was drawn.

    Raises
    ------
    ConfigError
        The path is of no kind of picture, or cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() not in KINDS:
        raise ConfigError(f"--plot {path}: give a file that ends in {', '.join(KINDS)}")
    chosen = {block.recording for block in found.blocks} or {
        event.recording for event in found.events
    }
    recording = next(recording for recording in found.recordings if recording.key in chosen)
    signal = _signal(found, recording)
    figure = Figure(figsize=(11, 6.4 if signal else 2.6), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(
        2 if signal else 1, 1, sharex=True, squeeze=False, height_ratios=[3, 1.4] if signal else [1]
    )[:, 0]
    colours = {
        label: COLOURS[i % len(COLOURS)]
        for i, label in enumerate(dict.fromkeys(event.label for event in found.events))
    }
    blocks = [block for block in found.blocks if block.recording == recording.key]
    end = _end(found, recording, blocks)
    if signal:
        _traces(panels[0], *signal, end)
        for block in blocks:
            panels[0].axvspan(
                block.onset, _stop(block, end), color=colours[block.label], alpha=0.16, linewidth=0
            )
    _lanes(panels[-1], found, how, recording, (colours, end))
    for axes in panels:
        for jump in found.extents[recording.key].boundaries:
            axes.axvline(jump, color=INK, linewidth=1, linestyle=":")
    figure.suptitle(recording.key, fontsize=11, color=INK)
    try:
        figure.savefig(path, dpi=130)
    except OSError as problem:
        raise ConfigError(f"--plot {path}: cannot be written ({problem.strerror})") from None
    return recording


def _signal(found: Survey, recording: Recording) -> tuple[Sequence[str], Array, Array] | None:
    """Channels, times of the bins in s, and least and greatest sample of each bin, (n_chans, 2, n_bins) in µV; None without a file."""
    if recording.signal is None:
        return None
    try:
        with source.open_raw(found.datasets[recording.dataset], recording) as raw:
            names = [
                name
                for name, kind in zip(raw.ch_names, raw.get_channel_types(), strict=True)
                if kind in BRAIN
            ]
            if not names:
                return None
            names = [
                names[i]
                for i in sorted({round(i) for i in np.linspace(0, len(names) - 1, MOST_CHANNELS)})
            ]
            width = math.ceil(raw.n_times / BINS)
            step = max(1, PIECE // (len(names) * width)) * width
            pieces = [
                raw.get_data(picks=names, start=at, stop=min(at + step, raw.n_times))
                for at in range(0, raw.n_times, step)
            ]
            envelope = np.concatenate([_envelope(piece, width) for piece in pieces], axis=2) * 1e6
            return names, np.arange(envelope.shape[2]) * width / raw.info["sfreq"], envelope
    except (
        RecordingError
    ):  # the dry run lists it; what the text files say can be drawn all the same
        return None


def _envelope(piece: Array, width: int) -> Array:
    """Least and greatest of every ``width`` samples, (n_chans, 2, n_bins); the last bin may hold fewer."""
    edges = np.arange(0, piece.shape[1], width)
    return np.stack(
        [np.minimum.reduceat(piece, edges, axis=1), np.maximum.reduceat(piece, edges, axis=1)],
        axis=1,
    )


def _traces(axes: Axes, names: Sequence[str], times: Array, envelope: Array, end: float) -> None:
    centres = np.median(envelope.mean(axis=1), axis=1)
    spread = (
        float(
            np.quantile(
                np.quantile(np.abs(envelope - centres[:, None, None]), 0.95, axis=(1, 2)), 0.75
            )
        )
        or 1.0
    )
    for i, name in enumerate(names):
        low, high = (envelope[i] - centres[i]) / (2.2 * spread) - i
        axes.fill_between(times, low, high, color=INK, linewidth=0.4, rasterized=True)
        axes.text(
            -0.008,
            -i,
            name,
            transform=axes.get_yaxis_transform(),
            ha="right",
            va="center",
            fontsize=8,
            color=INK,
        )
    axes.set(xlim=(0, end), ylim=(-len(names) + 0.2, 0.9), yticks=[])
    axes.set_title(
        f"signal as recorded, {len(names)} of its channels, {2.2 * spread:.3g} µV from one to the next",
        fontsize=9,
        color=INK,
    )
    _plain(axes)


def _lanes(
    axes: Axes,
    found: Survey,
    how: WindowsConfig,
    recording: Recording,
    drawn: tuple[dict[str, str], float],
) -> None:
    """A lane for each label (blocks, with the windows in them), one for what is excluded, one for all rows of events.tsv."""
    colours, end = drawn
    lanes = [
        *colours,
        *(
            ["excluded"]
            if any(event.recording == recording.key for event in found.excluded)
            else []
        ),
        "events.tsv",
    ]
    heights = {lane: -i for i, lane in enumerate(lanes)}
    rules = {i: event.end_rule for i, event in enumerate(found.events)}
    for block in (block for block in found.blocks if block.recording == recording.key):
        y, stop = heights[block.label], _stop(block, end)
        axes.barh(
            y,
            stop - block.onset,
            left=block.onset,
            height=0.62,
            color=colours[block.label],
            alpha=0.45,
            edgecolor="white",
        )
        if stop - block.onset > end / 12:
            axes.text(
                (block.onset + stop) / 2,
                y + 0.12,
                rules[block.index],
                ha="center",
                va="center",
                fontsize=7,
                color=INK,
            )
    for label, colour in colours.items():
        _ticks(
            axes,
            (e.onset for e in found.events if e.recording == recording.key and e.label == label),
            heights[label],
            0.4,
            colour,
        )
    windows = [
        window
        for window in (found.cut.windows if found.cut else ())
        if window.recording == recording.key
    ]
    for label, colour in colours.items():
        bars = [(window.onset, how.duration) for window in windows if window.label == label]
        axes.broken_barh(
            bars, (heights[label] - 0.29, 0.12), facecolor=colour, edgecolor="white", linewidth=0.6
        )
    for event in (event for event in found.excluded if event.recording == recording.key):
        stop = event.end if event.end is not None else end if event.end_rule else event.onset
        axes.barh(
            heights["excluded"],
            stop - event.onset,
            left=event.onset,
            height=0.62,
            color=FAINT,
            edgecolor=INK,
            linewidth=0.8,
        )
    _ticks(axes, _onsets(found.rows[recording.key]), heights["events.tsv"], 0.3, INK)
    axes.set(xlim=(0, end), ylim=(-len(lanes) + 0.4, 0.6), xlabel="time in the recording, s")
    axes.set_yticks([heights[lane] for lane in lanes], lanes, fontsize=8)
    _plain(axes)


def _ticks(axes: Axes, times: Iterable[float], y: float, half: float, colour: str) -> None:
    axes.vlines(list(times), y - half, y + half, color=colour, linewidth=1)


def _onsets(rows: EventRows) -> list[float]:
    found = []
    for cell in rows.columns.get("onset", ()):
        try:
            found.append(float(cell))
        except ValueError:
            continue
    return [onset for onset in found if math.isfinite(onset)]


def _end(found: Survey, recording: Recording, blocks: Sequence[Block]) -> float:
    """Right edge of the picture in s: the recording's length, else a little after the last thing known."""
    length = found.rows[recording.key].duration
    if length:
        return length
    events: list[Event] = [event for event in found.events if event.recording == recording.key]
    known = [
        *_onsets(found.rows[recording.key]),
        *(e.end for e in events if e.end is not None),
        *(b.end for b in blocks if b.end is not None),
    ]
    return max([*known, 1.0]) * 1.03


def _stop(block: Block, end: float) -> float:
    return end if block.end is None else min(block.end, end)


def _plain(axes: Axes) -> None:
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.tick_params(left=False, colors=INK)
