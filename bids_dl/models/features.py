"""Features of a network: the activations before its last layer, or of a named layer."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from bids_dl.errors import ConfigError, ModelError
from bids_dl.models.freezing import find_head
from bids_dl.wording import closest, join_names

SHOWN = 8  # names of layers in a message


class FeatureExtractor(nn.Module):
    """The part of a model up to one layer, as a module with the parameters of the model.

    Parameters
    ----------
    model
        Model from signals (batch, n_chans, n_times) to outputs.
    layer
        Name of a module of the model, as `torch.nn.Module.named_modules` lists it: the features
        are its output. None takes the input of the last layer, which `find_head` returns.

    Raises
    ------
    ConfigError
        The model has no such layer.

    Examples
    --------
    >>> import torch
    >>> model = nn.Sequential(nn.Flatten(), nn.Linear(12, 5), nn.ReLU(), nn.Linear(5, 2))
    >>> FeatureExtractor(model)(torch.zeros(4, 3, 4)).shape
    torch.Size([4, 5])
    >>> FeatureExtractor(model, "0")(torch.zeros(4, 3, 4)).shape
    torch.Size([4, 12])
    """

    def __init__(self, model: nn.Module, layer: str | None = None) -> None:
        super().__init__()
        self.model = model
        self.layer = find_head(model) if layer is None else layer
        self.takes_input = layer is None
        find_layer(model, self.layer)

    def forward(self, signals: Tensor) -> Tensor:
        """Compute features (batch, n_features) float32 of signals (batch, n_chans, n_times).

        Dimensions after the first are flattened.

        Raises
        ------
        ModelError
            The layer is not used, or does not return one row per window.
        """
        recorded: list[Any] = []
        module = find_layer(self.model, self.layer)
        if self.takes_input:
            hook = module.register_forward_pre_hook(lambda _, inputs: recorded.append(inputs[0]))
        else:
            hook = module.register_forward_hook(lambda *arguments: recorded.append(arguments[2]))
        try:
            self.model(signals)
        finally:
            hook.remove()
        name = self.layer or type(self.model).__name__
        if not recorded or not isinstance(recorded[-1], Tensor):
            raise ModelError(f"layer {name} returns no tensor; name another layer")
        features: Tensor = recorded[-1]
        if features.ndim < 2 or len(features) != len(signals):
            raise ModelError(
                f"layer {name} has the shape {tuple(features.shape)} for {len(signals)} windows, "
                "expected one row per window; name another layer"
            )
        return features.flatten(1).float()


def find_layer(model: nn.Module, name: str) -> nn.Module:
    """Return a module of a model by its name. The empty name is the model itself.

    Raises
    ------
    ConfigError
        The model has no module of this name.

    Examples
    --------
    >>> find_layer(nn.Sequential(nn.ReLU()), "1")
    Traceback (most recent call last):
    ...
    bids_dl.errors.ConfigError: the model has no layer '1'; it has 0
    """
    layers: dict[str, nn.Module] = dict(model.named_modules())
    if name in layers:
        return layers[name]
    names = [layer for layer in layers if layer]
    match = closest(name, names)
    suggestion = f", did you mean {match!r}?" if match else ""
    raise ConfigError(
        f"the model has no layer {name!r}{suggestion}; it has {join_names(names, limit=SHOWN)}"
    )
