from __future__ import annotations

import pytest
import torch
from electrode_positions import spread_positions
from learning import is_learnt, windows_of_two_rhythms
from torch import nn

from bids_dl.errors import ModelError
from bids_dl.models import MODELS, build, check_shape
from bids_dl.models.checkpoint import ModelCard, load_checkpoint, save_checkpoint
from bids_dl.models.scnn import RSCNN, SSCNN
from bids_dl.models.target import TargetSpec

POSITIONS = spread_positions(24)
RAW_STAGES = [
    *((100, 22, 254), (100, 11, 127)),
    *((100, 9, 125), (100, 4, 62)),
    *((300, 3, 60), (300, 1, 30)),
    *((300, 1, 24), (300, 1, 23)),
    *((100, 1, 21), (100, 1, 19)),
]
IMAGE_STAGES = [
    *((100, 22, 70), (100, 11, 35)),
    *((100, 9, 33), (100, 4, 16)),
    *((300, 3, 14), (300, 1, 7)),
    *((300, 3, 3), (300, 3, 2)),
    *((100, 5, 2), (100, 7, 2)),
]


def layers(model: nn.Module, kind: type) -> list:
    return [layer for layer in model.modules() if isinstance(layer, kind)]


def shapes_of_stages(features: nn.Sequential, image: torch.Tensor) -> list[tuple[int, ...]]:
    """Return the shape after each convolution and each pooling."""
    shapes = []
    for layer in features:
        image = layer(image)
        if isinstance(layer, nn.Conv2d | nn.MaxPool2d):
            shapes.append(tuple(image.shape[1:]))
    return shapes


@pytest.mark.parametrize(
    ("model", "image", "stages", "n_features", "n_parameters"),
    [
        (RSCNN(24, 256, 2, 128.0), (24, 256), RAW_STAGES, 1900, 12_713_934),
        (SSCNN(24, 256, 2, 128.0, positions=POSITIONS), (24, 72), IMAGE_STAGES, 1400, 9_641_934),
    ],
    ids=["r-scnn", "s-scnn"],
)
def test_the_networks_have_the_published_shapes_layers_and_parameters(
    model, image, stages, n_features, n_parameters
):
    assert sum(parameter.numel() for parameter in model.parameters()) == n_parameters
    assert shapes_of_stages(model.features, torch.zeros(1, 1, *image)) == stages
    names = ["Conv2d", "ReLU", "MaxPool2d", "Dropout"] * 4 + ["Conv2d", "ReLU"] * 2
    assert [type(layer).__name__ for layer in model.features] == [*names, "Flatten"]
    convolutions = [(c.out_channels, c.kernel_size) for c in layers(model, nn.Conv2d)]
    assert convolutions == [
        *((100, (3, 3)), (100, (3, 3))),
        *((300, (2, 3)), (300, (1, 7))),
        *((100, (1, 3)), (100, (1, 3))),
    ]
    assert [layer.p for layer in layers(model, nn.Dropout)] == [0.25] * 4
    assert [layer.stride for layer in layers(model, nn.MaxPool2d)] == [2, 2, 2, 1]
    dense = [(layer.in_features, layer.out_features) for layer in layers(model, nn.Linear)]
    assert dense == [(n_features, 6144), (6144, 2)]


def test_the_image_of_s_scnn_is_theta_alpha_and_beta_from_left_to_right():
    model = SSCNN(24, 256, 2, 128.0, positions=POSITIONS)
    signals = 10 * torch.randn(2, 24, 256)
    seen = []
    model.features.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    model(signals)
    assert seen[0].shape == (2, 1, 24, 72)
    bands = seen[0].squeeze(1).unflatten(2, (3, 24)).movedim(2, 1)
    torch.testing.assert_close(255 * bands, model.input(signals))


@pytest.mark.parametrize("name", ["r-scnn", "s-scnn"])
def test_a_checkpoint_of_the_networks_is_loaded_and_predicts_the_same(name, tmp_path):
    target = TargetSpec("sex", "classes", ("sex",), ("F", "M"))
    names = tuple(f"E{number}" for number in range(24))
    positions = tuple(map(tuple, POSITIONS.tolist())) if MODELS[name].needs_positions else ()
    card = ModelCard(name, names, 256, 128.0, target, positions=positions)
    model = card.build().eval()
    save_checkpoint(model, card, tmp_path / "weights.safetensors")
    loaded, _ = load_checkpoint(tmp_path / "weights.safetensors")
    signals = 10 * torch.randn(1, 24, 256)
    assert torch.equal(loaded(signals), model(signals))


def test_the_weights_of_r_scnn_keep_their_names_so_that_old_checkpoints_load():
    names = [name for name in RSCNN(24, 256, 2, 128.0).state_dict() if name.endswith("weight")]
    features = [f"features.{position}.weight" for position in (0, 4, 8, 12, 16, 18)]
    assert names == [*features, "classifier.0.weight", "classifier.2.weight"]


def test_windows_of_another_shape_are_refused_with_the_published_one():
    with pytest.raises(ModelError) as refusal:
        check_shape("r-scnn", (23, 320), "eyes.zarr")
    assert str(refusal.value) == (
        "model r-scnn expects windows of (24, 256), eyes.zarr has (23, 320); "
        "choose 24 channels and windows of 2 s at 128 Hz"
    )


@pytest.mark.parametrize("n_chans", [8, 64])
def test_s_scnn_accepts_any_montage_of_known_positions_and_windows_of_1_s(n_chans):
    sizes = {"n_chans": n_chans, "n_outputs": 2, "sfreq": 128.0}
    positions = spread_positions(n_chans)
    model = build("s-scnn", n_times=128, positions=positions, **sizes)
    assert model(torch.randn(1, n_chans, 128)).shape == (1, 2)
    with pytest.raises(ModelError, match=r"at least 1 s \(128 samples at 128 Hz\), got 127"):
        build("s-scnn", n_times=127, positions=positions, **sizes)
    with pytest.raises(ModelError, match="s-scnn needs the positions of all channels"):
        build("s-scnn", n_times=128, **sizes)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["r-scnn", "s-scnn"])
def test_the_networks_learn_24_windows(name):
    torch.manual_seed(0)
    sizes = {"n_chans": 24, "n_times": 256, "n_outputs": 2, "sfreq": 128.0}
    model = build(name, **sizes, positions=POSITIONS, dropout=0.0)
    assert is_learnt(model, *windows_of_two_rhythms(24, 24, 256), lr=3e-4)
