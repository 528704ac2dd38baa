"""Copy batches to a GPU while the loop works on the previous batch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

import torch

from bids_dl.stream.batch_reader import Batch, MontageBatch

AnyBatch = TypeVar("AnyBatch", Batch, MontageBatch)


def to_device(batches: Iterable[AnyBatch], device: str | torch.device) -> Iterator[AnyBatch]:
    """Yield batches on a device, in the same order.

    Batches for a CUDA device are copied from page-locked memory on a separate CUDA stream, one
    batch ahead of the loop. Batches for another device are moved when they are requested.

    Parameters
    ----------
    batches
        A `StreamingDataset`, or a ``DataLoader`` over one.
    device
        Device as in ``torch.device``.

    Examples
    --------
    >>> stream = StreamingDataset("eyes.zarr", batch_size=32)
    >>> for signals, target, index in to_device(stream, "cpu"):
    ...     assert signals.device == target.device == index.device
    """
    device = torch.device(device)
    if device.type != "cuda":
        for batch in batches:
            yield type(batch)(*(tensor.to(device) for tensor in batch))
        return
    copy_stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
    previous: tuple[AnyBatch, torch.cuda.Event] | None = None
    for batch in batches:
        with torch.cuda.stream(copy_stream):
            pinned = (tensor.pin_memory() for tensor in batch)
            copy = type(batch)(*(tensor.to(device, non_blocking=True) for tensor in pinned))
            copied = copy_stream.record_event()
        if previous is not None:
            yield _use_on_current_stream(*previous, device)
        previous = (copy, copied)
    if previous is not None:
        yield _use_on_current_stream(*previous, device)


def _use_on_current_stream(
    batch: AnyBatch, copied: torch.cuda.Event, device: torch.device
) -> AnyBatch:
    """Return the batch for use on the current CUDA stream.

    The stream waits for the copy, and the memory is kept until the stream has used it.
    """
    current = torch.cuda.current_stream(device)
    current.wait_event(copied)
    for tensor in batch:
        tensor.record_stream(current)
    return batch
