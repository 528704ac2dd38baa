"""Section of the page on the windows with the highest outputs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bids_dl.explanation.contents import BestWindows, Explanation
from bids_dl.explanation.page.channel_figures import ChannelPlotter, FigureRow
from bids_dl.explanation.page.levels import diverging, format_number, sequential
from bids_dl.explanation.page.plots import POWER, FrequencyPlot, mean_over
from bids_dl.reporting.plots import Plot

Floats = npt.NDArray[np.float64]
MAX_ROWS = 20  # of the store, listed for each output
DIFFERENCE = "difference (dB)"


@dataclass(frozen=True, slots=True)
class BandDifference:
    """Largest difference in a band, beside the largest of networks with random weights."""

    band: str
    channel: str
    difference: str
    interval: str
    random: str


@dataclass(frozen=True, slots=True)
class BestWindowsOfOutput:
    """Figures and tables of one output.

    Attributes
    ----------
    spectrum, difference
        Power of the best windows, and its difference to those of the other outputs.
    maps, power_maps
        Difference and power by channel and band.
    bands
        Largest difference of each band.
    rows, logits
        Rows of the store of the first windows, and their outputs.
    n_rows
        Number of windows.
    """

    name: str
    spectrum: Plot
    difference: Plot
    maps: FigureRow
    power_maps: FigureRow
    bands: tuple[BandDifference, ...]
    rows: tuple[int, ...]
    logits: tuple[str, ...]
    n_rows: int


def describe_best_windows(
    explanation: Explanation, plotter: ChannelPlotter, n_outputs: int
) -> list[BestWindowsOfOutput]:
    """Draw the best windows of the first outputs. All outputs have the same axes and levels."""
    best = explanation.best_windows
    of_difference = diverging(best.difference.value[:n_outputs], "dB")
    n_bands = best.band_power.shape[1]
    of_power = [sequential(best.band_power[:n_outputs, band], "dB") for band in range(n_bands)]
    outputs = []
    for output, name in enumerate(explanation.spec.outputs[:n_outputs]):
        value = best.difference.value[output]
        outputs.append(
            BestWindowsOfOutput(
                name,
                _plot_spectrum(explanation, output),
                _plot_difference(explanation, output),
                plotter.draw_bands(
                    f"{name}, {DIFFERENCE}", value, of_difference, _excludes_zero(best, output)
                ),
                plotter.draw_bands(
                    f"{name}, power (dB re 1 µV²/Hz)", best.band_power[output], of_power
                ),
                _list_bands(explanation, output),
                tuple(int(row) for row in best.rows[output][:MAX_ROWS]),
                tuple(format_number(float(x), 2) for x in best.logits[output][:MAX_ROWS]),
                len(best.rows[output]),
            )
        )
    return outputs


def _excludes_zero(best: BestWindows, output: int) -> npt.NDArray[np.bool_]:
    """Return for which bands and channels the interval of the difference excludes 0."""
    low, high = best.difference.low[output], best.difference.high[output]
    return np.asarray((low > 0) | (high < 0))


def _plot_spectrum(explanation: Explanation, output: int) -> Plot:
    spectra = explanation.best_windows.spectra
    plot = FrequencyPlot(explanation.axes, POWER, [spectra], is_power=True)
    if len(spectra) > 1:
        plot.add("other dashed", mean_over(np.delete(spectra, output, axis=0)))
    plot.add("s0", spectra[output])
    return plot.draw()


def _plot_difference(explanation: Explanation, output: int) -> Plot:
    difference = explanation.best_windows.spectrum_difference
    everything = [difference.low, difference.high, np.zeros_like(difference.value)]
    plot = FrequencyPlot(explanation.axes, DIFFERENCE, everything)
    plot.add_area("s0", difference.low[output], difference.high[output])
    plot.add_zero()
    plot.add("s0", difference.value[output])
    return plot.draw()


def _list_bands(explanation: Explanation, output: int) -> tuple[BandDifference, ...]:
    best = explanation.best_windows
    bands = []
    for band, (name, (low, high)) in enumerate(explanation.axes.bands.items()):
        values = best.difference.value[output, band]
        if not np.isfinite(values).any():
            continue
        channel = int(np.nanargmax(np.abs(values)))
        limits = [best.difference.low[output, band], best.difference.high[output, band]]
        ends = [format_number(float(limit[channel]), 1, "+") for limit in limits]
        bands.append(
            BandDifference(
                f"{name} {low:g}–{high:g} Hz",
                explanation.axes.channels[channel],
                format_number(float(values[channel]), 1, "+"),
                f"{ends[0]} to {ends[1]}",
                _largest_of_random(best.random_difference[:, output, band]),
            )
        )
    return tuple(bands)


def _largest_of_random(values: Floats) -> str:
    """Return the difference with the largest absolute value, with its sign."""
    finite = values[np.isfinite(values)]
    if not finite.size:
        return "–"
    return format_number(float(finite[np.abs(finite).argmax()]), 1, "+")
