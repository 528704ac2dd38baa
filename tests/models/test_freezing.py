from __future__ import annotations

import copy
import doctest

import pytest
import torch
from torch import nn

from bids_dl.errors import ConfigError
from bids_dl.models import build, freezing
from bids_dl.models.freezing import freeze, set_training_mode

SIZES = {"n_chans": 4, "n_times": 256, "n_outputs": 3, "sfreq": 128.0}


def train_step(model: nn.Module, frozen: str | None) -> None:
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1, weight_decay=0.1)
    set_training_mode(model, frozen)
    for _ in range(2):
        optimizer.zero_grad()
        model(3 + torch.randn(8, 4, 256)).square().sum().backward()
        optimizer.step()


@pytest.mark.parametrize(
    ("name", "frozen", "trained"),
    [
        ("shallow-fbcsp", "trunk", ("dense.",)),
        ("eegnet", "trunk", ("dense.",)),
        ("eegnet", "middle", ("temporal.1.", "dense.")),
        ("deep4", "trunk", None),
        ("resnet1d", "middle", None),
    ],
)
def test_every_parameter_and_buffer_but_the_trained_ones_stays_bit_equal(name, frozen, trained):
    model = build(name, **SIZES)
    names = freeze(model, frozen)
    if trained is not None:
        assert tuple(f"{layer}." for layer in names) == trained
    before = copy.deepcopy(model.state_dict())
    train_step(model, frozen)
    changed = []
    for key, tensor in model.state_dict().items():
        if not torch.equal(tensor, before[key]):
            changed.append(key)
    assert changed
    assert all(key.startswith(tuple(f"{layer}." for layer in names)) for key in changed)


def test_without_frozen_layers_the_statistics_of_batch_norm_move():
    model = build("shallow-fbcsp", **SIZES)
    before = model.norm.running_mean.clone()
    train_step(model, None)
    assert not torch.equal(model.norm.running_mean, before)


def test_the_dropout_of_frozen_layers_does_not_act():
    model = build("shallow-fbcsp", **SIZES)
    freeze(model, "trunk")
    set_training_mode(model, "trunk")
    windows = torch.randn(2, 4, 256)
    assert torch.equal(model(windows), model(windows))


def test_a_model_of_one_layer_cannot_be_frozen():
    with pytest.raises(ConfigError, match="--freeze trunk: the model has no other layers"):
        freeze(build("band-power", **SIZES), "trunk")


def test_the_last_layers_of_braindecode_are_the_head():
    model = nn.ModuleDict(
        {
            "first": nn.Linear(2, 2),
            "final_layer": nn.Sequential(nn.LayerNorm(2), nn.Linear(2, 2)),
            "unused": nn.Linear(2, 2),
        }
    )
    assert freezing.find_head(model) == "final_layer"
    assert freeze(model, "trunk") == ["final_layer"]


def test_the_examples_of_the_docstrings_run():
    assert doctest.testmod(freezing, extraglobs={"nn": nn}).failed == 0
