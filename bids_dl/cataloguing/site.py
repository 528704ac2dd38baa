"""Write the site of a catalogue: catalogue.json, index.html, and a page of each store."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bids_dl.cataloguing.document import (
    CATALOGUE,
    CATALOGUE_FORMAT,
    build_document,
    merge_copies,
)
from bids_dl.cataloguing.entries import (
    PAGES,
    CatalogueEntry,
    address_in_site,
    describe_entry,
)
from bids_dl.cataloguing.index_page import render_index
from bids_dl.cataloguing.places import (
    StorageOptions,
    UnreadableStore,
    describe_unreadable,
    find_stores,
)
from bids_dl.config.catalogue_stage import CatalogueConfig
from bids_dl.errors import BidsDlError, ConfigError, StoreError, mask_secrets
from bids_dl.input import parse_json, read_regular
from bids_dl.output import check_outside_store, writing
from bids_dl.remote.location import Location
from bids_dl.remote.parallel import call_in_threads
from bids_dl.store import Store, open_store
from bids_dl.store.format import ROOT_SHA256
from bids_dl.store.json_objects import MAX_JSON_BYTES
from bids_dl.wording import count

INDEX = "index.html"
URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:[/\\]")  # as a path; a drive has one letter
N_THREADS = 8  # that read roots, because each waits for a server


@dataclass(frozen=True, slots=True)
class Catalogue:
    """A catalogue that was written.

    Attributes
    ----------
    folder
        Folder of the site.
    entries
        Stores in the order of its first page.
    unreadable
        Stores that are not in it, or have no page, and why.
    """

    folder: Path
    entries: tuple[CatalogueEntry, ...]
    unreadable: tuple[UnreadableStore, ...]

    @property
    def exit_status(self) -> int:
        """Exit status of the command: 3 if a store could not be read, else 0."""
        return 3 if self.unreadable else 0


def write_catalogue(
    places: Sequence[str],
    folder: Path,
    config: CatalogueConfig,
    options: StorageOptions,
    on_message: Callable[[str], None] | None = None,
) -> Catalogue:
    """Write the catalogue of the stores in places as a site.

    Parameters
    ----------
    places
        Stores, folders or prefixes of buckets with stores, text files of addresses.
    folder
        Folder of the site. It is created, and updated if it is a catalogue already.
    config
        Title and address of the site.
    options
        Options of the file systems of the places.
    on_message
        Called with one line for each store whose page is written.

    Raises
    ------
    ConfigError
        The folder is something else, or cannot be written.
    StoreError
        No store could be read.
    """
    title = f"--output {folder}"
    old_pages = _check_folder(title, folder)
    urls, unreadable = find_stores(places, options)
    stores, entries, failed = _read_entries(urls, folder, config, options)
    unreadable += failed
    entries, others = _leave_out_other_roots(stores, entries)
    unreadable += others
    merged = merge_copies(entries)
    if not merged:
        raise StoreError(
            f"no store could be read in {count(len(places), 'place')}; the first: {unreadable[0]}"
        )
    for store in stores.values():
        check_outside_store(title, folder, _local_folder(store))
    complete, pages = [], {}
    for entry in merged:
        if on_message is not None:
            on_message(f"{entry.address}: writing its page")
        shown_entry, page, problems = _render_intact(stores, entry, config)
        unreadable += problems
        if page:
            pages[entry.page] = page
        complete.append(shown_entry)
    shown = list(map(_without_secrets, unreadable))
    shown.sort(key=lambda store: store.address)
    files = {
        **pages,
        INDEX: render_index(complete, shown, config),
        CATALOGUE: build_document(config.site_title, complete, shown),  # last, it names the others
    }
    with writing(title, error=BidsDlError):
        _write_files(folder, files)
        _remove_old_pages(folder, old_pages - set(pages))
    return Catalogue(folder, tuple(complete), tuple(shown))


def _check_folder(title: str, folder: Path) -> set[str]:
    """Refuse a folder with another site, and return the pages of an older catalogue in it."""
    if URL.match(str(folder)):
        raise ConfigError(f"{title}: write the site to a folder, then copy that to a server")
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"{title}: is a file; name a folder")
    document = folder / CATALOGUE
    if not document.exists():
        if (folder / INDEX).exists():
            raise ConfigError(
                f"{title}: has an {INDEX} that is no catalogue; choose another folder"
            )
        return set()
    try:
        content = parse_json(read_regular(document, max_bytes=MAX_JSON_BYTES))
    except (OSError, ValueError):
        content = None
    if not isinstance(content, dict) or content.get("format") != CATALOGUE_FORMAT:
        raise ConfigError(
            f"{title}: has a {CATALOGUE} that is no catalogue of bids_dl; choose another folder"
        )
    entries = content.get("entries")
    values = entries.values() if isinstance(entries, dict) else ()
    return {str(entry.get("page")) for entry in values if isinstance(entry, dict)}


def _read_entries(
    urls: Sequence[str], folder: Path, config: CatalogueConfig, options: StorageOptions
) -> tuple[dict[str, Store], list[CatalogueEntry], list[UnreadableStore]]:
    """Read the root of each store.

    Returns
    -------
    tuple
        The stores by their address in the site, their entries, and those that cannot be read.
    """

    def read(url: str) -> tuple[Store, CatalogueEntry] | UnreadableStore:
        try:
            used = _options_for(url, options)
            pinned = Location(url, used).pinned().url  # a branch moves, but the page does not
            store = open_store(pinned, storage_options=used)
            address = address_in_site(store, folder, config.site_url)
            return store, describe_entry(store, address)
        except (BidsDlError, OSError) as error:
            return describe_unreadable(url, error)

    stores, entries, unreadable = {}, [], []
    for result in call_in_threads(read, urls, n_threads=N_THREADS):
        if isinstance(result, UnreadableStore):
            unreadable.append(result)
        else:
            store, entry = result
            stores[entry.address] = store
            entries.append(entry)
    return stores, entries, unreadable


def _leave_out_other_roots(
    stores: Mapping[str, Store], entries: Sequence[CatalogueEntry]
) -> tuple[list[CatalogueEntry], list[UnreadableStore]]:
    """Keep the store that was named first of those with equal content and other roots.

    Anybody may state the content of another store, with a title and a licence of their own.
    """
    first: dict[str, CatalogueEntry] = {}
    kept, others = [], []
    for entry in entries:
        chosen = first.setdefault(entry.content, entry)
        digests = {stores[one.address].attributes[ROOT_SHA256] for one in (chosen, entry)}
        if len(digests) == 1:
            kept.append(entry)
            continue
        reason = (
            f"states the windows of {chosen.address}, but has other metadata; "
            "only the first that is named is listed"
        )
        others.append(UnreadableStore(entry.address, reason))
    return kept, others


def _options_for(url: str, options: StorageOptions) -> Mapping[str, Any]:
    """Return the options of file systems for a URL: none for a path, which would refuse them."""
    return options if "://" in url else {}


def _local_folder(store: Store) -> Path | None:
    return store.location.folder if store.location.is_local else None


def _render_intact(
    stores: Mapping[str, Store], entry: CatalogueEntry, config: CatalogueConfig
) -> tuple[CatalogueEntry, bytes, list[UnreadableStore]]:
    """Render the page of the first copy of a store that is not damaged.

    Returns
    -------
    tuple
        The entry without the copies that are damaged, its page, and the problems of those. If all
        copies are damaged, the store keeps its card and has no page.
    """
    from bids_dl.cataloguing.store_page import render_store_page

    problems: list[UnreadableStore] = []
    addresses = entry.address, *entry.also_at
    for number, address in enumerate(addresses, start=1):
        copy = replace(entry, address=address, also_at=addresses[number:])
        try:
            return copy, render_store_page(stores[address], copy, config), problems
        except (BidsDlError, OSError) as error:
            problems.append(describe_unreadable(stores[address].url, error))
    return replace(entry, page=""), b"", problems


def _without_secrets(store: UnreadableStore) -> UnreadableStore:
    """Remove secrets and folders of this machine from the entry of a store."""
    address, reason = map(mask_secrets, (store.address, store.reason))
    chain, separator, place = address.rpartition("::")  # of an archive and what is in it
    if "://" in place:
        return UnreadableStore(address, reason)
    name = Path(place).name or place
    shown = f"{chain}{separator}{name}"
    return UnreadableStore(shown, reason.replace(address, shown).replace(place, name))


def _write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files, each complete under its name or not at all."""
    (folder / PAGES).mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        part = folder / f"{name}.part"
        part.write_bytes(content)
        part.replace(folder / name)


def _remove_old_pages(folder: Path, names: set[str]) -> None:
    """Remove the pages of stores that an older catalogue had."""
    pages = folder / PAGES
    for name in names:
        file = folder / name
        if file.parent == pages and file.suffix == ".html":
            file.unlink(missing_ok=True)
