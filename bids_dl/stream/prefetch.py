"""Copy batches to a GPU while the loop works on the previous batch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from typing import Any, NamedTuple, Protocol, TypeVar

import numpy as np
import torch

from bids_dl.stream.batches import Batch, MontageBatch
from bids_dl.stream.dataset import StreamingDataset

AnyBatch = TypeVar("AnyBatch", Batch, MontageBatch)
RING_BATCHES = 3  # one that is filled, one that is copied, and one between


class DeviceEvent(Protocol):
    """Point in the work of a device, such as ``torch.cuda.Event``."""

    def synchronize(self) -> None:
        """Wait until the device has reached the event."""


class Transfers(Protocol):
    """Copies to a device that run beside its work."""

    def allocate(self, shape: tuple[int, ...], dtype: torch.dtype) -> torch.Tensor:
        """Return memory of the host that the device can read."""

    def stream(self) -> AbstractContextManager[Any]:
        """Return a context whose work does not wait for that of the loop."""

    def send(self, tensor: torch.Tensor) -> torch.Tensor:
        """Begin to copy a tensor of `allocate` to the device."""

    def record_event(self) -> DeviceEvent:
        """Return the event at which all that was begun is done."""

    def receive(self, tensors: Iterable[torch.Tensor], sent: DeviceEvent) -> None:
        """Make the work of the loop wait for tensors."""


def to_device(batches: Iterable[AnyBatch], device: str | torch.device) -> Iterator[AnyBatch]:
    """Yield batches on a device, in the same order.

    Batches for a CUDA device are copied from page-locked memory on a separate CUDA stream, one
    batch ahead of the loop. Those of a `StreamingDataset` without transform are copied as they are
    stored, and converted to µV and normalized on the device. Batches for another device are moved
    when they are requested.

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
    if device.type == "cuda":
        return copy_ahead(batches, CudaTransfers(device), device)
    return (type(batch)(*(tensor.to(device) for tensor in batch)) for batch in batches)


def copy_ahead(
    batches: Iterable[AnyBatch], transfers: Transfers, device: torch.device
) -> Iterator[AnyBatch]:
    """Yield batches on a device, each copied while the loop works on the one before."""
    finish: Callable[[Any], Any] | None = None
    source: Iterable[Any] = batches
    if isinstance(batches, StreamingDataset):
        stored = batches.stored_batches()
        if stored is not None:
            source, finish = stored.batches, stored.finish.to(device)
    ring = PinnedRing(transfers)
    previous: SentBatch | None = None
    for batch in source:
        with transfers.stream():
            tensors = [transfers.send(tensor) for tensor in ring.fill(batch)]
            copied = type(batch)(*tensors)
            ring.mark(transfers.record_event())
            if finish is not None:
                copied = finish(copied)
            sent = SentBatch(copied, tensors, transfers.record_event())
        del batch  # so that its memory is reused
        if previous is not None:
            yield _receive(previous, transfers)
        previous = sent
    if previous is not None:
        yield _receive(previous, transfers)


class SentBatch(NamedTuple):
    """A batch on its way to the device."""

    batch: Any
    tensors: list[torch.Tensor]  # as they were sent
    event: DeviceEvent


def _receive(sent: SentBatch, transfers: Transfers) -> Any:
    transfers.receive([*sent.batch, *sent.tensors], sent.event)
    return sent.batch


class PinnedRing:
    """Page-locked memory of a few batches, used in turns.

    Page-locking takes longer than filling, so the memory is kept.
    """

    def __init__(self, transfers: Transfers, n_batches: int = RING_BATCHES) -> None:
        self._transfers = transfers
        self._memory: list[dict[int, torch.Tensor]] = [{} for _ in range(n_batches)]  # by field
        self._sent: list[DeviceEvent | None] = [None] * n_batches
        self._turn = -1

    def fill(self, batch: Iterable[torch.Tensor]) -> list[torch.Tensor]:
        """Copy a batch into the memory whose turn it is, once the device has read it."""
        self._turn = (self._turn + 1) % len(self._memory)
        sent = self._sent[self._turn]
        if sent is not None:
            sent.synchronize()
        return [self._copy(field, tensor) for field, tensor in enumerate(batch)]

    def mark(self, sent: DeviceEvent) -> None:
        """Note the event at which the device has read the memory that was filled last."""
        self._sent[self._turn] = sent

    def _copy(self, field: int, tensor: torch.Tensor) -> torch.Tensor:
        memory = self._memory[self._turn].get(field)
        count = tensor.numel()
        if memory is None or memory.numel() < count or memory.dtype != tensor.dtype:
            memory = self._transfers.allocate((count,), tensor.dtype)
            self._memory[self._turn][field] = memory
        copy = memory[:count].view(tensor.shape)
        np.copyto(copy.numpy(), tensor.numpy())  # torch would use several threads, which spin
        return copy


class CudaTransfers:
    """Copies to a CUDA device on a stream of their own."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]

    def allocate(self, shape: tuple[int, ...], dtype: torch.dtype) -> torch.Tensor:
        """Return page-locked memory."""
        return torch.empty(shape, dtype=dtype, pin_memory=True)

    def stream(self) -> AbstractContextManager[Any]:
        """Return the context of the stream."""
        return torch.cuda.stream(self._stream)

    def send(self, tensor: torch.Tensor) -> torch.Tensor:
        """Begin to copy a tensor to the device."""
        return tensor.to(self._device, non_blocking=True)

    def record_event(self) -> DeviceEvent:
        """Return the event at which the copies so far are done."""
        event: DeviceEvent = self._stream.record_event()
        return event

    def receive(self, tensors: Iterable[torch.Tensor], sent: DeviceEvent) -> None:
        """Make the current stream wait, and keep memory until that stream has used it."""
        current = torch.cuda.current_stream(self._device)
        current.wait_event(sent)  # type: ignore[arg-type]  # of `record_event`
        for tensor in tensors:
            tensor.record_stream(current)
