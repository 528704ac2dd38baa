"""Memory for batches that is used again once nobody holds the batch."""

from __future__ import annotations

import weakref
from collections import deque
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.typing import DTypeLike

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class Buffer:
    """Memory for one batch, one of many in a slab.

    Attributes
    ----------
    slab, slot
        Which slab, and which of its windows is the first of the batch.
    signals
        (batch_size, n_chans, n_times).
    """

    slab: int
    slot: int
    signals: Array


class Buffers:
    """Buffers of one size. One thread takes and lends; batches may die in any.

    Parameters
    ----------
    shape
        (batch_size, n_chans, n_times).
    dtype
        Of the samples.

    Attributes
    ----------
    shape, dtype
        As given.
    slabs
        (n_windows, n_chans, n_times) each: the memory of the buffers.
    """

    def __init__(self, shape: tuple[int, int, int], dtype: DTypeLike = np.float32) -> None:
        self.shape, self.dtype = shape, np.dtype(dtype)
        self.slabs: list[Array] = []
        self._at_once = 1
        self._free: deque[Buffer] = deque()
        self._lent: dict[int, weakref.ref[Array]] = {}  # by the identity of what was lent

    def reserve(self, count: int) -> None:
        """Have so many buffers in one slab, because windows that go to one slab go there at once; costs nothing until they are used.

        Nothing may be taken; what is lent stays as it is.
        """
        if not self.slabs or count * self.shape[0] > len(self.slabs[0]):
            self._at_once = count + count // 4  # the next epoch may need a few more
            self.slabs, self._free = [], deque()

    def take(self) -> Buffer:
        """A buffer that nobody uses, the last one given back where there is one; its content is undefined."""
        try:
            return self._free.pop()
        except IndexError:
            size, number = self.shape[0], len(self.slabs)
            slab = np.empty((self._at_once * size, *self.shape[1:]), self.dtype)
            self.slabs.append(slab)
            self._free.extend(
                Buffer(number, slot, slab[slot : slot + size])
                for slot in reversed(range(0, len(slab), size))
            )
            return self._free.pop()

    def put_back(self, buffer: Buffer) -> None:
        """Give up a buffer that was taken and not lent."""
        self._free.append(buffer)

    def lend(self, buffer: Buffer, count: int) -> Array:
        """The first windows of a buffer as an array; the buffer is free again when that array, and all that is made of it, is gone."""
        signals = buffer.signals[:count]
        key, free, lent = id(signals), self._free, self._lent

        def give_back(_: weakref.ref[Array]) -> None:
            del lent[key]
            free.append(buffer)

        lent[key] = weakref.ref(signals, give_back)
        return signals
