"""A catalogue as a table."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from bids_dl.cataloguing.document import (
    CATALOGUE,
    CATALOGUE_FORMAT,
    CATALOGUE_VERSION,
    SCHEMA,
)
from bids_dl.config.json_schema import find_violation
from bids_dl.errors import StoreError
from bids_dl.input import parse_json
from bids_dl.remote.location import Location
from bids_dl.store.json_objects import MAX_JSON_BYTES

if TYPE_CHECKING:
    import pandas as pd


def read_table(url: str, options: Mapping[str, Any]) -> pd.DataFrame:
    """Read a catalogue as a table with one row a store, indexed by content.

    Parameters
    ----------
    url
        Folder of the site, or its catalogue.json.
    options
        Options of the file system.

    Raises
    ------
    StoreError
        There is no catalogue, it is not one of this version, or it cannot be reached.
    """
    import pandas as pd

    location = Location(url.removesuffix(f"/{CATALOGUE}"), options)
    if url == CATALOGUE:
        location = Location(".", options)
    content = _read_document(location)
    rows = {}
    for identifier, entry in content["entries"].items():
        row = dict(entry)
        row["address"] = resolve_address(location, entry["address"])
        row["also_at"] = [resolve_address(location, other) for other in entry.get("also_at", ())]
        rows[identifier] = row
    table = pd.DataFrame.from_dict(rows, orient="index")
    table.index.name = "content"
    return table


def _read_document(location: Location) -> Mapping[str, Any]:
    """Read catalogue.json, and refuse what is none."""
    name = f"{location.url}/{CATALOGUE}"
    try:
        content = parse_json(location.read(CATALOGUE, max_bytes=MAX_JSON_BYTES))
    except (FileNotFoundError, NotADirectoryError):
        raise StoreError(
            f"{name}: no catalogue there; `bids-dl catalogue PLACE --output SITE` writes one"
        ) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise StoreError(f"{name}: cannot be read ({reason})") from None
    is_catalogue = isinstance(content, dict) and content.get("format") == CATALOGUE_FORMAT
    if not is_catalogue:
        raise StoreError(f"{name}: not a catalogue of bids_dl; give the folder of its site")
    version = content.get("format_version")
    if version != CATALOGUE_VERSION:
        raise StoreError(
            f"{name}: written in version {str(version)[:20]} of the format, this bids_dl reads "
            f"version {CATALOGUE_VERSION}; install a newer bids_dl"
        )
    problem = find_violation(content, SCHEMA)
    if problem:
        raise StoreError(
            f"{name}: not as bids_dl writes it ({problem}); get the catalogue from its maker"
        )
    return dict(content)


def resolve_address(catalogue: Location, address: str) -> str:
    """Return the address of a store that opens from anywhere.

    Parameters
    ----------
    catalogue
        Location of the site.
    address
        Address of an entry: a URL, or a path relative to the site.

    Examples
    --------
    >>> resolve_address(Location("https://lab.org/data/site"), "../eyes a.zarr")
    'https://lab.org/data/eyes%20a.zarr'
    >>> resolve_address(Location("https://lab.org/site"), "s3://bucket/eyes.zarr")
    's3://bucket/eyes.zarr'
    """
    if "://" in address:
        return address
    if catalogue.is_local:
        return str((catalogue.folder / address).resolve())
    scheme, _, path = catalogue.url.rstrip("/").partition("://")
    host, _, folder = path.partition("/")
    resolved = posixpath.normpath(posixpath.join("/", folder, address))
    return f"{scheme}://{host}{quote(resolved) if catalogue.is_web else resolved}"
