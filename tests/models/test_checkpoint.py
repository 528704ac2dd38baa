from __future__ import annotations

import json
import os
from dataclasses import asdict

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save as serialize

from bids_dl.errors import ModelError
from bids_dl.models.checkpoint import METADATA_KEY, ModelCard, load_checkpoint, save_checkpoint

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


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"channels": "C0"}, "card.channels is 'C0', expected an array"),
        ({"classes": []}, "card.classes is an array of 0, expected at least 1 in it"),
        ({"n_times": 10**9}, "weights dense.weight have the shape"),
        ({"n_times": 10**20}, "card.n_times is 1.*, expected at most 2147483647"),
        ({"sfreq": 0}, "card.sfreq is 0, expected more than 0"),
        ({"classes": ["a"] * 50_000}, "weights dense.bias have the shape"),
        ({"options": {"n_filters": 9}}, "weights dense.weight have the shape"),
        ({"mean": [1.0]}, "1 means for 3 channels"),
        ({"nosuch": 1}, "nosuch"),
    ],
)
def test_a_card_that_does_not_fit_the_weights_is_refused(checkpoint, changes, message):
    card = json.dumps(asdict(CARD) | changes)
    with safe_open(checkpoint, framework="pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    checkpoint.write_bytes(serialize(tensors, metadata={METADATA_KEY: card}))
    with pytest.raises(ModelError, match=message) as refusal:
        load_checkpoint(checkpoint)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("card", ["[" * 100_000, "9" * 5000, "[]", "{", "null"])
def test_a_card_that_is_not_an_object_is_refused(checkpoint, card):
    tensors = {"a": torch.zeros(1)}
    checkpoint.write_bytes(serialize(tensors, metadata={METADATA_KEY: card}))
    with pytest.raises(ModelError, match=r"weights\.safetensors: not a checkpoint"):
        load_checkpoint(checkpoint)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_and_a_device_are_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "zero").symlink_to("/dev/zero")
    for name in ("pipe", "zero"):
        with pytest.raises(ModelError, match="not a regular file"):
            load_checkpoint(tmp_path / name)
