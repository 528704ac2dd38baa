"""Read the batches of given steps in this process."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, NoReturn

import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data._utils.collate import default_collate_fn_map

from bids_dl.errors import ConfigError
from bids_dl.stream.assembly import assemble_batches
from bids_dl.stream.buffers import BatchMemory, batch_memory
from bids_dl.stream.normalize import Normalizer
from bids_dl.stream.order import Indices, Steps
from bids_dl.stream.read_settings import ReadSettings, Traffic, default_threads
from bids_dl.stream.stores import ChunkSources, JoinedChunks


class Batch(NamedTuple):
    """Windows that are delivered together."""

    signals: torch.Tensor  # float32 (batch, n_chans, n_times), in µV unless normalized
    target: torch.Tensor  # int64 class indices or float32 numbers, (batch,) or (batch, k)
    index: torch.Tensor  # type: ignore[assignment]  # int64 (batch,): rows of the store


def _refuse_second_batching(_batches: list[Batch], **_options: Any) -> NoReturn:
    """Refuse to batch batches. A loader with ``batch_size=None`` does not call this function."""
    raise ConfigError(
        "the stream makes the batches, and this DataLoader would batch them again: "
        "use DataLoader(stream, batch_size=None), and StreamingDataset(..., batch_size=64)"
    )


# for loaders of this process, and of workers, which import this module to unpickle the stream
default_collate_fn_map[Batch] = _refuse_second_batching


@dataclass(eq=False)
class BatchReader:
    """Batches of the selected windows, read in any process.

    A copy in another process, such as a DataLoader worker, opens the stores again.

    Parameters
    ----------
    sources
        Sources of the chunks.
    rows
        (n_windows,): row of each selected window in the joined table.
    targets
        (n_windows,) or (n_windows, k): target of each selected window.
    normalizer
        Normalizes the signals of a batch in place. None keeps µV.
    transform
        Function called with each batch. Its return value is delivered instead.
    threads
        Threads that read. None chooses by the number of cores.

    Attributes
    ----------
    traffic
        Bytes read and used so far in this process.
    """

    sources: ChunkSources
    rows: Indices
    targets: npt.NDArray[Any]
    normalizer: Normalizer | None
    transform: Callable[[Batch], Any] | None
    threads: int | None

    def __post_init__(self) -> None:
        self.traffic = Traffic()
        self._opened: tuple[int, JoinedChunks] | None = None  # (process, chunks)
        self._spare_memory: tuple[int, BatchMemory] | None = None  # (process, memory)

    @property
    def chunks(self) -> JoinedChunks:
        """Chunks of the stores, opened once in each process."""
        if self._opened is None or self._opened[0] != os.getpid():
            self._opened = os.getpid(), self.sources.open()
        return self._opened[1]

    def read(self, steps: Steps, *, chunks_ahead: int, n_workers: int) -> Iterator[Batch]:
        """Yield the batches of steps.

        Their memory is kept for the next call in this process.

        Parameters
        ----------
        steps
            Positions among the selected windows, step by step.
        chunks_ahead
            Chunks to read ahead of the loop.
        n_workers
            Processes that share the cores.
        """
        chunks = self.chunks
        max_batch = int(np.diff(steps.bounds).max(initial=1))
        memory = self._take_memory((max_batch, *chunks.window_shape))
        threads = self.threads or default_threads(n_workers, is_local=chunks.is_local)
        windows_ahead = chunks_ahead * chunks.max_windows_per_chunk
        settings = ReadSettings(threads, windows_ahead, memory, self.traffic)
        try:
            for signals, windows in assemble_batches(
                chunks, self.rows, steps, finish_batch=self.normalizer, settings=settings
            ):
                target = torch.from_numpy(self.targets[windows])
                index = torch.from_numpy(self.rows[windows])
                batch = Batch(torch.from_numpy(signals), target, index)
                self.traffic.bytes_cached = self.sources.bytes_cached
                del signals  # so that only the batch refers to its memory
                yield batch if self.transform is None else self.transform(batch)
                del batch
        finally:
            self._spare_memory = os.getpid(), memory

    def _take_memory(self, shape: tuple[int, int, int]) -> BatchMemory:
        """Return the memory of the previous call if it has this batch shape, else new memory."""
        spare = self._spare_memory
        self._spare_memory = None
        if spare is not None and (spare[0], spare[1].shape) == (os.getpid(), shape):
            return spare[1]
        return batch_memory(shape, self.chunks.int16_resolution)

    def __getstate__(self) -> dict[str, Any]:
        fresh = {"traffic": Traffic(), "_opened": None, "_spare_memory": None}
        return self.__dict__ | fresh
