"""The model of a training, its initial weights and its frozen layers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import nn

from bids_dl.config.training_stage import TrainConfig
from bids_dl.models import ModelSpec, check_shape, find_spec
from bids_dl.models.adapters.packages import recorded_repairs
from bids_dl.models.checkpoint import ModelCard
from bids_dl.models.freezing import freeze
from bids_dl.models.target import TargetSpec
from bids_dl.models.weights import PretrainedFile, find_weights, load_weights
from bids_dl.store import Store

Positions = tuple[tuple[float, float, float], ...]


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """Model of a training on a store.

    Parameters
    ----------
    spec
        Description of the model.
    weights
        File of the weights to begin with, None for random ones.
    positions
        Positions of the channels in m, if the model needs them.
    warnings
        Lines about the model on this store.
    """

    spec: ModelSpec
    weights: PretrainedFile | None
    positions: Positions
    warnings: tuple[str, ...]


def choose_model(config: TrainConfig, store: Store) -> ModelChoice:
    """Find the requested model and its weights, and check the shape of the windows.

    Raises
    ------
    ConfigError
        There is no such model, or no such file of weights.
    ModelError
        The package of the model is not installed, or the model does not accept these windows.
    """
    with recorded_repairs() as lines:
        spec = find_spec(config.model)
    _, n_chans, n_times = store.shape
    check_shape(config.model, (n_chans, n_times), store.location.name)
    if spec.find_warnings is not None:
        lines += spec.find_warnings(store.channels)
    weights = None if config.weights is None else find_weights(config.weights, spec)
    if weights is not None and spec.find_pretraining_warnings is not None:
        datasets = store.table["dataset"].unique().tolist()
        lines += spec.find_pretraining_warnings(datasets, _read_steps(store))
    return ModelChoice(spec, weights, _read_positions(store, spec), tuple(lines))


def make_card(
    model: ModelChoice, config: TrainConfig, store: Store, target: TargetSpec, normalize: str
) -> ModelCard:
    """Return the card of the models of a training, without statistics of training windows."""
    return ModelCard(
        model=config.model,
        channels=store.channels,
        n_times=store.shape[2],
        sfreq=store.sfreq,
        target=target,
        normalize=normalize,
        options=dict(config.model_options),
        positions=model.positions,
        package=model.spec.package,
        weights_sha256="" if model.weights is None else model.weights.sha256,
    )


def build_initial(
    card: ModelCard, weights: PretrainedFile | None, config: TrainConfig
) -> tuple[nn.Module, list[str]]:
    """Build a model, load its pretrained weights, and freeze its layers.

    Returns
    -------
    model
        The model on the CPU.
    lines
        Lines about the tensors that were loaded, and about the layers that are trained.

    Raises
    ------
    ConfigError, ModelError
        The weights do not fit the model, or no layer would be frozen.
    """
    model = card.build()
    lines: list[str] = []
    if weights is not None:
        lines += load_weights(model, weights)
    if config.freeze is not None:
        trained = freeze(model, config.freeze)
        lines.append(f"--freeze {config.freeze}: only {' and '.join(trained)} is trained")
    return model, lines


def _read_steps(store: Store) -> list[dict[str, Any]] | None:
    """Return the steps of the recipe, or None if the store was written without a recipe."""
    recipe = store.attributes.get("request", {}).get("preprocess")
    return None if recipe is None else list(recipe["steps"])


def _read_positions(store: Store, spec: ModelSpec) -> Positions:
    """Return the positions of the channels in m if a model needs them and the store has them."""
    if not spec.needs_positions or "channel_position" not in store.arrays:
        return ()
    x, y, z = np.asarray(store.read("channel_position"), float).T.tolist()
    return tuple(zip(x, y, z, strict=True))
