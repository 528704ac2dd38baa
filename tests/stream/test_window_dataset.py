"""The windows of a `WindowDataset` are those of the stream, in any order and process."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from streams import SMALL
from torch.utils.data import DataLoader, random_split

import bids_dl
from bids_dl.errors import ArgumentTypeError, ConfigError, TargetError
from bids_dl.stream import StreamingDataset, WindowDataset


def by_row(stream: StreamingDataset) -> dict[int, tuple[torch.Tensor, torch.Tensor]]:
    """Return signals and target of each window of a stream."""
    items = {}
    for batch in stream:
        for signals, target, index in zip(*batch, strict=True):
            items[int(index)] = (signals, target)
    return items


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"normalize": "window"},
        {"normalize": "recording", "split": "test"},
        {"normalize": "training", "where": {"subject": ["000", "004"]}},
        {"target": ["votes", "row"]},
        {"target": "age", "drop_missing": True},
        {"target": np.arange(140).reshape(70, 2) / 3, "split": "test"},
        {"where": lambda table: table["sex"] == "f"},
    ],
)
def test_the_windows_are_those_of_the_stream(store, options):
    expected = by_row(StreamingDataset(store, **options))
    dataset = WindowDataset(Path(store), **options)
    assert dataset.windows.index.tolist() == sorted(expected)
    for signals, target, index in dataset:
        torch.testing.assert_close(signals, expected[index][0], rtol=1e-6, atol=1e-6)
        assert torch.equal(target, expected[index][1])
        assert target.dtype == expected[index][1].dtype


def test_several_stores_are_joined(store):
    dataset = WindowDataset([store, store])
    assert len(dataset) == 140
    np.testing.assert_array_equal(dataset[73].signals.numpy(), SMALL.signals[3])
    batch = dataset.__getitems__([139, 0, 69])
    assert [item.index for item in batch] == [139, 0, 69]
    np.testing.assert_array_equal(batch[0].signals.numpy(), SMALL.signals[69])


@pytest.mark.parametrize(("n_workers", "context"), [(0, None), (2, "fork"), (1, "spawn")])
def test_a_loader_batches_and_shuffles_the_windows(store, n_workers, context):
    dataset = WindowDataset(store)
    assert dataset[0].index == 0  # opened before the fork
    loader = DataLoader(
        dataset,
        batch_size=16,
        shuffle=True,
        num_workers=n_workers,
        multiprocessing_context=context,
    )
    rows = []
    for signals, target, index in loader:
        np.testing.assert_array_equal(signals.numpy(), SMALL.signals[index.numpy()])
        assert target.tolist() == dataset.targets[index].tolist()
        rows += index.tolist()
    assert sorted(rows) == list(range(70))


def test_a_dataset_is_divided_and_pickled_as_others_are(store):
    dataset = WindowDataset(store, transform=torch.abs)
    first, second = random_split(dataset, [60, 10])
    assert len(first) + len(second) == 70
    copy = pickle.loads(pickle.dumps(dataset))
    assert torch.equal(copy[-1].signals, dataset[69].signals)
    assert dataset[0].signals.min() >= 0


@pytest.mark.parametrize("index", ["0", 1.0, slice(3), None])
def test_an_index_is_an_integer(store, index):
    with pytest.raises(ArgumentTypeError, match="must be an integer, got "):
        WindowDataset(store)[index]


def test_an_index_beyond_the_end_is_an_index_error(store):
    with pytest.raises(IndexError, match="no window 70: there are 70"):
        WindowDataset(store)[70]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"normalize": True}, TypeError, "normalize must be one of window, recording, training"),
        ({"transform": 3}, TypeError, "transform must be a function or None, got int 3"),
        ({"drop_missing": "yes"}, TypeError, "drop_missing must be True or False, got str 'yes'"),
        ({"target": "nosuch"}, TargetError, "no column 'nosuch'"),
        ({"normalize": "none"}, ConfigError, "window, recording, training, .* or None"),
    ],
)
def test_wrong_options_are_refused_by_name(store, options, error, message):
    with pytest.raises(error, match=message):
        WindowDataset(store, **options)


def test_the_description_counts_classes(store):
    text = repr(bids_dl.WindowDataset(store, split="train"))
    assert "42 windows, 3 channels, 20 samples" in text
    assert "target: open 21, closed 21" in text
    assert bids_dl.WindowDataset(store)._repr_html_().startswith("<table><caption>WindowDataset<")
