"""Embeddings of people whose features are known, and run folders of small networks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from people_store import window_table

from bids_dl.embedding import Embeddings
from bids_dl.models.checkpoint import ModelCard, save_checkpoint
from bids_dl.models.target import TargetSpec

LABEL = TargetSpec("label", "classes", ("label",), ("rest", "move"))
CARD = ModelCard("shallow-fbcsp", ("C0", "C1", "C2"), 64, 64.0, LABEL, options={"n_filters": 4})


def write_run(folder: Path, seen: Sequence[Sequence[str]], **changes: Any) -> Path:
    """Write a run folder of networks for `people_store`, each with the subjects it has seen."""
    folder.mkdir()
    card = replace(CARD, **changes)
    folds = []
    for number, subjects in enumerate(seen):
        torch.manual_seed(100 + number)
        file = f"weights-fold-{number}.safetensors"
        save_checkpoint(card.build(), card, folder / file)
        people = [["ds1", subject] for subject in subjects]
        folds.append({"train": people, "validation": [], "weights": file})
    (folder / "folds.json").write_text(json.dumps(folds))
    return folder


def make_embeddings(
    effects: dict[str, float],
    *,
    n_persons: int = 12,
    table: pd.DataFrame | None = None,
    n_seeds: int = 1,
    seed: int = 0,
    **run: Any,
) -> Embeddings:
    """Return embeddings whose features follow the label ``move`` by an effect of each system.

    Parameters
    ----------
    effects
        Difference between the classes in standard deviations, of ``features``,
        ``random_weights`` and ``band_power``; 0 for those that are not named.
    **run
        Changes of the run in the origin.
    """
    if table is None:
        table = window_table(n_persons, splits=("train", "train", "test"))
    columns = {name: values.to_numpy() for name, values in table.items()}
    table = pd.DataFrame(columns, index=table.index)  # with the types of a store
    rng = np.random.default_rng(seed)
    is_move = (table["label"] == "move").to_numpy()

    def draw(name: str, n_features: int) -> np.ndarray:
        noise = rng.standard_normal((len(table), n_features))
        noise[:, 0] += effects.get(name, 0.0) * is_move
        return noise.astype(np.float32)

    origin = {
        "format": "bids-dl-embeddings",
        "format_version": 1,
        "store": {
            "name": "people.zarr",
            "url": "people.zarr",
            "content": "ab",
            "manifest_sha256": "cd",
            "plan": None,
            "sources": [],
            "shape": [len(table), 3, 64],
            "sfreq": 64.0,
            "channels": ["C0", "C1", "C2"],
            "classes": {"label": ["rest", "move"]},
        },
        "run": {
            "name": "run",
            "fold": 0,
            "weights": "weights.safetensors",
            "weights_sha256": "ef",
            "model": "shallow-fbcsp",
            "layer": "dense",
            "side": "input",
            "normalize": "recording",
            "card": {},
            **run,
        },
        "split": None,
        "random_seeds": list(range(n_seeds)),
        "band_power_reason": "",
        "packages": {},
    }
    return Embeddings(
        draw("features", 6),
        np.stack([draw("random_weights", 6) for _ in range(n_seeds)]),
        draw("band_power", 4),
        table,
        np.zeros(len(table), bool),
        origin,
    )


def assert_same(first: Embeddings, second: Embeddings) -> None:
    """Check that all contents of two embeddings are equal, bit by bit."""
    for name in ("features", "random_weights", "band_power", "seen"):
        values = [getattr(each, name) for each in (first, second)]
        assert values[0].dtype == values[1].dtype, name
        np.testing.assert_array_equal(*values, err_msg=name)
    pd.testing.assert_frame_equal(first.table, second.table, check_names=False)
    assert first.origin == second.origin
