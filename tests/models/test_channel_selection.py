from __future__ import annotations

import doctest

import numpy as np
import pytest
from people_store import window_table, write_store

from bids_dl.errors import ModelError
from bids_dl.models import channel_selection
from bids_dl.models.channel_selection import SelectedChannels, arrange_input, check_channels
from bids_dl.models.checkpoint import ModelCard
from bids_dl.models.target import TargetSpec
from bids_dl.store import open_store
from bids_dl.stream import StreamingDataset

LABEL = TargetSpec("label", "classes", ("label",), ("rest", "move"))


def card_of(*channels, **changes):
    return ModelCard("shallow-fbcsp", channels, 64, 64.0, LABEL, **changes)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return open_store(write_store(tmp_path_factory.mktemp("s") / "s.zarr", window_table(1)))


def test_the_same_channels_are_streamed_as_they_are(store):
    assert arrange_input(card_of("C0", "C1", "C2"), store) == (None, None)


def test_statistics_and_signals_follow_the_names(store):
    card = card_of("C2", "C0", normalize="training", mean=(3.0, 1.0), std=(4.0, 2.0))
    (mean, std), indices = arrange_input(card, store)
    assert (mean.tolist(), std.tolist(), indices) == ([1, 0, 3], [2, 1, 4], [2, 0])
    stream = StreamingDataset(store, target="label", shuffle=False, batch_size=8)
    selected = SelectedChannels(stream, indices)
    [first, *rest] = list(selected)
    assert len(selected) == 1 + len(rest) == 2
    np.testing.assert_array_equal(first.signals, store.read("signals", slice(0, 8))[:, [2, 0]])


def test_missing_channels_are_named(store):
    message = r"s\.zarr: the model shallow-fbcsp was trained on .* the store has no Cz, Pz"
    with pytest.raises(ModelError, match=message):
        arrange_input(card_of("C0", "Cz", "Pz"), store)


def test_another_order_is_accepted_by_name_only(store):
    card = card_of("C2", "C0")
    check_channels(card, store, "the run r", by_name=True)
    with pytest.raises(ModelError, match="the run r was trained on channels C2, C0; the store has"):
        check_channels(card, store, "the run r", by_name=False)


def test_the_examples_of_the_docstrings_run():
    assert doctest.testmod(channel_selection).failed == 0
