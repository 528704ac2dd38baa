"""Commands of the plug-in of EEGLAB: install it, or write its zip file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Unpack

import typer

from bids_dl.cli import console
from bids_dl.cli.parameters import DocumentedCommand, with_options
from bids_dl.config.eeglab_options import InstallOptions, ZipOptions

NAME = "eeglab"

app = typer.Typer(
    name=NAME,
    help="Install the plug-in of EEGLAB.",
    no_args_is_help=True,
    rich_markup_mode="rich",
)


@app.command(cls=DocumentedCommand)
@with_options(InstallOptions)
def install(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="FOLDER", help="Folder of EEGLAB, or its plugins.", show_default=False
        ),
    ],
    **options: Unpack[InstallOptions],
) -> None:
    """Copy the plug-in to EEGLAB. Other versions of the plug-in are removed.

    Example: [bold]bids-dl eeglab install ~/eeglab[/bold]
    """
    from bids_dl.eeglab.install import install_plugin

    installation = install_plugin(folder, overwrite=options.get("overwrite", False))
    for removed in installation.removed:
        console.print_message(f"removed {removed}")
    console.print_path(installation.folder)


@app.command(cls=DocumentedCommand)
@with_options(ZipOptions)
def zip(  # noqa: A001  (the name of the command)
    file: Annotated[
        Path, typer.Argument(metavar="FILE.zip", help="File to write.", show_default=False)
    ],
    **options: Unpack[ZipOptions],
) -> None:
    """Write the plug-in as a zip file, to unpack into the plugins of EEGLAB.

    Example: [bold]bids-dl eeglab zip BIDS-DL.zip[/bold]
    """
    from bids_dl.eeglab.install import zip_plugin

    console.print_path(zip_plugin(file, overwrite=options.get("overwrite", False)))
