"""StreamingDataset: the windows of a store as PyTorch batches."""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from torch.utils.data import IterableDataset, get_worker_info

from bids_dl.errors import ConfigError
from bids_dl.remote.cache import DEFAULT_BYTES, open_folder
from bids_dl.stream.normalize import Statistics, scaling
from bids_dl.stream.order import Order, Phase, Steps, left_after, n_steps, steps_of
from bids_dl.stream.pool import CHUNKS_AHEAD, Chunks, Memory, Reading, Traffic, batches, memory
from bids_dl.stream.resume import Position, Start, to_phases
from bids_dl.stream.select import Where, check_missing, select, targets
from bids_dl.stream.stores import Columns, Place, joined_classes, joined_table, open_all, sources

REMOTE_THREADS = 32  # each has several requests under way; they mostly wait
POOL_BYTES, POOL_CHUNKS, MOST_POOL_BYTES = (
    64_000_000,
    160,
    256_000_000,
)  # by default as many chunks as mix people well


class Batch(NamedTuple):
    """Windows that come together."""

    signals: torch.Tensor  # float32 (batch, n_chans, n_times), µV unless normalized
    target: torch.Tensor  # int64 codes (batch,), float32 numbers (batch,) or (batch, k)
    index: torch.Tensor  # type: ignore[assignment]  # int64 (batch,): rows of the store


@dataclass(slots=True)
class Loop:
    """One pass that was begun, and how far it is."""

    start: Start
    worker: int = 0
    n_workers: int = 1
    handed_out: int = 0  # batches, by this worker


class StreamingDataset(IterableDataset[Batch]):
    """Batches of a finished store, or of several as one, read by threads ahead of the loop.

    Iterate it, or hand it to ``DataLoader(stream, batch_size=None)``; `Batch` says what comes. Each window comes once
    an epoch, every rank makes the same number of steps, and the order of a rank depends on seed, epoch, world size and rank alone.
    A loop repeats the epoch of the last one until `set_epoch` picks another.

    Parameters
    ----------
    store
        URL, path or `Store`, or a list of them; rows then run on through the list, and the table has a column ``store``.
    split
        "train", "validation" or "test"; None takes all.
    where
        Column to value, list of values or (low, high), both ends included and None for no limit; or one boolean per window of the store(s).
    target
        Column to predict, or a list of columns of numbers.
    normalize
        Z-scores of each channel by ``"window"``, ``"recording"`` or ``"training"`` (all windows of the split "train"), or by
        given (mean, standard deviation) of the channels in µV.
    transform
        Called with each `Batch`; what it returns is handed out.
    shuffle
        False keeps the order of the store; several ranks then take a stretch each.
    drop_last
        Leave out the windows that do not fill a batch on every rank; else the last two steps share what is left evenly, which can leave
        a batch empty where there are fewer windows than batches.
    rank, world_size
        Default: those of ``torch.distributed`` where it is initialised.
    storage_options
        Reach the file system of the URLs, as in fsspec.
    drop_missing
        Leave out windows without a target.
    pool_bytes
        Chunks are shuffled in groups of about this many bytes of float32; memory for batches in the making stays below three times as
        much (four times from afar), or eight chunks. Default: 64 MB, or 160 chunks if they are more, up to 256 MB.
    threads
        Threads that read; default by the number of cores. A single one rests while the loop does nothing but wait: the loop reads then.
    cache
        A folder that keeps what is read of stores that are not local, for the next epoch and the next run; True takes the user's
        (``$XDG_CACHE_HOME/bids_dl/chunks``). Ranks, workers and other streams may share it.
    cache_bytes
        Size of that folder, at most; what was not used for longest makes room.

    Attributes
    ----------
    windows
        The table of the windows it takes, read when asked for; the index is the row of the store.
    classes
        What the codes of a text target stand for; empty for numbers.
    channels, sfreq, n_chans, n_times
        Names of the channels, rate in Hz, and the shape of a window.
    traffic
        Bytes read and used so far in this process.

    Raises
    ------
    StoreError
        No finished store there, or stores that do not fit each other.
    TargetError
        A column that is not there, or windows without a target.
    NoMatchError
        No window is left.
    ConfigError
        An option out of its range.
    """

    def __init__(
        self,
        store: Place | Sequence[Place],
        *,
        split: str | None = None,
        where: Where | None = None,
        target: str | Sequence[str] = "label",
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
        cache: str | Path | bool = False,
        cache_bytes: int = DEFAULT_BYTES,
    ) -> None:
        super().__init__()
        _check_numbers(
            batch_size=batch_size, pool_bytes=pool_bytes, threads=threads, cache_bytes=cache_bytes
        )
        stores = open_all(store, storage_options)
        table = Columns(stores)
        needed = [target] if isinstance(target, str) else [*target]
        with ThreadPoolExecutor(1) as beside:  # one round trip for both
            channels = beside.submit(lambda: stores[0].channels)
            table.fetch(
                [
                    *needed,
                    *(where if isinstance(where, Mapping) else []),
                    *(["split"] if split is not None else []),
                ]
            )
        found = targets(table, target, joined_classes(stores))
        mask = select(table, split=split, where=where)
        if not drop_missing:
            check_missing(found, mask, target)
        self._rows = np.flatnonzero(mask & ~found.missing)
        self._targets = found.values[self._rows]
        self._stores, self._several = (
            stores,
            isinstance(store, Sequence) and not isinstance(store, str),
        )
        self.traffic = Traffic()
        self.classes: tuple[str, ...] = found.classes
        self.channels, self.sfreq = channels.result(), stores[0].sfreq
        _, self.n_chans, self.n_times = stores[0].shape
        self.batch_size, self.shuffle, self.drop_last = batch_size, shuffle, drop_last
        self._scaling, self._transform = scaling(stores, table, normalize), transform
        self._threads = threads
        self._ranks = _checked_ranks(rank, world_size)
        self._sources = sources(
            stores, open_folder(None if cache is True else cache) if cache else None, cache_bytes
        )
        self._opened: tuple[int, Chunks] | None = None  # by which process
        self._kept: tuple[int, Memory] | None = None  # of the last loop, of which process
        chunks = self._open()
        self._chunks = chunks.locate(self._rows)[0]
        self._pool = _pool_chunks(pool_bytes, 4 * chunks.size * self.n_chans * self.n_times)
        self._position = Position(_check_seed(seed))
        self._loop: Loop | None = None  # the last one begun in this process
        self._resumed: Loop | None = None  # what a worker that was given its own state begins with

    @cached_property
    def windows(self) -> pd.DataFrame:
        return joined_table(self._stores, named=self._several).iloc[self._rows]

    @property
    def epoch(self) -> int:
        return self._position.epoch

    def set_epoch(self, epoch: int) -> None:
        """Pick the epoch of the next loop, in worker processes too; the same again keeps a loaded position."""
        if epoch < 0:
            raise ConfigError(f"epochs count from 0, got {epoch}")
        self._position.set_epoch(epoch)
        if self._loop is not None and self._loop.start.epoch != epoch:
            self._loop = None

    def __len__(self) -> int:
        """Batches of an epoch on each rank; a loop that resumes one has fewer."""
        return n_steps(
            len(self._rows), self._rank_and_world()[1], self.batch_size, drop_last=self.drop_last
        )

    def __iter__(self) -> Iterator[Batch]:
        info = get_worker_info()
        if self._resumed is not None:
            self._loop, self._resumed = self._resumed, None
        else:
            self._loop = Loop(
                self._position.take(), *((info.id, info.num_workers) if info else (0, 1))
            )
        return self._batches(self._loop)

    def recordings(self) -> Iterator[tuple[str, Batch]]:
        """Each recording, ``DATASET/RECORDING``, with all its windows as one batch, in the order of the store (for hypnograms, viewers).

        Ranks take recordings in turn. Neither order nor position of the epochs changes.
        """
        rank, world = self._rank_and_world()
        table = Columns(self._stores)
        table.fetch(["dataset", "recording"])
        keys = (table["dataset"].astype(str) + "/" + table["recording"].astype(str)).to_numpy()[
            self._rows
        ]
        store = np.searchsorted(self._sources.first_rows, self._rows, side="right")
        starts = np.flatnonzero(np.r_[True, (keys[1:] != keys[:-1]) | (store[1:] != store[:-1])])
        steps = Steps(np.arange(len(keys)), np.r_[starts, len(keys)]).every(world, start=rank)
        yield from zip(
            keys[starts[rank::world]].tolist(), self._read(steps, n_workers=1), strict=True
        )

    def state_dict(self, step: int | None = None) -> dict[str, Any]:
        """Position in the epoch, the same for all ranks: a few numbers, fit for JSON.

        Parameters
        ----------
        step
            Batches that the loop has received on each rank. Must be given where workers of a DataLoader read, since they run ahead.
        """
        worker = get_worker_info() is not None
        if worker and self._loop is not None:
            loop = self._loop
            return self._state(loop.start, 0) | {
                "worker": [loop.worker, loop.n_workers, loop.handed_out]
            }
        if step is None and not worker and self._position.in_workers:
            raise ConfigError(
                "worker processes read this stream ahead of the loop: pass step=, the number of batches the loop has received"
            )
        if self._loop is None or self._position.in_workers:
            return self._state(
                self._position.next() if step is None else self._position.current(), step or 0
            )
        return self._state(self._loop.start, self._loop.handed_out if step is None else step)

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Begin the next loop where a state was taken, with any world size; what was handed out by then does not come again.

        Raises
        ------
        ConfigError
            The state is of another selection of windows or another order, or of one worker process.
        """
        try:
            start = Start(int(state["seed"]), int(state["epoch"]), to_phases(state["progress"]))
            selection, worker = int(state["selection"]), state.get("worker")
        except (KeyError, TypeError, ValueError):
            raise ConfigError(
                "this is no state of a StreamingDataset; it wants what state_dict() returned"
            ) from None
        if selection != self._selection():
            raise ConfigError(
                "this state belongs to other windows or another order: use the same stores, split, where, target and shuffle"
            )
        info, left = get_worker_info(), self._steps_left(start)
        if info is None:
            if worker is not None:
                raise ConfigError(
                    "this is the state of one worker process; a StatefulDataLoader with as many workers restores it"
                )
            self._position.load(start, complete=left == 0)
            self._loop = None
            return
        number, n_workers, handed_out = worker or (info.id, info.num_workers, 0)
        if (number, n_workers) != (info.id, info.num_workers):
            raise ConfigError(
                f"the state of worker {number} of {n_workers} went to worker {info.id} of {info.num_workers}; keep num_workers"
            )
        self._resumed = Loop(start, number, n_workers, handed_out)
        self._position.load_worker(start, complete=number + handed_out * n_workers >= left)

    def _batches(self, loop: Loop) -> Iterator[Batch]:
        rank, world = self._rank_and_world()
        done, first = self._split(loop.start.phases)
        order = Order(
            self._chunks,
            self._pool,
            loop.start.seed,
            loop.start.epoch,
            self.shuffle,
            self.drop_last,
        )
        steps = steps_of(order, done, world, self.batch_size, rank)
        mine = steps.every(
            loop.n_workers, start=first + loop.worker + loop.handed_out * loop.n_workers
        )
        for batch in self._read(mine, n_workers=loop.n_workers):
            loop.handed_out += 1
            yield batch

    def _read(self, steps: Steps, *, n_workers: int) -> Iterator[Batch]:
        """The batches of some steps; the memory they leave is kept for the next loop of this process."""
        chunks = self._open()
        ahead = chunks.size * _chunks_ahead(self._pool, local=chunks.is_local, shuffle=self.shuffle)
        shape = (int(np.diff(steps.bounds).max(initial=1)), self.n_chans, self.n_times)
        kept, self._kept = self._kept, None
        mine = (
            kept[1]
            if kept and (kept[0], kept[1].shape) == (os.getpid(), shape)
            else memory(chunks, shape)
        )
        threads = self._threads or _default_threads(n_workers, local=chunks.is_local)
        reading = Reading(threads, ahead, mine, self.traffic)
        try:
            for signals, windows in batches(
                chunks, self._rows, steps, finish=self._scaling, reading=reading
            ):
                target, rows = self._targets[windows], self._rows[windows]
                batch = Batch(
                    torch.from_numpy(signals), torch.from_numpy(target), torch.from_numpy(rows)
                )
                del signals  # the batch alone keeps its memory
                yield batch if self._transform is None else self._transform(batch)
                del batch
        finally:
            self._kept = os.getpid(), mine

    def _state(self, start: Start, steps: int) -> dict[str, Any]:
        left = self._steps_left(start)
        if not 0 <= steps <= left:
            raise ConfigError(f"step {steps} is not in the loop: it has {left} steps")
        done, first = self._split(start.phases)
        now = Phase(self._rank_and_world()[1], self.batch_size, first + steps)
        progress = [list(phase) for phase in (*done, now) if phase.steps]
        return {
            "seed": start.seed,
            "epoch": start.epoch,
            "progress": progress,
            "selection": self._selection(),
        }

    def _steps_left(self, start: Start) -> int:
        _, world = self._rank_and_world()
        done, first = self._split(start.phases)
        left = left_after(len(self._rows), done, drop_last=self.drop_last)
        return n_steps(left, world, self.batch_size, drop_last=self.drop_last) - first

    def _split(self, phases: tuple[Phase, ...]) -> tuple[tuple[Phase, ...], int]:
        """Phases under other world and batch sizes, and the steps already made under the present ones."""
        present = (self._rank_and_world()[1], self.batch_size)
        return (
            (phases[:-1], phases[-1].steps) if phases and phases[-1][:2] == present else (phases, 0)
        )

    def _selection(self) -> int:
        """What a state must find again: the windows, their chunks and how they are ordered."""
        options = f"{self._pool} {self.shuffle} {self.drop_last}".encode()
        return zlib.crc32(
            options, zlib.crc32(self._chunks.tobytes(), zlib.crc32(self._rows.tobytes()))
        )

    def _rank_and_world(self) -> tuple[int, int]:
        if self._ranks is not None:
            return self._ranks
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            return torch.distributed.get_rank(), torch.distributed.get_world_size()
        return 0, 1

    def _open(self) -> Chunks:
        """The chunks, opened once in each process."""
        if self._opened is None or self._opened[0] != os.getpid():
            self._opened = os.getpid(), self._sources.open()
        return self._opened[1]

    def __getstate__(self) -> dict[str, Any]:
        joined = (
            torch.distributed.is_available() and torch.distributed.is_initialized()
        )  # which a spawned worker will not have
        state = {name: value for name, value in self.__dict__.items() if name != "windows"}
        ranks = self._rank_and_world() if joined else self._ranks
        return state | {
            "_opened": None,
            "_kept": None,
            "_loop": None,
            "_ranks": ranks,
            "traffic": Traffic(),
        }


def _default_threads(n_workers: int, *, local: bool) -> int:
    cores = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    return (
        max(1, min(4, cores // n_workers - 1)) if local else REMOTE_THREADS
    )  # one core is for the loop itself


def _chunks_ahead(pool: int, *, local: bool, shuffle: bool) -> int:
    """Chunks read ahead of the loop: all that the next group needs before its first batch; from afar more, so that latency hides."""
    if not local:
        return pool + pool // 2
    return pool if shuffle else min(pool, CHUNKS_AHEAD)


def _checked_ranks(rank: int | None, world_size: int | None) -> tuple[int, int] | None:
    if rank is None and world_size is None:
        return None
    if rank is None or world_size is None or not 0 <= rank < world_size:
        raise ConfigError(
            f"rank and world_size go together, 0 <= rank < world_size; got {rank} and {world_size}"
        )
    return rank, world_size


def _pool_chunks(pool_bytes: int | None, chunk_bytes: int) -> int:
    """Chunks that are shuffled together."""
    if pool_bytes is None:
        pool_bytes = max(POOL_BYTES, min(POOL_CHUNKS * chunk_bytes, MOST_POOL_BYTES))
    return max(1, pool_bytes // chunk_bytes)


def _check_numbers(**numbers: int | None) -> None:
    for name, number in numbers.items():
        if number is not None and number < 1:
            raise ConfigError(f"{name} must be at least 1, got {number}")


def _check_seed(seed: int) -> int:
    if not 0 <= seed < 2**63:
        raise ConfigError(f"seed must be from 0 to 2**63 - 1, got {seed}")
    return seed
