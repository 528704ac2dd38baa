from __future__ import annotations

import numpy as np
import pytest
import torch
from embedded_people import CARD
from people_store import window_table, write_store

from bids_dl.embedding.random_weights import build_random_network, calibration_stream
from bids_dl.store import open_store

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stores")
    return open_store(write_store(folder / "a.zarr", window_table(6)))


def test_equal_seeds_have_equal_weights_and_the_generator_is_as_before(store):
    rows = np.arange(40)
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    first, again, other = (
        build_random_network(store, CARD, rows, seed=seed, device=CPU) for seed in (0, 0, 1)
    )
    torch.testing.assert_close(torch.rand(3), expected)
    assert torch.equal(first.dense.weight, again.dense.weight)
    assert not torch.equal(first.dense.weight, other.dense.weight)
    assert not first.training


def test_batch_norm_has_the_statistics_of_the_windows(store):
    rows = np.arange(96)
    network = build_random_network(store, CARD, rows, seed=0, device=CPU)
    filtered = []
    with torch.no_grad():
        for batch in calibration_stream(store, CARD, rows):
            filtered.append(network.filters(batch.signals))
    values = torch.cat(filtered)
    torch.testing.assert_close(network.norm.running_mean, values.mean(dim=(0, 2)))
    torch.testing.assert_close(network.norm.running_var, values.var(dim=(0, 2)))


@pytest.mark.parametrize(("n_rows", "expected"), [(40, 40), (90, 50)])
def test_the_windows_of_the_statistics_are_spread_evenly(store, monkeypatch, n_rows, expected):
    monkeypatch.setattr("bids_dl.embedding.random_weights.CALIBRATION_WINDOWS", 50)
    rows = np.arange(n_rows)
    read = np.concatenate([batch.index.numpy() for batch in calibration_stream(store, CARD, rows)])
    assert len(np.unique(read)) == expected
    assert (read[0], read[-1]) == (0, n_rows - 1)
    assert np.diff(read).max() <= 2
