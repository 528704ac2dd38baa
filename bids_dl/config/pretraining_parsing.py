"""Options of pretraining by name, to their dataclass."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from bids_dl.config.pretraining_stage import PretrainConfig
from bids_dl.config.validation import build
from bids_dl.config.values import parse_assignments


def parse_pretraining(options: Mapping[str, Any]) -> PretrainConfig:
    """Build the settings of a pretraining, ignoring other options.

    Examples
    --------
    >>> parse_pretraining({"model_options": ["dropout=0.1"], "near": 60.0}).model_options
    {'dropout': 0.1}
    """
    names = {field.name for field in fields(PretrainConfig)}
    values = {name: options.get(name) for name in names}
    values["model_options"] = parse_assignments(values["model_options"], "--model-option")
    return build(PretrainConfig, **values)
