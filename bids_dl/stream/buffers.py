"""Memory for batches that is used again once nobody holds the batch."""

from __future__ import annotations

import math
import weakref
from collections import deque
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Signals = npt.NDArray[np.float32]
SLAB_BYTES = 32_000_000  # allocated at once, at most: large enough for huge pages, small enough that a batch somebody keeps holds little


@dataclass(frozen=True, slots=True, eq=False)
class Buffer:
    """Memory for one batch.

    Attributes
    ----------
    signals
        (batch_size, n_chans, n_times).
    rows
        Its windows, one array each.
    """

    signals: Signals
    rows: list[npt.NDArray[np.float32]]


class Buffers:
    """Buffers of one size. One thread takes and lends; batches may die in any.

    Parameters
    ----------
    shape
        (batch_size, n_chans, n_times).
    slab
        Buffers to allocate at once, at most.

    Attributes
    ----------
    shape
        As given.
    nbytes
        Memory allocated so far.
    """

    def __init__(self, shape: tuple[int, int, int], *, slab: int) -> None:
        self.shape, self.nbytes = shape, 0
        self._slab = max(1, min(slab, SLAB_BYTES // max(1, 4 * math.prod(shape))))
        self._free: deque[Buffer] = deque()
        self._lent: dict[int, weakref.ref[Signals]] = {}  # by the identity of what was lent

    def take(self) -> Buffer:
        """A buffer that nobody uses; its content is undefined."""
        try:
            return self._free.pop()
        except IndexError:
            slab = np.empty((self._slab, *self.shape), np.float32)
            self.nbytes += slab.nbytes
            self._free.extend(Buffer(signals, list(signals)) for signals in slab)
            return self._free.pop()

    def put_back(self, buffer: Buffer) -> None:
        """Give up a buffer that was taken and not lent."""
        self._free.append(buffer)

    def lend(self, buffer: Buffer, count: int) -> Signals:
        """The first windows of a buffer as an array; the buffer is free again when that array, and all that is made of it, is gone."""
        signals = buffer.signals[:count]
        key, free, lent = id(signals), self._free, self._lent

        def give_back(_: weakref.ref[Signals]) -> None:
            del lent[key]
            free.append(buffer)

        lent[key] = weakref.ref(signals, give_back)
        return signals
