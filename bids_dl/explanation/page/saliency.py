"""Section of the page on gradients and integrated gradients."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bids_dl.explanation.contents import Explanation, Saliency
from bids_dl.explanation.page.channel_figures import ChannelPlotter, FigureRow
from bids_dl.explanation.page.input_images import InputImages, draw_input
from bids_dl.explanation.page.levels import Levels, format_number, sequential
from bids_dl.explanation.page.plots import mean_over, plot_folds, plot_time
from bids_dl.reporting.plots import Plot

Floats = npt.NDArray[np.float64]
SHARE = "share (%)"
PERCENT = 100.0


@dataclass(frozen=True, slots=True)
class BandShare:
    """Share of a band over all channels, of trained networks and of those with random weights."""

    band: str
    trained: str
    random: str


@dataclass(frozen=True, slots=True)
class SaliencyOfOutput:
    """Figures of one output.

    Attributes
    ----------
    spectrum, time
        Share by frequency, beside networks with random weights, and by time in the window.
    channels
        Share by channel: mean over folds, beside networks with random weights.
    maps
        Share by channel and band.
    gap
        Completeness gap of each fold, in %. Empty for the gradient.
    image
        Mean absolute gradient at the result of the model's transform. None without transform.
    bands
        Shares of the bands. Empty if those of networks with random weights are not known.
    """

    name: str
    spectrum: Plot
    time: Plot
    channels: FigureRow
    maps: FigureRow
    gap: str
    image: InputImages | None
    bands: tuple[BandShare, ...]


@dataclass(frozen=True, slots=True)
class SaliencyMethod:
    """Results of one method."""

    method: str
    anchor: str
    outputs: tuple[SaliencyOfOutput, ...]


def describe_saliency(
    explanation: Explanation, plotter: ChannelPlotter, n_outputs: int
) -> list[SaliencyMethod]:
    """Draw the sensitivity of the first outputs by each method."""
    methods = []
    for saliency in explanation.saliency:
        levels = _fit_levels(saliency, n_outputs)
        outputs = []
        for output, name in enumerate(explanation.spec.outputs[:n_outputs]):
            outputs.append(_describe_output(explanation, saliency, plotter, levels, output, name))
        anchor = saliency.method.replace(" ", "-")
        methods.append(SaliencyMethod(saliency.method, anchor, tuple(outputs)))
    return methods


def _fit_levels(saliency: Saliency, n_outputs: int) -> Mapping[str, Levels]:
    """Fit levels of colour that all outputs share."""
    by_channel = mean_over(saliency.by_channel)[:n_outputs]
    of_random = _mean_of_random(saliency.random_by_channel)[:n_outputs]
    by_band = mean_over(saliency.by_band)[:n_outputs]
    channels = np.concatenate([by_channel, of_random])
    return {
        "channels": sequential(PERCENT * channels, "%"),
        "bands": sequential(PERCENT * by_band, "%"),
    }


def _describe_output(
    explanation: Explanation,
    saliency: Saliency,
    plotter: ChannelPlotter,
    levels: Mapping[str, Levels],
    output: int,
    name: str,
) -> SaliencyOfOutput:
    axes = explanation.axes
    random = saliency.random_by_frequency[:, :, output].reshape(-1, len(axes.frequencies))
    percent = f"{name}, share of the {saliency.method} (%)"
    parts = {
        "trained networks": mean_over(saliency.by_channel)[output],
        "random weights": _mean_of_random(saliency.random_by_channel)[output],
    }
    figures = []
    for title, values in parts.items():
        if np.isfinite(values).any():
            shares = PERCENT * values
            figures.append(plotter.draw(title, shares, levels["channels"], caption=percent))
    by_frequency = PERCENT * saliency.by_frequency[:, output]
    return SaliencyOfOutput(
        name,
        plot_folds(axes, SHARE, by_frequency, PERCENT * random),
        plot_time(SHARE, PERCENT * saliency.by_time[:, output], axes.sfreq),
        FigureRow(percent, tuple(figures), has_common_levels=True),
        plotter.draw_bands(percent, PERCENT * mean_over(saliency.by_band)[output], levels["bands"]),
        _format_gaps(saliency.completeness_gap[:, output]),
        draw_input(saliency.of_input, output, name, saliency.transform),
        _list_bands(explanation, saliency, output),
    )


def _mean_of_random(values: Floats) -> Floats:
    """Return the mean (n_outputs, n_chans) over folds and networks with random weights."""
    return mean_over(values.reshape(-1, *values.shape[2:]))


def _list_bands(explanation: Explanation, saliency: Saliency, output: int) -> tuple[BandShare, ...]:
    """List the share of each band: mean over networks with its range."""
    if not saliency.random_by_band.size:
        return ()
    trained = PERCENT * saliency.by_band[:, output].sum(axis=-1)
    random = PERCENT * saliency.random_by_band[:, :, output].sum(axis=-1)
    random = random.reshape(-1, trained.shape[1])
    rows = []
    for band, (name, (low, high)) in enumerate(explanation.axes.bands.items()):
        title = f"{name} {low:g}–{high:g} Hz"
        rows.append(
            BandShare(title, _format_range(trained[:, band]), _format_range(random[:, band]))
        )
    return tuple(rows)


def _format_range(values: Floats) -> str:
    """Format the mean of numbers with their range.

    Examples
    --------
    >>> _format_range(np.array([20.0, 30.0])), _format_range(np.array([np.nan]))
    ('25.0 (20.0 to 30.0)', '–')
    """
    finite = values[np.isfinite(values)]
    if not finite.size:
        return "–"
    mean, low, high = (
        format_number(float(x), 1) for x in (finite.mean(), finite.min(), finite.max())
    )
    return mean if finite.size == 1 else f"{mean} ({low} to {high})"


def _format_gaps(gaps: Floats) -> str:
    """Format the median completeness gap over folds with its range.

    Examples
    --------
    >>> _format_gaps(np.array([0.012, 0.03])), _format_gaps(np.array([np.nan]))
    ('2.10 % (1.20 to 3.00 % over folds)', '')
    """
    finite = PERCENT * gaps[np.isfinite(gaps)]
    if not finite.size:
        return ""
    low, middle, high = (format_number(x, 2) for x in np.quantile(finite, [0, 0.5, 1]).tolist())
    return f"{middle} %" if finite.size == 1 else f"{middle} % ({low} to {high} % over folds)"
