"""Networks with random weights, the floor of what training has added to an architecture."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from bids_dl.explanation.controls import build_control, estimate_statistics
from bids_dl.models.checkpoint import ModelCard
from bids_dl.prediction import stream_rows
from bids_dl.store import Store
from bids_dl.stream import Batch, to_device

CALIBRATION_WINDOWS = 512  # whose statistics are as stable as those of a batch of training


def build_random_network(
    store: Store,
    card: ModelCard,
    rows: npt.NDArray[np.int64],
    *,
    seed: int,
    device: torch.device,
) -> nn.Module:
    """Build the network of a card with the initial weights of a seed, in evaluation mode.

    Its statistics of batch norm are those of the windows. The initial ones, a mean of 0 and a
    variance of 1, fit no random weights, so the network would be no fair floor.

    Parameters
    ----------
    store
        Store of the windows.
    card
        Description of the network.
    rows
        (n_windows,): rows of the store, ascending.
    seed
        Seed of the weights. The generator of torch stays as it is.
    device
        Device of the computation.
    """
    model = build_control(card, seed).to(device)
    batches = to_device(calibration_stream(store, card, rows), device)
    estimate_statistics(model, (batch.signals for batch in batches))
    return model


def calibration_stream(
    store: Store, card: ModelCard, rows: npt.NDArray[np.int64]
) -> Iterable[Batch]:
    """Stream at most `CALIBRATION_WINDOWS` of the rows (n_windows,), evenly spread."""
    chosen = np.linspace(0, len(rows) - 1, min(len(rows), CALIBRATION_WINDOWS)).round()
    mask = np.zeros(len(store), bool)
    mask[rows[chosen.astype(np.int64)]] = True
    return stream_rows(store, card, mask)
