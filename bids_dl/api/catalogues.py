"""Functions on catalogues of stores."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Unpack

from bids_dl.api.argument_names import name_arguments
from bids_dl.config.arguments import as_path, as_paths, check_callables, check_mappings
from bids_dl.config.catalogue_options import CatalogueOptions
from bids_dl.config.options import PathLike

if TYPE_CHECKING:
    import pandas as pd

    from bids_dl.cataloguing.site import Catalogue


@name_arguments
def catalogue(
    places: PathLike | Sequence[PathLike],
    *,
    on_message: Callable[[str], None] | None = None,
    **options: Unpack[CatalogueOptions],
) -> Catalogue:
    """Write the catalogue of stores as a static site.

    Parameters
    ----------
    places
        Store, folder or prefix of a bucket with stores, or text file with one address a line; or
        several of them.
    on_message
        Called with one line for each store.
    **options
        Options of `bids-dl catalogue`; see docs/cli.md.

    Returns
    -------
    Catalogue
        The folder, the entries, and the stores that could not be read.

    Raises
    ------
    bids_dl.errors.StoreError
        No store could be read.
    bids_dl.errors.ConfigError
        The folder is no catalogue, or cannot be written.

    Examples
    --------
    >>> import bids_dl
    >>> site = bids_dl.catalogue("eyes.zarr", output="site")
    >>> [entry.n_windows for entry in site.entries], site.unreadable
    ([240], ())
    """
    from pathlib import Path

    from bids_dl.cataloguing.site import write_catalogue
    from bids_dl.config import access_parsing
    from bids_dl.config.catalogue_parsing import parse_catalogue

    access_parsing.check_options(options, CatalogueOptions)
    check_callables(on_message=on_message)
    return write_catalogue(
        as_paths("places", places),
        Path(as_path("output", options.get("output"))),
        parse_catalogue(options),
        access_parsing.parse_storage_options(options) or {},
        on_message,
    )


@name_arguments
def read_catalogue(
    url: PathLike, *, storage_options: Mapping[str, Any] | None = None
) -> pd.DataFrame:
    """Read a catalogue as a table.

    Parameters
    ----------
    url
        Path or URL of the site, or of its catalogue.json.
    storage_options
        Options of the URL's file system, as in fsspec.

    Returns
    -------
    pandas.DataFrame
        One row a store, indexed by content. ``address`` opens the store.

    Raises
    ------
    bids_dl.errors.StoreError
        There is no catalogue, or it cannot be reached.

    Examples
    --------
    >>> import bids_dl
    >>> site = bids_dl.catalogue("eyes.zarr", output="site")
    >>> stores = bids_dl.read_catalogue("site")
    >>> len(bids_dl.open_store(stores.address.iloc[0]))
    240
    """
    from bids_dl.cataloguing.table import read_table

    check_mappings(storage_options=storage_options)
    return read_table(as_path("url", url), dict(storage_options or {}))
