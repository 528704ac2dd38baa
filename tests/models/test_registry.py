from __future__ import annotations

import doctest
import inspect

import pytest
import torch
from torch import nn

from bids_dl.errors import ConfigError, ModelError
from bids_dl.models import MODELS, ModelSpec, build, check_shape, registry
from bids_dl.models.shallow_fbcsp import ShallowFBCSP

SAMPLE = {"n_chans": 24, "n_times": 256, "n_outputs": 2, "sfreq": 128.0}


@pytest.mark.parametrize("name", sorted(MODELS))
def test_a_model_returns_one_row_of_logits_per_window(name):
    logits = build(name, **SAMPLE | {"n_outputs": 3})(torch.randn(5, 24, 256))
    assert logits.shape == (5, 3)
    assert logits.isfinite().all()


@pytest.mark.parametrize("name", sorted(MODELS))
def test_every_weight_of_a_model_has_a_gradient(name):
    model = build(name, **SAMPLE)
    (model(torch.randn(4, 24, 256)) - 1).square().sum().backward()
    for parameter in model.parameters():
        if parameter.ndim > 1:
            assert parameter.grad is not None
            assert parameter.grad.abs().sum() > 0


@pytest.mark.parametrize("name", sorted(MODELS))
def test_a_model_returns_finite_outputs_of_flat_channels(name):
    model = build(name, **SAMPLE | {"n_outputs": 1})
    for _ in range(2):
        outputs = model(torch.zeros(4, 24, 256))
        assert outputs.shape == (4, 1)
        assert outputs.isfinite().all()
        model.eval()


@pytest.mark.parametrize("name", sorted(MODELS))
def test_a_model_computes_in_bfloat16(name):
    model = build(name, **SAMPLE)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        outputs = model(torch.randn(4, 24, 256))
        (outputs.float() - 1).square().sum().backward()
    assert outputs.isfinite().all()
    assert all(parameter.grad.isfinite().all() for parameter in model.parameters())


@pytest.mark.parametrize("name", sorted(MODELS))
def test_the_same_seed_gives_the_same_weights(name):
    weights = []
    for _ in range(2):
        torch.manual_seed(7)
        weights.append(build(name, **SAMPLE).state_dict())
    assert all(torch.equal(tensor, weights[1][key]) for key, tensor in weights[0].items())


@pytest.mark.parametrize("name", sorted(MODELS))
def test_a_row_of_the_registry_has_the_source_and_the_options_of_its_model(name):
    spec = MODELS[name]
    assert spec.name == name
    assert spec.source
    assert spec.summary
    parameters = inspect.signature(spec.make).parameters.values()
    keyword_only = [p for p in parameters if p.kind is p.KEYWORD_ONLY]
    assert spec.options == {p.name: p.default for p in keyword_only}


def test_windows_that_do_not_fit_are_refused_with_both_shapes():
    message = r"model r-scnn expects windows of \(24, 256\), eyes\.zarr has \(64, 256\)"
    with pytest.raises(ModelError, match=message):
        check_shape("r-scnn", (64, 256), "eyes.zarr")
    with pytest.raises(ModelError, match=r"the input has \(24, 250\)"):
        build("r-scnn", **SAMPLE | {"n_times": 250})


class MeanOverChannels(nn.Module):
    """A model that forgets the dimension of the outputs."""

    def __init__(self, n_chans: int, n_times: int, n_outputs: int, sfreq: float) -> None:
        super().__init__()
        del n_times, sfreq
        self.kernel = nn.Conv1d(n_chans, n_outputs, 100)

    def forward(self, signals: torch.Tensor) -> torch.Tensor:
        return self.kernel(signals).mean(dim=(1, 2))


def test_a_model_whose_outputs_have_another_shape_or_fail_is_refused(monkeypatch):
    spec = ModelSpec("mean", "mean", "none", None, MeanOverChannels)
    monkeypatch.setitem(MODELS, "mean", spec)
    with pytest.raises(
        ModelError,
        match=r"model mean returns \(2,\) for two windows of \(24, 256\) .* expected \(2, 2\)",
    ):
        build("mean", **SAMPLE)
    with pytest.raises(
        ModelError,
        match=r"model mean does not accept windows of \(24, 50\) at 128 Hz: .*[Kk]ernel size",
    ):
        build("mean", **SAMPLE | {"n_times": 50})


def test_the_check_of_the_shapes_draws_no_random_numbers():
    torch.manual_seed(0)
    expected = ShallowFBCSP(24, 256, 2, 128.0).state_dict()
    torch.manual_seed(0)
    weights = build("shallow-fbcsp", **SAMPLE).state_dict()
    assert all(torch.equal(weights[name], expected[name]) for name in expected)


def test_an_unknown_model_is_refused_with_the_closest_and_all_available():
    message = (
        r"unknown model 'shalow-fbcsp', did you mean 'shallow-fbcsp'\?; "
        "available: shallow-fbcsp, eegnet, r-scnn, band-power"
    )
    with pytest.raises(ConfigError, match=message):
        build("shalow-fbcsp", **SAMPLE)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"drop_out": 0.1},
            r"no option 'drop_out', did you mean 'dropout'\?; available: n_filters, dropout",
        ),
        (
            {"dropout": 1.5},
            r"cannot be built with dropout=1\.5: dropout probability has to be between 0 and 1",
        ),
        ({"n_filters": "many"}, r"option n_filters 'many': expected an integer, such as 40"),
        ({"n_filters": -1}, r"cannot be built with n_filters=-1"),
    ],
)
def test_an_unsuitable_option_is_refused_with_its_value(options, message):
    with pytest.raises(ConfigError, match=message):
        build("shallow-fbcsp", **SAMPLE, **options)


def test_the_examples_of_the_docstrings_run():
    assert doctest.testmod(registry, extraglobs={"torch": torch}).failed == 0
