"""Entries of a catalogue: what a card says of a store, from its root object alone."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from bids_dl.errors import StoreError, mask_secrets
from bids_dl.reporting.formatting import format_query
from bids_dl.sharing.citation import find_doi
from bids_dl.sharing.licence import store_licence
from bids_dl.sharing.safe_text import clean_texts
from bids_dl.store import Store
from bids_dl.store.format import SIGNALS
from bids_dl.store.root_object import require_attributes

PAGES = "pages"  # folder of the pages of the stores
IDENTIFIER_CHARS = 16  # of the content identifier, enough to tell stores apart
BYTES_OF_SAMPLE = {"int16": 2, "float32": 4}


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """One store of a catalogue.

    Attributes
    ----------
    content
        Content identifier of the arrays.
    address
        URL of the store, or its path relative to the folder of the catalogue.
    page
        Path of its page relative to the folder of the catalogue, "" if it has none.
    labels
        Number of windows by label.
    queries
        Query by label.
    splits
        Numbers of persons and windows by split.
    signal_bytes
        Bytes of the samples before compression.
    licence
        SPDX name, "" if each source has its own.
    sources
        ``dataset``, ``title``, ``doi``, ``licence`` and ``authors`` of each source.
    also_at
        Addresses of further copies.
    """

    content: str
    title: str
    description: str
    address: str
    page: str
    n_windows: int
    n_chans: int
    n_times: int
    sfreq: float
    labels: Mapping[str, int]
    queries: Mapping[str, str]
    n_people: int
    n_recordings: int
    n_failed: int
    splits: Mapping[str, Mapping[str, int]]
    recipe: str
    steps: tuple[str, ...]
    dtype: str
    signal_bytes: int
    licence: str
    creators: tuple[str, ...]
    sources: tuple[Mapping[str, Any], ...]
    also_at: tuple[str, ...] = ()

    @property
    def seconds(self) -> float:
        """Duration of a window in s."""
        return self.n_times / self.sfreq


def describe_entry(store: Store, address: str) -> CatalogueEntry:
    """Describe a store by its root object. Nothing more is read.

    Parameters
    ----------
    store
        An open store.
    address
        Its address in the catalogue.

    Raises
    ------
    DamagedStoreError
        The root lacks attributes that `bids-dl convert` writes.
    """
    require_attributes(store.url, store.attributes)
    attributes = clean_texts(store.attributes)
    request, statistics = attributes["request"], attributes["statistics"]
    shape, dtype = store.shape, store.metadata(SIGNALS)["data_type"]
    queries = {
        label["label"]: format_query(label["query"]) for label in request["events"]["labels"]
    }
    return CatalogueEntry(
        content=attributes["content"],
        title=attributes["title"],
        description=attributes.get("description", ""),
        address=address,
        page=f"{PAGES}/{attributes['content'][:IDENTIFIER_CHARS]}.html",
        n_windows=shape[0],
        n_chans=shape[1],
        n_times=shape[2],
        sfreq=store.sfreq,
        labels=statistics["windows"],
        queries=queries,
        n_people=statistics["persons"],
        n_recordings=statistics["recordings"],
        n_failed=len(attributes["failures"]),
        splits=statistics["splits"],
        recipe=request["preprocess"]["name"],
        steps=tuple(next(iter(step)) for step in request["preprocess"]["steps"]),
        dtype=dtype,
        signal_bytes=shape[0] * shape[1] * shape[2] * BYTES_OF_SAMPLE[dtype],
        licence=store_licence(attributes),
        creators=tuple(attributes.get("creators", ())),
        sources=tuple(map(_describe_source, attributes["sources"])),
    )


def _describe_source(source: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "dataset": source["dataset"],
        "title": source["title"],
        "doi": find_doi(source["doi"]),
        "licence": source["licence"],
        "authors": list(source["authors"]),
    }


def address_in_site(store: Store, site: Path, site_url: str | None) -> str:
    """Return the address of a store for the pages of a site.

    Parameters
    ----------
    store
        An open store.
    site
        Folder of the site.
    site_url
        Address that the site will have, None if it is not known.

    Returns
    -------
    str
        The URL of a remote store. The path of a local one relative to the site, or its URL if it
        lies below the site and the address of the site is known.

    Raises
    ------
    StoreError
        The URL has a password or a query, the store is in an archive of this machine, or it is on
        another drive than the site.
    """
    if not store.location.is_local:
        if mask_secrets(store.url) != store.url:
            raise StoreError(
                f"{store.url}: has a user or a query, which no page may show; "
                "give an address without, and --storage-option"
            )
        if "::" in store.url and "://" not in store.url.rpartition("::")[2]:
            raise StoreError(
                f"{store.url}: is in an archive of this machine, which no page can name; "
                "give the URL of the archive, or pull the store to a folder"
            )
        return store.url.rstrip("/")
    try:
        path = os.path.relpath(store.location.folder.resolve(), site.resolve())
    except ValueError:
        raise StoreError(
            f"{store.url}: is on another drive than {site}; write the site to its drive"
        ) from None
    relative = Path(path).as_posix()
    if site_url is None or relative.startswith("../"):
        return relative
    return f"{site_url.rstrip('/')}/{quote(relative)}"
