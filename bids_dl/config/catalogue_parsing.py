"""Options of catalogues by name, to their dataclass."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bids_dl.config.catalogue_stage import CatalogueConfig
from bids_dl.config.validation import build


def parse_catalogue(options: Mapping[str, Any]) -> CatalogueConfig:
    """Build the texts of a catalogue, ignoring other options.

    Examples
    --------
    >>> parse_catalogue({"site_title": "Sleep", "output": "site"}).site_title
    'Sleep'
    """
    names = ("site_title", "site_url")
    return build(CatalogueConfig, **{name: options.get(name) for name in names})
