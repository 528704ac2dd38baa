from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import pytest
import torch
from people_store import window_table, write_store
from safetensors.torch import load_file, save_file

import bids_dl
from bids_dl.config.training_stage import TrainConfig
from bids_dl.errors import ConfigError, ModelError
from bids_dl.models import build, find_spec
from bids_dl.models.checkpoint import load_checkpoint
from bids_dl.prediction import predict
from bids_dl.store import open_store
from bids_dl.training import train
from bids_dl.training.model_choice import choose_model

QUICK = {"epochs": 1, "batch_size": 16, "device": "cpu"}
CODE = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self, n_chans, n_outputs, *, width=8):
        super().__init__()
        self.first = nn.Linear(n_chans, width)
        self.last = nn.Linear(width, n_outputs)

    def forward(self, signals):
        return self.last(torch.relu(self.first(signals.abs().mean(dim=2))))
"""


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """Path of a store of four persons, with 3 channels and windows of 1 s at 64 Hz."""
    table = window_table(4, splits=("train", "train", "validation", "test"))
    return write_store(tmp_path_factory.mktemp("small") / "small.zarr", table)


@pytest.fixture
def weights(tmp_path):
    """Weights of shallow-fbcsp for other outputs."""
    torch.manual_seed(5)
    model = build("shallow-fbcsp", n_chans=3, n_times=64, n_outputs=7, sfreq=64.0)
    save_file(model.state_dict(), tmp_path / "published.safetensors")
    return tmp_path / "published.safetensors"


def test_a_frozen_trunk_with_local_weights_is_bit_equal_after_the_training(
    small, weights, tmp_path
):
    config = TrainConfig(weights=str(weights), freeze="trunk", **QUICK)
    result = train(small, config, run_dir=tmp_path / "run")
    published = load_file(weights)
    trained = load_file(tmp_path / "run" / "weights.safetensors")
    for name, tensor in published.items():
        if not name.startswith("dense"):
            assert torch.equal(trained[name], tensor), name
    sha256 = hashlib.sha256(weights.read_bytes()).hexdigest()
    written = json.loads((tmp_path / "run" / "config.json").read_text())
    assert written["initial_weights"] == {"name": "published.safetensors", "sha256": sha256}
    assert load_checkpoint(tmp_path / "run" / "weights.safetensors")[1].weights_sha256 == sha256
    warnings = result.metrics["warnings"]
    assert any("8 tensors loaded, 2 new (dense.weight, dense.bias)" in line for line in warnings)
    assert "--freeze trunk: only dense is trained" in warnings


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"weights": "missing.pth"}, r"--weights missing\.pth: no such file"),
        ({"weights": "pretrained"}, "no pretrained weights of model shallow-fbcsp are known"),
        ({"model": "band-power", "freeze": "trunk"}, "the model has no other layers"),
        ({"model": "nowhere:Net"}, "no module nowhere"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_written(
    small, tmp_path, settings, message
):
    with pytest.raises((ConfigError, ModelError), match=message):
        train(small, TrainConfig(**QUICK, **settings), run_dir=tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.fixture
def module(tmp_path, monkeypatch, request):
    """Name of a module of the current folder with a network."""
    name = f"training_networks_{abs(hash(request.node.name))}"
    (tmp_path / f"{name}.py").write_text(CODE)
    monkeypatch.chdir(tmp_path)
    return name


def test_a_model_of_a_users_own_is_trained_recorded_and_predicts_by_its_name(small, module):
    config = TrainConfig(model=f"{module}:Net", model_options={"width": 4}, **QUICK)
    result = train(small, config, run_dir="run")
    assert "accuracy" in result.metrics["windows"]
    _, card = load_checkpoint(result.run_dir / "weights.safetensors")
    assert (card.model, card.package) == (f"{module}:Net", f"{module} (no distribution)")
    assert len(predict(small, ["run"])) == 64


def test_a_missing_package_of_a_model_is_named_by_predict(small, module, tmp_path, monkeypatch):
    train(small, TrainConfig(model=f"{module}:Net", **QUICK), run_dir="run")
    monkeypatch.delitem(__import__("sys").modules, module)
    (tmp_path / f"{module}.py").unlink()
    message = rf"its model {module}:Net is from {module} \(no distribution\), which must be inst"
    with pytest.raises(ModelError, match=message):
        predict(small, ["run"])


def test_a_class_is_trained_as_the_model_of_its_name(small, module):
    net = __import__(module).Net
    result = bids_dl.train(small, model=net, run_dir="run", **QUICK)
    written = json.loads((result.run_dir / "config.json").read_text())
    assert written["settings"]["model"] == f"{module}:Net"


def adapted(name):
    try:
        find_spec(name)
    except ModelError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"model": "braindecode/CBraMod"}, "expects a sampling rate of 200 Hz, got 64 Hz"),
        ({"model": "braindecode/LUNA"}, "needs the positions of all channels"),
        (
            {"model": "braindecode/CBraMod", "normalize": "window"},
            "--normalize window: model braindecode/CBraMod expects none",
        ),
    ],
)
def test_a_contract_is_checked_before_anything_is_written(small, tmp_path, settings, message):
    adapted(settings["model"])
    with pytest.raises((ConfigError, ModelError), match=message) as caught:
        train(small, TrainConfig(**QUICK, **settings), run_dir=tmp_path / "run")
    assert str(caught.value).count("\n") < 4
    assert not (tmp_path / "run").exists()


def test_doubts_about_the_pretraining_are_said_only_if_pretrained_weights_are_loaded(
    eyes_store, weights
):
    adapted("braindecode/Labram")
    store = open_store(eyes_store)
    config = TrainConfig(model="braindecode/Labram", **QUICK)
    assert choose_model(config, store).warnings == ()
    lines = choose_model(replace(config, weights=str(weights)), store).warnings
    assert lines == (
        "braindecode/Labram was pretrained on data of ds004362: tests on this store are no tests "
        "on unseen people",
        "braindecode/Labram was pretrained on signals of 0.1-75 Hz, notch; the recipe has a "
        "high-pass at 0.5 Hz, a low-pass at 45 Hz, no notch",
    )


def test_the_filters_of_a_store_without_a_recipe_are_unknown(small, weights):
    adapted("braindecode/CBraMod")
    config = TrainConfig(model="braindecode/CBraMod", weights=str(weights), **QUICK)
    assert choose_model(config, open_store(small)).warnings == ()


@pytest.mark.parametrize("model", ["braindecode/EEGConformer", "timm/test_efficientnet"])
def test_an_adapted_model_is_trained_and_predicts(small, tmp_path, model):
    adapted(model)
    options = {"height": 32, "width": 32} if model.startswith("timm") else {}
    options |= {"seconds": 0.5} if options else {"filter_time_length": 8, "pool_time_length": 16}
    config = TrainConfig(model=model, model_options=options, **QUICK)
    train(small, config, run_dir=tmp_path / "run")
    assert len(predict(small, [str(tmp_path / "run")])) == 64
