"""StreamingDataset: the windows of a store as PyTorch batches."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from torch.utils.data import IterableDataset, get_worker_info

from bids_dl.config.arguments import (
    check_callables,
    check_flags,
    check_integers,
    check_optional_integers,
)
from bids_dl.errors import ConfigError
from bids_dl.remote.caching.cache import DEFAULT_CACHE_BYTES
from bids_dl.stream.batch_reader import Batch, BatchReader
from bids_dl.stream.epoch_plan import EpochPlan, check_batch_size
from bids_dl.stream.normalize import Statistics
from bids_dl.stream.order import Steps
from bids_dl.stream.ranks import check_ranks, current_rank, is_distributed
from bids_dl.stream.read_settings import Traffic, chunks_ahead, chunks_per_pool
from bids_dl.stream.resume import (
    Iteration,
    ResumePoint,
    SharedProgress,
    WorkerState,
    format_state,
    parse_state,
)
from bids_dl.stream.select import TargetLike, Where
from bids_dl.stream.selected_windows import select_from_stores
from bids_dl.stream.stores import JoinedColumns, StoreLike, chunk_sources
from bids_dl.wording import count, describe_rows, describe_rows_html


class StreamingDataset(IterableDataset[Batch]):
    """Batches of a finished store, or of several joined stores, read ahead of the loop.

    Iterate it directly, or pass it to ``DataLoader(stream, batch_size=None)``. Each window is
    delivered once per epoch. All ranks make the same number of steps. The order of a rank depends
    only on seed, epoch, world size and rank. Each loop repeats the epoch of the previous loop
    until `set_epoch` sets another.

    Parameters
    ----------
    store
        URL, path or `Store`, or a list of them. A list is joined: its rows are numbered
        consecutively, and the table has a column ``store``.
    split
        "train", "validation" or "test". None takes all.
    where
        Mapping from a column to a value, a list, or an inclusive range (low, high), where None is
        no limit; one boolean per window of the store(s); or a function of the table making them.
    target
        Column to predict, a list of columns of numbers, or an array of one row per window of the
        store(s): integers as int64, floats as float32; NaN, or a row of only NaN, is missing.
    normalize
        Z-score each channel by ``"window"``, ``"recording"``, ``"training"`` (all windows of the
        split "train") or a pair (mean, standard deviation) of the channels in µV.
    transform
        Function called with each `Batch`. Its return value is delivered instead.
    batch_size
        Windows per batch and rank.
    shuffle
        Shuffle the windows. If False, they come in the order of the store, and each of several
        ranks takes a contiguous part.
    seed
        Seed of the order.
    drop_last
        Leave out the windows that do not fill a batch on every rank. If False, the last two steps
        share them evenly, so a batch can be empty if there are fewer windows than batches.
    rank, world_size
        By default those of ``torch.distributed``, if it is initialized.
    storage_options
        Options for the file system of the URLs, as in fsspec.
    drop_missing
        Leave out windows without a target.
    pool_bytes
        Approximate size of the pools of chunks that are shuffled together, as float32. Memory for
        unfinished batches stays below three times that size (four times for remote stores), or
        eight chunks. Default: 64 MB, or 160 chunks if they are larger, up to 256 MB.
    threads
        Threads that read, by default from the number of cores. With one thread, the loop reads
        inline whenever it would only wait for that thread.
    cache
        Folder that caches chunks of remote stores for later epochs and runs. True takes the
        user's cache folder (``$XDG_CACHE_HOME/bids_dl/chunks``). Ranks, workers and other streams
        may share the folder.
    cache_bytes
        Maximum size of the cache folder. The least recently used entries are evicted.

    Attributes
    ----------
    windows
        Table of the selected windows, read on first use. Its index is the row of the store.
    classes
        Class names by class index. Empty if the target is numeric or an array.
    channels, sfreq, n_chans, n_times
        Channel names, sampling rate in Hz, and shape of a window.
    traffic
        Bytes read and used so far in this process.

    Raises
    ------
    StoreError
        There is no finished store, or the stores do not fit each other.
    TargetError, ConditionError
        The target, or ``where``, does not fit the table of the store, or windows have no target.
    NoMatchError
        No window is left.
    ConfigError
        An option is out of range, or has a wrong type (`ArgumentTypeError`, also a `TypeError`).

    Examples
    --------
    >>> stream = StreamingDataset("eyes.zarr", split="train", batch_size=64, seed=0)
    >>> stream.set_epoch(0)
    >>> for signals, target, index in stream:
    ...     assert signals.shape[1:] == (stream.n_chans, stream.n_times)
    """

    def __init__(
        self,
        store: StoreLike | Sequence[StoreLike],
        *,
        split: str | None = None,
        where: Where | None = None,
        target: TargetLike = "label",
        normalize: str | Statistics | None = None,
        transform: Callable[[Batch], Any] | None = None,
        batch_size: int = 64,
        shuffle: bool = True,
        seed: int = 0,
        drop_last: bool = False,
        rank: int | None = None,
        world_size: int | None = None,
        storage_options: Mapping[str, Any] | None = None,
        drop_missing: bool = False,
        pool_bytes: int | None = None,
        threads: int | None = None,
        cache: str | os.PathLike[str] | bool = False,
        cache_bytes: int = DEFAULT_CACHE_BYTES,
    ) -> None:
        super().__init__()
        check_batch_size(batch_size)
        check_integers(cache_bytes=cache_bytes)
        check_integers(seed=seed, minimum=None)
        check_optional_integers(pool_bytes=pool_bytes, threads=threads)
        check_optional_integers(rank=rank, world_size=world_size, minimum=None)
        check_flags(shuffle=shuffle, drop_last=drop_last)
        check_callables(transform=transform)
        selected = select_from_stores(
            store,
            storage_options,
            split=split,
            where=where,
            target=target,
            normalize=normalize,
            drop_missing=drop_missing,
        )
        self._selected = selected
        self._rows = selected.rows
        self.channels = selected.channels
        self.sfreq = selected.sfreq
        self.n_chans, self.n_times = selected.window_shape
        self.classes = selected.classes

        self.batch_size = batch_size
        self.shuffle = shuffle
        self.drop_last = drop_last
        self._ranks = check_ranks(rank, world_size)
        self._reader = BatchReader(
            chunk_sources(selected.stores, cache, cache_bytes),
            selected.rows,
            selected.targets,
            selected.normalizer,
            transform,
            threads,
        )
        chunks = self._reader.chunks
        chunk_bytes = 4 * chunks.max_windows_per_chunk * self.n_chans * self.n_times
        self._plan = EpochPlan(
            selected.rows,
            chunks.locate(selected.rows)[0],
            chunks_per_pool(pool_bytes, chunk_bytes),
            batch_size,
            shuffle,
            drop_last,
        )
        self._progress = SharedProgress(seed)
        self._iteration: Iteration | None = None  # the last one begun in this process
        self._resumed: Iteration | None = None  # first iteration of a worker that loaded a state

    def __repr__(self) -> str:
        return describe_rows(type(self).__name__, self._describe())

    def _repr_html_(self) -> str:
        """Describe the stream in a notebook."""
        return describe_rows_html(type(self).__name__, self._describe())

    def _describe(self) -> dict[str, str]:
        batches = f"{len(self)} of up to {count(self.batch_size, 'window')}"
        return {**self._selected.describe(), "batches": batches}

    @property
    def windows(self) -> pd.DataFrame:
        """Table of the selected windows. Its index is the row of the store."""
        return self._selected.table

    @property
    def traffic(self) -> Traffic:
        """Bytes read and used so far in this process."""
        return self._reader.traffic

    @property
    def epoch(self) -> int:
        """Epoch of the next loop."""
        return self._progress.epoch

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch of the next loop, also in worker processes.

        Setting the same epoch again keeps a loaded state.

        Raises
        ------
        ConfigError
            ``epoch`` is negative.
        """
        check_integers(epoch=epoch, minimum=0)
        self._progress.set_epoch(epoch)
        if self._iteration is not None and self._iteration.start.epoch != epoch:
            self._iteration = None

    def __len__(self) -> int:
        """Return the batches of an epoch on each rank. A loop that resumes an epoch has fewer."""
        _, world_size = self._rank()
        return self._plan.n_steps(world_size)

    def __iter__(self) -> Iterator[Batch]:
        if self._resumed is not None:
            self._iteration = self._resumed
            self._resumed = None
        else:
            self._iteration = Iteration(self._progress.begin_iteration())
            info = get_worker_info()
            if info is not None:
                self._iteration.worker = info.id
                self._iteration.n_workers = info.num_workers
        return self._iterate(self._iteration)

    def recordings(self) -> Iterator[tuple[str, Batch]]:
        """Yield each recording with all its windows as one batch, in the order of the store.

        Ranks take recordings in turn. The order and progress of the epochs do not change.

        Yields
        ------
        name, batch
            ``DATASET/RECORDING`` and its windows.

        Examples
        --------
        >>> for name, batch in StreamingDataset("eyes.zarr").recordings():
        ...     assert len(batch.signals) == len(batch.index)
        """
        rank, world_size = self._rank()
        table = JoinedColumns(self._selected.stores)
        table.fetch(["dataset", "recording"])
        keys = table["dataset"].astype(str) + "/" + table["recording"].astype(str)
        names = keys.to_numpy()[self._rows]
        store = np.searchsorted(self._reader.sources.first_rows, self._rows, side="right")
        is_next = (names[1:] != names[:-1]) | (store[1:] != store[:-1])
        first = np.flatnonzero(np.r_[True, is_next])
        all_recordings = Steps(np.arange(len(names)), np.r_[first, len(names)])
        steps = all_recordings.take_every(world_size, start=rank)
        batches = self._read(steps, n_workers=1)
        yield from zip(names[first[rank::world_size]].tolist(), batches, strict=True)

    def state_dict(self, step: int | None = None) -> dict[str, Any]:
        """Return the progress in the epoch: a few numbers, ready for JSON, equal on all ranks.

        Parameters
        ----------
        step
            Batches that the loop has received on each rank. Required if DataLoader workers read
            the stream, since they are ahead of the loop.

        Raises
        ------
        ConfigError
            ``step`` is missing or out of range.

        Examples
        --------
        >>> stream = StreamingDataset("eyes.zarr", batch_size=32)
        >>> first_batch = next(iter(stream))
        >>> resumed = StreamingDataset("eyes.zarr", batch_size=32)
        >>> resumed.load_state_dict(stream.state_dict())
        >>> len(list(resumed)) == len(stream) - 1
        True
        """
        check_optional_integers(step=step, minimum=None)
        iteration = self._iteration
        is_worker = get_worker_info() is not None
        if is_worker and iteration is not None:
            worker = WorkerState(iteration.worker, iteration.n_workers, iteration.batches_delivered)
            return self._state(iteration.start, 0, worker)
        in_workers = self._progress.in_workers
        if step is None and not is_worker and in_workers:
            raise ConfigError(
                "worker processes read this stream ahead of the loop: "
                "pass step=, the number of batches the loop has received"
            )
        if iteration is not None and not in_workers:
            delivered = iteration.batches_delivered if step is None else step
            return self._state(iteration.start, delivered)
        if step is None:
            return self._state(self._progress.next_start(), 0)
        return self._state(self._progress.current_start(), step)

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Resume at the next batch after a state, with any world size and batch size.

        Windows that were delivered before the state was taken are not delivered again.

        Parameters
        ----------
        state
            Return value of `state_dict`.

        Raises
        ------
        ConfigError
            The state belongs to another selection or order of windows, or to one worker process.
        """
        start, selection, worker = parse_state(state)
        if selection != self._plan.checksum():
            raise ConfigError(
                "this state belongs to other windows or another order: "
                "use the same stores, split, where, target and shuffle"
            )
        info = get_worker_info()
        _, world_size = self._rank()
        steps_left = self._plan.n_steps_left(start, world_size)
        if info is None:
            if worker is not None:
                raise ConfigError(
                    "this is the state of one worker process; "
                    "restore it with a StatefulDataLoader that has as many workers"
                )
            self._progress.load(start, is_complete=steps_left == 0)
            self._iteration = None
            return
        worker = worker or WorkerState(info.id, info.num_workers, 0)
        if worker[:2] != (info.id, info.num_workers):
            raise ConfigError(
                f"the state of worker {worker.worker} of {worker.n_workers} was loaded by "
                f"worker {info.id} of {info.num_workers}; keep num_workers"
            )
        next_step = worker.worker + worker.batches_delivered * worker.n_workers
        self._resumed = Iteration(start, *worker)
        self._progress.load_worker(start, is_complete=next_step >= steps_left)

    def _iterate(self, iteration: Iteration) -> Iterator[Batch]:
        steps = self._plan.steps_left(iteration.start, *self._rank())
        n_workers = iteration.n_workers
        next_step = iteration.worker + iteration.batches_delivered * n_workers
        worker_steps = steps.take_every(n_workers, start=next_step)
        for batch in self._read(worker_steps, n_workers=n_workers):
            iteration.batches_delivered += 1
            yield batch

    def _read(self, steps: Steps, *, n_workers: int) -> Iterator[Batch]:
        is_local = self._reader.chunks.is_local
        n_ahead = chunks_ahead(self._plan.pool_chunks, is_local=is_local, shuffle=self.shuffle)
        return self._reader.read(steps, chunks_ahead=n_ahead, n_workers=n_workers)

    def _state(
        self, start: ResumePoint, steps: int, worker: WorkerState | None = None
    ) -> dict[str, Any]:
        """Return the state after ``steps`` steps from ``start``."""
        _, world_size = self._rank()
        phases = self._plan.phases_after(start, steps, world_size)
        return format_state(start, phases, self._plan.checksum(), worker)

    def _rank(self) -> tuple[int, int]:
        """Return rank and world size."""
        return self._ranks or current_rank()

    def __getstate__(self) -> dict[str, Any]:
        # torch.distributed may be initialized here, but not in a spawned worker.
        ranks = current_rank() if self._ranks is None and is_distributed() else self._ranks
        return self.__dict__ | {"_iteration": None, "_ranks": ranks}
