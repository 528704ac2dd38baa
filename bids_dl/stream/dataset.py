"""StreamingDataset: the windows of a store as PyTorch batches."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from torch.utils.data import IterableDataset

from bids_dl.config.arguments import (
    check_callables,
    check_flags,
    check_integers,
    check_optional_integers,
)
from bids_dl.remote.caching.cache import DEFAULT_CACHE_BYTES
from bids_dl.stream.batch_reader import BatchReader, StoredBatches
from bids_dl.stream.batches import Batch
from bids_dl.stream.epoch_plan import EpochPlan, check_batch_size
from bids_dl.stream.mixing.signal_request import SignalRequest
from bids_dl.stream.mixing.weights import check_epoch_options, make_draw
from bids_dl.stream.normalize import Statistics
from bids_dl.stream.order import Steps
from bids_dl.stream.progress import StreamProgress
from bids_dl.stream.ranks import check_ranks
from bids_dl.stream.read_settings import Traffic, chunks_ahead, chunks_per_pool
from bids_dl.stream.resume import Iteration
from bids_dl.stream.select import TargetLike, Where
from bids_dl.stream.selected_windows import select_from_stores
from bids_dl.stream.stores import StoreLike, chunk_sources
from bids_dl.stream.versions import check_versions, describe_versions
from bids_dl.wording import count, describe_rows, describe_rows_html, join_names

if TYPE_CHECKING:
    import pandas as pd


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
        split "train") or a pair (mean, standard deviation) of the channels in µV. Windows are
        resampled before. With any montage, "training" belongs to the store of the window.
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
    montage
        "any" joins stores with other channels, and delivers each `MontageBatch` with the
        positions of its channels. None requires the same channels. Channels without a position
        are left out, with a warning.
    sfreq
        Sampling rate in Hz of the delivered signals. Other windows are resampled as in
        `scipy.signal.resample_poly`; sample 0 stays at the onset. None requires one rate.
    weights
        Share of each store in the windows of an epoch: one positive number per store. The windows
        of a store come equally often, up to one time. None delivers each window once.
    epoch_windows
        Windows of an epoch with ``weights``, by default as many as are selected.
    endless
        Continue a loop with the next epoch, without end.
    pool_bytes
        Approximate size of the pools of chunks that are shuffled together, as float32. Memory for
        unfinished batches stays below three times that size (four times for remote stores), or
        eight chunks. Stores of several shapes may need twice as much. Default: 64 MB, or 160 chunks
        if they are larger, up to 256 MB.
    threads
        Threads that read, by default from the number of cores. With one thread, or one core to
        spare, the loop reads by itself whenever it would only wait.
    cache
        Folder that caches chunks of remote stores for later epochs and runs. True takes the
        user's cache folder (``$XDG_CACHE_HOME/bids_dl/chunks``). Ranks, workers and other streams
        may share the folder.
    cache_bytes
        Maximum size of the cache folder. The least recently used entries are evicted.
    mmap
        Copy windows of float32 on a local Linux disk from memory maps once their chunks were
        verified. False reads files by system calls only.

    Attributes
    ----------
    windows
        Table of the selected windows, read on first use. Its index is the row of the store.
    classes
        Class names by class index. Empty if the target is numeric or an array.
    channels, sfreq, n_chans, n_times
        Channel names, sampling rate in Hz, and shape of a window. With any montage, ``n_chans`` is
        the maximum of the stores, and ``channels`` is empty if they differ (see `channels_of`).
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
        montage: str | None = None,
        sfreq: float | None = None,
        weights: Sequence[float] | None = None,
        epoch_windows: int | None = None,
        endless: bool = False,
        pool_bytes: int | None = None,
        threads: int | None = None,
        cache: str | os.PathLike[str] | bool = False,
        cache_bytes: int = DEFAULT_CACHE_BYTES,
        mmap: bool = True,
    ) -> None:
        super().__init__()
        check_batch_size(batch_size)
        check_integers(cache_bytes=cache_bytes)
        check_integers(seed=seed, minimum=None)
        check_optional_integers(pool_bytes=pool_bytes, threads=threads)
        check_optional_integers(rank=rank, world_size=world_size, minimum=None)
        check_flags(shuffle=shuffle, drop_last=drop_last, endless=endless, mmap=mmap)
        check_callables(transform=transform)
        check_epoch_options(weights, epoch_windows, shuffle=shuffle)
        selected = select_from_stores(
            store,
            storage_options,
            split=split,
            where=where,
            target=target,
            normalize=normalize,
            drop_missing=drop_missing,
            request=SignalRequest(montage, sfreq),
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
        self.endless = endless
        self._reader = BatchReader(
            chunk_sources(selected.stores, cache, cache_bytes),
            selected.rows,
            selected.targets,
            selected.normalizer,
            transform,
            threads,
            selected.mixture,
            mmap,
        )
        self._plan = self._plan_epochs(pool_bytes, weights, epoch_windows)
        ranks = check_ranks(rank, world_size)
        self._progress = StreamProgress(self._plan, ranks, seed, endless=endless)

    def _plan_epochs(
        self, pool_bytes: int | None, weights: Sequence[float] | None, epoch_windows: int | None
    ) -> EpochPlan:
        """Return the plan of the epochs, for the options of the stream."""
        reader = self._reader
        chunks, _ = reader.chunks.locate(self._rows)
        sizes = np.diff(np.searchsorted(self._rows, reader.sources.first_rows)).tolist()
        urls = reader.sources.urls
        return EpochPlan(
            self._rows,
            chunks,
            chunks_per_pool(pool_bytes, reader.chunks.max_chunk_bytes),
            self.batch_size,
            self.shuffle,
            self.drop_last,
            make_draw(weights, epoch_windows, urls=urls, sizes=sizes, chunks=chunks),
        )

    def __repr__(self) -> str:
        return describe_rows(type(self).__name__, self._describe())

    def _repr_html_(self) -> str:
        """Describe the stream in a notebook."""
        return describe_rows_html(type(self).__name__, self._describe())

    def _describe(self) -> dict[str, str]:
        _, world_size = self._progress.rank()
        n_batches = self._plan.n_steps(world_size)
        batches = f"{n_batches} of up to {count(self.batch_size, 'window')}"
        if self.endless:
            batches += " per epoch, endless"
        description = {**self._selected.describe(), "batches": batches}
        if self._plan.draw is not None:
            counts = join_names(self._plan.draw.counts.tolist())
            description["weights"] = f"{counts} windows of the stores per epoch"
        return description

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
        self._progress.set_epoch(epoch)

    def channels_of(self, store: int) -> tuple[str, ...]:
        """Return the names of the channels of a store, in the order of its signals.

        Parameters
        ----------
        store
            Index in the list of stores.

        Examples
        --------
        >>> stream = StreamingDataset(["eyes.zarr"], montage="any")
        >>> len(stream.channels_of(0)) == stream.n_chans
        True
        """
        return self._selected.channels_of(store)

    def __len__(self) -> int:
        """Return the batches of an epoch on each rank. A loop that resumes an epoch has fewer.

        Raises
        ------
        TypeError
            The stream is endless.
        """
        if self.endless:
            raise TypeError("an endless stream has no length; count the steps of the loop instead")
        _, world_size = self._progress.rank()
        return self._plan.n_steps(world_size)

    def __iter__(self) -> Iterator[Batch]:
        return self._iterate(self._progress.begin())

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
        rank, world_size = self._progress.rank()
        names, recordings = self._selected.recordings()
        batches = self._read(recordings.take_every(world_size, start=rank), 1)
        yield from zip(names[rank::world_size], batches, strict=True)

    def state_dict(self, step: int | None = None) -> dict[str, Any]:
        """Return the progress in the epoch: a few numbers, ready for JSON, equal on all ranks.

        For stores on the hub, the state also names the commits that are read.

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
        return self._progress.state(step) | describe_versions(self._selected.stores)

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
            The state belongs to another selection or order of windows, to one worker process, or
            to a commit of the hub with other content.
        """
        check_versions(self._selected.stores, state)
        self._progress.load(state)

    def stored_batches(self) -> StoredBatches | None:
        """Return the batches as stored, for `to_device`, or None if it cannot finish them."""
        finish = self._reader.device_finish()
        if finish is None:
            return None
        return StoredBatches(self._iterate(self._progress.begin(), as_stored=True), finish)

    def _iterate(self, iteration: Iteration, *, as_stored: bool = False) -> Iterator[Batch]:
        for steps in self._progress.steps_of(iteration):
            for batch in self._read(steps, iteration.n_workers, as_stored=as_stored):
                iteration.batches_delivered += 1
                yield batch

    def _read(self, steps: Steps, n_workers: int, *, as_stored: bool = False) -> Iterator[Batch]:
        local = self._reader.chunks.is_local
        n_ahead = chunks_ahead(self._plan.pool_chunks, is_local=local, shuffle=self.shuffle)
        return self._reader.read(steps, n_ahead, n_workers, as_stored=as_stored)
