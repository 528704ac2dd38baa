"""The first page of a catalogue: a card of each store, search and facets."""

from __future__ import annotations

from collections.abc import Sequence

from bids_dl.cataloguing.document import CATALOGUE
from bids_dl.cataloguing.entries import CatalogueEntry
from bids_dl.cataloguing.facets import facet_values, list_facets, searched_text
from bids_dl.cataloguing.places import UnreadableStore
from bids_dl.cataloguing.scripts import embed_json, hash_script
from bids_dl.config.catalogue_stage import CatalogueConfig
from bids_dl.reporting.templating import open_templates
from bids_dl.wording import format_size

MAX_LABELS_SHOWN = 12  # of a card


def render_index(
    entries: Sequence[CatalogueEntry],
    unreadable: Sequence[UnreadableStore],
    config: CatalogueConfig,
) -> bytes:
    """Render the first page of a catalogue.

    Parameters
    ----------
    entries
        Entries in the order of the page.
    unreadable
        Stores that could not be read, or have no page.
    config
        Title and address of the catalogue.

    Returns
    -------
    bytes
        One HTML document in UTF-8 that loads nothing. All cards are in it, and its one script
        hides those that are not searched for.
    """
    environment = open_templates("bids_dl.cataloguing")
    environment.filters["size"] = format_size
    script = environment.get_template("filter.js").render()
    searched = []
    for entry in entries:
        searched.append({"text": searched_text(entry), "facets": facet_values(entry)})
    page = environment.get_template("index.html").render(
        entries=entries,
        unreadable=unreadable,
        config=config,
        facets=list_facets(entries),
        script=script,
        script_hash=hash_script(script),
        searched=embed_json(searched),
        catalogue=CATALOGUE,
        catalogue_url=f"{config.site_url.rstrip('/')}/" if config.site_url else "",
        n_windows=sum(entry.n_windows for entry in entries),
        max_labels=MAX_LABELS_SHOWN,
    )
    return page.encode("utf-8", "replace")
