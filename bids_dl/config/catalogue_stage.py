"""Settings of catalogues, as one frozen dataclass."""

from __future__ import annotations

from pydantic import Field
from pydantic.dataclasses import dataclass

from bids_dl.config.stages import STRICT


@dataclass(frozen=True, config=STRICT)
class CatalogueConfig:
    """Texts of a catalogue.

    Parameters
    ----------
    site_title
        Title of the site.
    site_url
        Address that the site will have, with ``https://`` or ``http://``; None if it is not known.
    """

    site_title: str = Field(default="EEG stores", min_length=1)
    site_url: str | None = Field(default=None, pattern=r"^https?://[^\s/?#@]+(/[^\s?#]*)?$")
