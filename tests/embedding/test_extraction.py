from __future__ import annotations

import numpy as np
import pytest
import torch

from bids_dl.embedding import extraction
from bids_dl.embedding.extraction import extract_features
from bids_dl.errors import ConfigError
from bids_dl.stream import Batch

CPU = torch.device("cpu")


def batches(rows: list[list[int]]) -> list[Batch]:
    return [Batch(part.float().view(-1, 1, 1), part, part) for part in map(torch.tensor, rows)]


def test_features_are_in_the_order_of_the_rows_whatever_the_order_of_the_batches():
    rows = np.array([2, 5, 7, 9])
    first, second = extract_features(
        batches([[9, 2], [7, 5]]), rows, [lambda x: x.flatten(1), lambda x: -2 * x.flatten(1)], CPU
    )
    assert first[:, 0].tolist() == [2, 5, 7, 9]
    assert second[:, 0].tolist() == [-4, -10, -14, -18]
    assert first.dtype == np.float32


def test_features_that_exceed_the_free_memory_are_refused(monkeypatch):
    class Memory:
        available = 10

    monkeypatch.setattr(extraction.psutil, "virtual_memory", Memory)
    with pytest.raises(
        ConfigError, match="1 feature of 4 windows takes 16 bytes of memory, 10 bytes are free"
    ):
        extract_features(batches([[0, 1, 2, 3]]), np.arange(4), [lambda x: x.flatten(1)], CPU)
