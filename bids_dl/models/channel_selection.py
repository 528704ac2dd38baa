"""Channels of a model, selected by name from the windows of a store with others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch

from bids_dl.errors import ModelError
from bids_dl.models.channel_map import index_channels
from bids_dl.models.checkpoint import ModelCard
from bids_dl.store import Store
from bids_dl.stream import Batch, StreamingDataset
from bids_dl.wording import join_names

MAX_MISSING_LISTED = 5
MAX_CHANNELS_LISTED = 6


class SelectedChannels:
    """Batches of a stream with some of its channels, in another order.

    Parameters
    ----------
    stream
        Stream of windows.
    indices
        (n_chans,): indices of the channels of the stream, in the order of the result.
    """

    def __init__(self, stream: StreamingDataset, indices: Sequence[int]) -> None:
        self.stream = stream
        self.indices = torch.tensor(indices)

    def __iter__(self) -> Iterator[Batch]:
        for batch in self.stream:
            yield batch._replace(signals=batch.signals[:, self.indices])

    def __len__(self) -> int:
        return len(self.stream)


def arrange_input(card: ModelCard, store: Store) -> tuple[Any, list[int] | None]:
    """Return how windows of a store become the input of a model.

    Parameters
    ----------
    card
        Description of the model.
    store
        Store, which may have the channels in another order, and others beside them.

    Returns
    -------
    normalize
        Value of `StreamingDataset`'s ``normalize``. Statistics are those of the store's channels;
        channels that the model does not have get mean 0 and standard deviation 1.
    indices
        Index of each channel of the model in the store. None if all channels are the same.

    Raises
    ------
    ModelError
        The store lacks channels of the model.
    """
    if store.channels == card.channels:
        return card.stream_normalize, None
    indices = select_channels(card.channels, store, f"the model {card.model}")
    if card.normalize != "training":
        return card.stream_normalize, indices
    mean = np.zeros(len(store.channels))
    std = np.ones(len(store.channels))
    mean[indices] = card.mean
    std[indices] = card.std
    return (mean, std), indices


def check_channels(card: ModelCard, store: Store, model: str, *, by_name: bool) -> None:
    """Refuse a store without the channels of a model.

    Parameters
    ----------
    card
        Description of the model.
    store
        Store.
    model
        Name of the model, for the message.
    by_name
        True accepts another order of the channels, and others beside them.

    Raises
    ------
    ModelError
        The store lacks channels, or has them in another order or others beside them.
    """
    select_channels(card.channels, store, model)
    if not by_name and store.channels != card.channels:
        raise ModelError(
            f"{store.location.name}: {model} was trained on channels "
            f"{summarize_channels(card.channels)}; the store has them in another order, or has "
            "more channels"
        )


def select_channels(wanted: Sequence[str], store: Store, model: str) -> list[int]:
    """Return the index of each channel of a model in a store.

    Parameters
    ----------
    wanted
        Names of the channels of the model.
    model
        Name of the model, for the message.

    Raises
    ------
    ModelError
        The store lacks channels of the model.
    """
    found = index_channels(wanted, store.channels)
    missing = [name for name, index in zip(wanted, found, strict=True) if index is None]
    if missing:
        raise ModelError(
            f"{store.location.name}: {model} was trained on channels {summarize_channels(wanted)}; "
            f"the store has no {join_names(missing, limit=MAX_MISSING_LISTED)}"
        )
    return [index for index in found if index is not None]


def summarize_channels(channels: Sequence[str]) -> str:
    """Return the names of up to six channels, else three, the last one and their number.

    Examples
    --------
    >>> summarize_channels([f"E{i}" for i in range(1, 10)])
    'E1, E2, E3 ... E9 (9)'
    """
    if len(channels) <= MAX_CHANNELS_LISTED:
        return ", ".join(channels)
    return f"{', '.join(channels[:3])} ... {channels[-1]} ({len(channels)})"
