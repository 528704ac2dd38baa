from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from safetensors import safe_open

from bids_dl.errors import ModelError
from bids_dl.models.checkpoint import ModelCard, load_checkpoint, save_checkpoint

CARD = ModelCard(
    model="shallow-fbcsp",
    channels=("C0", "C1", "C2"),
    n_times=64,
    sfreq=64.0,
    target="label",
    classes=("rest", "move"),
    normalize="training",
    options={"n_filters": 8},
    mean=(0.0, 1.0, 2.0),
    std=(1.0, 2.0, 3.0),
)


@pytest.fixture
def checkpoint(tmp_path):
    torch.manual_seed(0)
    save_checkpoint(CARD.build(), CARD, tmp_path / "weights.safetensors")
    return tmp_path / "weights.safetensors"


def test_a_checkpoint_restores_the_model_and_its_card(checkpoint):
    torch.manual_seed(0)
    expected = CARD.build().eval()
    model, card = load_checkpoint(checkpoint)
    signals = torch.randn(2, 3, 64)
    assert card == CARD
    assert not model.training
    assert torch.equal(model(signals), expected(signals))


def test_the_same_weights_and_card_give_the_same_bytes(checkpoint, tmp_path):
    model, card = load_checkpoint(checkpoint)
    save_checkpoint(model, card, tmp_path / "again.safetensors")
    assert (tmp_path / "again.safetensors").read_bytes() == checkpoint.read_bytes()


def test_the_card_is_json_in_the_header_of_the_file(checkpoint):
    with safe_open(checkpoint, framework="pt") as file:
        card = json.loads(file.metadata()["bids_dl"])
    assert card == {
        "model": "shallow-fbcsp",
        "channels": ["C0", "C1", "C2"],
        "n_times": 64,
        "sfreq": 64.0,
        "target": "label",
        "classes": ["rest", "move"],
        "normalize": "training",
        "options": {"n_filters": 8},
        "mean": [0.0, 1.0, 2.0],
        "std": [1.0, 2.0, 3.0],
    }


def test_a_stream_is_normalized_with_the_statistics_of_the_training():
    mean, std = CARD.stream_normalize
    np.testing.assert_array_equal(mean, [0, 1, 2])
    np.testing.assert_array_equal(std, [1, 2, 3])


@pytest.mark.parametrize("content", [b"", b"not weights", None])
def test_a_file_that_is_not_a_checkpoint_is_refused(tmp_path, content):
    path = tmp_path / "weights.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ModelError, match=r"weights\.safetensors: not a checkpoint of a bids-dl"):
        load_checkpoint(path)
