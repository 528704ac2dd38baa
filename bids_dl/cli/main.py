"""Commands. Whatever is slow to import is imported by the command that needs it."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from bids_dl.cli import flags
from bids_dl.errors import BidsDlError, RequestError

INTERRUPTED = 130  # what Typer returns after Ctrl-C

app = typer.Typer(
    name="bids-dl",
    help="EEG datasets in BIDS, selected by HED, as one Zarr store that streams into PyTorch.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main() -> None:
    """Run the command line; every error is a message and an exit status, never a traceback."""
    try:
        status = app(standalone_mode=False)
    except BidsDlError as problem:
        _stop(str(problem), problem.exit_status)
    except typer.TyperException as problem:
        _stop(_usage(problem), getattr(problem, "exit_code", RequestError.exit_status))
    except OSError as problem:
        _stop(str(problem), BidsDlError.exit_status)
    if status == INTERRUPTED:
        _stop("interrupted; the same command goes on where it stopped", INTERRUPTED)
    sys.exit(status or 0)


@app.command()
def events(
    context: typer.Context,
    source: flags.Sources,
    hed: flags.Hed = None,
    until: flags.Until = None,
    trim: flags.Trim = None,
    within: flags.Within = None,
    min_duration: flags.MinDuration = None,
    exclude: flags.Exclude = None,
    during: flags.During = None,
    around: flags.Around = None,
    overlap: flags.Overlap = None,
    subject: flags.Subject = None,
    session: flags.Session = None,
    task: flags.Task = None,
    run: flags.Run = None,
    hed_version: flags.HedVersion = None,
    hed_schema_dir: flags.HedSchemaDir = None,
    hed_strict: flags.HedStrict = None,
    window: flags.Window = None,
    stride: flags.Stride = None,
    tmin: flags.Tmin = None,
    tmax: flags.Tmax = None,
    plot: flags.Plot = None,
    config: flags.Config = None,
    json: flags.Json = False,
) -> None:
    """Show which recordings, events, blocks and windows match: a dry run on text files and headers.

    Example: [bold]bids-dl events ds004362 --hed "Eyes-closed" --window 2[/bold]
    """
    from bids_dl.cli import show
    from bids_dl.config import parsing
    from bids_dl.planning.survey import survey_sources

    given = _given(context, "plot")
    parsing.check_names(given, parsing.NAMES)
    what, how = parsing.events_config(given), parsing.windows_config(given)
    found = survey_sources(source, parsing.source_config(given), what, how)
    show.survey_json(source, found) if json else show.survey(found, what, how)
    if plot:
        from bids_dl.preview import draw

        show.say_line(f"{plot}: {draw(found, how, plot).key}")


@app.command()
def convert(
    context: typer.Context,
    source: Annotated[
        list[str],
        typer.Argument(
            metavar="SOURCE DEST", help="BIDS folders, then the store to write.", show_default=False
        ),
    ],
    hed: flags.Hed = None,
    until: flags.Until = None,
    trim: flags.Trim = None,
    within: flags.Within = None,
    min_duration: flags.MinDuration = None,
    exclude: flags.Exclude = None,
    during: flags.During = None,
    around: flags.Around = None,
    overlap: flags.Overlap = None,
    subject: flags.Subject = None,
    session: flags.Session = None,
    task: flags.Task = None,
    run: flags.Run = None,
    hed_version: flags.HedVersion = None,
    hed_schema_dir: flags.HedSchemaDir = None,
    hed_strict: flags.HedStrict = None,
    window: flags.Window = None,
    stride: flags.Stride = None,
    tmin: flags.Tmin = None,
    tmax: flags.Tmax = None,
    recipe: flags.Recipe = None,
    set_: flags.Set = None,
    split: flags.Split = None,
    seed: flags.Seed = None,
    dtype: flags.Dtype = None,
    jobs: flags.Jobs = None,
    memory: flags.Memory = None,
    scheduler: flags.Scheduler = None,
    staging: flags.Staging = None,
    overwrite: flags.Overwrite = None,
    storage_option: flags.StorageOption = None,
    config: flags.Config = None,
    json: flags.Json = False,
) -> int:
    """Convert BIDS datasets into one store. Resumable, and safe to run again.

    Example: [bold]bids-dl convert ds004362 eyes.zarr --hed eyes_open=Eyes-open --hed eyes_closed=Eyes-closed[/bold]
    """
    from bids_dl.cli import show
    from bids_dl.config import parsing
    from bids_dl.errors import ConfigError
    from bids_dl.pipeline.convert import convert_sources

    given = _given(context)
    if len(source) < 2:
        raise ConfigError(
            f"convert takes SOURCE... DEST, got only {source[0]!r}; add the store to write, such as eyes.zarr"
        )
    request, how = parsing.request(given), parsing.pipeline_config(given)
    with show.progress() as say:
        outcome = convert_sources(source[:-1], source[-1], request, how, say=say)
    show.outcome_json(outcome) if json else show.outcome(outcome)
    return outcome.exit_status


@app.command()
def info(
    store: flags.StoreUrl, storage_option: flags.StorageOption = None, json: flags.Json = False
) -> None:
    """Show what a store holds and how to stream it.

    Example: [bold]bids-dl info eyes.zarr[/bold]
    """
    from bids_dl.cli import show
    from bids_dl.config.parsing import storage_options
    from bids_dl.store import open_store

    opened = open_store(store, storage_options=storage_options(storage_option))
    show.info_json(opened) if json else show.info(opened)


@app.command()
def verify(
    store: flags.StoreUrl,
    source: Annotated[
        list[str] | None,
        typer.Option(
            "--source",
            metavar="SOURCE",
            help="BIDS folder to make the windows again from; repeatable.",
        ),
    ] = None,
    jobs: flags.Jobs = None,
    storage_option: flags.StorageOption = None,
    json: flags.Json = False,
) -> int:
    """Check every byte of a store against its checksum, and its windows against its tables and sources.

    Example: [bold]bids-dl verify eyes.zarr --source ds004362[/bold]
    """
    from bids_dl.cli import show
    from bids_dl.config.parsing import storage_options
    from bids_dl.verification import verify as verify_store

    verdict = verify_store(
        store, sources=source or (), storage_options=storage_options(storage_option), jobs=jobs
    )
    show.verdict_json(verdict) if json else show.verdict(verdict)
    return verdict.exit_status


@app.command()
def report(
    store: flags.StoreUrl,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE.html",
            help="Default: NAME.report.html in this folder; -: standard output.",
        ),
    ] = None,
    storage_option: flags.StorageOption = None,
) -> None:
    """Write one HTML page: what was selected, what was left out, what was done to each recording.

    Example: [bold]bids-dl report eyes.zarr[/bold]
    """
    from bids_dl.cli import show
    from bids_dl.config.parsing import storage_options
    from bids_dl.reporting import render, write
    from bids_dl.store import open_store

    opened = open_store(store, storage_options=storage_options(storage_option))
    if output == Path("-"):
        sys.stdout.buffer.write(render(opened))
    else:
        show.written(write(opened, output))


@app.command()
def recipes(
    name: Annotated[
        str | None, typer.Argument(help="Explain one recipe.", show_default=False)
    ] = None,
    json: flags.Json = False,
) -> None:
    """List the preprocessing recipes, or explain one.

    Example: [bold]bids-dl recipes default[/bold]
    """
    from bids_dl import preprocess
    from bids_dl.cli import show
    from bids_dl.config.stages import PreprocessConfig

    if name is None:
        show.recipes(preprocess.recipes(), as_json=json)
    else:
        show.recipe(preprocess.load_recipe(PreprocessConfig(name)), as_json=json)


@app.command()
def models(json: flags.Json = False) -> None:
    """List the models, with the windows they want and their sources.

    Example: [bold]bids-dl models[/bold]
    """
    from bids_dl.cli import show
    from bids_dl.models import MODELS

    show.models(list(MODELS.values()), as_json=json)


@app.command()
def train(
    context: typer.Context,
    store: flags.StoreUrl,
    model: flags.Model = None,
    target: flags.Target = None,
    folds: flags.Folds = None,
    epochs: flags.Epochs = None,
    patience: flags.Patience = None,
    batch_size: flags.BatchSize = None,
    optimizer: flags.Optimizer = None,
    lr: flags.LearningRate = None,
    weight_decay: flags.WeightDecay = None,
    normalize: flags.Normalize = None,
    seed: flags.TrainSeed = None,
    device: flags.Device = None,
    precision: flags.Precision = None,
    drop_missing: flags.DropMissing = None,
    class_weights: flags.ClassWeights = None,
    model_option: flags.ModelOption = None,
    run: flags.RunFolder = None,
    storage_option: flags.StorageOption = None,
    json: flags.Json = False,
) -> None:
    """Train a network on some people, test it on others, write a run folder.

    Example: [bold]bids-dl train eyes.zarr --model shallow-fbcsp --folds loso[/bold]
    """
    from bids_dl.cli import show
    from bids_dl.config import parsing
    from bids_dl.training import train as train_store

    where = parsing.storage_options(storage_option)
    result = train_store(
        store,
        parsing.train_config(context.params),
        run=run,
        storage_options=where,
        say=show.say_line,
    )
    show.trained_json(result) if json else show.trained(result)


@app.command()
def predict(
    store: flags.StoreUrl,
    run: Annotated[
        Path,
        typer.Option(metavar="FOLDER", help="A run folder of `bids-dl train`.", show_default=False),
    ],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE.csv", help="Default: standard output."),
    ] = None,
    split: Annotated[str | None, typer.Option(help="Only the windows of this split.")] = None,
    device: flags.Device = None,
    storage_option: flags.StorageOption = None,
) -> None:
    """Write a CSV: window, dataset, subject, probability of each class.

    Example: [bold]bids-dl predict eyes.zarr --run runs/eyes-shallow-fbcsp-0 -o predictions.csv[/bold]
    """
    from bids_dl.config.parsing import storage_options
    from bids_dl.errors import ConfigError
    from bids_dl.prediction import predict as predict_store

    if output and not output.parent.is_dir():
        raise ConfigError(f"--output {output}: no folder {output.parent}; make it first")
    where = storage_options(storage_option)
    table = predict_store(store, run, split=split, device=device or "auto", storage_options=where)
    table.to_csv(output or sys.stdout, index=False, lineterminator="\n")


@app.command()
def demo(
    folder: Annotated[
        Path, typer.Argument(help="Where the store, the run and the pictures go.")
    ] = Path("demo"),
    jobs: flags.Jobs = None,
) -> None:
    """Go the whole way on real EEG that ships with the package: events, store, training, accuracy on unseen people.

    Example: [bold]bids-dl demo[/bold]
    """
    from bids_dl.cli import show
    from bids_dl.demo import run_demo

    with show.progress() as say:
        made = run_demo(folder, jobs=jobs, say=say, tell=show.say_line)
    show.demo(made)


def _given(context: typer.Context, *own: str) -> dict[str, Any]:
    """Options of the --config file, and over them those of the command line, but for the command's ``own``; only what was given."""
    from bids_dl.config.parsing import read_file

    values = {
        name.rstrip("_"): value
        for name, value in context.params.items()
        if name not in {"source", "config", "json", *own}
    }
    file = context.params["config"]
    return (read_file(file) if file else {}) | {
        name: value for name, value in values.items() if value not in (None, [], ())
    }


def _usage(problem: Exception) -> str:
    """What Typer found wrong in one line, with the value it was given; "" where it has shown the help."""
    message = problem.format_message() if hasattr(problem, "format_message") else str(problem)
    if not message:
        return ""
    names = getattr(getattr(problem, "param", None), "opts", ())
    given = next((value for name, value in itertools.pairwise(sys.argv) if name in names), "")
    return f"{' '.join(message.split())}{f', got {given!r}' if given else ''} (see: bids-dl --help)"


def _stop(message: str, status: int) -> None:
    if message:
        print(f"error: {message}", file=sys.stderr)  # noqa: T201
    sys.exit(status)
