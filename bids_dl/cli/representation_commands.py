"""Commands on what models have learnt: explain, embed, probe, pretrain."""

from __future__ import annotations

from typing import Annotated, Unpack

import typer

from bids_dl import api
from bids_dl.cli import console
from bids_dl.cli.parameters import DocumentedCommand, StoreUrl, with_options
from bids_dl.config.embedding_options import EmbedOptions, ProbeOptions
from bids_dl.config.explain_options import ExplainOptions
from bids_dl.config.pretraining_options import PretrainOptions
from bids_dl.config.shell_options import JsonOptions

app = typer.Typer()


@app.command(cls=DocumentedCommand)
@with_options(ExplainOptions, JsonOptions)
def explain(store: StoreUrl, *, json: bool = False, **options: Unpack[ExplainOptions]) -> None:
    """Explain what networks have learnt, beside controls, and write a page.

    Best windows, activation maximization, gradients, removal of samples and randomization of
    weights. What does not beat its control is "not shown".

    Example: [bold]bids-dl explain eyes.zarr --run-dir runs/eyes-shallow-fbcsp-0[/bold]
    """
    from bids_dl.cli import show_explanation

    result = api.explain(store, on_message=console.print_message, **options)
    show_explanation.print_explanation(result, as_json=json)


@app.command(cls=DocumentedCommand)
@with_options(EmbedOptions, JsonOptions)
def embed(store: StoreUrl, *, json: bool = False, **options: Unpack[EmbedOptions]) -> None:
    """Write the features of each window by a layer of a network, with two floors beside.

    The floors are the same network with random weights, and log band power.

    Example: [bold]bids-dl embed eyes.zarr --run-dir runs/eyes-shallow-fbcsp-0 --fold 0[/bold]
    """
    from bids_dl.cli import show_probing

    embeddings = api.embed(store, on_message=console.print_message, **options)
    show_probing.print_embeddings(embeddings, as_json=json)


@app.command(cls=DocumentedCommand)
@with_options(ProbeOptions, JsonOptions)
def probe(
    embeddings: Annotated[
        str,
        typer.Argument(metavar="EMBEDDINGS", help="File of `bids-dl embed`.", show_default=False),
    ],
    *,
    json: bool = False,
    **options: Unpack[ProbeOptions],
) -> None:
    """Probe embeddings for a target by a linear model of other people, beside both floors.

    Example: [bold]bids-dl probe eyes.embeddings.zarr --target label --folds loso[/bold]
    """
    from bids_dl.cli import show_probing

    result = api.probe(embeddings, on_message=console.print_message, **options)
    show_probing.print_probe(result, as_json=json)


@app.command(cls=DocumentedCommand)
@with_options(PretrainOptions, JsonOptions)
def pretrain(store: StoreUrl, *, json: bool = False, **options: Unpack[PretrainOptions]) -> None:
    """Pretrain a network without labels: near windows of a recording against far ones.

    The run folder can be given to `embed`, and to `train --init-from`. Run it again to resume.

    Example: [bold]bids-dl pretrain eyes.zarr --near 4 --far 10 --run-dir runs/pretrained[/bold]
    """
    from bids_dl.cli import show_pretraining

    with console.progress_bars() as bars:
        result = api.pretrain(store, on_event=bars.show_training, **options)
    show_pretraining.print_pretraining(result, as_json=json)
