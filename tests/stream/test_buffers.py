from __future__ import annotations

import gc
import os

import numpy as np
import pytest
import torch

from bids_dl.stream.buffers import Buffers, batch_memory


def test_memory_is_reused_only_when_no_view_of_it_is_left():
    buffers = Buffers((4, 2, 3))
    buffers.reserve(2)
    array = buffers.to_array(buffers.acquire(), 3)
    address = array.ctypes.data
    view = torch.from_numpy(array)[1:].numpy()[0]
    del array
    gc.collect()
    acquired = [buffers.acquire(), buffers.acquire()]
    assert address not in [buffer.signals.ctypes.data for buffer in acquired]
    del view
    assert buffers.acquire().signals.ctypes.data == address
    assert len(buffers.arenas) == 2


def test_reserved_buffers_share_one_arena_and_no_windows():
    buffers = Buffers((4, 2, 3))
    buffers.reserve(5)
    acquired = [buffers.acquire() for _ in range(5)]
    assert len(buffers.arenas) == 1
    for number, buffer in enumerate(acquired):
        buffer.signals[...] = number
    for number, buffer in enumerate(acquired):
        windows = buffers.arenas[buffer.arena][buffer.slot : buffer.slot + 4]
        assert (windows == number).all()


def test_an_array_outlives_the_arena_it_came_from():
    buffers = Buffers((4, 2, 3))
    array = buffers.to_array(buffers.acquire(), 4)
    array[...] = 7
    buffers.reserve(3)
    others = [buffers.acquire() for _ in range(3)]
    for other in others:
        other.signals[...] = 1
    assert (array == 7).all()
    del array
    assert all(buffers.acquire() is not other for other in others)


def test_a_released_buffer_is_acquired_next():
    buffers = Buffers((4, 2, 3))
    buffer = buffers.acquire()
    buffers.release(buffer)
    assert buffers.acquire() is buffer


@pytest.mark.parametrize(("resolution", "dtype"), [(None, np.float32), (0.125, np.int16)])
def test_only_batches_of_integers_need_separate_memory_while_they_are_filled(resolution, dtype):
    memory = batch_memory((4, 2, 3), resolution)
    assert memory.shape == (4, 2, 3)
    assert memory.finished.dtype == np.float32
    assert memory.pending.dtype == dtype
    assert (memory.pending is memory.finished) == (resolution is None)


def test_batches_that_do_not_fit_into_memory_are_an_error_of_memory():
    with pytest.raises(MemoryError, match="bytes for batches"):
        Buffers((1 << 40, 64, 64)).acquire()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_process_does_not_change_the_memory_of_its_parent():
    signals = Buffers((2, 3, 4)).acquire().signals
    signals[:] = 1
    child = os.fork()
    if not child:
        signals[:] = 2
        os._exit(0)
    os.waitpid(child, 0)
    assert (signals == 1).all()
