"""Facts of a published copy of a store that the store itself cannot have: address, page, DOI.

The bytes of a store are in its manifest, so nothing in the store names a place. A published copy
has documents beside the store, which do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from bids_dl.remote.hub.account import endpoint
from bids_dl.remote.hub.hub_address import is_hub_url, parse_hub_url
from bids_dl.sharing.citation import find_doi
from bids_dl.sharing.safe_text import clean_texts

Attributes = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PublishedCopy:
    """Facts of a published copy of a store.

    Attributes
    ----------
    address
        Address that opens the store and pins its version.
    page_url
        URL of the page of the copy, "" if the copy has none.
    objects_url
        URL below which each object of the store has its name, "" to derive it from ``address``.
    doi
        DOI of the copy, not of its sources. "" if it has none.
    creators
        Persons who made the store. Those of the attributes if empty.
    licence
        SPDX name of the licence of the store. That of the attributes if "".
    date
        Day of publication as YYYY-MM-DD, "" if it is not stated.
    """

    address: str
    page_url: str = ""
    objects_url: str = ""
    doi: str = ""
    creators: tuple[str, ...] = ()
    licence: str = ""
    date: str = ""

    @property
    def objects_base(self) -> str:
        """URL below which the objects lie, without a slash at its end.

        Examples
        --------
        >>> PublishedCopy("hf://datasets/lab/eyes@v1/eyes.zarr").objects_base
        'https://huggingface.co/datasets/lab/eyes/resolve/v1/eyes.zarr'
        """
        return (self.objects_url or _web_address(self.address)).rstrip("/")

    @property
    def folder_name(self) -> str:
        """Last part of the address, as a name for a folder.

        Examples
        --------
        >>> PublishedCopy("https://lab.org/eyes.zarr/").folder_name
        'eyes.zarr'
        """
        path = self.address.partition("://")[2] or self.address
        return path.partition("?")[0].rstrip("/").rpartition("/")[2] or "store.zarr"

    @property
    def page(self) -> str:
        """URL of the page of the copy, else that of its repository on the hub, else its objects.

        Examples
        --------
        >>> PublishedCopy("hf://datasets/lab/eyes@v1/eyes.zarr").page
        'https://huggingface.co/datasets/lab/eyes'
        """
        if self.page_url or not is_hub_url(self.address):
            return self.page_url or self.objects_base
        return endpoint() + parse_hub_url(self.address).page_path

    @property
    def cited_place(self) -> str:
        """URL of the DOI, else of the page. "" if neither leads there from everywhere."""
        page = self.page if "://" in self.page else ""
        return self.doi_url or page

    @property
    def doi_url(self) -> str:
        """URL of the DOI of the copy, "" if it has none."""
        doi = find_doi(self.doi)
        return f"https://doi.org/{doi}" if doi else ""


def _web_address(address: str) -> str:
    """Return the URL of a folder on Hugging Face, and any other address unchanged."""
    if not is_hub_url(address):
        return address
    return endpoint() + parse_hub_url(address).resolve_path


def attributes_of_copy(attributes: Attributes, copy: PublishedCopy) -> dict[str, Any]:
    """Return the attributes of a store with the creators and the licence of its published copy.

    Control characters of the attributes are escaped.

    Parameters
    ----------
    attributes
        Attributes of the store's root.
    copy
        The published copy.
    """
    changed: dict[str, Any] = clean_texts(attributes)
    if copy.creators:
        changed["creators"] = clean_texts(copy.creators)
    if copy.licence:
        changed["licence"] = copy.licence
    return changed


def clean_copy(copy: PublishedCopy) -> PublishedCopy:
    """Escape the control characters of the texts of a copy.

    Parameters
    ----------
    copy
        The published copy.
    """
    return replace(
        copy,
        address=clean_texts(copy.address),
        page_url=clean_texts(copy.page_url),
        objects_url=clean_texts(copy.objects_url),
    )
