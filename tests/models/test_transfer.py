from __future__ import annotations

import doctest
import hashlib
from dataclasses import replace

import pytest
import torch

from bids_dl.errors import ModelError
from bids_dl.models import transfer
from bids_dl.models.checkpoint import ModelCard, load_checkpoint, save_checkpoint
from bids_dl.models.target import TargetSpec
from bids_dl.models.transfer import is_for_any_channels, load_source, read_source

LABEL = TargetSpec("label", "classes", ("label",), ("rest", "move"))
SEX = TargetSpec("sex", "classes", ("sex",), ("F", "M"))
CARD = ModelCard("shallow-fbcsp", ("C0", "C1", "C2"), 64, 64.0, LABEL)
POSITIONS = ((0.0, 0.08, 0.05), (0.0, 0.0, 0.1), (0.05, 0.0, 0.09))


def build_seeded(card, seed):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return card.build()


def source_of(card, folder, seed=1):
    path = folder / "weights.safetensors"
    save_checkpoint(build_seeded(card, seed), card, path)
    return read_source(path, "run")


def loaded_names(model, source, prefix=""):
    state = model.state_dict()
    return {
        name for name, tensor in source.tensors.items() if torch.equal(state[prefix + name], tensor)
    }


def test_a_source_has_the_hash_of_its_file_and_draws_no_random_numbers(tmp_path):
    before = torch.get_rng_state()
    source = source_of(CARD, tmp_path)
    assert torch.equal(torch.get_rng_state(), before)
    content = (tmp_path / "weights.safetensors").read_bytes()
    assert source.sha256 == hashlib.sha256(content).hexdigest()


def test_the_head_is_loaded_with_the_same_target(tmp_path):
    source = source_of(CARD, tmp_path)
    model = build_seeded(CARD, 2)
    line = load_source(model, CARD, source)
    assert loaded_names(model, source) >= {"filters.spatial", "dense.weight", "dense.bias"}
    assert line == (
        "--init-from run: 10 tensors loaded, with the last layer dense, because the target is the "
        "same"
    )


@pytest.mark.parametrize(
    "target",
    [SEX, replace(LABEL, outputs=("move", "rest")), replace(LABEL, outputs=("a", "b", "c"))],
)
def test_the_head_is_new_with_another_target_and_everything_else_is_loaded(tmp_path, target):
    source = source_of(replace(CARD, target=target), tmp_path)
    model = build_seeded(CARD, 2)
    head = model.dense.weight.clone()
    line = load_source(model, CARD, source)
    assert torch.equal(model.dense.weight, head)
    assert len(loaded_names(model, source) - {"dense.weight", "dense.bias"}) == 8
    assert "8 tensors loaded, 2 left, 2 new (dense.weight, dense.bias): the last layer" in line
    assert f"the run predicts {target.name} ({target.outputs[0]}, " in line.replace(" and ", ", ")


def test_a_network_whose_weights_have_no_length_takes_longer_windows_with_a_new_head(tmp_path):
    source = source_of(CARD, tmp_path)
    longer = replace(CARD, n_times=96)
    line = load_source(longer.build(), longer, source)
    assert line.endswith("the last layer dense is new, because its shape is another")


def test_weights_of_another_length_are_refused_with_both(tmp_path):
    card = replace(CARD, model="band-power")
    source = source_of(replace(card, n_times=16), tmp_path)
    expected = (
        r"norm\.running_mean.* have another shape; .* of 16 samples, the store has 64; convert"
    )
    with pytest.raises(ModelError, match=expected):
        load_source(card.build(), card, source)


def test_no_loaded_tensor_is_an_error(tmp_path, monkeypatch):
    (tmp_path / "single_layer_network.py").write_text(
        "from torch import nn\n"
        "class Net(nn.Module):\n"
        "    def __init__(self, n_chans, n_times, n_outputs):\n"
        "        super().__init__()\n"
        "        self.last = nn.Linear(n_chans * n_times, n_outputs)\n"
        "    def forward(self, signals):\n"
        "        return self.last(signals.flatten(1))\n"
    )
    monkeypatch.chdir(tmp_path)
    card = replace(CARD, model="single_layer_network:Net")
    source = source_of(replace(card, target=SEX), tmp_path)
    with pytest.raises(ModelError, match=r"none of its 2 tensors is loaded, because .* than the"):
        load_source(card.build(), card, source)


def test_a_network_behind_a_channel_map_is_loaded_and_can_be_a_source(tmp_path):
    matrix = ((0.0, 1.0), (1.0, 0.0), (0.5, 0.5))
    mapped = replace(
        CARD, channels=("A", "B"), network_channels=CARD.channels, channel_map=matrix, target=SEX
    )
    source = source_of(CARD, tmp_path)
    model = build_seeded(mapped, 2)
    load_source(model, mapped, source)
    assert torch.equal(model.channel_map.matrix, torch.tensor(matrix))
    assert len(loaded_names(model, source, "network.") - {"dense.weight", "dense.bias"}) == 8
    save_checkpoint(model, mapped, tmp_path / "mapped.safetensors")
    restored, card = load_checkpoint(tmp_path / "mapped.safetensors")
    assert card == mapped
    signals = torch.randn(4, 2, 64)
    assert torch.equal(restored(signals), model.eval()(signals))
    again = read_source(tmp_path / "mapped.safetensors", "mapped")
    assert again.tensors.keys() == source.tensors.keys()
    plain = build_seeded(replace(CARD, target=SEX), 3)
    load_source(plain, replace(CARD, target=SEX), again)
    mixed = torch.einsum("ij,bjt->bit", torch.tensor(matrix), signals)
    torch.testing.assert_close(plain.eval()(mixed), model.eval()(signals))


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        *(("shallow-fbcsp", False), ("resnet1d", False)),
        *(("spatial-attention", True), ("channelwise-resnet", True)),
    ],
)
def test_only_weights_that_do_not_depend_on_the_channels_take_any(model, expected):
    card = replace(CARD, model=model, positions=POSITIONS)
    assert is_for_any_channels(card) is expected


def test_the_examples_of_the_docstrings_run():
    assert doctest.testmod(transfer).failed == 0
