"""Options of pushes and pulls by name, to their dataclasses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from bids_dl.config.publishing_stage import PushConfig, TransferConfig
from bids_dl.config.validation import build
from bids_dl.config.values import as_texts


def parse_push(options: Mapping[str, Any]) -> PushConfig:
    """Build the settings of a push, ignoring other options.

    Examples
    --------
    >>> parse_push({"author": "Ada Lovelace", "jobs": 2}).author
    ('Ada Lovelace',)
    """
    values = {field.name: options.get(field.name) for field in fields(PushConfig)}
    values["author"] = as_texts(values["author"])
    return build(PushConfig, **values)


def parse_pull(options: Mapping[str, Any]) -> TransferConfig:
    """Build the settings of a pull, ignoring other options.

    Examples
    --------
    >>> parse_pull({"dry_run": True}).dry_run
    True
    """
    names = [field.name for field in fields(TransferConfig)]
    return build(TransferConfig, **{name: options.get(name) for name in names})
