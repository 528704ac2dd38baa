"""Hypnograms: sleep stages over the night, of the expert above those predicted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes

from bids_dl.models.target import TargetSpec
from bids_dl.reporting.plots import Plot, PlotArea, PlotLine
from bids_dl.training.record.drawing import (
    TEXT_COLOR,
    VALIDATION_COLOR,
    new_figure,
    plain_text,
    save_png,
    shorten_name,
)

LEVELS = ("W", "R", "N1", "N2", "N3")  # from the top
MIN_STAGES = 3  # known stages from which classes are sleep stages
SYNONYMS = {
    **dict.fromkeys(["w", "wake", "awake", "wakefulness"], "W"),
    **dict.fromkeys(["r", "rem"], "R"),
    **dict.fromkeys(["n1", "s1", "1", "nrem1"], "N1"),
    **dict.fromkeys(["n2", "s2", "2", "nrem2"], "N2"),
    **dict.fromkeys(["n3", "s3", "3", "nrem3", "n4", "s4", "4", "nrem4"], "N3"),
}
"""Stages by name in lower case. N4 is joined to N3, as in the manual of the AASM since 2007."""
PREFIXES = ("sleep stage ", "stage ", "sleep ")
NOT_STAGES = frozenset(
    {
        *("?", "unknown", "unscored", "undefined", "movement", "movement time", "mt", "m"),
        *("artifact", "artefact"),
    }
)
"""Other classes of a scored night, which are drawn as gaps."""
GAP_TOLERANCE = 0.5  # seconds between windows that count as contiguous
SECONDS_PER_HOUR = 3600.0
WIDE_SIZE = (720, 200)  # width and height of a panel in SVG units, for a laptop
NARROW_SIZE = (340, 170)  # for a phone

Steps = list[tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]]


@dataclass(frozen=True, slots=True, eq=False)
class Hypnogram:
    """Windows of a recording in order of onset.

    Attributes
    ----------
    key
        The recording.
    start, stop
        Times (n_windows,) in hours. A window stops where the next one starts, if they overlap.
    true, predicted
        Levels (n_windows,): indices of `LEVELS`, NaN for no stage.
    """

    key: str
    start: npt.NDArray[np.float64]
    stop: npt.NDArray[np.float64]
    true: npt.NDArray[np.float64]
    predicted: npt.NDArray[np.float64]


def find_stages(classes: Iterable[str]) -> dict[str, int] | None:
    """Return the level of each class that is a sleep stage, if the classes are sleep stages.

    Classes are sleep stages if three of them are known and the others are movement or unknown.
    Bare numbers count as stages only beside W or R.

    Returns
    -------
    levels or None
        Indices of `LEVELS` by class; None if the classes are no sleep stages.

    Examples
    --------
    >>> find_stages(["Sleep stage W", "N1", "N4", "movement"])
    {'Sleep stage W': 0, 'N1': 2, 'N4': 4}
    >>> find_stages(["1", "2", "3", "4"]) is None
    True
    """
    levels = {}
    for name in classes:
        stage = SYNONYMS.get(_without_prefix(name))
        if stage is not None:
            levels[name] = LEVELS.index(stage)
        elif _without_prefix(name) not in NOT_STAGES:
            return None
    known = set(levels.values())
    has_bare_number = any(name.strip().isdigit() for name in levels)
    if len(known) < MIN_STAGES or (has_bare_number and not known & {0, 1}):
        return None
    return levels


def collect_hypnograms(
    spec: TargetSpec, predictions: pd.DataFrame, *, window_seconds: float
) -> list[Hypnogram]:
    """Collect the hypnogram of each recording with tested windows.

    Parameters
    ----------
    spec
        Target of the models.
    predictions
        One row per window: dataset, subject, recording, onset in s, the true and the predicted
        class.
    window_seconds
        Length of a window in s.

    Returns
    -------
    hypnograms
        In the order of datasets and recordings. Empty if the target is no sleep stage, or the
        table has no onset.
    """
    levels = find_stages(spec.outputs) if spec.kind == "classes" else None
    if levels is None or "onset" not in predictions:
        return []
    keys = [name for name in ("dataset", "recording") if name in predictions]
    groups = predictions.sort_values([*keys, "onset"], kind="stable").groupby(keys, sort=True)
    several = predictions["dataset"].nunique() > 1
    hypnograms = []
    for (dataset, recording), table in groups:
        start = table["onset"].to_numpy(dtype=float)
        following = np.append(start[1:], np.inf)
        contiguous = following <= start + window_seconds + GAP_TOLERANCE
        stop = np.where(contiguous, following, start + window_seconds)
        hypnograms.append(
            Hypnogram(
                f"{dataset}: {recording}" if several else str(recording),
                start / SECONDS_PER_HOUR,
                stop / SECONDS_PER_HOUR,
                _levels(table[spec.columns[0]], levels),
                _levels(table["predicted"], levels),
            )
        )
    return hypnograms


@plain_text
def draw_hypnogram(hypnogram: Hypnogram, path: Path) -> None:
    """Draw a hypnogram as PNG: the expert above the prediction, REM thick and in colour."""
    figure = new_figure(9, 4.2)
    panels = figure.subplots(2, 1, sharex=True, sharey=True)
    sides = (("expert", hypnogram.true), ("predicted", hypnogram.predicted))
    for axes, (title, stages) in zip(panels, sides, strict=True):
        _draw_stages(axes, hypnogram, stages)
        axes.set_title(title, loc="left", fontsize=10)
    panels[1].set_xlabel("time in the recording (h)")
    figure.suptitle(shorten_name(hypnogram.key, 80), fontsize=11)
    save_png(figure, path)


def plot_hypnogram(hypnogram: Hypnogram, size: tuple[int, int]) -> list[Plot]:
    """Plot the expert and the prediction for the page, in panels of a size in SVG units."""
    limits = float(hypnogram.start.min()), float(hypnogram.stop.max())
    area = PlotArea(limits, (len(LEVELS) - 0.5, -0.5), size)
    ticks = [(float(level), name) for level, name in enumerate(LEVELS)]
    plots = []
    for stages in (hypnogram.true, hypnogram.predicted):
        lines: list[PlotLine] = []
        lines += [area.line("stages", *step) for step in steps_of(hypnogram, stages)]
        lines += [area.line("rem", *step) for step in rem_of(hypnogram, stages)]
        plots.append(area.plot(("time in the recording (h)", ""), lines, levels=ticks))
    return plots


def steps_of(hypnogram: Hypnogram, stages: npt.NDArray[np.float64]) -> Steps:
    """List the lines of stages (n_windows,), as times in hours and levels, without gaps."""
    rows = np.flatnonzero(np.isfinite(stages))
    if not rows.size:
        return []
    is_gap = (np.diff(rows) > 1) | (hypnogram.stop[rows[:-1]] < hypnogram.start[rows[1:]])
    return [_line(hypnogram, stages, run) for run in np.split(rows, np.flatnonzero(is_gap) + 1)]


def rem_of(hypnogram: Hypnogram, stages: npt.NDArray[np.float64]) -> Steps:
    """List the lines of REM sleep in stages (n_windows,)."""
    return steps_of(hypnogram, np.where(stages == LEVELS.index("R"), stages, np.nan))


def _line(
    hypnogram: Hypnogram, stages: npt.NDArray[np.float64], rows: npt.NDArray[np.intp]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the corners of the steps of contiguous windows, only where the stage changes."""
    changes = np.append(0, np.flatnonzero(np.diff(stages[rows])) + 1)
    firsts = rows[changes]
    lasts = rows[np.append(changes[1:], len(rows)) - 1]
    times = np.column_stack([hypnogram.start[firsts], hypnogram.stop[lasts]])
    return times.ravel(), np.repeat(stages[firsts], 2)


def _draw_stages(axes: Axes, hypnogram: Hypnogram, stages: npt.NDArray[np.float64]) -> None:
    for times, levels in steps_of(hypnogram, stages):
        axes.plot(times, levels, color=TEXT_COLOR, linewidth=1.2)
    for times, levels in rem_of(hypnogram, stages):
        axes.plot(times, levels, color=VALIDATION_COLOR, linewidth=4, solid_capstyle="butt")
    axes.set_yticks(range(len(LEVELS)), LEVELS)
    axes.set_ylim(len(LEVELS) - 0.5, -0.5)
    axes.set_xlim(hypnogram.start.min(), hypnogram.stop.max())
    axes.grid(visible=True, axis="x", color="0.9")
    axes.spines[["top", "right"]].set_visible(False)


def _levels(names: pd.Series, levels: dict[str, int]) -> npt.NDArray[np.float64]:
    return np.array([levels.get(str(name), np.nan) for name in names], dtype=np.float64)


def _without_prefix(name: str) -> str:
    text = " ".join(name.lower().replace("_", " ").replace("-", " ").split())
    for prefix in PREFIXES:
        text = text.removeprefix(prefix)
    return text


def hypnogram_files(hypnograms: Sequence[Hypnogram]) -> list[str]:
    """Return a file name for each hypnogram, without characters that a file system refuses.

    Examples
    --------
    >>> nothing = np.empty(0)
    >>> hypnogram_files([Hypnogram("a/b: 1", nothing, nothing, nothing, nothing)])
    ['hypnogram-a-b-1.png']
    """
    names: list[str] = []
    for hypnogram in hypnograms:
        letters = [char if char.isalnum() or char in "_." else "-" for char in hypnogram.key]
        words = "".join(letters).encode("ascii", "replace").decode().replace("?", "-").split("-")
        stem = "-".join(word for word in words if word)[:100] or "recording"
        name = f"hypnogram-{stem}.png"
        while name.lower() in {existing.lower() for existing in names}:
            name = f"{name.removesuffix('.png')}-{len(names) + 1}.png"
        names.append(name)
    return names
