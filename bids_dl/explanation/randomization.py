"""Cascading randomization of weights, as a check of gradient maps (Adebayo et al. 2018)."""

from __future__ import annotations

import copy

import numpy as np
from scipy.stats import rankdata
from torch import Tensor, nn

from bids_dl.explanation.contents import Floats
from bids_dl.explanation.controls import estimate_statistics
from bids_dl.explanation.gradients import output_gradients
from bids_dl.models.features import find_layer

LIMIT = 0.5  # a quarter of the variance of the ranks is shared
MAX_STEPS = 10  # replacements; deep networks replace several layers at once


def list_layers(model: nn.Module) -> list[list[str]]:
    """Return the layers with weights in the order of their replacement, the last ones first.

    At most `MAX_STEPS` groups are returned. The first name of a group is that of its last layer.

    Examples
    --------
    >>> list_layers(nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2)))
    [['2'], ['0']]
    """
    names: list[str] = []
    for name, layer in model.named_modules():
        if next(layer.parameters(recurse=False), None) is not None:
            names.append(name)
    names.reverse()
    n_groups = min(MAX_STEPS, len(names))
    return [list(group) for group in np.array_split(np.array(names, object), n_groups)]


def correlate_cascade(
    model: nn.Module, control: nn.Module, signals: Tensor, maps: Floats
) -> Floats:
    """Correlate gradient maps with those after more and more layers are replaced.

    Parameters
    ----------
    model
        Model in evaluation mode.
    control
        The same network with random weights, on the same device.
    signals
        (batch, n_chans, n_times), normalized as for the model.
    maps
        (n_outputs, batch, n): maps of the model, as `rank_maps` returns them.

    Returns
    -------
    correlations
        (n_outputs, n_layers): rank correlation of absolute gradients, mean over windows.
    """
    changed = copy.deepcopy(model)
    columns: list[Floats] = []
    for group in list_layers(model):
        for name in group:
            layer, source = find_layer(changed, name), find_layer(control, name)
            layer.load_state_dict(_parameters(source), strict=False)
        estimate_statistics(changed, [signals])
        replaced = rank_maps(output_gradients(changed, signals).abs())
        columns.append(correlate(maps, replaced))
    return np.stack(columns, axis=-1)


def rank_maps(gradients: Tensor) -> Floats:
    """Return ranks (n_outputs, batch, n) of gradients (n_outputs, batch, ...), of mean 0, norm 1.

    A map of equal values becomes 0.
    """
    ranks = rankdata(gradients.flatten(2).cpu().numpy(), axis=-1)
    centered = ranks - ranks.mean(axis=-1, keepdims=True)
    norm = np.linalg.norm(centered, axis=-1, keepdims=True)
    maps: Floats = np.divide(centered, norm, out=np.zeros_like(centered), where=norm > 0)
    return maps


def correlate(maps: Floats, others: Floats) -> Floats:
    """Return Spearman's correlation (n_outputs,) of ranked maps, mean over windows."""
    products: Floats = np.einsum("obn,obn->o", maps, others) / maps.shape[1]
    return products


def correlate_outputs(gradients: Tensor) -> Floats:
    """Return the correlation (n_outputs,) with the map of the most similar other output.

    Parameters
    ----------
    gradients
        (n_outputs, batch, n_chans, n_times), with their signs.
    """
    n_outputs = len(gradients)
    if n_outputs < 2:
        return np.full(n_outputs, np.nan)
    maps = rank_maps(gradients)
    table = np.einsum("obn,pbn->op", maps, maps) / maps.shape[1]
    np.fill_diagonal(table, -np.inf)
    largest: Floats = table.max(axis=1)
    return largest


def _parameters(layer: nn.Module) -> dict[str, Tensor]:
    """Return the weights of a layer itself, without those of its sublayers."""
    return {name: value.detach() for name, value in layer.named_parameters(recurse=False)}
