from __future__ import annotations

import pytest
import torch

from bids_dl.errors import ConfigError, ModelError
from bids_dl.models import build, find_spec

SIZES = {"n_chans": 4, "n_times": 512, "n_outputs": 3, "sfreq": 128.0}


@pytest.fixture(autouse=True)
def _installed():
    try:
        find_spec("timm/test_efficientnet")
    except ModelError as error:
        pytest.skip(str(error))


def test_an_image_network_returns_logits_of_spectrograms():
    model = build("timm/test_efficientnet", **SIZES, height=64, width=64)
    assert model.input.output_shape == (3, 64, 64)
    logits = model(torch.randn(2, 4, 512))
    assert logits.shape == (2, 3)
    assert logits.isfinite().all()


def test_colored_images_of_16_electrodes_are_48_channels():
    sizes = SIZES | {"n_chans": 16}
    model = build("timm/test_efficientnet", **sizes, image="power", height=75, width=75)
    assert model.network.conv_stem.in_channels == 48
    assert model(torch.randn(2, 16, 512)).shape == (2, 3)
    assert model.mean.flatten()[:3].tolist() == pytest.approx([0.485, 0.456, 0.406])
    assert len(model.mean) == 48


def test_images_have_the_size_of_the_photographs_by_default():
    assert build("timm/test_vit", **SIZES).input.output_shape == (3, 160, 160)


def test_a_network_of_fixed_size_is_built_for_the_images():
    model = build("timm/test_vit", **SIZES, height=64, width=96)
    assert model(torch.randn(2, 4, 512)).shape == (2, 3)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "changes", "options", "n_parameters"),
    [
        ("tf_efficientnetv2_b2", {"n_outputs": 6}, {}, 8_695_540),
        (
            "inception_resnet_v2",
            {"n_chans": 16, "n_outputs": 2},
            {"image": "power", "height": 75, "width": 75},
            54_322_498,
        ),
    ],
)
def test_backbones_have_the_published_parameters(name, changes, options, n_parameters):
    model = build(f"timm/{name}", **SIZES | changes, **options)
    assert sum(p.numel() for p in model.parameters()) == n_parameters


def test_wrong_names_and_options_are_refused():
    with pytest.raises(ConfigError, match=r"unknown model 'timm/resnet5', did you mean timm/"):
        find_spec("timm/resnet5")
    with pytest.raises(ConfigError, match="image must be one of spectrogram, power"):
        build("timm/test_efficientnet", **SIZES, image="photo")
    with pytest.raises(ModelError, match="spectrogram"):
        build("timm/test_efficientnet", **SIZES | {"n_times": 64})
