"""Batches on a GPU, copied while the loop works on the batch before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch

from bids_dl.stream.dataset import Batch


def to_device(batches: Iterable[Batch], device: str | torch.device) -> Iterator[Batch]:
    """The same batches on a device.

    To a CUDA device they go through page-locked memory on a stream of their own, one ahead of the loop; to another device one after the
    other.
    """
    device = torch.device(device)
    if device.type != "cuda":
        for batch in batches:
            yield Batch(*(part.to(device) for part in batch))
        return
    copies = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
    waiting: tuple[Batch, torch.cuda.Event] | None = None
    for batch in batches:
        with torch.cuda.stream(copies):
            moved = (
                Batch(*(part.pin_memory().to(device, non_blocking=True) for part in batch)),
                copies.record_event(),
            )
        if waiting is not None:
            yield _arrived(*waiting, device)
        waiting = moved
    if waiting is not None:
        yield _arrived(*waiting, device)


def _arrived(batch: Batch, copied: torch.cuda.Event, device: torch.device) -> Batch:
    """The batch, for use on the present stream: it begins when this copy is done, and the memory is kept until it ends."""
    present = torch.cuda.current_stream(device)
    present.wait_event(copied)
    for part in batch:
        part.record_stream(present)
    return batch
