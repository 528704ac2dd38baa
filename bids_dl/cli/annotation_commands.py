"""Commands of active learning."""

from __future__ import annotations

from typing import Annotated, Unpack

import typer

from bids_dl import api
from bids_dl.cli import console
from bids_dl.cli.parameters import DocumentedCommand, with_options
from bids_dl.config.labelling_options import LabellingOptions
from bids_dl.config.shell_options import JsonOptions
from bids_dl.config.simulation_options import SimulateOptions

app = typer.Typer()


@app.command(cls=DocumentedCommand)
@with_options(SimulateOptions, JsonOptions)
def simulate(
    pool: Annotated[
        str,
        typer.Argument(metavar="POOL", help="Store whose classes are known.", show_default=False),
    ],
    *,
    json: bool = False,
    **options: Unpack[SimulateOptions],
) -> None:
    """Compare strategies of active learning, with the classes of a store as the expert.

    A learner asks, is trained on the answers, and is tested on other people: learning curves, and
    paired differences to asking at random.

    Example: [bold]bids-dl simulate eyes.zarr --strategy margin,mixture --seeds 20[/bold]
    """
    from bids_dl.cli import show_simulation

    with console.progress_bars() as bars:
        result = api.simulate(pool, on_progress=bars.show_verification, **options)
    show_simulation.print_simulation(result, as_json=json)


@app.command(cls=DocumentedCommand)
@with_options(LabellingOptions)
def label(
    pool: Annotated[
        str,
        typer.Argument(metavar="POOL", help="Store of windows to ask about.", show_default=False),
    ],
    **options: Unpack[LabellingOptions],
) -> None:
    """Serve a page on which experts answer about the windows of a pool, until Ctrl-C.

    The answers train a learner beside the page, which chooses the next windows. They become a BIDS
    derivative with HED.

    Example: [bold]bids-dl label pool.zarr --labels labels --classes classes.yaml --source
    ds004362[/bold]
    """
    from bids_dl.cli import show_labelling

    export = api.label(pool, on_message=console.print_message, **options)
    show_labelling.print_labels(export)
