"""Functions on datasets and stores, such as `events`, `convert` and `verify`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Unpack

from bids_dl.api.argument_names import name_arguments
from bids_dl.config.arguments import (
    as_optional_path,
    as_path,
    as_paths,
    check_callables,
)
from bids_dl.config.options import (
    ConvertOptions,
    EventsOptions,
    InfoOptions,
    PathLike,
    ReportOptions,
    VerifyOptions,
)
from bids_dl.startup import paused_collection

if TYPE_CHECKING:
    from pathlib import Path

    from bids_dl.pipeline.outcome import Outcome, Progress
    from bids_dl.planning.survey import Survey
    from bids_dl.store import Store
    from bids_dl.verification import Verification

Sources = PathLike | Sequence[PathLike]


@name_arguments
def events(
    sources: Sources,
    *,
    on_message: Callable[[str], None] | None = None,
    **options: Unpack[EventsOptions],
) -> Survey:
    """Find the recordings, events, blocks and windows that a request selects.

    This is a dry run: it reads text files and, if a length matters, headers.

    Parameters
    ----------
    sources
        BIDS dataset, or several: a folder, ``openneuro:ID``, ``nemar:ID``, or a URL.
    on_message
        Called with one line about the drawing, if `plot` is given, and on slow work.
    **options
        Options of `bids-dl events`; see docs/cli.md.

    Returns
    -------
    Survey
        The selection: recordings, events, blocks, windows, warnings, and what is left out.

    Raises
    ------
    bids_dl.errors.RequestError
        A query, an option or a source is wrong, or nothing matches.

    Examples
    --------
    >>> import bids_dl
    >>> from bids_dl.demo import sample_folder
    >>> survey = bids_dl.events(sample_folder(), hed="Eyes-closed", window=2)
    >>> len(survey.recordings), len(survey.events)
    (11, 4)
    """
    with paused_collection():
        from bids_dl.config import access_parsing, parsing
        from bids_dl.planning.survey import survey_sources
        from bids_dl.source import open_access

    access_parsing.check_options(options, EventsOptions)
    check_callables(on_message=on_message)
    merged = parsing.merge_file(options)
    plot = as_optional_path("plot", merged.get("plot"))
    windows_config = parsing.parse_windows(merged)
    if plot is not None:
        from bids_dl.preview import check_plot

        check_plot(plot)
    with open_access(parsing.parse_fetching(merged), on_message=on_message) as access:
        survey = survey_sources(
            as_paths("sources", sources),
            parsing.parse_source(merged),
            parsing.parse_events(merged),
            windows_config,
            access,
            opens_remote=False,
        )
    if plot is not None:
        from bids_dl.preview import draw_preview

        recording = draw_preview(survey, windows_config, plot)
        if on_message is not None:
            on_message(f"{plot}: {recording.key}")
    return survey


@name_arguments
def convert(
    sources: Sources,
    dest: PathLike,
    *,
    on_progress: Callable[[Progress], None] | None = None,
    **options: Unpack[ConvertOptions],
) -> Outcome:
    """Convert BIDS datasets into one store.

    An interrupted conversion is resumed by the same call. If the store exists already and the same
    plan made it, nothing is written.

    Parameters
    ----------
    sources
        BIDS dataset, or several: a folder, ``openneuro:ID``, ``nemar:ID``, or a URL.
    dest
        Path or fsspec URL of the store.
    on_progress
        Called with the progress of the conversion.
    **options
        Options of `bids-dl convert`; see docs/cli.md.

    Returns
    -------
    Outcome
        Numbers of windows and recordings, and the recordings that failed.

    Raises
    ------
    bids_dl.errors.RequestError
        The request is wrong; nothing was written.
    bids_dl.errors.BidsDlError
        No recording could be converted.

    Examples
    --------
    >>> import bids_dl
    >>> from bids_dl.demo import sample_folder
    >>> outcome = bids_dl.convert(
    ...     sample_folder(),
    ...     "closed.zarr",
    ...     hed={"closed": "Eyes-closed"},
    ...     window=2,
    ...     subject="001",
    ...     split=1,
    ...     scheduler="synchronous",
    ... )
    >>> outcome.n_windows, outcome.failures
    (30, ())
    """
    with paused_collection():
        from bids_dl.config import access_parsing, parsing
        from bids_dl.pipeline.convert import convert_sources

    access_parsing.check_options(options, ConvertOptions)
    check_callables(on_progress=on_progress)
    merged = parsing.merge_file(options)
    merged.pop("plot", None)  # a file of options may be shared with `events`
    return convert_sources(
        as_paths("sources", sources),
        as_path("dest", dest),
        parsing.parse_request(merged),
        parsing.parse_pipeline(merged),
        parsing.parse_fetching(merged),
        on_progress=on_progress,
    )


@name_arguments
def info(store: PathLike, **options: Unpack[InfoOptions]) -> dict[str, Any]:
    """Describe a store.

    Parameters
    ----------
    store
        Path or fsspec URL of the store.
    **options
        Options of `bids-dl info`; see docs/cli.md.

    Returns
    -------
    dict
        ``store`` (its URL), ``shape`` (n_windows, n_chans, n_times), ``channels``, ``columns`` of
        its table, ``bytes``, ``not_checked`` (what a stream cannot check, "" if nothing), and the
        attributes of the store; see docs/store-format.md.

    Raises
    ------
    bids_dl.errors.StoreError
        There is no finished store.

    Examples
    --------
    >>> import bids_dl
    >>> description = bids_dl.info("eyes.zarr")
    >>> description["shape"], description["sfreq"]
    ([240, 24, 256], 128.0)
    """
    from bids_dl.store.description import describe_unchecked

    opened = _open(store, options, InfoOptions)
    return {
        "store": opened.url,
        "shape": list(opened.shape),
        "channels": list(opened.channels),
        "columns": list(opened.columns),
        "bytes": opened.nbytes,
        "not_checked": describe_unchecked(opened.root),
        **opened.attributes,
    }


@name_arguments
def verify(
    store: PathLike,
    *,
    on_progress: Callable[[str, int, int], None] | None = None,
    on_message: Callable[[str], None] | None = None,
    **options: Unpack[VerifyOptions],
) -> Verification:
    """Check every byte of a store, and its windows against its tables and its sources.

    Parameters
    ----------
    store
        Path or fsspec URL of the store.
    on_progress
        Called with a stage (``"objects"`` in bytes, ``"source"`` in recordings), the amount done
        and the total.
    on_message
        Called with one line about slow work on remote sources.
    **options
        Options of `bids-dl verify`; see docs/cli.md.

    Returns
    -------
    Verification
        Numbers of objects and windows that were checked, the damages, and remarks.

    Raises
    ------
    bids_dl.errors.StoreError
        There is no finished store.

    Examples
    --------
    >>> import bids_dl
    >>> bids_dl.verify("eyes.zarr").damages
    ()
    """
    from bids_dl.config import access_parsing, parsing
    from bids_dl.verification import verify as verify_store

    access_parsing.check_options(options, VerifyOptions)
    check_callables(on_progress=on_progress, on_message=on_message)
    return verify_store(
        as_path("store", store),
        sources=as_paths("sources", options["sources"]) if options.get("sources") else [],
        storage_options=access_parsing.parse_storage_options(options),
        config=parsing.parse_verification(options),
        on_progress=on_progress,
        on_message=on_message,
    )


@name_arguments
def report(store: PathLike, **options: Unpack[ReportOptions]) -> Path:
    """Write the HTML page of a store: its selection, what was left out, and each step's effect.

    Parameters
    ----------
    store
        Path or fsspec URL of the store.
    **options
        Options of `bids-dl report`; see docs/cli.md.

    Returns
    -------
    pathlib.Path
        The page.

    Raises
    ------
    bids_dl.errors.StoreError
        There is no finished store.
    bids_dl.errors.ConfigError
        The page cannot be written.

    Examples
    --------
    >>> import bids_dl
    >>> str(bids_dl.report("eyes.zarr"))
    'eyes.report.html'
    """
    from pathlib import Path

    from bids_dl.reporting import write_page

    output = as_optional_path("output", options.get("output"))
    return write_page(
        _open(store, options, ReportOptions), None if output is None else Path(output)
    )


@name_arguments
def list_recipes() -> dict[str, str]:
    """List the preprocessing recipes of the package.

    Returns
    -------
    dict
        Name and description of each recipe.

    Examples
    --------
    >>> import bids_dl
    >>> "default" in bids_dl.list_recipes()
    True
    """
    from bids_dl import preprocess

    return dict(preprocess.list_recipes())


def _open(store: PathLike, options: Mapping[str, Any], declaration: type) -> Store:
    """Open a store with its `storage_options`."""
    from bids_dl.config import access_parsing
    from bids_dl.store import open_store

    access_parsing.check_options(options, declaration)
    return open_store(
        as_path("store", store), storage_options=access_parsing.parse_storage_options(options)
    )
