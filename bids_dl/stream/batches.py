"""Batches that a stream delivers."""

from __future__ import annotations

from typing import Any, NamedTuple, NoReturn

import torch
from torch.utils.data._utils.collate import default_collate_fn_map

from bids_dl.errors import ConfigError


class Batch(NamedTuple):
    """Windows that are delivered together."""

    signals: torch.Tensor  # float32 (batch, n_chans, n_times), in µV unless normalized
    target: torch.Tensor  # int64 class indices or float32 numbers, (batch,) or (batch, k)
    index: torch.Tensor  # type: ignore[assignment]  # int64 (batch,): rows of the store


class MontageBatch(NamedTuple):
    """Windows of any montages that are delivered together, padded to the most channels."""

    signals: torch.Tensor  # float32 (batch, n_chans, n_times), 0 in channels that are padding
    target: torch.Tensor  # as in `Batch`
    index: torch.Tensor  # type: ignore[assignment]  # int64 (batch,): rows of the joined stores
    positions: torch.Tensor  # float32 (batch, n_chans, 3) in m, head coordinates; 0 if padding
    mask: torch.Tensor  # bool (batch, n_chans): False if padding


def _refuse_second_batching(_batches: list[Any], **_options: Any) -> NoReturn:
    """Refuse to batch batches. A loader with ``batch_size=None`` does not call this function."""
    raise ConfigError(
        "the stream makes the batches, and this DataLoader would batch them again: "
        "use DataLoader(stream, batch_size=None), and StreamingDataset(..., batch_size=64)"
    )


# for loaders of this process, and of workers, which import this module to unpickle the stream
default_collate_fn_map[Batch] = _refuse_second_batching
default_collate_fn_map[MontageBatch] = _refuse_second_batching
