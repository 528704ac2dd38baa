"""Command that writes the catalogue of stores."""

from __future__ import annotations

from typing import Annotated, Unpack

import typer

from bids_dl import api
from bids_dl.cli import console
from bids_dl.cli.parameters import DocumentedCommand, with_options
from bids_dl.config.catalogue_options import CatalogueOptions
from bids_dl.config.shell_options import JsonOptions

app = typer.Typer()


@app.command(cls=DocumentedCommand)
@with_options(CatalogueOptions, JsonOptions)
def catalogue(
    places: Annotated[
        list[str],
        typer.Argument(
            metavar="PLACE...",
            help="Stores, folders or buckets of stores, or text files of addresses.",
            show_default=False,
        ),
    ],
    *,
    json: bool = False,
    **options: Unpack[CatalogueOptions],
) -> int:
    """Write a site that lists stores: search, facets, and a page of each store.

    The site needs no server and no network. A store that cannot be read is listed as such.

    Example: [bold]bids-dl catalogue stores/ s3://bucket/eyes.zarr --output site[/bold]
    """
    from bids_dl.cli import show_catalogue

    result = api.catalogue(places, on_message=console.print_message, **options)
    show_catalogue.print_catalogue(result, as_json=json)
    return result.exit_status
