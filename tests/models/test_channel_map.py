from __future__ import annotations

import doctest

import numpy as np
import torch

from bids_dl.models import channel_map
from bids_dl.models.channel_map import ChannelMap, index_channels, prepend_map
from bids_dl.models.freezing import find_head, freeze


def test_a_selection_copies_channels_bit_by_bit_also_under_autocast():
    signals = 100 * torch.randn(5, 4, 64)
    order = [2, 0, 3]
    selection = ChannelMap(np.eye(4)[order])
    assert torch.equal(selection(signals), signals[:, order])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(selection(signals), signals[:, order])


def test_a_map_has_no_parameters_and_leaves_the_head_of_the_network_the_last_layer():
    layers = [torch.nn.Linear(8, 4), torch.nn.Linear(4, 3), torch.nn.Linear(3, 2)]
    model = prepend_map(np.eye(3), torch.nn.Sequential(*layers))
    assert find_head(model) == "network.2"
    assert freeze(model, "middle") == ["network.0", "network.2"]
    assert "channel_map.matrix" in model.state_dict()


def test_an_exact_name_takes_precedence_over_another_case():
    assert index_channels(["cz", "CZ", "Pz"], ["Cz", "CZ", "PZ"]) == [0, 1, 2]


def test_the_examples_of_the_docstrings_run():
    assert doctest.testmod(channel_map).failed == 0
