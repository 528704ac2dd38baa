"""Commands that copy stores and runs to other places: push, pull."""

from __future__ import annotations

from typing import Annotated, Unpack

import typer

from bids_dl import api
from bids_dl.cli import console
from bids_dl.cli.parameters import DocumentedCommand, StoreUrl, with_options
from bids_dl.config.publishing_options import PullOptions, PushOptions
from bids_dl.config.shell_options import JsonOptions

app = typer.Typer()


@app.command(cls=DocumentedCommand)
@with_options(PushOptions, JsonOptions)
def push(
    source: Annotated[
        str,
        typer.Argument(metavar="STORE", help="Store, or a run folder.", show_default=False),
    ],
    dest: Annotated[
        str,
        typer.Argument(
            metavar="DEST",
            help="Bucket (s3://), hf://datasets/ORG/NAME, hf://ORG/NAME of a run, or a folder.",
            show_default=False,
        ),
    ],
    *,
    json: bool = False,
    **options: Unpack[PushOptions],
) -> None:
    """Push a finished store or run to where others can read it. Run it again to resume.

    Nobody can open the copy before it is whole, and nothing there is replaced.

    Example: [bold]bids-dl push eyes.zarr hf://datasets/lab/eyes[/bold]
    """
    from bids_dl.cli import show_transfer

    with console.progress_bars() as bars:
        outcome = api.push(
            source,
            dest,
            on_progress=bars.show_verification,
            on_message=console.print_message,
            **options,
        )
    show_transfer.print_transfer(outcome, as_json=json)


@app.command(cls=DocumentedCommand)
@with_options(PullOptions, JsonOptions)
def pull(
    store: StoreUrl,
    folder: Annotated[
        str, typer.Argument(metavar="FOLDER", help="Folder to write.", show_default=False)
    ],
    *,
    json: bool = False,
    **options: Unpack[PullOptions],
) -> None:
    """Pull a store to a folder, each object compared with the manifest. Run it again to resume.

    Example: [bold]bids-dl pull hf://datasets/lab/eyes/eyes.zarr eyes.zarr[/bold]
    """
    from bids_dl.cli import show_transfer

    with console.progress_bars() as bars:
        outcome = api.pull(
            store,
            folder,
            on_progress=bars.show_verification,
            on_message=console.print_message,
            **options,
        )
    show_transfer.print_transfer(outcome, as_json=json)
