from __future__ import annotations

import hashlib
import pickle

import pytest
import torch
from safetensors.torch import save_file

from bids_dl.errors import ConfigError, ModelError
from bids_dl.models import build, find_spec
from bids_dl.models.weights import find_weights, load_weights, read_state

SIZES = {"n_chans": 4, "n_times": 256, "n_outputs": 2, "sfreq": 128.0}


def build_seeded(name: str, seed: int, **options):
    torch.manual_seed(seed)
    return build(name, **(SIZES | options))


@pytest.fixture
def source():
    return build_seeded("shallow-fbcsp", 1)


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_a_local_file_fills_everything_but_the_head(tmp_path, source, suffix):
    path = tmp_path / f"weights{suffix}"
    if suffix == ".pth":
        tensors = {f"module.{name}": tensor for name, tensor in source.state_dict().items()}
        torch.save({"state_dict": tensors, "epoch": 3}, path)
    else:
        save_file(source.state_dict(), path)
    model = build_seeded("shallow-fbcsp", 2, n_outputs=5)
    head = model.dense.weight.clone()
    file = find_weights(str(path), find_spec("shallow-fbcsp"))
    assert (file.name, file.sha256) == (
        path.name,
        hashlib.sha256(path.read_bytes()).hexdigest(),
    )
    assert load_weights(model, file) == [
        f"--weights weights{suffix}: 8 tensors loaded, 2 new (dense.weight, dense.bias)"
    ]
    assert torch.equal(model.filters.spatial, source.filters.spatial)
    assert torch.equal(model.norm.running_var, source.norm.running_var)
    assert torch.equal(model.dense.weight, head)


def test_tensors_of_another_shape_are_reported(tmp_path, source):
    save_file(source.state_dict() | {"other": torch.zeros(1)}, tmp_path / "w.safetensors")
    model = build_seeded("shallow-fbcsp", 2, n_chans=6)
    spec = find_spec("shallow-fbcsp")
    [line] = load_weights(model, find_weights(str(tmp_path / "w.safetensors"), spec))
    assert "1 of the file unused (other)" in line
    assert "1 of another shape (filters.spatial (40, 40, 4) for (40, 40, 6))" in line


def test_weights_of_which_nothing_fits_are_an_error(tmp_path):
    save_file({"layer.weight": torch.zeros(2, 2)}, tmp_path / "w.safetensors")
    spec = find_spec("shallow-fbcsp")
    message = "none of its 1 tensors fits the model; it has layer.weight, the model has filters"
    with pytest.raises(ModelError, match=message):
        load_weights(
            build_seeded("shallow-fbcsp", 0), find_weights(str(tmp_path / "w.safetensors"), spec)
        )


class RunsCode:
    def __reduce__(self):
        return (print, ("executed",))


def test_a_pickle_that_runs_code_is_refused(tmp_path, capsys):
    torch.save({"layer": RunsCode()}, tmp_path / "a.pth")
    (tmp_path / "b.pth").write_bytes(pickle.dumps({"layer": RunsCode()}))
    for name in ("a.pth", "b.pth"):
        with pytest.raises(ModelError, match=f"--weights {name}: a pickle of more than tensors"):
            read_state(tmp_path / name)
    assert "executed" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "suffix"), [(b"", ".pth"), (b"no weights", ".safetensors"), (b"PK\x03\x04", ".pt")]
)
def test_a_damaged_file_is_refused_in_one_line(tmp_path, content, suffix):
    path = tmp_path / f"damaged{suffix}"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"--weights damaged\.") as caught:
        read_state(path)
    assert "\n" not in str(caught.value)


def test_a_file_without_tensors_is_refused(tmp_path):
    torch.save({"epoch": 3}, tmp_path / "w.pth")
    with pytest.raises(ModelError, match=r"w\.pth: it holds no tensors by name"):
        read_state(tmp_path / "w.pth")


def test_a_missing_file_is_named_with_the_choices():
    with pytest.raises(ConfigError, match=r"--weights none\.pth: no such file; give a .* 'pretr"):
        find_weights("none.pth", find_spec("eegnet"))


def test_pretrained_weights_that_do_not_exist_are_refused_without_the_network():
    with pytest.raises(ConfigError, match="no pretrained weights of model eegnet are known"):
        find_weights("pretrained", find_spec("eegnet"))


@pytest.fixture
def timm_spec():
    try:
        return find_spec("timm/test_efficientnet")
    except ModelError as error:
        pytest.skip(str(error))


def test_an_offline_hub_is_one_line(timm_spec, monkeypatch, tmp_path):
    pytest.importorskip("huggingface_hub")
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(ModelError) as caught:
        find_weights("pretrained", timm_spec)
    message = str(caught.value)
    assert "timm/test_efficientnet.r160_in1k of model timm/test_efficientnet" in message
    assert "download model.safetensors elsewhere and name the file" in message
    assert "\n" not in message


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_a_local_checkpoint_loads_into_48_channels_and_another_head(timm_spec, tmp_path, suffix):
    import timm

    torch.manual_seed(0)
    published = timm.create_model("test_efficientnet", num_classes=10)
    path = tmp_path / f"published{suffix}"
    if suffix == ".pth":
        torch.save(published.state_dict(), path)
    else:
        save_file(published.state_dict(), path)
    sizes = SIZES | {"n_chans": 16, "n_outputs": 3, "n_times": 512}
    options = {"image": "power", "height": 75, "width": 75}
    model = build("timm/test_efficientnet", **sizes, **options)
    [line] = load_weights(model, find_weights(str(path), timm_spec))
    n_loaded = len(published.state_dict()) - 2
    new = "2 new (classifier.weight, classifier.bias)"
    assert line == f"--weights {path.name}: {n_loaded} tensors loaded, {new}"
    loaded, expected = model.network.state_dict(), published.state_dict()
    for name, tensor in expected.items():
        if not name.startswith(("conv_stem", "classifier")):
            assert torch.equal(loaded[name], tensor), name
    kernel = expected["conv_stem.weight"]
    torch.testing.assert_close(loaded["conv_stem.weight"], kernel.repeat(1, 16, 1, 1) / 16)
    assert model(torch.randn(2, 16, 512)).shape == (2, 3)


def test_weights_of_another_image_network_are_refused(timm_spec, tmp_path):
    save_file({"layer.weight": torch.zeros(2, 2)}, tmp_path / "w.safetensors")
    model = build("timm/test_efficientnet", **SIZES, height=64, width=64)
    message = r"none of its 1 tensors fits the model"
    with pytest.raises(ModelError, match=message) as caught:
        load_weights(model, find_weights(str(tmp_path / "w.safetensors"), timm_spec))
    assert "\n" not in str(caught.value)
