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
from bids_dl.stream.assembly import FinishBatch, Part, Signals, assemble_batches
from bids_dl.stream.buffers import BatchMemory, batch_memory
from bids_dl.stream.mixing.mixed_batches import BatchMixer, part_shapes, part_steps
from bids_dl.stream.mixing.mixture import Mixture
from bids_dl.stream.normalize import Normalizer
from bids_dl.stream.order import Indices, Steps
from bids_dl.stream.read_settings import ReadSettings, Traffic, default_threads
from bids_dl.stream.stores import ChunkSources, JoinedChunks


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
            memories = self._take_memories([(max_batch, *chunks.window_shape)])
            if self.normalizer is not None:
                finish = self._normalize
        n_groups = 1 if self.mixture is None else len(self.mixture.groups)
        settings = ReadSettings(threads, windows_ahead, memories[:n_groups], self.traffic)
        try:
            for signals, windows in assemble_batches(
                chunks, self.rows, steps, finish_batch=finish, settings=settings
            ):
                batch = self._make_batch(signals, windows)
                self.traffic.bytes_cached = self.sources.bytes_cached
                del signals  # so that only the batch refers to its memory
                yield batch if self.transform is None else self.transform(batch)
                del batch
        finally:
            self._spare_memory = os.getpid(), memories

    def _normalize(self, _number: int, parts: list[Part]) -> Part:
        """Normalize a batch that has one part."""
        [(signals, windows)] = parts
        if self.normalizer is not None:
            self.normalizer(signals, self.rows[windows])
        return signals, windows

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

    def _take_memories(self, shapes: list[tuple[int, int, int]]) -> tuple[BatchMemory, ...]:
        """Return the memories of the previous call if they have these shapes, else new ones."""
        spare = self._spare_memory
        self._spare_memory = None
        if spare is not None:
            process, memories = spare
            if process == os.getpid() and [memory.shape for memory in memories] == shapes:
                return memories
        if self.mixture is None:
            return (batch_memory(shapes[0], self.chunks.int16_resolution),)
        resolutions = [
            self.chunks.int16_resolution_of(group.stores) for group in self.mixture.groups
        ]
        return tuple(map(batch_memory, shapes, [*resolutions, None]))

    def __getstate__(self) -> dict[str, Any]:
        fresh = {"traffic": Traffic(), "_opened": None, "_spare_memory": None}
        return self.__dict__ | fresh
