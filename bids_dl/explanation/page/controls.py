"""Sections of the page on removal of samples and on randomization of weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bids_dl.explanation.contents import Explanation
from bids_dl.explanation.page.levels import format_number
from bids_dl.explanation.page.plots import FrequencyPlot, max_over, mean_over, min_over, plot_layers
from bids_dl.reporting.plots import Plot

Floats = npt.NDArray[np.float64]
CHANGE = "change of power (dB)"
MAX_LAYERS = 40  # rows of the table


@dataclass(frozen=True, slots=True)
class RemovalOfOutput:
    """Change of the spectrum by removal, and the difference to removal at random."""

    name: str
    change: Plot
    difference: Plot


@dataclass(frozen=True, slots=True)
class RandomizationTable:
    """Correlations of the maps of the first outputs.

    Attributes
    ----------
    rows
        Name of each replaced layer and correlations as text, one per output, with ``True`` for
        those that count as independent.
    other
        Correlation with the map of the most similar other output, likewise. Empty for one output.
    n_left_out
        Number of layers that are not listed.
    """

    plot: Plot
    rows: tuple[tuple[str, tuple[tuple[str, bool], ...]], ...]
    other: tuple[tuple[str, bool], ...]
    limit: str
    n_left_out: int


def describe_removal(explanation: Explanation, n_outputs: int) -> list[RemovalOfOutput]:
    """Draw the change of the spectrum of the first outputs."""
    removal = explanation.removal
    n_freqs = len(explanation.axes.frequencies)
    zero = np.zeros((1, n_freqs))
    changes = [removal.by_saliency[:n_outputs], removal.at_random[:n_outputs], zero]
    estimates = removal.difference
    shape = (-1, explanation.spec.n_outputs, n_freqs)
    of_random = removal.random_difference.reshape(shape)[:, :n_outputs]
    limits = [estimates.low[:n_outputs], estimates.high[:n_outputs], of_random, zero]
    outputs = []
    for output, name in enumerate(explanation.spec.outputs[:n_outputs]):
        change = FrequencyPlot(explanation.axes, CHANGE, changes)
        change.add_zero()
        change.add("other dashed", removal.at_random[output])
        change.add("s0", removal.by_saliency[output])
        difference = FrequencyPlot(explanation.axes, "difference (dB)", limits)
        if len(of_random):
            low, high = min_over(of_random[:, output]), max_over(of_random[:, output])
            difference.add_area("random", low, high)
        difference.add_area("s0", estimates.low[output], estimates.high[output])
        difference.add_zero()
        difference.add("s0", estimates.value[output])
        outputs.append(RemovalOfOutput(name, change.draw(), difference.draw()))
    return outputs


def describe_randomization(explanation: Explanation, n_outputs: int) -> RandomizationTable | None:
    """Tabulate and draw the correlations of maps. None if there is no layer with weights."""
    randomization = explanation.randomization
    correlations = randomization.correlations[:, :n_outputs]
    if not correlations.size:
        return None
    limit = randomization.limit
    rows = []
    for layer, name in enumerate(randomization.layers[:MAX_LAYERS]):
        cells = [
            _format_folds(correlations[:, output, layer], limit) for output in _range(correlations)
        ]
        rows.append((name, tuple(cells)))
    other: list[tuple[str, bool]] = []
    if np.isfinite(randomization.other_output).any():
        of_outputs = randomization.other_output[:, :n_outputs]
        other = [_format_folds(of_outputs[:, output], limit) for output in _range(correlations)]
    return RandomizationTable(
        plot_layers(mean_over(correlations), limit),
        tuple(rows),
        tuple(other),
        format_number(limit, 2),
        max(0, len(randomization.layers) - MAX_LAYERS),
    )


def _range(correlations: Floats) -> range:
    return range(correlations.shape[1])


def _format_folds(values: Floats, limit: float) -> tuple[str, bool]:
    """Format the mean over folds with its range; True if all are below the limit."""
    finite = values[np.isfinite(values)]
    if not finite.size:
        return "–", False
    mean = float(finite.mean())
    text = format_number(mean, 2)
    if finite.size > 1:
        low, high = (format_number(float(end), 2) for end in (finite.min(), finite.max()))
        text = f"{text} ({low} to {high})"
    return text, bool((finite < limit).all())
