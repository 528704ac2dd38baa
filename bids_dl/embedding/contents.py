"""Contents of a file of embeddings: features, floors, window table and origin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from bids_dl.config.json_schema import Schema

FORMAT = "bids-dl-embeddings"
FORMAT_VERSION = 1
SEEN = "seen"
WINDOW = "window"
FEATURES = "features"
RANDOM_WEIGHTS = "random_weights"
BAND_POWER = "band_power"
MAX_NAME = 200  # characters, because a folder of a run is named by the store
TEXTS: Schema = {"type": "array", "items": {"type": "string"}}
ORIGIN_SCHEMA: Schema = {
    "type": "object",
    "properties": {
        "format": {"enum": [FORMAT]},
        "format_version": {"enum": [FORMAT_VERSION]},
        "store": {
            "type": "object",
            "properties": {
                "name": {"type": "string", "maxLength": MAX_NAME},
                "url": {"type": "string"},
                "shape": {"type": "array", "items": {"type": "integer"}, "minItems": 3},
                "sfreq": {"type": "number", "exclusiveMinimum": 0},
                "channels": TEXTS,
                "classes": {"type": "object", "additionalProperties": TEXTS},
            },
            "required": ["name", "url", "shape", "sfreq", "channels", "classes"],
        },
        "run": {
            "type": "object",
            "properties": {
                "name": {"type": "string"},
                "fold": {"type": "integer"},
                "weights_sha256": {"type": "string"},
                "model": {"type": "string"},
                "layer": {"type": "string"},
                "side": {"enum": ["input", "output"]},
                "normalize": {"type": "string"},
                "card": {"type": "object"},
            },
            "required": ["name", "fold", "weights_sha256", "model", "layer", "side", "normalize"],
        },
        "random_seeds": {"type": "array", "items": {"type": "integer"}, "minItems": 1},
        "band_power_reason": {"type": "string"},
    },
    "required": ["format", "format_version", "store", "run", "random_seeds"],
}
"""Schema of the attributes of a file of embeddings."""

Features = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Embeddings:
    """Features of windows by one model, and by two floors that no training has shaped.

    Attributes
    ----------
    features
        (n_windows, n_features) float32: activations of the layer.
    random_weights
        (n_seeds, n_windows, n_features) float32: those of the same network with random weights.
    band_power
        (n_windows, n_bands) float32 in dB: log power of each channel in each band. Without columns
        if the windows are too short.
    table
        (n_windows,): rows of the window table of the store, with their numbers as index.
    seen
        (n_windows,): True if the model was trained on the person of the window.
    origin
        Store, run, layer and versions, as in the attributes of the file.
    file
        File that holds them. None if they were not written.

    Examples
    --------
    >>> from bids_dl.config.embedding_stage import EmbedConfig
    >>> from bids_dl.embedding import embed_store
    >>> embed_store("eyes.zarr", "run", EmbedConfig(device="cpu"))
    Embeddings of 240 windows: 1040 features of shallow-fbcsp, input of dense
    """

    features: Features
    random_weights: Features
    band_power: Features
    table: pd.DataFrame
    seen: npt.NDArray[np.bool_]
    origin: Mapping[str, Any]
    file: Path | None = None

    def __repr__(self) -> str:
        n_windows, n_features = self.features.shape
        return f"Embeddings of {n_windows} windows: {n_features} features of {self.title}"

    @property
    def title(self) -> str:
        """Model and layer in words."""
        run = self.origin["run"]
        return f"{run['model']}, {run['side']} of {run['layer'] or 'the model'}"

    @property
    def window_seconds(self) -> float:
        """Length of a window in s."""
        store = self.origin["store"]
        return float(store["shape"][2] / store["sfreq"])

    @property
    def systems(self) -> dict[str, Features]:
        """Features (n_windows, n_features) by name: embedding, each random network, band power.

        The name of a random network ends with its seed. Band power is left out if the windows are
        too short.
        """
        systems = {FEATURES: self.features}
        for seed, features in zip(self.origin["random_seeds"], self.random_weights, strict=True):
            systems[f"{RANDOM_WEIGHTS}_{seed}"] = features
        if self.band_power.shape[1]:
            systems[BAND_POWER] = self.band_power
        return systems
