"""All models by name. A new model is its file and an entry in `MODELS`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from bids_dl.errors import ConfigError, ModelError, RequestError
from bids_dl.models import (
    band_power,
    c2f,
    chambon2018,
    channelwise_resnet,
    deep4,
    eegnet,
    resnet1d,
    scnn,
    shallow_fbcsp,
    spatial_attention,
    vgg,
)
from bids_dl.models.adapters.braindecode import PREFIX as BRAINDECODE_PREFIX
from bids_dl.models.adapters.braindecode import find_braindecode
from bids_dl.models.adapters.imported import find_imported, find_registered
from bids_dl.models.adapters.timm import PREFIX as TIMM_PREFIX
from bids_dl.models.adapters.timm import find_timm
from bids_dl.models.spec import ModelSpec
from bids_dl.plugins import find_plugin, list_plugins
from bids_dl.wording import closest, join_names

ADAPTER_NAMES = "braindecode/NAME, timm/NAME, MODULE:CLASS"
MODELS = {
    spec.name: spec
    for spec in (
        shallow_fbcsp.SPEC,
        eegnet.SPEC,
        deep4.SPEC,
        scnn.R_SCNN,
        scnn.S_SCNN,
        vgg.R_VGG,
        vgg.S_VGG,
        chambon2018.SPEC,
        resnet1d.SPEC,
        c2f.SPEC,
        spatial_attention.SPEC,
        channelwise_resnet.SPEC,
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
    spec = find_spec(name)
    if spec.shape is None or tuple(shape) == spec.shape:
        return
    n_chans, n_times = spec.shape
    length = f"{n_times / spec.rate:g} s at {spec.rate:g} Hz" if spec.rate else f"{n_times} samples"
    raise ModelError(
        f"model {name} expects windows of {spec.shape}, {source} has {tuple(shape)}; "
        f"choose {n_chans} channels and windows of {length}"
    )


def build(
    name: str,
    *,
    n_chans: int,
    n_times: int,
    n_outputs: int,
    sfreq: float,
    ch_names: Sequence[str] | None = None,
    positions: npt.ArrayLike | None = None,
    **options: Any,
) -> nn.Module:
    """Build a model with initial weights, which are drawn from torch's global generator.

    The shapes of input and output are checked first, without random numbers.

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
    ch_names
        Names of the channels, in order. Few models need them.
    positions
        (n_chans, 3): positions of the channels in m, in head coordinates, NaN if unknown. Models
        of topographies need them.
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
        The model does not accept windows of this shape, lacks a position or a name of a channel,
        or returns outputs of another shape.

    Examples
    --------
    >>> model = build("shallow-fbcsp", n_chans=24, n_times=256, n_outputs=2, sfreq=128.0)
    >>> model(torch.zeros(8, 24, 256)).shape
    torch.Size([8, 2])
    """
    spec = find_spec(name)
    check_shape(name, (n_chans, n_times), "the input")
    _check_options(spec, options)
    sizes = (n_chans, n_times, n_outputs, sfreq)
    arguments = options | _describe_channels(spec, n_chans, ch_names, positions)
    try:
        if not spec.needs_memory:
            with torch.device("meta"):
                untrained = spec.make(*sizes, **arguments)
            _check_outputs(untrained, spec, sizes)
            return spec.make(*sizes, **arguments)
        with torch.device("cpu"):  # even if the caller asks for the meta device
            model = spec.make(*sizes, **arguments)
            _check_outputs(model, spec, sizes)
        return model.train()
    except (TypeError, ValueError) as error:
        values = ", ".join(f"{key}={value!r}" for key, value in options.items()) or "its defaults"
        reason = str(error).splitlines()[0]
        raise ConfigError(f"model {name} cannot be built with {values}: {reason}") from error


def count_parameters(spec: ModelSpec) -> int | None:
    """Count the parameters of a model for the windows of its specification and two outputs.

    Returns
    -------
    int or None
        None if the model needs names of channels, or cannot be built.

    Examples
    --------
    >>> count_parameters(find_spec("s-vgg"))
    1751506
    """
    n_chans, n_times, sfreq = spec.example
    angles = np.linspace(0, np.pi, n_chans)  # of electrodes on an arc from ear to ear
    positions = 0.09 * np.stack([np.cos(angles), 0 * angles, np.sin(angles)], axis=1)
    device = "cpu" if spec.needs_memory else "meta"
    try:
        with torch.random.fork_rng(devices=[]), torch.device(device):
            model = build(
                spec.name,
                n_chans=n_chans,
                n_times=n_times,
                n_outputs=2,
                sfreq=sfreq,
                ch_names=[f"channel {number}" for number in range(n_chans)],
                positions=positions,
            )
    except RequestError:
        return None
    return sum(parameter.numel() for parameter in model.parameters())


def _check_options(spec: ModelSpec, options: dict[str, Any]) -> None:
    """Refuse an unknown option and a value of another kind than the default."""
    available = spec.options
    unknown = sorted(set(options) - set(available))
    if unknown:
        choices = _suggest_and_list(unknown[0], available)
        raise ConfigError(f"model {spec.name} has no option {unknown[0]!r}{choices}")
    for key, value in options.items():
        _check_option(spec.name, key, value, available[key])


def _describe_channels(
    spec: ModelSpec,
    n_chans: int,
    ch_names: Sequence[str] | None,
    positions: npt.ArrayLike | None,
) -> dict[str, Any]:
    """Return names and positions of the channels as keywords, as far as a model needs them."""
    names = None if ch_names is None else list(ch_names)
    arguments: dict[str, Any] = {}
    if spec.needs_names:
        if names is None:
            raise ModelError(f"model {spec.name} needs the names of the channels")
        arguments["ch_names"] = names
    if spec.needs_positions:
        arguments["positions"] = _check_positions(spec, n_chans, names, positions)
    return arguments


def _check_positions(
    spec: ModelSpec, n_chans: int, names: list[str] | None, positions: npt.ArrayLike | None
) -> npt.NDArray[np.float64]:
    """Return the positions (n_chans, 3), or refuse channels without a position."""
    names = names or [str(number) for number in range(n_chans)]
    if positions is None or not np.size(positions):
        values = np.full((n_chans, 3), np.nan)
    else:
        values = np.asarray(positions, np.float64)
    if values.shape != (n_chans, 3):
        raise ModelError(
            f"model {spec.name} expects positions of shape ({n_chans}, 3), got {values.shape}"
        )
    is_known = np.isfinite(values).all(axis=1)
    missing = [name for name, known in zip(names, is_known, strict=True) if not known]
    if missing:
        raise ModelError(
            f"model {spec.name} needs the positions of all channels, unknown are "
            f"{join_names(missing, limit=5)}; drop these channels or give the recordings a montage"
        )
    return values


def _check_outputs(model: nn.Module, spec: ModelSpec, sizes: tuple[int, int, int, float]) -> None:
    """Refuse a model that cannot compute one row of outputs per window."""
    n_chans, n_times, n_outputs, sfreq = sizes
    windows = f"windows of ({n_chans}, {n_times}) at {sfreq:g} Hz"
    signals = torch.empty(2, n_chans, n_times, device="meta")
    if spec.needs_memory:
        signals = torch.randn(2, n_chans, n_times, generator=torch.Generator().manual_seed(0))
    try:
        with torch.no_grad():
            outputs = model.eval()(signals)
    except (RuntimeError, AssertionError) as error:  # of a layer
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        if spec.min_seconds is not None and n_times < spec.min_seconds * sfreq:
            reason = f"it expects at least {spec.min_seconds:.3g} s"
        raise ModelError(f"model {spec.name} does not accept {windows}: {reason}") from error
    shape = tuple(outputs.shape) if isinstance(outputs, torch.Tensor) else type(outputs).__name__
    if shape != (2, n_outputs):
        raise ModelError(
            f"model {spec.name} returns {shape} for two {windows}, expected {(2, n_outputs)}"
        )
    if spec.needs_memory and n_outputs > 1 and _are_probabilities(outputs.double()):
        raise ModelError(
            f"model {spec.name} returns probabilities; remove its last softmax, because the loss "
            "expects logits"
        )


def _are_probabilities(outputs: torch.Tensor) -> bool:
    """Return True if each row is the result of a softmax or a log-softmax."""
    one = torch.ones(len(outputs), dtype=outputs.dtype, device=outputs.device)
    is_softmax = bool((outputs >= 0).all()) and torch.allclose(outputs.sum(dim=1), one, atol=1e-4)
    return is_softmax or torch.allclose(outputs.exp().sum(dim=1), one, atol=1e-4)


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


def find_spec(name: str) -> ModelSpec:
    """Return the description of a model.

    Parameters
    ----------
    name
        Name in `MODELS` or of a plug-in (entry points of the group ``bids_dl.models``),
        ``braindecode/<Name>``, ``timm/<name>``, or ``MODULE:CLASS``.

    Raises
    ------
    ConfigError
        There is no model of this name, or its plug-in cannot be loaded.
    ModelError
        The package of the model is not installed, or cannot be imported.

    Examples
    --------
    >>> find_spec("eegnet").rate
    128.0
    """
    if name in MODELS:
        return MODELS[name]
    if name.startswith(BRAINDECODE_PREFIX):
        return find_braindecode(name)
    if name.startswith(TIMM_PREFIX):
        return find_timm(name)
    if ":" in name:
        return find_imported(name)
    plugin = find_plugin("model", name)
    if plugin is not None:
        return find_registered(plugin)
    available = list(dict.fromkeys([*MODELS, *(item.name for item in list_plugins("model"))]))
    raise ConfigError(
        f"unknown model {name!r}{_suggest_and_list(name, available)}, {ADAPTER_NAMES}"
    )


def _suggest_and_list(name: str, available: Collection[str]) -> str:
    """Return the end of a message about an unknown name: a suggestion and the available names."""
    match = closest(name, available)
    suggestion = f", did you mean {match!r}?" if match else ""
    return f"{suggestion}; available: {', '.join(available)}"
