"""Commands of `bids-dl` on datasets and stores: they call functions and print results.

Whatever is slow to import is imported by the command that needs it.
"""

from __future__ import annotations

import atexit
import gc
import os
import sys
from pathlib import Path
from typing import Annotated, Any, Unpack

import typer

from bids_dl import api
from bids_dl.cli import (
    annotation_commands,
    catalogue_commands,
    console,
    eeglab_commands,
    finding_commands,
    model_commands,
    representation_commands,
    sharing_commands,
)
from bids_dl.cli.error_messages import (
    describe_failed_io,
    describe_interruption,
    describe_problem,
    describe_usage_error,
)
from bids_dl.cli.interruption import one_interrupt
from bids_dl.cli.log_file import close_log, log_traceback, open_log_of_arguments
from bids_dl.cli.parameters import DocumentedCommand, Sources, StoreUrl, with_options
from bids_dl.config.export_options import ExportOptions
from bids_dl.config.options import (
    ConvertOptions,
    DemoOptions,
    EventsOptions,
    InfoOptions,
    ReportOptions,
    TemplateOptions,
    VerifyOptions,
)
from bids_dl.config.shell_options import CacheOptions, JsonOptions
from bids_dl.errors import BidsDlError, ConfigError, RequestError
from bids_dl.remote.scratch import remove_own
from bids_dl.requirements import missing_package

INTERRUPTED = 130  # exit status that Typer returns after Ctrl-C

app = typer.Typer(
    name="bids-dl",
    help="EEG datasets in BIDS, selected by HED, as one Zarr store that streams into PyTorch.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main() -> None:
    """Run the command line. An error is a message and an exit status, never a traceback."""
    # Python ends by collections, which would visit all objects of the libraries
    atexit.register(gc.freeze)
    # MNE logs to standard output, which belongs to the results of a command
    os.environ.setdefault("MNE_LOGGING_LEVEL", "error")
    try:
        _run_program()
    except SystemExit as end:
        close_log(end.code)
        raise
    except BaseException as defect:
        log_traceback(defect)
        close_log(BidsDlError.exit_status)
        raise


def _run_program() -> None:
    """Run the command line, and end with its exit status."""
    console.set_verbosity(quiet=False, verbose=False)
    console.replace_unencodable()
    try:
        with one_interrupt() as interruption:
            status = app(standalone_mode=False)
        console.flush_output()
    except BidsDlError as problem:
        _stop(problem, describe_problem(problem, app), problem.exit_status)
    except typer.TyperException as problem:
        status = getattr(problem, "exit_code", RequestError.exit_status)
        _stop(problem, describe_usage_error(problem, app), status)
    except ModuleNotFoundError as problem:
        missing = missing_package(problem)
        if missing is None:
            raise
        _stop(problem, str(missing), missing.exit_status)
    except OSError as problem:
        _stop(problem, describe_failed_io(problem), BidsDlError.exit_status)
    if status == INTERRUPTED:
        remove_own()
        _stop(None, describe_interruption(), interruption.status)
    sys.exit(status or 0)


def _print_version(requested: bool) -> None:
    """Print the version and end, if it is requested."""
    if requested:
        from bids_dl import __version__

        console.out.print(f"bids-dl {__version__}")
        raise typer.Exit


@app.callback()
def _options_of_program(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", callback=_print_version, is_eager=True
        ),
    ] = False,
) -> None:
    pass


@app.command(cls=DocumentedCommand)
@with_options(EventsOptions, TemplateOptions, JsonOptions)
def events(
    source: Sources,
    *,
    make_sidecar: str | None = None,
    json: bool = False,
    **options: Unpack[EventsOptions],
) -> None:
    """Show the recordings, events, blocks and windows that match, without reading signals.

    Example: [bold]bids-dl events ds004362 --hed "Eyes-closed" --window 2[/bold]
    """
    from bids_dl.cli import show_events, show_template
    from bids_dl.config import parsing

    if make_sidecar is not None:
        show_template.make_template(source, make_sidecar, options, as_json=json)
        return
    survey = api.events(source, on_message=console.print_message, **options)
    if json:
        show_events.print_survey_json(source, survey)
    else:
        windows_config = parsing.parse_windows(parsing.merge_file(options))
        show_events.print_survey(survey, survey.events_config, windows_config)


@app.command(cls=DocumentedCommand)
@with_options(ConvertOptions, JsonOptions)
def convert(
    source: Annotated[
        list[str],
        typer.Argument(
            metavar="SOURCE DEST",
            help="BIDS datasets, then the store to write.",
            show_default=False,
        ),
    ],
    *,
    json: bool = False,
    **options: Unpack[ConvertOptions],
) -> int:
    """Convert BIDS datasets into one store. Run it again to resume.

    Example: [bold]bids-dl convert ds004362 eyes.zarr
    --hed eyes_open=Eyes-open --hed eyes_closed=Eyes-closed[/bold]
    """
    from bids_dl.cli import show_store

    *sources, dest = source
    if not sources:
        raise ConfigError(
            f"convert takes SOURCE... DEST, got only {dest!r}; "
            "add the store to write, such as eyes.zarr"
        )
    with console.progress_bars() as bars:
        outcome = api.convert(sources, dest, on_progress=bars.show_conversion, **options)
    if json:
        show_store.print_outcome_json(outcome)
    else:
        show_store.print_outcome(outcome)
    return outcome.exit_status


@app.command(cls=DocumentedCommand)
@with_options(InfoOptions, JsonOptions)
def info(store: StoreUrl, *, json: bool = False, **options: Unpack[InfoOptions]) -> None:
    """Show the content of a store and how to stream it.

    Example: [bold]bids-dl info eyes.zarr[/bold]
    """
    from bids_dl.cli import show_store

    description = api.info(store, **options)
    if json:
        console.print_json(description)
    else:
        show_store.print_info(description)


@app.command(cls=DocumentedCommand)
@with_options(VerifyOptions, JsonOptions)
def verify(store: StoreUrl, *, json: bool = False, **options: Unpack[VerifyOptions]) -> int:
    """Check every byte of a store, and its windows against its tables and sources.

    Example: [bold]bids-dl verify eyes.zarr --source ds004362[/bold]
    """
    from bids_dl.cli import show_store

    with console.progress_bars() as bars:
        verification = api.verify(
            store,
            on_progress=bars.show_verification,
            on_message=console.print_message,
            **options,
        )
    if json:
        show_store.print_verification_json(verification)
    else:
        show_store.print_verification(verification)
    return verification.exit_status


@app.command(cls=DocumentedCommand)
@with_options(ReportOptions)
def report(store: StoreUrl, **options: Unpack[ReportOptions]) -> None:
    """Write one HTML page: the selection, what was left out, and the effect of each step.

    Example: [bold]bids-dl report eyes.zarr[/bold]
    """
    if options.get("output") == "-":
        from bids_dl.config.access_parsing import parse_storage_options
        from bids_dl.reporting import render_page
        from bids_dl.store import open_store

        opened = open_store(store, storage_options=parse_storage_options(options))
        console.print_bytes(render_page(opened))
    else:
        console.print_path(api.report(store, **options))


@app.command(cls=DocumentedCommand)
@with_options(ExportOptions)
def export(
    store: StoreUrl,
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="FILE",
            help="File to write: .npz (NumPy), -epo.fif (MNE), .set (EEGLAB) or .zip.",
            show_default=False,
        ),
    ] = None,
    **options: Unpack[ExportOptions],
) -> None:
    """Write a store to a file of another program, chosen by the end of its name.

    Example: [bold]bids-dl export eyes.zarr eyes-epo.fif[/bold]
    """
    console.print_path(api.export(store, file, on_message=console.print_message, **options))


@app.command(cls=DocumentedCommand)
@with_options(CacheOptions, JsonOptions)
def cache(*, json: bool = False, **options: Unpack[CacheOptions]) -> None:
    """Show the files of remote datasets on this machine, or remove some of them.

    Example: [bold]bids-dl cache --remove openneuro:ds004362[/bold]
    """
    from bids_dl.cli import show_cache

    show_cache.show_or_empty_cache(options, as_json=json)


@app.command(cls=DocumentedCommand)
@with_options(JsonOptions)
def recipes(
    name: Annotated[
        str | None, typer.Argument(help="Explain this recipe.", show_default=False)
    ] = None,
    *,
    json: bool = False,
) -> None:
    """List the preprocessing recipes, or explain one.

    Example: [bold]bids-dl recipes default[/bold]
    """
    from bids_dl.cli import show_lists

    if name is None:
        show_lists.print_recipes(api.list_recipes(), as_json=json)
    else:
        from bids_dl import preprocess
        from bids_dl.config.stages import PreprocessConfig

        recipe = preprocess.load_recipe(PreprocessConfig(name))
        show_lists.print_recipe(recipe, as_json=json)


app.registered_commands += model_commands.app.registered_commands
app.registered_commands += representation_commands.app.registered_commands
app.registered_commands += annotation_commands.app.registered_commands
app.registered_commands += catalogue_commands.app.registered_commands
app.registered_commands += sharing_commands.app.registered_commands
app.registered_commands += finding_commands.app.registered_commands
app.add_typer(eeglab_commands.app)


@app.command(cls=DocumentedCommand)
@with_options(DemoOptions)
def demo(
    folder: Annotated[
        Path, typer.Argument(help="Folder for the store, the run and the pictures.")
    ] = Path("demo"),
    **options: Unpack[DemoOptions],
) -> None:
    """Run everything on the real EEG of the package: select, convert, train, test.

    Example: [bold]bids-dl demo[/bold]
    """
    from bids_dl.cli import show_training
    from bids_dl.demo import run_demo

    with console.progress_bars() as bars:
        result = run_demo(
            folder,
            jobs=options.get("jobs"),
            on_progress=bars.show_conversion,
            on_message=console.print_message,
        )
    show_training.print_demo(result)


def _stop(problem: BaseException | None, message: str, status: int) -> Any:
    """Print an error and its causes, and end with an exit status."""
    open_log_of_arguments()
    if problem is not None:
        console.log_causes(problem)
        log_traceback(problem)
    if message:
        console.print_line(f"error: {message}")
    sys.exit(status)
