"""All models by name. A new model is its file and an entry in `MODELS`."""

from __future__ import annotations

from collections.abc import Collection
from numbers import Integral, Real
from typing import Any

import torch
from torch import nn

from bids_dl.errors import ConfigError, ModelError
from bids_dl.models import band_power, eegnet, r_scnn, shallow_fbcsp
from bids_dl.models.spec import ModelSpec
from bids_dl.wording import closest

MODELS = {
    spec.name: spec
    for spec in (
        shallow_fbcsp.SPEC,
        eegnet.SPEC,
        r_scnn.SPEC,
        band_power.SPEC,
    )
}


def check_shape(name: str, shape: tuple[int, int], source: str) -> None:
    """Raise an error if a model does not accept windows of a shape.

    Parameters
    ----------
    name
        Name of the model.
    shape
        (n_chans, n_times) of the windows.
    source
        Origin of the windows, for the message.

    Raises
    ------
    ConfigError
        There is no model of this name.
    ModelError
        The model does not accept this shape.

    Examples
    --------
    >>> check_shape("shallow-fbcsp", (24, 256), "eyes.zarr")
    """
    expected = _find(name).shape
    if expected is not None and tuple(shape) != expected:
        raise ModelError(f"model {name} expects windows of {expected}, {source} has {tuple(shape)}")


def build(
    name: str, *, n_chans: int, n_times: int, n_outputs: int, sfreq: float, **options: Any
) -> nn.Module:
    """Build a model with initial weights, which are drawn from torch's global generator.

    The shapes of input and output are checked first, without memory and random numbers.

    Parameters
    ----------
    name
        Name of the model.
    n_chans, n_times
        Channels and samples of a window.
    n_outputs
        Number of outputs, such as classes.
    sfreq
        Sampling rate in Hz.
    **options
        Options of the model.

    Returns
    -------
    model
        Module from float32 signals (batch, n_chans, n_times) to outputs (batch, n_outputs).

    Raises
    ------
    ConfigError
        The model or an option is unknown, or an option is out of range.
    ModelError
        The model does not accept windows of this shape, or returns outputs of another shape.

    Examples
    --------
    >>> model = build("shallow-fbcsp", n_chans=24, n_times=256, n_outputs=2, sfreq=128.0)
    >>> model(torch.zeros(8, 24, 256)).shape
    torch.Size([8, 2])
    """
    spec = _find(name)
    check_shape(name, (n_chans, n_times), "the input")
    unknown = sorted(set(options) - set(spec.options))
    if unknown:
        available = _suggest_and_list(unknown[0], spec.options)
        raise ConfigError(f"model {name} has no option {unknown[0]!r}{available}")
    for key, value in options.items():
        _check_option(name, key, value, spec.options[key])
    sizes = (n_chans, n_times, n_outputs, sfreq)
    try:
        with torch.device("meta"):
            untrained = spec.make(*sizes, **options)
        _check_outputs(untrained, name, sizes)
        return spec.make(*sizes, **options)
    except (TypeError, ValueError) as error:
        values = ", ".join(f"{key}={value!r}" for key, value in options.items())
        reason = str(error).splitlines()[0]
        raise ConfigError(f"model {name} cannot be built with {values}: {reason}") from error


def _check_outputs(model: nn.Module, name: str, sizes: tuple[int, int, int, float]) -> None:
    """Refuse a model on the meta device that cannot compute one row of outputs per window."""
    n_chans, n_times, n_outputs, sfreq = sizes
    windows = f"windows of ({n_chans}, {n_times}) at {sfreq:g} Hz"
    try:
        outputs = model.eval()(torch.empty(2, n_chans, n_times, device="meta"))
    except RuntimeError as error:  # of a layer
        reason = str(error).splitlines()[0]
        raise ModelError(f"model {name} does not accept {windows}: {reason}") from error
    shape = tuple(outputs.shape)
    if shape != (2, n_outputs):
        raise ModelError(
            f"model {name} returns {shape} for two {windows}, expected {(2, n_outputs)}"
        )


def _check_option(model: str, name: str, value: Any, default: Any) -> None:
    """Refuse a value of another kind than the default, if that is a number."""
    is_boolean = isinstance(value, bool)
    if isinstance(default, int) and (is_boolean or not isinstance(value, Integral)):
        expected = "an integer"
    elif isinstance(default, float) and (is_boolean or not isinstance(value, Real)):
        expected = "a number"
    else:
        return
    raise ConfigError(
        f"model {model}: option {name} {value!r}: expected {expected}, such as {default}"
    )


def _find(name: str) -> ModelSpec:
    if name not in MODELS:
        raise ConfigError(f"unknown model {name!r}{_suggest_and_list(name, MODELS)}")
    return MODELS[name]


def _suggest_and_list(name: str, available: Collection[str]) -> str:
    """Return the end of a message about an unknown name: a suggestion and the available names."""
    match = closest(name, available)
    suggestion = f", did you mean {match!r}?" if match else ""
    return f"{suggestion}; available: {', '.join(available)}"
