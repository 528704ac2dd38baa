"""Command that searches NEMAR's catalogue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

import typer

from bids_dl import api
from bids_dl.cli import console
from bids_dl.cli.parameters import DocumentedCommand, with_options
from bids_dl.config.finding_options import FindOptions
from bids_dl.config.shell_options import JsonOptions

if TYPE_CHECKING:
    from bids_dl.finding import FoundDataset

app = typer.Typer()


@app.command(cls=DocumentedCommand)
@with_options(FindOptions, JsonOptions)
def find(*, json: bool = False, **options: Unpack[FindOptions]) -> None:
    """Find datasets in NEMAR's catalogue; with a query, count the events in them that match.

    Each row begins with the SOURCE of the dataset, for `events` and `convert`.

    Example: [bold]bids-dl find --hed Eyes-closed --subjects 20..[/bold]
    """
    from bids_dl.cli import show_finding

    searched: list[FoundDataset] = []
    try:
        with console.progress_bars() as bars:
            findings = api.find(
                on_found=searched.append, on_progress=bars.show_verification, **options
            )
    except KeyboardInterrupt:
        show_finding.print_interrupted(searched, as_json=json)
        raise
    show_finding.print_findings(findings, as_json=json)
