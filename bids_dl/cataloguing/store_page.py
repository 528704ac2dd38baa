"""The page of a store in a catalogue: its report, and how to use, cite and find the store."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import to_hex

from bids_dl.cataloguing.entries import CatalogueEntry
from bids_dl.cataloguing.scripts import embed_json
from bids_dl.cataloguing.shown_windows import MAX_LABELS, read_shown_windows
from bids_dl.cataloguing.topography import draw_topography
from bids_dl.cataloguing.traces import draw_examples
from bids_dl.config.catalogue_stage import CatalogueConfig
from bids_dl.errors import DamagedStoreError
from bids_dl.explanation.page.levels import N_SEQUENTIAL
from bids_dl.reporting.page import describe_page, open_page_templates
from bids_dl.sharing.licence import summarize_licences
from bids_dl.sharing.published_citation import build_bibtex, cite_copy
from bids_dl.sharing.published_copy import PublishedCopy
from bids_dl.sharing.published_croissant import build_published_croissant
from bids_dl.store import Store
from bids_dl.store.format import MANIFEST, SIGNALS
from bids_dl.store.json_objects import read_json

COLOURS = "viridis"  # of the topography: even steps of lightness, also without colour vision
MAX_SHARDS = 64  # described as files of their own, because each costs 0.4 kB of the page
UP = "../"  # from the folder of the pages to that of the catalogue


def render_store_page(store: Store, entry: CatalogueEntry, config: CatalogueConfig) -> bytes:
    """Render the page of a store in a catalogue.

    Parameters
    ----------
    store
        An open store.
    entry
        Its entry.
    config
        Title and address of the catalogue.

    Returns
    -------
    bytes
        One HTML document in UTF-8 that loads nothing and runs no script.

    Raises
    ------
    DamagedStoreError
        The contents of the page cannot be read.
    """
    values = describe_page(store)
    copy = PublishedCopy(entry.address)
    shown = read_shown_windows(store)
    templates = open_page_templates("bids_dl.cataloguing", "bids_dl.explanation.page")
    templates.filters["shell"] = shlex.quote
    page = templates.get_template("store.html").render(
        values,
        citation=cite_copy(store.attributes, copy),
        bibtex=build_bibtex(store.attributes, copy),
        licences=summarize_licences(store.attributes),
        entry=entry,
        quoted_address=json.dumps(entry.address, ensure_ascii=False),
        link=entry.address if entry.address.startswith(("https://", "http://")) else "",
        folder_name=copy.folder_name,
        is_relative="://" not in entry.address,
        json_ld=embed_json(_describe_for_engines(store, entry, config)),
        examples=draw_examples(store, shown),
        topography=draw_topography(store, shown),
        n_labels_left_out=max(0, len(values["contents"].labels) - MAX_LABELS),
        colours=[to_hex(colour) for colour in colormaps[COLOURS](np.linspace(0, 1, N_SEQUENTIAL))],
        config=config,
    )
    return page.encode("utf-8", "replace")


def _describe_for_engines(
    store: Store, entry: CatalogueEntry, config: CatalogueConfig
) -> Mapping[str, Any]:
    """Describe a store by JSON-LD, with this page as its page.

    Addresses of a store beside the catalogue are relative to the page, unless that of the
    catalogue is known.
    """
    try:
        objects = read_json(store.location, MANIFEST)["objects"]
    except FileNotFoundError:
        raise DamagedStoreError(
            f"{store.url}: {MANIFEST} is missing; fetch or convert the store again"
        ) from None
    shards = [name for name in objects if name.startswith(f"{SIGNALS}/c/")]
    has_urls = "::" not in entry.address  # objects within an archive have none of their own
    is_short = len(shards) <= MAX_SHARDS
    described = {name: objects[name] for name in shards} if has_urls and is_short else {}
    name = entry.page.rpartition("/")[2]
    page_url = f"{config.site_url.rstrip('/')}/{entry.page}" if config.site_url else name
    objects_url = "" if "://" in entry.address else UP + quote(entry.address)
    copy = PublishedCopy(entry.address, page_url, objects_url)
    return build_published_croissant(store.root, described, copy)
