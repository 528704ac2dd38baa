"""Commands on models: list, train, compare, predict."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Unpack

import typer

from bids_dl import api
from bids_dl.cli import console
from bids_dl.cli.parameters import DocumentedCommand, StoreUrl, with_options
from bids_dl.config.shell_options import JsonOptions
from bids_dl.config.training_options import CompareOptions, PredictOptions, TrainOptions

app = typer.Typer()


@app.command(cls=DocumentedCommand)
@with_options(JsonOptions)
def models(
    name: Annotated[
        str | None, typer.Argument(help="Explain this model.", show_default=False)
    ] = None,
    *,
    json: bool = False,
) -> None:
    """List the models, with the windows they require and their sources, or explain one.

    Example: [bold]bids-dl models eegnet[/bold]
    """
    from bids_dl.cli import show_lists, show_model

    if name is None:
        show_lists.print_models(api.list_models(), as_json=json)
    else:
        show_model.print_model(name, as_json=json)


@app.command(cls=DocumentedCommand)
@with_options(TrainOptions, JsonOptions)
def train(store: StoreUrl, *, json: bool = False, **options: Unpack[TrainOptions]) -> None:
    """Train a network, test it on windows it has not seen, and write a run folder.

    Run it again to resume. Several values of a model option are trained one after the other,
    and compared.

    Example: [bold]bids-dl train eyes.zarr --model shallow-fbcsp --folds loso[/bold]
    """
    from bids_dl.cli import show_comparison, show_training
    from bids_dl.training.variants import has_variants

    is_first = os.environ.get("WORLD_SIZE", "1") == "1" or os.environ.get("RANK", "0") == "0"
    if not is_first:  # of the processes that torchrun starts
        console.set_verbosity(quiet=True, verbose=False)
    variants = None
    with console.progress_bars() as bars:
        if has_variants(options):
            variants = api.train_variants(store, on_event=bars.show_training, **options)
        else:
            result = api.train(store, on_event=bars.show_training, **options)
    if not is_first:
        return
    if variants is not None:
        show_comparison.print_variants(variants, as_json=json)
    elif json:
        show_training.print_training_json(result)
    else:
        show_training.print_training(result)


@app.command(cls=DocumentedCommand)
@with_options(CompareOptions, JsonOptions)
def compare(
    runs: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN...",
            help="Run folders of `bids-dl train`; all are compared with the first one.",
            show_default=False,
        ),
    ],
    *,
    json: bool = False,
    **options: Unpack[CompareOptions],
) -> None:
    """Compare finished runs with the first one, by paired tests over persons.

    Example: [bold]bids-dl compare runs/eyes-shallow-fbcsp-0 runs/eyes-eegnet-0[/bold]
    """
    from bids_dl.cli import show_comparison

    comparison = api.compare(runs, **options)
    if json:
        console.print_json(comparison.to_dict())
    else:
        show_comparison.print_comparison(comparison)


@app.command(cls=DocumentedCommand)
@with_options(PredictOptions)
def predict(store: StoreUrl, **options: Unpack[PredictOptions]) -> None:
    """Write a CSV table: window, dataset, subject, prediction of each window.

    Or detections as a BIDS derivative, with --write-annotations.

    Example: [bold]bids-dl predict eyes.zarr --run-dir runs/eyes-shallow-fbcsp-0
    -o predictions.csv[/bold]
    """
    table = api.predict(store, **options)
    if "output" not in options and "write_annotations" not in options:
        content = table.to_csv(index=False, lineterminator="\n")
        console.print_bytes(content.encode())  # UTF-8 as in a file, in any terminal
        return
    for written in (options.get("output"), options.get("write_annotations")):
        if written is not None:
            console.print_path(Path(written))
