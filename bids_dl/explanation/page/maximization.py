"""Section of the page on inputs that maximize an output."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bids_dl.explanation.contents import Explanation
from bids_dl.explanation.page.channel_figures import ChannelPlotter, FigureRow
from bids_dl.explanation.page.levels import format_number, sequential
from bids_dl.explanation.page.plots import POWER, mean_over, plot_folds, plot_waves
from bids_dl.reporting.plots import Plot

MAX_FOLDS = 40  # rows of the table of an output


@dataclass(frozen=True, slots=True)
class ReachedLogit:
    """Peak of the spectrum and outputs that the inputs of a fold reach, beside those of windows.

    Attributes
    ----------
    median, windows
        Median output of the unseen windows, and their 5 % quantile to highest output.
    is_outside
        True if the median over starts is above the output of every unseen window.
    """

    fold: str
    peak: str
    reached: str
    median: str
    windows: str
    is_outside: bool


@dataclass(frozen=True, slots=True)
class MaximizationOfOutput:
    """Figures and table of one output.

    Attributes
    ----------
    waves
        Channels with the largest amplitude of one input, ``distance`` µV apart.
    """

    name: str
    spectrum: Plot
    maps: FigureRow
    waves: Plot
    distance: str
    reached: tuple[ReachedLogit, ...]
    n_left_out: int


def describe_maximization(
    explanation: Explanation, plotter: ChannelPlotter, n_outputs: int
) -> list[MaximizationOfOutput]:
    """Draw the inputs that maximize the first outputs."""
    found = explanation.maximization
    axes = explanation.axes
    means = mean_over(found.band_power)
    levels = [sequential(means[:n_outputs, band], "dB") for band in range(means.shape[1])]
    outputs = []
    for output, name in enumerate(explanation.spec.outputs[:n_outputs]):
        random = found.random_spectra[:, :, output].reshape(-1, len(axes.frequencies))
        spectrum = plot_folds(
            axes,
            POWER,
            found.spectra[:, output],
            random,
            is_power=True,
            peaks=found.peaks[:, output],
        )
        caption = f"{name}, power of the inputs (dB re 1 µV²/Hz)"
        waves, distance = plot_waves(axes.channels, found.example[output], axes.sfreq)
        reached = _list_reached(explanation, output)
        outputs.append(
            MaximizationOfOutput(
                name,
                spectrum,
                plotter.draw_bands(caption, means[output], levels),
                waves,
                f"{distance:.3g} µV",
                reached[:MAX_FOLDS],
                max(0, len(reached) - MAX_FOLDS),
            )
        )
    return outputs


def _format_peak(explanation: Explanation, fold: int, output: int) -> str:
    """Format the peak of the mean spectrum, with the range over single starts."""
    found = explanation.maximization
    text = f"{format_number(float(found.peaks[fold, output]), 1)} Hz"
    if found.start_peaks.size:
        of_starts = found.start_peaks[fold, output]
        ends = [format_number(float(end), 1) for end in (of_starts.min(), of_starts.max())]
        text = f"{text} ({ends[0]} to {ends[1]})"
    return text


def _list_reached(explanation: Explanation, output: int) -> tuple[ReachedLogit, ...]:
    found = explanation.maximization
    rows = []
    for fold, logits in enumerate(found.logits[:, output]):
        finite = logits[np.isfinite(logits)]
        median = float(np.median(finite)) if finite.size else np.nan
        low, middle, high = (float(value) for value in found.window_logits[fold, output])
        rows.append(
            ReachedLogit(
                str(explanation.folds[fold].get("held_out", fold)),
                _format_peak(explanation, fold, output),
                format_number(median, 1),
                format_number(middle, 1),
                f"{format_number(low, 1)} to {format_number(high, 1)}",
                bool(median > high),
            )
        )
    return tuple(rows)
