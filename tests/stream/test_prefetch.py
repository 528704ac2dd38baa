from __future__ import annotations

import pytest
import torch

from bids_dl.stream import StreamingDataset, to_device


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
