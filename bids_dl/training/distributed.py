"""Processes that train one model together, as torchrun starts them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed
from torch import Tensor, nn

from bids_dl.stream.ranks import is_distributed

T = TypeVar("T")
WAIT = timedelta(days=1)  # while process 0 writes the record; torchrun ends all if it dies


@dataclass(frozen=True, slots=True)
class Ranks:
    """Number of this process among those that train together.

    Each process reads every batch and trains on every ``world_size``-th window of it, so that
    the result does not depend on the number of processes.

    Parameters
    ----------
    rank
        Number of this process, from 0. Only process 0 writes files.
    world_size
        Number of processes.

    Examples
    --------
    >>> Ranks().is_first, Ranks().share(torch.arange(4)).tolist()
    (True, [0, 1, 2, 3])
    """

    rank: int = 0
    world_size: int = 1

    @property
    def is_first(self) -> bool:
        """True for the process that writes files and reports."""
        return self.rank == 0

    def share(self, values: Tensor) -> Tensor:
        """Return the part of a batch (batch, ...) that this process trains on. May be empty."""
        return values[self.rank :: self.world_size]

    def add_up(self, values: Tensor) -> Tensor:
        """Replace a tensor by its sum over all processes, in place."""
        if self.world_size > 1:
            torch.distributed.all_reduce(values)
        return values

    def add_up_gradients(self, model: nn.Module) -> None:
        """Replace the gradients by their sums over all processes. A missing gradient counts 0."""
        if self.world_size == 1:
            return
        parameters = [p for p in model.parameters() if p.requires_grad]
        gradients = []
        for parameter in parameters:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
            gradients.append(parameter.grad)
        total = self.add_up(torch.cat([gradient.reshape(-1) for gradient in gradients]))
        start = 0
        for gradient in gradients:
            end = start + gradient.numel()
            gradient.copy_(total[start:end].view_as(gradient))
            start = end

    def copy_first(self, tensors: Iterable[Tensor]) -> None:
        """Replace tensors by those of process 0, in place."""
        if self.world_size > 1:
            for tensor in tensors:
                torch.distributed.broadcast(tensor, src=0)

    def send_first(self, value: T) -> T:
        """Return the value of process 0 in all processes."""
        if self.world_size == 1:
            return value
        values: list[Any] = [value]
        torch.distributed.broadcast_object_list(values, src=0)
        received: T = values[0]
        return received

    def gather(self, value: T) -> list[T]:
        """Return the values of all processes, by rank."""
        if self.world_size == 1:
            return [value]
        values: list[Any] = [None] * self.world_size
        torch.distributed.all_gather_object(values, value)
        return values

    def wait(self) -> None:
        """Wait until all processes have come here."""
        if self.world_size > 1:
            torch.distributed.barrier()


@contextmanager
def joined_ranks(device: str) -> Iterator[tuple[Ranks, str]]:
    """Join the processes that torchrun started, inside the context.

    Without torchrun there is one process. If ``torch.distributed`` is initialized, its processes
    are taken.

    Parameters
    ----------
    device
        Requested device, ``"auto"`` included.

    Yields
    ------
    ranks, device
        Number of this process, and its device: one GPU for each process of a machine.
    """
    if is_distributed():
        yield _current_ranks(), _local_device(device)
        return
    if int(os.environ.get("WORLD_SIZE", "1")) == 1 or "RANK" not in os.environ:
        yield Ranks(), device
        return
    own_device = _local_device(device)
    is_cuda = own_device.startswith("cuda")
    if is_cuda:
        torch.cuda.set_device(own_device)
    backend = "nccl" if is_cuda else "gloo"
    torch.distributed.init_process_group(backend, timeout=WAIT)
    try:
        yield _current_ranks(), own_device
    finally:
        torch.distributed.destroy_process_group()


def _current_ranks() -> Ranks:
    return Ranks(torch.distributed.get_rank(), torch.distributed.get_world_size())


def _local_device(device: str) -> str:
    """Return the device of this process: the GPU with its local rank, if GPUs are requested."""
    is_cuda = device == "cuda" or (device == "auto" and torch.cuda.is_available())
    return f"cuda:{os.environ.get('LOCAL_RANK', '0')}" if is_cuda else device
