"""Options of embeddings and probes by name, to their dataclasses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from bids_dl.config.embedding_stage import EmbedConfig, ProbeConfig
from bids_dl.config.selecting.conditions import parse_where
from bids_dl.config.validation import build
from bids_dl.config.values import as_texts, parse_shares


def parse_embedding(options: Mapping[str, Any]) -> EmbedConfig:
    """Build the settings of an embedding, ignoring other options.

    Examples
    --------
    >>> parse_embedding({"split": "test", "run_dir": "run"}).split
    'test'
    """
    names = {field.name for field in fields(EmbedConfig)}
    return build(EmbedConfig, **{name: options.get(name) for name in names})


def parse_probing(options: Mapping[str, Any]) -> ProbeConfig:
    """Build the settings of a probe, ignoring other options.

    Examples
    --------
    >>> parse_probing({"target": "sex", "where": "age=18..30"}).where
    ('age=18..30',)
    """
    names = {field.name for field in fields(ProbeConfig)}
    values = {name: options.get(name) for name in names}
    values["target"] = as_texts(values["target"])
    values["where"] = parse_where(values["where"])
    values["train_fraction"] = parse_shares(values["train_fraction"])
    return build(ProbeConfig, **values)
