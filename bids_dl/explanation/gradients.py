"""Gradients of the outputs of a model with respect to its input, and integrated gradients."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import numpy as np
import torch
from torch import Tensor, nn

from bids_dl.errors import ModelError
from bids_dl.transforms import TRANSFORMS


def output_gradients(model: nn.Module, signals: Tensor) -> Tensor:
    """Compute the gradient of each output with respect to the signal (Simonyan et al. 2014).

    Parameters
    ----------
    model
        Model in evaluation mode, from signals to (batch, n_outputs).
    signals
        (batch, n_chans, n_times), normalized as for the model.

    Returns
    -------
    Tensor
        (n_outputs, batch, n_chans, n_times): change of the output per unit of the signal
        (arXiv:1312.6034).

    Raises
    ------
    ModelError
        The model is not differentiable with respect to its input, or a gradient is not finite.

    Examples
    --------
    >>> model = nn.Sequential(nn.Flatten(), nn.Linear(6, 2, bias=False))
    >>> gradients = output_gradients(model, torch.randn(4, 2, 3))
    >>> bool((gradients[1, 0].flatten() == model[1].weight[1]).all())
    True
    """
    with with_gradients(model):
        inputs = signals.detach().requires_grad_()
        return torch.stack(list(_gradients(model, model(inputs), inputs)))


def transform_gradients(model: nn.Module, layer: nn.Module, signals: Tensor) -> Tensor:
    """Compute the gradient of each output with respect to the result of a transform.

    Parameters
    ----------
    model
        Model in evaluation mode.
    layer
        Transform within the model.
    signals
        (batch, n_chans, n_times), normalized as for the model.

    Returns
    -------
    Tensor
        (n_outputs, batch, ...): with the dimensions of the transform's result.

    Raises
    ------
    ModelError
        The result of the transform is not used, or a gradient is not finite.
    """
    results: list[Tensor] = []
    hook = layer.register_forward_hook(lambda *arguments: results.append(arguments[2]))
    try:
        with with_gradients(model):
            outputs = model(signals.detach().requires_grad_())
            if not results:
                raise _not_differentiable(model)
            return torch.stack(list(_gradients(model, outputs, results[-1])))
    finally:
        hook.remove()


def mean_path_gradients(
    model: nn.Module, signals: Tensor, baseline: Tensor, n_steps: int
) -> Tensor:
    """Compute the mean gradient between a baseline and the signal, for integrated gradients.

    The attributions of Sundararajan et al. 2017 (arXiv:1703.01365) are this mean times the
    difference of signal and baseline. The integral is a Gauss-Legendre quadrature.

    Parameters
    ----------
    model
        Model in evaluation mode.
    signals
        (batch, n_chans, n_times), normalized as for the model.
    baseline
        (n_chans, n_times), likewise.
    n_steps
        Points on the straight line from the baseline to the signal.

    Returns
    -------
    Tensor
        (n_outputs, batch, n_chans, n_times).

    Examples
    --------
    >>> model = nn.Sequential(nn.Flatten(), nn.Linear(6, 2, bias=False))
    >>> mean = mean_path_gradients(model, torch.randn(4, 2, 3), torch.zeros(2, 3), n_steps=8)
    >>> bool(torch.allclose(mean[1, 0].flatten(), model[1].weight[1]))
    True
    """
    nodes, weights = np.polynomial.legendre.leggauss(n_steps)
    total: Tensor | None = None
    for node, weight in zip(nodes.tolist(), weights.tolist(), strict=True):
        point = baseline + (1 + node) / 2 * (signals - baseline)
        part = output_gradients(model, point) * (weight / 2)
        total = part if total is None else total + part
    if total is None:
        raise ValueError("n_steps must be at least 1")
    return total


def find_transform(model: nn.Module) -> tuple[str, nn.Module] | None:
    """Return name and layer of the first transform of a model, or None if it has none."""
    classes = {spec.make: name for name, spec in TRANSFORMS.items()}
    for layer in model.modules():
        if type(layer) in classes:
            return classes[type(layer)], layer
    return None


def _gradients(model: nn.Module, outputs: Tensor, inputs: Tensor) -> Iterator[Tensor]:
    """Yield the gradient of each output, a window's output being that of the window only."""
    n_outputs = outputs.shape[1]
    for output in range(n_outputs):
        is_kept = output < n_outputs - 1
        try:
            (gradient,) = torch.autograd.grad(
                outputs[:, output].sum(), inputs, retain_graph=is_kept, allow_unused=True
            )
        except RuntimeError as error:
            raise _not_differentiable(model) from error
        if gradient is None:
            raise _not_differentiable(model)
        if not bool(torch.isfinite(gradient).all()):
            raise ModelError(
                f"{type(model).__name__}: the gradient of output {output} is NaN or infinite for "
                f"{int((~torch.isfinite(gradient.flatten(1))).any(1).sum())} of {len(gradient)} "
                "windows; bound powers below before a logarithm or a root"
            )
        yield gradient.float()


def _not_differentiable(model: nn.Module) -> ModelError:
    return ModelError(
        f"{type(model).__name__}: no gradient of its outputs with respect to its input; "
        "an explanation needs a model of differentiable torch operations"
    )


@contextmanager
def with_gradients(model: nn.Module) -> Iterator[None]:
    """Enable gradients, without cuDNN if its recurrent layers would have none in evaluation."""
    is_recurrent = any(isinstance(layer, nn.RNNBase) for layer in model.modules())
    cudnn = torch.backends.cudnn.flags(enabled=False) if is_recurrent else nullcontext()
    with torch.enable_grad(), cudnn:
        yield
