"""Function that writes a store to files of other programs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Unpack

from bids_dl.api.argument_names import name_arguments
from bids_dl.config.arguments import as_optional_path, as_path, check_callables, check_flags
from bids_dl.config.export_options import ExportOptions
from bids_dl.config.options import PathLike
from bids_dl.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

    from bids_dl.store import Store

ARCHIVE_SUFFIX = ".zip"
COPY_FACTS = ("doi", "author", "license")
"""Options of a published copy."""


@name_arguments
def export(
    store: PathLike,
    file: PathLike | None = None,
    *,
    on_message: Callable[[str], None] | None = None,
    **options: Unpack[ExportOptions],
) -> Path:
    """Write a store to a file of another program.

    Parameters
    ----------
    store
        Path or fsspec URL of the store.
    file
        File to write. Its name ends in ``.npz`` (NumPy), ``-epo.fif`` (epochs of MNE), ``.set``
        (epochs of EEGLAB) or ``.zip`` (the store itself, with what a record of Zenodo needs
        beside it). It may be None if `recording_events` is given.
    on_message
        Called with one line for each thing that the format cannot hold, and for each licence of
        an archive.
    **options
        Options of `bids-dl export`; see docs/cli.md.

    Returns
    -------
    pathlib.Path
        The file, or `recording_events` if there is no other.

    Raises
    ------
    bids_dl.errors.StoreError
        There is no finished store.
    bids_dl.errors.ConfigError
        No format has this name, the file exists, or it cannot be written.
    bids_dl.errors.NoMatchError
        No window is chosen.

    Examples
    --------
    >>> import bids_dl, numpy
    >>> file = bids_dl.export("eyes.zarr", "eyes.npz")
    >>> numpy.load(file)["signals"].shape
    (240, 24, 256)
    """
    from pathlib import Path

    from bids_dl.config import access_parsing
    from bids_dl.config.export_parsing import parse_export
    from bids_dl.exporting import WindowRequest, export_recording_events, export_store
    from bids_dl.store import open_store

    check_callables(on_message=on_message)
    overwrite = options.get("overwrite", False)
    check_flags(overwrite=overwrite)
    access_parsing.check_options(options, ExportOptions)
    storage_options = access_parsing.parse_storage_options(options)
    opened = open_store(as_path("store", store), storage_options=storage_options)
    predictions = as_optional_path("predictions", options.get("predictions"))
    events = as_optional_path("recording_events", options.get("recording_events"))
    if file is None and events is None:
        raise ConfigError("export has no file to write; name one, or give --recording-events")
    windows = WindowRequest(
        parse_export(options),
        has_limit=options.get("max_windows") is not None,
        predictions=None if predictions is None else Path(predictions),
    )
    written = []
    if file is not None and as_path("file", file).endswith(ARCHIVE_SUFFIX):
        written.append(_export_archive(opened, as_path("file", file), options, on_message))
    elif file is not None:
        _refuse_others(options, COPY_FACTS, "for .zip files")
        target = Path(as_path("file", file))
        written.append(
            export_store(
                opened, target, overwrite=overwrite, windows=windows, on_message=on_message
            )
        )
    if events is not None:
        written.append(
            export_recording_events(opened, Path(events), overwrite=overwrite, windows=windows)
        )
    return written[0]


def _export_archive(
    store: Store,
    file: str,
    options: ExportOptions,
    on_message: Callable[[str], None] | None,
) -> Path:
    """Write a store as one ZIP file."""
    from pathlib import Path

    from bids_dl.config.publishing_parsing import parse_push
    from bids_dl.publishing.archive import CopyFacts, export_archive
    from bids_dl.publishing.transfer import TransferCallbacks

    windows = ("label", "split", "subject", "recording", "max_windows", "predictions")
    _refuse_others(options, windows, "for other files, an archive has the whole store")
    config = parse_push({name: options.get(name) for name in COPY_FACTS})
    return export_archive(
        store,
        Path(file),
        CopyFacts(config.doi, config.author, config.license),
        overwrite=options.get("overwrite", False),
        callbacks=TransferCallbacks(on_message=on_message),
    )


def _refuse_others(options: ExportOptions, names: Sequence[str], purpose: str) -> None:
    """Refuse options that have no effect on the file."""
    for name in names:
        if options.get(name):
            raise ConfigError(f"--{name.replace('_', '-')} is {purpose}; leave it out")
