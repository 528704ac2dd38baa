"""Functions that copy stores and runs to other places: `push` and `pull`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Unpack

from bids_dl.api.argument_names import name_arguments
from bids_dl.config.arguments import as_path, check_callables
from bids_dl.config.options import PathLike
from bids_dl.config.publishing_options import PullOptions, PushOptions

if TYPE_CHECKING:
    from bids_dl.publishing.transfer import TransferOutcome


@name_arguments
def push(
    source: PathLike,
    dest: PathLike,
    *,
    on_progress: Callable[[str, int, int], None] | None = None,
    on_message: Callable[[str], None] | None = None,
    **options: Unpack[PushOptions],
) -> TransferOutcome:
    """Push a finished store, or a finished run, to a place where others can read it.

    Nobody can open the copy before it is whole, nothing there is replaced, and an interrupted push
    is resumed by the same call.

    Parameters
    ----------
    source
        Path or fsspec URL of the store, or a run folder.
    dest
        A bucket (``s3://bucket/eyes.zarr``), a folder, ``hf://datasets/ORG/NAME`` for a store, or
        ``hf://ORG/NAME`` for a run.
    on_progress
        Called with a stage, the bytes so far and all bytes.
    on_message
        Called with one line for each licence, and about what is unusual.
    **options
        Options of `bids-dl push`; see docs/cli.md.

    Returns
    -------
    TransferOutcome
        What was copied, and the address that opens the copy.

    Raises
    ------
    bids_dl.errors.StoreError
        There is no finished store, or the place holds something else or cannot be written.
    bids_dl.errors.DamagedStoreError
        An object is damaged, here or there.
    bids_dl.errors.ConfigError
        A licence is not stated, or an option has no effect.

    Examples
    --------
    >>> import bids_dl
    >>> outcome = bids_dl.push("eyes.zarr", "public/eyes.zarr")
    >>> outcome.state, bids_dl.push("eyes.zarr", "public/eyes.zarr").state
    ('sent', 'present')
    """
    from datetime import UTC, datetime
    from pathlib import Path

    from bids_dl.config import access_parsing
    from bids_dl.config.publishing_parsing import parse_push
    from bids_dl.publishing.push import PushRequest, push_store
    from bids_dl.publishing.run_copy import push_run
    from bids_dl.publishing.run_files import is_run
    from bids_dl.publishing.transfer import TransferCallbacks
    from bids_dl.store import open_store

    access_parsing.check_options(options, PushOptions)
    check_callables(on_progress=on_progress, on_message=on_message)
    path, url = as_path("source", source), as_path("dest", dest)
    config = parse_push(options)
    storage_options = access_parsing.parse_storage_options(options) or {}
    callbacks = TransferCallbacks(on_progress, on_message)
    if "://" not in path and is_run(Path(path)):
        return push_run(Path(path), url, config, storage_options, callbacks)
    is_same_kind = path.partition("://")[0] == url.partition("://")[0]
    store = open_store(path, storage_options=storage_options if is_same_kind else None)
    today = datetime.now(UTC).date().isoformat()
    return push_store(PushRequest(store, url, config, storage_options, today, callbacks))


@name_arguments
def pull(
    url: PathLike,
    folder: PathLike,
    *,
    on_progress: Callable[[str, int, int], None] | None = None,
    on_message: Callable[[str], None] | None = None,
    **options: Unpack[PullOptions],
) -> TransferOutcome:
    """Pull a store to a folder: the objects of its manifest and no others, each hashed.

    An interrupted pull is resumed by the same call.

    Parameters
    ----------
    url
        Path or fsspec URL of the store: ``hf://``, ``s3://``, ``https://``, ``zip://``.
    folder
        Folder to write: new, empty, or of an interrupted pull of the same store.
    on_progress
        Called with a stage, the bytes so far and all bytes.
    on_message
        Called with one line about what is unusual.
    **options
        Options of `bids-dl pull`; see docs/cli.md.

    Returns
    -------
    TransferOutcome
        What was copied.

    Raises
    ------
    bids_dl.errors.StoreError
        There is no finished store, or the folder holds something else.
    bids_dl.errors.DamagedStoreError
        An object differs from the manifest.

    Examples
    --------
    >>> import bids_dl
    >>> bids_dl.pull("eyes.zarr", "copy/eyes.zarr").state
    'received'
    """
    from bids_dl.config import access_parsing
    from bids_dl.config.publishing_parsing import parse_pull
    from bids_dl.publishing.pull import pull_store
    from bids_dl.publishing.transfer import TransferCallbacks

    access_parsing.check_options(options, PullOptions)
    check_callables(on_progress=on_progress, on_message=on_message)
    return pull_store(
        as_path("url", url),
        as_path("folder", folder),
        parse_pull(options),
        access_parsing.parse_storage_options(options) or {},
        TransferCallbacks(on_progress, on_message),
    )
