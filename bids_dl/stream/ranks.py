"""Rank and world size of this process."""

from __future__ import annotations

import torch

from bids_dl.errors import ConfigError


def is_distributed() -> bool:
    """Return whether ``torch.distributed`` is initialized in this process."""
    return torch.distributed.is_available() and torch.distributed.is_initialized()


def current_rank() -> tuple[int, int]:
    """Return rank and world size of ``torch.distributed``, or 0 and 1 if it is not initialized."""
    if is_distributed():
        return torch.distributed.get_rank(), torch.distributed.get_world_size()
    return 0, 1


def check_ranks(rank: int | None, world_size: int | None) -> tuple[int, int] | None:
    """Return rank and world size if both are set, and None if neither is.

    Raises
    ------
    ConfigError
        Only one of the two is set, or the rank is out of range.
    """
    if rank is None and world_size is None:
        return None
    if rank is None or world_size is None or not 0 <= rank < world_size:
        raise ConfigError(
            "rank and world_size must be set together, with 0 <= rank < world_size; "
            f"got {rank} and {world_size}"
        )
    return rank, world_size
