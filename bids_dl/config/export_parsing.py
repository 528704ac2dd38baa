"""Options of exports by name, to their dataclass."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bids_dl.config.export_stage import ExportConfig
from bids_dl.config.validation import build
from bids_dl.config.values import as_texts

COLUMNS = ("label", "split", "subject", "recording")
"""Columns of a store that options name."""


def parse_export(options: Mapping[str, Any]) -> ExportConfig:
    """Build the choice of windows to export, ignoring other options.

    Examples
    --------
    >>> parse_export({"label": "closed", "overwrite": True}).label
    ('closed',)
    """
    values = {name: as_texts(options.get(name)) for name in COLUMNS}
    return build(ExportConfig, **values, max_windows=options.get("max_windows"))
