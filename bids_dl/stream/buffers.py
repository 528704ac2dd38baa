"""Memory for batches, reused once the batch is garbage-collected."""

from __future__ import annotations

import math
import mmap
import weakref
from collections import deque
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.typing import DTypeLike

from bids_dl.store.signals.local_bytes import WindowMemory

Array = npt.NDArray[Any]
PRIVATE_MEMORY = getattr(mmap, "MAP_PRIVATE", 0) | getattr(mmap, "MAP_ANONYMOUS", 0)


@dataclass(frozen=True, slots=True, eq=False)
class Buffer:
    """Memory for one batch, a part of an arena.

    Attributes
    ----------
    arena, slot
        Index of the arena, and index of the batch's first window within it.
    signals
        (batch_size, n_chans, n_times).
    """

    arena: int
    slot: int
    signals: Array
    _windows: list[WindowMemory] = field(default_factory=list, init=False, repr=False)

    @property
    def windows(self) -> list[WindowMemory]:
        """Memory of each window."""
        if not self._windows:
            self._windows.extend(WindowMemory.of_batch(self.signals))
        return self._windows


class Buffers:
    """Reusable buffers of one size.

    One thread acquires and releases buffers. Batches may be garbage-collected in any thread.

    Parameters
    ----------
    shape
        (batch_size, n_chans, n_times).
    dtype
        Type of the samples.

    Attributes
    ----------
    shape, dtype
        As given.
    arenas
        Memory of the buffers: arrays (n_windows, n_chans, n_times).
    """

    def __init__(self, shape: tuple[int, int, int], dtype: DTypeLike = np.float32) -> None:
        self.shape = shape
        self.dtype = np.dtype(dtype)
        self.arenas: list[Array] = []
        self._buffers_per_arena = 1
        self._free: deque[Buffer] = deque()
        self._in_use: dict[int, weakref.ref[Array]] = {}  # by id() of the array

    def reserve(self, count: int) -> None:
        """Keep ``count`` buffers in one arena, because a read copies windows of an arena at once.

        Memory is allocated when buffers are acquired. No buffer may be acquired at this time,
        except those whose arrays are in use, which stay as they are.
        """
        if not self.arenas or count * self.shape[0] > len(self.arenas[0]):
            self._buffers_per_arena = count + count // 4  # the next epoch may need a few more
            self.arenas = []
            self._free = deque()

    def acquire(self) -> Buffer:
        """Return a free buffer with undefined content, the most recently released one first."""
        try:
            return self._free.pop()
        except IndexError:
            self._add_arena()
            return self._free.pop()

    def release(self, buffer: Buffer) -> None:
        """Free an acquired buffer that was not passed to `to_array`."""
        self._free.append(buffer)

    def to_array(self, buffer: Buffer, count: int) -> Array:
        """Return the first ``count`` windows of a buffer as an array.

        The buffer is released when the array and all its views are garbage-collected.
        """
        signals = buffer.signals[:count]
        key = id(signals)
        free = self._free
        in_use = self._in_use

        def release(_: weakref.ref[Array]) -> None:
            del in_use[key]
            free.append(buffer)

        in_use[key] = weakref.ref(signals, release)
        return signals

    def _add_arena(self) -> None:
        batch_size = self.shape[0]
        n_windows = self._buffers_per_arena * batch_size
        number = len(self.arenas)
        arena = _small_pages((n_windows, *self.shape[1:]), self.dtype)
        self.arenas.append(arena)
        for slot in reversed(range(0, n_windows, batch_size)):
            self._free.append(Buffer(number, slot, arena[slot : slot + batch_size]))


def _small_pages(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """Return an array in new memory that the system provides page by page.

    NumPy asks for huge pages. In a virtual machine whose host has not provided them yet, the first
    use of 85 MB takes 0.2 s of CPU then, of small pages 0.05 s. Later, both take 0.05 s.

    Raises
    ------
    MemoryError
        There is not enough memory.
    """
    if not PRIVATE_MEMORY:  # as on Windows
        return np.empty(shape, dtype)
    n_items = math.prod(shape)
    try:
        memory = mmap.mmap(-1, max(1, n_items * dtype.itemsize), flags=PRIVATE_MEMORY)
    except (OSError, OverflowError) as error:
        raise MemoryError(
            f"no {n_items * dtype.itemsize} bytes for batches ({error}); "
            "use a smaller batch_size or pool_bytes"
        ) from None
    return np.frombuffer(memory, dtype, n_items).reshape(shape)


@dataclass(frozen=True, slots=True)
class BatchMemory:
    """Memory of an iteration, kept for the next one.

    Parameters
    ----------
    pending
        Buffers of batches that are being filled: float32, or int16 for stores of int16.
    finished
        Buffers of complete batches: float32, the same object as ``pending`` if that is float32.
    resolution
        µV of one integer of ``pending``, None for float32.
    """

    pending: Buffers
    finished: Buffers
    resolution: float | None

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape of a batch: (batch_size, n_chans, n_times)."""
        return self.finished.shape


def batch_memory(shape: tuple[int, int, int], resolution: float | None) -> BatchMemory:
    """Make memory for batches (batch_size, n_chans, n_times).

    Parameters
    ----------
    shape
        Shape of a batch.
    resolution
        µV of one integer if chunks are read as int16, None for float32.
    """
    finished = Buffers(shape)
    pending = finished if resolution is None else Buffers(shape, np.int16)
    return BatchMemory(pending, finished, resolution)
