"""Read the batches of given steps in this process."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from bids_dl.stream.assembler import Signals
from bids_dl.stream.assembly import FinishBatch, assemble_batches
from bids_dl.stream.batches import Batch, MontageBatch
from bids_dl.stream.buffers import BatchMemory, Buffers, batch_memory
from bids_dl.stream.device_batches import DeviceFinish, make_device_finish
from bids_dl.stream.joined_chunks import JoinedChunks
from bids_dl.stream.mixing.mixed_batches import BatchMixer, part_shapes, part_steps
from bids_dl.stream.mixing.mixture import Mixture
from bids_dl.stream.normalize import Normalizer
from bids_dl.stream.order import Indices, Steps
from bids_dl.stream.read_settings import (
    ReadSettings,
    Traffic,
    default_threads,
    may_read_inline,
)
from bids_dl.stream.stores import ChunkSources


class StoredBatches(NamedTuple):
    """Batches as they are stored, and what is left to do with them."""

    batches: Iterator[Batch]
    finish: DeviceFinish


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
    mixture
        Stores of several shapes, with their own normalizers. None if the signals are delivered as
        they are stored.
    mmap
        Copy windows of verified chunks on a local disk from memory maps.

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
    mixture: Mixture | None = None
    mmap: bool = True

    def __post_init__(self) -> None:
        self.traffic = Traffic()
        self._opened: tuple[int, JoinedChunks] | None = None  # (process, chunks)
        self._spare_memory: tuple[int, tuple[BatchMemory, ...]] | None = None  # (process, memories)

    @property
    def chunks(self) -> JoinedChunks:
        """Chunks of the stores, opened once in each process."""
        if self._opened is None or self._opened[0] != os.getpid():
            self._opened = os.getpid(), self.sources.open()
        return self._opened[1]

    def device_finish(self) -> DeviceFinish | None:
        """Return what is left to do with batches that are read as they are stored.

        None if the batches are resampled, joined or transformed.
        """
        if self.mixture is not None or self.transform is not None:
            return None
        return make_device_finish(self.chunks.int16_resolution, self.normalizer)

    def read(
        self, steps: Steps, chunks_ahead: int, n_workers: int, *, as_stored: bool = False
    ) -> Iterator[Batch]:
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
        as_stored
            Yield int16 and µV as they are stored, to be finished by `device_finish`.
        """
        chunks = self.chunks
        threads = self.threads or default_threads(n_workers, is_local=chunks.is_local)
        max_batch = int(np.diff(steps.bounds).max(initial=1))
        finish: FinishBatch | None = None
        if self.mixture is not None:
            windows_ahead = chunks_ahead * chunks.mean_windows_per_chunk
            parts = part_steps(steps, self.mixture, self.rows)
            shapes = part_shapes(parts, self.mixture, max_batch)
            memories = self._take_memories([*shapes, (max_batch, *self.mixture.window_shape)])
            finished = memories[-1].finished
            finish = BatchMixer(self.mixture, self.rows, steps, parts, finished)
            steps = parts.steps
        else:
            windows_ahead = chunks_ahead * chunks.max_windows_per_chunk
            shape = max_batch, *chunks.window_shape
            memories = self._take_memories([shape], as_stored=as_stored)
        n_groups = 1 if self.mixture is None else len(self.mixture.groups)
        change = None if as_stored or self.mixture is not None else self.normalizer
        settings = ReadSettings(
            threads,
            may_read_inline(self.threads, n_workers),
            windows_ahead,
            memories[:n_groups],
            self.traffic,
            change,
            self.mmap,
        )
        assembled = assemble_batches(
            chunks, self.rows, steps, finish_batch=finish, settings=settings
        )
        try:
            with closing(assembled):
                for signals, windows in assembled:
                    batch = self._make_batch(signals, windows)
                    self.traffic.bytes_cached = self.sources.bytes_cached
                    del signals  # so that only the batch refers to its memory
                    yield batch if self.transform is None else self.transform(batch)
                    del batch
        except GeneratorExit:
            self._spare_memory = os.getpid(), memories
            raise
        # not after an error: a thread that Ctrl-C did not wait for may still write
        self._spare_memory = os.getpid(), memories

    def _make_batch(self, signals: Signals, windows: Indices) -> Any:
        """Return a `Batch`, or a `MontageBatch` if the montage is "any"."""
        rows = self.rows[windows]
        batch = Batch(
            torch.from_numpy(signals),
            torch.from_numpy(self.targets[windows]),
            torch.from_numpy(rows),
        )
        if self.mixture is None or self.mixture.montages is None:
            return batch
        stores = self.mixture.stores_of(rows)
        montages = self.mixture.montages
        positions = torch.from_numpy(montages.positions[stores])
        return MontageBatch(*batch, positions, torch.from_numpy(montages.mask[stores]))

    def _take_memories(
        self, shapes: list[tuple[int, int, int]], *, as_stored: bool = False
    ) -> tuple[BatchMemory, ...]:
        """Return the memories of the previous call if they fit, else new ones."""
        is_int16 = as_stored and self.chunks.int16_resolution is not None
        dtype = np.dtype(np.int16 if is_int16 else np.float32)
        spare = self._spare_memory
        self._spare_memory = None
        if spare is not None:
            process, memories = spare
            fits = [memory.shape for memory in memories] == shapes
            if process == os.getpid() and fits and memories[0].finished.dtype == dtype:
                return memories
        if is_int16:
            integers = Buffers(shapes[0], np.int16)
            return (BatchMemory(integers, integers, None),)
        if self.mixture is None:
            every_store = range(len(self.chunks.readers))
            return (batch_memory(shapes[0], self._resolution_until_complete(every_store)),)
        resolutions = [
            self._resolution_until_complete(group.stores) for group in self.mixture.groups
        ]
        return tuple(map(batch_memory, shapes, [*resolutions, None]))

    def _resolution_until_complete(self, stores: Iterable[int]) -> float | None:
        """Return the µV of one integer if windows stay int16 until their batch is complete.

        Those of a remote store do, because two pools and more are read ahead, with half the memory.
        Those of a local store are converted chunk by chunk, in the processor's cache.
        """
        return None if self.chunks.is_local else self.chunks.int16_resolution_of(stores)

    def __getstate__(self) -> dict[str, Any]:
        fresh = {"traffic": Traffic(), "_opened": None, "_spare_memory": None}
        return self.__dict__ | fresh
