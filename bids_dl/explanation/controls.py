"""Networks with random weights: what an explanation shows without any training."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from bids_dl.models.checkpoint import ModelCard

STATISTICS_WINDOWS = 256  # windows from which batch norm estimates its statistics


def build_control(card: ModelCard, seed: int) -> nn.Module:
    """Build the network of a card with random weights, in evaluation mode on the CPU.

    Weights that begin as zeros, such as those of band-power, are drawn from a normal distribution
    with the variance 1 / n_inputs. Otherwise the outputs would not depend on the signal.

    Parameters
    ----------
    card
        Description of the model.
    seed
        Seed of the weights.
    """
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(seed)
        model = card.build()
        for parameter in model.parameters():
            if parameter.ndim > 1 and not parameter.any():
                parameter.normal_(std=1 / math.sqrt(parameter[0].numel()))
    return freeze_weights(model)


def freeze_weights(model: nn.Module) -> nn.Module:
    """Put a model into evaluation mode without gradients of its weights, in place."""
    return model.eval().requires_grad_(False)


def estimate_statistics(model: nn.Module, batches: Iterable[Tensor]) -> None:
    """Estimate the running statistics of batch norm anew, in place.

    The statistics of a trained network would be no fair control for random filters.

    Parameters
    ----------
    model
        Model in evaluation mode. All layers but batch norm remain in it, so dropout does not act.
    batches
        Normalized signals (batch, n_chans, n_times). Batches of one window are left out, because
        they may have no variance.
    """
    layers: list[_BatchNorm] = []
    for layer in model.modules():
        if isinstance(layer, _BatchNorm) and layer.track_running_stats:
            layers.append(layer)
    if not layers:
        return
    usable = [signals for signals in batches if len(signals) > 1]
    if not usable:
        return
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None  # the mean over all batches
        layer.train()
    with torch.no_grad():
        for signals in usable:
            model(signals)
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum
        layer.eval()
