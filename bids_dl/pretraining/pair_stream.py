"""Stream of pairs of windows, which reads each recording once an epoch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from bids_dl.errors import ConfigError
from bids_dl.pretraining.pairs import PairedRecording, Rows
from bids_dl.store import Store
from bids_dl.stream.batches import Batch
from bids_dl.stream.normalize import Normalizer

POOL_BYTES = 128_000_000  # of the recordings whose pairs are shuffled together
ORDER_STREAM, PAIR_STREAM, POOL_STREAM = range(3)  # second values of the seeds of an epoch

Signals = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class PairPool:
    """Pairs of some recordings in their order, with the windows that they need.

    Parameters
    ----------
    pairs, target
        (n_pairs, 2): positions in ``signals``. (n_pairs,): classes.
    index
        (n_pairs,): numbers of the pairs within the epoch, recording by recording.
    signals
        float32 (n_windows, n_chans, n_times).
    """

    pairs: Rows
    target: Rows
    index: Rows
    signals: Signals

    def take(self, start: int, stop: int) -> Batch:
        """Return some of the pairs as a batch with signals (batch, 2, n_chans, n_times)."""
        signals = self.signals[self.pairs[start:stop]]
        return Batch(
            torch.from_numpy(signals),
            torch.from_numpy(self.target[start:stop]),
            torch.from_numpy(self.index[start:stop]),
        )


class PairStream:
    """Batches of pairs of windows of a store, in an order that can be resumed.

    It has those parts of the interface of `StreamingDataset` that a training needs. The recordings
    of an epoch are read one pool after the other, the next one while the loop works on this one.
    So memory holds two pools, of 128 MB each or of one recording. The pairs of an epoch depend on
    seed and epoch only.

    Parameters
    ----------
    store
        The store.
    recordings
        Recordings with pairs.
    normalizer
        Normalizes signals in place, given their rows. None keeps µV.
    batch_size
        Largest number of pairs of a batch. All batches have as many, or one less.
    seed
        Seed of pairs and order.
    shuffle
        Shuffle recordings and pairs.
    pool_bytes
        Approximate size of a pool, which has at least one recording.
    """

    def __init__(
        self,
        store: Store,
        recordings: Sequence[PairedRecording],
        *,
        normalizer: Normalizer | None,
        batch_size: int,
        seed: int,
        shuffle: bool = True,
        pool_bytes: int = POOL_BYTES,
    ) -> None:
        self.store = store
        self.recordings = recordings
        self.normalizer = normalizer
        self.seed = seed
        self.shuffle = shuffle
        self.pool_bytes = pool_bytes
        self.epoch = 0
        numbers = [recording.n_pairs for recording in recordings]
        self._first_pair = np.cumsum([0, *numbers])  # of each recording, within an epoch
        self.n_pairs = int(self._first_pair[-1])
        n_steps = -(-self.n_pairs // batch_size)
        self._bounds = np.arange(n_steps + 1) * self.n_pairs // n_steps  # of the batches
        self._first_step = 0  # of the next loop, and of the state of the last one

    def __len__(self) -> int:
        """Return the batches of an epoch."""
        return len(self._bounds) - 1

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch of the next loop. Setting the same epoch again keeps a loaded state."""
        if epoch != self.epoch:
            self._first_step = 0
        self.epoch = epoch

    def state_dict(self, step: int) -> dict[str, Any]:
        """Return the progress in the epoch, after a number of steps of the loop."""
        return {"epoch": self.epoch, "step": self._first_step + step, "n_pairs": self.n_pairs}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Resume at the next batch after a state.

        Raises
        ------
        ConfigError
            The state belongs to other pairs.
        """
        if state["n_pairs"] != self.n_pairs:
            raise ConfigError(
                f"the checkpoint belongs to a stream of {state['n_pairs']} pairs, this one has "
                f"{self.n_pairs}; use the same store, --near and --far"
            )
        self.epoch = state["epoch"]
        self._first_step = state["step"]

    def __iter__(self) -> Iterator[Batch]:
        step = self._first_step
        bounds = self._bounds.tolist()
        parts: list[Batch] = []  # of a batch that began in an earlier pool
        for position, pool in self._read_pools(bounds[step]):
            end = position + len(pool.pairs)
            while step < len(self) and bounds[step] < end:
                start = max(bounds[step], position)
                stop = min(bounds[step + 1], end)
                parts.append(pool.take(start - position, stop - position))
                if stop < bounds[step + 1]:
                    break
                yield _join(parts)
                parts = []
                step += 1

    def persons(self) -> list[tuple[str, str]]:
        """Return dataset and subject of each pair, by its number within the epoch."""
        persons: list[tuple[str, str]] = []
        for recording in self.recordings:
            persons += [recording.person] * recording.n_pairs
        return persons

    def _read_pools(self, first_pair: int) -> Iterator[tuple[int, PairPool]]:
        """Yield pools in order, with the number of pairs before them, from that of a pair on."""
        requests: list[tuple[int, Callable[[], PairPool]]] = []
        position = 0
        for number, recordings in enumerate(self._plan_pools(self.epoch)):
            n_pairs = sum(self.recordings[recording].n_pairs for recording in recordings)
            if position + n_pairs > first_pair:
                read = partial(self._read_pool, self.epoch, number, recordings)
                requests.append((position, read))
            position += n_pairs
        if not requests:
            return
        with ThreadPoolExecutor(1, thread_name_prefix="pairs") as executor:
            following = executor.submit(requests[0][1])
            for number, (start, _) in enumerate(requests, start=1):
                pool = following.result()
                if number < len(requests):
                    following = executor.submit(requests[number][1])
                yield start, pool

    def _plan_pools(self, epoch: int) -> list[list[int]]:
        """Return the recordings of each pool of an epoch, by their number."""
        order = np.arange(len(self.recordings))
        if self.shuffle:
            order = np.random.default_rng([self.seed, ORDER_STREAM, epoch]).permutation(order)
        _, n_chans, n_times = self.store.shape
        window_bytes = 4 * n_chans * n_times
        pools: list[list[int]] = []
        n_bytes = 0
        for number in order.tolist():
            size = len(self.recordings[number].rows) * window_bytes
            if not pools or n_bytes + size > self.pool_bytes:
                pools.append([])
                n_bytes = 0
            pools[-1].append(number)
            n_bytes += size
        return pools

    def _read_pool(self, epoch: int, number: int, recordings: Sequence[int]) -> PairPool:
        """Draw the pairs of some recordings, and read their windows."""
        pairs: list[Rows] = []
        targets: list[Rows] = []
        numbers: list[Rows] = []
        for recording in recordings:
            rng = np.random.default_rng([self.seed, PAIR_STREAM, epoch, recording])
            of_recording, target = self.recordings[recording].draw(rng)
            pairs.append(of_recording)
            targets.append(target)
            numbers.append(np.arange(*self._first_pair[recording : recording + 2]))
        index = np.concatenate(numbers)
        order = np.arange(len(index))
        if self.shuffle:
            rng = np.random.default_rng([self.seed, POOL_STREAM, epoch, number])
            order = rng.permutation(order)
        rows, positions = np.unique(np.concatenate(pairs), return_inverse=True)
        signals = self.store[rows].signals
        if self.normalizer is not None:
            self.normalizer(signals, rows)
        positions = positions.reshape(-1, 2)
        return PairPool(positions[order], np.concatenate(targets)[order], index[order], signals)


def _join(parts: Sequence[Batch]) -> Batch:
    if len(parts) == 1:
        return parts[0]
    return Batch(*(torch.cat(tensors) for tensors in zip(*parts, strict=True)))
