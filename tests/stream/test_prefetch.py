from __future__ import annotations

from contextlib import nullcontext

import numpy as np
import pytest
import small_store
import torch
from streams import SMALL

from bids_dl.stream import StreamingDataset, to_device
from bids_dl.stream.batches import Batch
from bids_dl.stream.prefetch import PinnedRing, copy_ahead

CPU = torch.device("cpu")


class Reached:
    """Event that counts how often the host waited for it."""

    def __init__(self) -> None:
        self.waits = 0

    def synchronize(self) -> None:
        self.waits += 1


class LateTransfers:
    """Transfers to the CPU, which read the memory of the host only when they are received.

    They stand for a device that is late: memory that is filled again too early is noticed.
    """

    def __init__(self) -> None:
        self.allocated = 0
        self.sent: list[torch.Tensor] = []

    def allocate(self, shape, dtype):
        self.allocated += 1
        return torch.full(shape, 77, dtype=dtype)

    def stream(self):
        return nullcontext()

    def send(self, tensor):
        self.sent.append(tensor)
        return tensor.clone()

    def record_event(self):
        return Reached()

    def receive(self, tensors, sent):
        pass


@pytest.mark.parametrize(
    "device",
    [
        "cpu",
        pytest.param(
            "cuda",
            marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
        ),
    ],
)
def test_batches_on_another_device_are_equal_and_in_order(store, device):
    stream = StreamingDataset(store, batch_size=4)
    for batch, copy in zip(stream, to_device(stream, device), strict=True):
        for tensor, copied in zip(batch, copy, strict=True):
            assert copied.device.type == device
            assert torch.equal(tensor, copied.cpu())


@pytest.mark.parametrize("resolution", [None, 0.1], ids=["float32", "int16"])
@pytest.mark.parametrize("normalize", [None, "recording", "training", "window", "pair"])
@pytest.mark.parametrize("epochs", [1, 2])
def test_batches_finished_on_a_device_are_those_of_the_stream(
    tmp_path, resolution, normalize, epochs
):
    small_store.write(tmp_path / "small.zarr", SMALL, resolution=resolution)
    if normalize == "pair":
        normalize = (np.array([1.0, 2, 3]), np.array([2.0, 4, 0]))
    stream = StreamingDataset(tmp_path / "small.zarr", batch_size=4, normalize=normalize)
    for epoch in range(epochs):
        stream.set_epoch(epoch)
        transfers = LateTransfers()
        batches = list(copy_ahead(stream, transfers, CPU))
        expected = list(stream)
        for copy, batch in zip(batches, expected, strict=True):
            assert copy.signals.dtype == torch.float32
            if normalize == "window":  # a device adds samples in another order
                torch.testing.assert_close(copy.signals, batch.signals, rtol=1e-5, atol=1e-5)
            else:
                assert torch.equal(copy.signals, batch.signals)
            assert torch.equal(copy.target, batch.target)
            assert torch.equal(copy.index, batch.index)
        sent = {tensor.dtype for tensor in transfers.sent if tensor.ndim == 3}
        assert sent == {torch.float32 if resolution is None else torch.int16}


def test_a_transformed_batch_is_finished_before_it_is_copied(tmp_path):
    small_store.write(tmp_path / "small.zarr", SMALL, resolution=0.125)
    stream = StreamingDataset(
        tmp_path / "small.zarr",
        batch_size=4,
        transform=lambda batch: batch._replace(signals=batch.signals * 2),
    )
    transfers = LateTransfers()
    for copy, batch in zip(copy_ahead(stream, transfers, CPU), list(stream), strict=True):
        assert torch.equal(copy.signals, batch.signals)
    assert {tensor.dtype for tensor in transfers.sent if tensor.ndim == 3} == {torch.float32}


def test_a_copied_stream_resumes_like_another_one(store):
    stream = StreamingDataset(store, batch_size=4)
    copies = copy_ahead(stream, LateTransfers(), CPU)
    rows = [next(copies).index.tolist() for _ in range(3)]
    resumed = StreamingDataset(store, batch_size=4)
    resumed.load_state_dict(stream.state_dict(step=3))
    rows += [batch.index.tolist() for batch in copy_ahead(resumed, LateTransfers(), CPU)]
    assert rows == [batch.index.tolist() for batch in StreamingDataset(store, batch_size=4)]


def test_page_locked_memory_is_reused_once_the_device_has_read_it():
    transfers = LateTransfers()
    ring = PinnedRing(transfers, n_batches=3)
    events = []
    for number in range(8):
        signals = torch.full((4 - number % 2, 2, 5), number, dtype=torch.int16)
        batch = Batch(signals, torch.arange(4), torch.arange(4))
        filled = ring.fill(batch)
        assert [event.waits for event in events] == [int(i <= number - 3) for i in range(number)]
        assert all(torch.equal(*pair) for pair in zip(filled, batch, strict=True))
        events.append(Reached())
        ring.mark(events[-1])
    assert transfers.allocated <= 4 * 3  # the second batch is shorter than the fourth
