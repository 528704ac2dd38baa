"""The model of a training, its initial weights and its frozen layers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from torch import nn

from bids_dl.config.training_stage import TrainConfig
from bids_dl.models import ModelSpec, check_shape, find_spec
from bids_dl.models.adapters.packages import recorded_repairs
from bids_dl.models.checkpoint import ModelCard
from bids_dl.models.freezing import freeze
from bids_dl.models.target import TargetSpec
from bids_dl.models.transfer import SourceModel, is_for_any_channels, load_source
from bids_dl.models.weights import PretrainedFile, find_weights, load_weights
from bids_dl.store import Store
from bids_dl.training.channel_matching import ChannelMatch, match_channels

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
        Positions of the channels of the network in m, if the model needs them.
    warnings
        Lines about the model on this store.
    source
        Model of a run to begin with, None for another beginning.
    match
        Channels of that model, as they are computed from those of the store.
    """

    spec: ModelSpec
    weights: PretrainedFile | None
    positions: Positions
    warnings: tuple[str, ...]
    source: SourceModel | None = None
    match: ChannelMatch = field(default_factory=ChannelMatch)


def choose_model(
    config: TrainConfig, store: Store, *, source: SourceModel | None = None
) -> ModelChoice:
    """Find the requested model and its weights, and check the shape of the windows.

    Parameters
    ----------
    config
        Settings of the training.
    store
        Store to train on.
    source
        Model of a run to begin with.

    Raises
    ------
    ConfigError
        There is no such model, or no such file of weights.
    ModelError
        The package of the model is not installed, or the model does not accept these windows.
    """
    with recorded_repairs() as lines:
        spec = find_spec(config.model)
    match = _match_channels(config, store, source)
    channels = match.network_channels or store.channels
    check_shape(config.model, (len(channels), store.shape[2]), store.location.name)
    if spec.find_warnings is not None:
        lines += spec.find_warnings(channels)
    weights = None if config.weights is None else find_weights(config.weights, spec)
    if weights is not None and spec.find_pretraining_warnings is not None:
        datasets = store.table["dataset"].unique().tolist()
        lines += spec.find_pretraining_warnings(datasets, _read_steps(store))
    positions = _read_positions(store, spec)
    if source is not None and match.network_channels:
        positions = source.card.positions
    return ModelChoice(spec, weights, positions, (*lines, *match.lines), source, match)


def make_card(
    model: ModelChoice, config: TrainConfig, store: Store, target: TargetSpec, normalize: str
) -> ModelCard:
    """Return the card of the models of a training, without statistics of training windows."""
    initial = model.weights or model.source
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
        weights_sha256="" if initial is None else initial.sha256,
        network_channels=model.match.network_channels,
        channel_map=model.match.matrix,
    )


def build_initial(
    card: ModelCard,
    weights: PretrainedFile | None,
    config: TrainConfig,
    source: SourceModel | None = None,
) -> tuple[nn.Module, list[str]]:
    """Build a model, load its pretrained weights or those of a run, and freeze its layers.

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
    if source is not None:
        lines.append(load_source(model, card, source))
    if config.freeze is not None:
        trained = freeze(model, config.freeze)
        lines.append(f"--freeze {config.freeze}: only {' and '.join(trained)} is trained")
    return model, lines


def _match_channels(config: TrainConfig, store: Store, source: SourceModel | None) -> ChannelMatch:
    """Find the channels of a model to begin with, unless it takes those of any store."""
    if source is None or is_for_any_channels(source.card):
        return ChannelMatch()
    return match_channels(source.card, store, config.channels, source.name)


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
