"""Embed the windows of a store by a layer of a trained model, and by two floors."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from bids_dl.config.embedding_stage import EmbedConfig
from bids_dl.embedding.contents import FORMAT, FORMAT_VERSION, Embeddings, Features
from bids_dl.embedding.extraction import extract_features
from bids_dl.embedding.files import find_unusable
from bids_dl.embedding.random_weights import build_random_network
from bids_dl.errors import ConfigError, ModelError, mask_secrets
from bids_dl.models.band_power import BandPower
from bids_dl.models.checkpoint import ModelCard, load_checkpoint
from bids_dl.models.compute import pick_device
from bids_dl.models.features import FeatureExtractor
from bids_dl.prediction import FoldWeights, check_store, read_folds, stream_rows
from bids_dl.store import Store, open_store
from bids_dl.store.description import describe_content
from bids_dl.stream.select import select_windows
from bids_dl.wording import count, join_names

PACKAGES = ("bids_dl", "torch", "numpy", "zarr")


def embed_store(
    store_url: str,
    run_dir: str | Path,
    config: EmbedConfig,
    *,
    storage_options: Mapping[str, Any] | None = None,
) -> Embeddings:
    """Compute the features of the windows of a store.

    All windows are embedded by one model, because the features of different models are no
    coordinates of the same space. ``seen`` marks the windows of persons that the model was trained
    on. Two floors are computed beside: the same network with random weights and batch norm
    statistics of these windows, and the log band power that is the baseline of each training.

    Parameters
    ----------
    store_url
        Path or URL of a store.
    run_dir
        Run folder of `bids_dl.training.train`.
    config
        Model, layer, windows and floors.
    storage_options
        Options for the file system of the URL, as in fsspec.

    Raises
    ------
    ModelError
        The folder is not a complete run, the store does not fit it, or the layer has no features
        or ones that are not finite.
    ConfigError
        The run has several models and ``fold`` is None, there is no such model or layer, or the
        device is not available.
    StoreError, NoMatchError
        There is no finished store, or it has no window of ``split``.

    Examples
    --------
    >>> embeddings = embed_store("eyes.zarr", "run", EmbedConfig(split="test", device="cpu"))
    >>> embeddings.features.shape, embeddings.band_power.shape, embeddings.seen.any()
    ((60, 1040), (60, 120), np.False_)
    """
    folder = Path(run_dir)
    device = pick_device(config.device)
    fold, weights = choose_weights(folder, config.fold)
    store = open_store(store_url, storage_options=storage_options)
    model, card = load_checkpoint(weights.path)
    check_store(store, card, folder)
    is_selected = select_windows(store.table, split=config.split, where=None)
    rows = np.flatnonzero(is_selected).astype(np.int64)
    extractor = FeatureExtractor(model, config.layer).to(device)
    networks = [extractor, *_random_extractors(store, card, rows, config, device)]
    features, *random_weights = extract_features(
        stream_rows(store, card, is_selected), rows, networks, device
    )
    problem = find_unusable(features)
    if problem is not None:
        raise ModelError(
            f"{weights.path}: the features have {problem}, so the training has diverged or the "
            "signals are damaged; train again with a smaller --lr"
        )
    band_power, reason = compute_band_power(store, card, rows, device)
    table = store.table[is_selected]
    persons = zip(table["dataset"].astype(str), table["subject"].astype(str), strict=True)
    origin: dict[str, Any] = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "store": describe_origin(store),
        "run": _describe_run(folder, fold, weights, card, extractor),
        "split": config.split,
        "random_seeds": list(range(config.random_seeds)),
        "band_power_reason": reason,
        "packages": {package: metadata.version(package) for package in PACKAGES},
    }
    return Embeddings(
        features,
        np.stack(random_weights),
        band_power,
        table,
        np.array([person in weights.seen for person in persons], bool),
        origin,
    )


def choose_weights(run_dir: Path, fold: int | None) -> tuple[int, FoldWeights]:
    """Return number and checkpoint of the requested model of a run, or of its only one.

    Raises
    ------
    ModelError
        The folder is not a complete run.
    ConfigError
        The run has several models and none is named, or it has no such model.
    """
    models = read_folds(run_dir)
    if fold is None and len(models) == 1:
        return 0, models[0]
    names = join_names(f"{number} ({model.path.name})" for number, model in enumerate(models))
    if fold is None:
        raise ConfigError(
            f"{run_dir}: the run has {count(len(models), 'model')}, whose features cannot be "
            f"compared; name one by --fold: {names}"
        )
    if fold >= len(models):
        raise ConfigError(f"{run_dir}: --fold {fold}: the run has the models {names}")
    return fold, models[fold]


def compute_band_power(
    store: Store, card: ModelCard, rows: npt.NDArray[np.int64], device: torch.device
) -> tuple[Features, str]:
    """Compute the log band power of rows, normalized as in the baseline of a training.

    Statistics of training windows would shift each log power by a constant, which a linear model
    ignores, so the windows are in µV instead.

    Returns
    -------
    features
        (n_windows, n_chans * n_bands) float32 in dB, as `BandPower.features` returns them.
    reason
        Reason why there are no features, empty if there are.
    """
    n_chans = len(card.channels)
    try:
        model = BandPower(n_chans, card.n_times, 1, card.sfreq).to(device)
    except ModelError as error:
        return np.empty((len(rows), 0), np.float32), str(error)
    normalize = "none" if card.normalize == "training" else card.normalize
    mask = np.zeros(len(store), bool)
    mask[rows] = True
    stream = stream_rows(store, replace(card, normalize=normalize), mask)
    return extract_features(stream, rows, [model.features], device)[0], ""


def describe_origin(store: Store) -> dict[str, Any]:
    """Return name, content and shape of a store, which identify it."""
    return {
        "name": store.location.name,
        "url": mask_secrets(store.url),
        "content": store.attributes.get("content"),
        **describe_content(store),
        "shape": list(store.shape),
        "sfreq": store.sfreq,
        "channels": list(store.channels),
        "classes": dict(store.attributes.get("classes", {})),
    }


def _random_extractors(
    store: Store,
    card: ModelCard,
    rows: npt.NDArray[np.int64],
    config: EmbedConfig,
    device: torch.device,
) -> list[FeatureExtractor]:
    """Return the extractors of the networks with random weights."""
    extractors: list[FeatureExtractor] = []
    for seed in range(config.random_seeds):
        network = build_random_network(store, card, rows, seed=seed, device=device)
        extractors.append(FeatureExtractor(network, config.layer))
    return extractors


def _describe_run(
    run_dir: Path,
    fold: int,
    weights: FoldWeights,
    card: ModelCard,
    extractor: FeatureExtractor,
) -> dict[str, Any]:
    """Return run, model and layer, with the SHA-256 of the weights."""
    return {
        "name": run_dir.resolve().name,
        "fold": fold,
        "weights": weights.path.name,
        "weights_sha256": hashlib.sha256(weights.path.read_bytes()).hexdigest(),
        "model": card.model,
        "layer": extractor.layer,
        "side": "input" if extractor.takes_input else "output",
        "normalize": card.normalize,
        "card": json.loads(json.dumps(asdict(card))),  # lists, as they are read back
    }
