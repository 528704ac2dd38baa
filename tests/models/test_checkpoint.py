from __future__ import annotations

import json
import os
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save as serialize

from bids_dl.errors import ModelError
from bids_dl.models.checkpoint import METADATA_KEY, ModelCard, load_checkpoint, save_checkpoint
from bids_dl.models.target import TargetSpec

CARD = ModelCard(
    model="shallow-fbcsp",
    channels=("C0", "C1", "C2"),
    n_times=64,
    sfreq=64.0,
    target=TargetSpec("label", "classes", ("label",), ("rest", "move")),
    normalize="training",
    options={"n_filters": 8},
    mean=(0.0, 1.0, 2.0),
    std=(1.0, 2.0, 3.0),
)


def target_with(**changes) -> dict:
    """Return the changed target of the card as JSON."""
    return {"target": asdict(CARD.target) | changes}


def write_card(checkpoint: Path, values: dict) -> None:
    """Replace the card of a checkpoint."""
    with safe_open(checkpoint, framework="pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    checkpoint.write_bytes(serialize(tensors, metadata={METADATA_KEY: json.dumps(values)}))


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
        "target": {
            "name": "label",
            "kind": "classes",
            "columns": ["label"],
            "outputs": ["rest", "move"],
            "mean": 0.0,
            "std": 1.0,
        },
        "normalize": "training",
        "options": {"n_filters": 8},
        "mean": [0.0, 1.0, 2.0],
        "std": [1.0, 2.0, 3.0],
        "positions": [],
        "package": "",
        "weights_sha256": "",
        "network_channels": [],
        "channel_map": [],
    }


def test_a_stream_is_normalized_with_the_statistics_of_the_training():
    mean, std = CARD.stream_normalize
    np.testing.assert_array_equal(mean, [0, 1, 2])
    np.testing.assert_array_equal(std, [1, 2, 3])


@pytest.mark.parametrize(
    ("normalize", "expected"), [("none", None), ("window", "window"), ("recording", "recording")]
)
def test_a_stream_is_normalized_as_the_card_says(normalize, expected):
    assert replace(CARD, normalize=normalize, mean=(), std=()).stream_normalize == expected


@pytest.mark.parametrize(
    "target",
    [
        TargetSpec("age", "number", ("age",), ("age",), mean=41.5, std=12.25),
        TargetSpec("votes_*", "shares", ("votes_a", "votes_b"), ("votes_a", "votes_b")),
        TargetSpec("a, b", "labels", ("a", "b"), ("a", "b")),
        TargetSpec("a", "labels", ("a",), ("a",)),
    ],
)
def test_a_checkpoint_restores_any_kind_of_target(tmp_path, target):
    card = replace(CARD, target=target)
    save_checkpoint(card.build(), card, tmp_path / "weights.safetensors")
    model, loaded = load_checkpoint(tmp_path / "weights.safetensors")
    assert loaded == card
    assert model(torch.zeros(1, 3, 64)).shape == (1, target.n_outputs)


@pytest.mark.parametrize("old", [{"normalize": None}, {"normalize": "training"}, {}])
def test_a_checkpoint_of_an_earlier_version_is_read(checkpoint, old):
    values = asdict(CARD) | {"target": "label", "classes": ["rest", "move"]}
    added = ("positions", "package", "weights_sha256", "network_channels", "channel_map")
    for name in ("normalize", *added):
        del values[name]
    write_card(checkpoint, values | old)
    _, card = load_checkpoint(checkpoint)
    assert card == replace(CARD, normalize=old.get("normalize") or "none")


def test_a_card_holds_positions(checkpoint):
    positions = ((0.0, 0.1, 0.0), (0.1, 0.0, 0.0), (-0.1, 0.0, 0.0))
    write_card(checkpoint, asdict(CARD) | {"positions": positions})
    assert load_checkpoint(checkpoint)[1] == replace(CARD, positions=positions)


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
        ({"target": "label"}, "card.target is 'label', expected an object"),
        ({"target": "label", "classes": []}, "card.target.outputs is an array of 0, expected at"),
        ({"target": 3, "classes": ["a"]}, "card.target.name is 3, expected a string"),
        (
            target_with(outputs=[]),
            "card.target.outputs is an array of 0, expected at least 1 in it",
        ),
        (target_with(kind="words"), "card.target.kind is 'words', expected one of classes, number"),
        (target_with(std=0), "card.target.std is 0, expected more than 0"),
        (target_with(columns=["a", "b"]), "kind classes has the columns a, b, expected one"),
        (target_with(kind="number"), "outputs rest, move for the columns label"),
        (target_with(kind="labels"), "outputs rest, move for the columns label"),
        (target_with(nosuch=1), "nosuch"),
        ({"normalize": "image"}, "card.normalize is 'image', expected one of window, recording"),
        ({"n_times": 10**9}, "weights dense.weight have the shape"),
        ({"n_times": 10**20}, "card.n_times is 1.*, expected at most 2147483647"),
        ({"sfreq": 0}, "card.sfreq is 0, expected more than 0"),
        (target_with(outputs=["a"] * 50_000), "weights dense.bias have the shape"),
        ({"options": {"n_filters": 9}}, "weights dense.weight have the shape"),
        ({"mean": [1.0]}, "1 means for 3 channels"),
        ({"network_channels": ["A"]}, "a channel map of 0 rows for 1 channels of the network and"),
        ({"channel_map": [[1.0, 0.0]]}, "a channel map of 1 rows for 0 channels of the network"),
        (
            {"network_channels": ["A"], "channel_map": [[1.0, 0.0, 0.0]]},
            "weights channel_map.matrix have the shape None, the model of the card has ",
        ),
        ({"nosuch": 1}, "nosuch"),
    ],
)
def test_a_card_that_does_not_fit_the_weights_is_refused(checkpoint, changes, message):
    write_card(checkpoint, asdict(CARD) | changes)
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
