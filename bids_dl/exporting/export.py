"""Choice of a format by the end of a file's name, and replacement of the file at the end."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from bids_dl.errors import ConfigError, StoreError
from bids_dl.exporting.epochs import describe_losses, write_epochs
from bids_dl.exporting.npz import write_npz
from bids_dl.output import check_output, check_outside_store
from bids_dl.store import Store
from bids_dl.wording import format_size

Writer = Callable[[Store, Path], None]
FLOAT64_BYTES = 8  # MNE holds samples as float64


def export_store(
    store: Store,
    file: Path,
    *,
    overwrite: bool = False,
    on_message: Callable[[str], None] | None = None,
) -> Path:
    """Write a store to a file of another program.

    The file appears when it is complete.

    Parameters
    ----------
    store
        Store to read.
    file
        File to write. The end of its name chooses the format, see `SUFFIXES`.
    overwrite
        Replace an existing file.
    on_message
        Called with one line for each thing that the format cannot hold.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    ConfigError
        No format has this name, the file exists, or it cannot be written.
    """
    write = _writer(file)
    _check_target(store, file, overwrite=overwrite)
    try:
        with tempfile.TemporaryDirectory(prefix=f".{file.name}.", dir=file.parent) as folder:
            write(store, Path(folder) / file.name)
            for part in sorted(Path(folder).iterdir()):  # parts "-epo-1.fif" first
                part.replace(file.with_name(part.name))
    except StoreError:
        raise
    except OSError as problem:
        reason = problem.strerror or str(problem)
        raise ConfigError(f"{file}: cannot be written ({reason})") from None
    except MemoryError:
        n_windows, n_chans, n_times = store.shape
        size = format_size(n_windows * n_chans * n_times * FLOAT64_BYTES)
        raise ConfigError(
            f"{file}: needs about {size} of memory, more than there is; export to .npz, "
            "or convert fewer recordings into the store"
        ) from None
    if on_message is not None and write is write_epochs:
        for loss in describe_losses(store):
            on_message(f"{file}: {loss}")
    return file


def _writer(file: Path) -> Writer:
    """Return the function that writes a file of this name."""
    for suffix, write in WRITERS.items():
        if file.name.endswith(suffix) and file.name != suffix:
            return write
    hint = ""
    if file.name.endswith(".fif"):
        hint = f"; MNE reads epochs from {file.name.removesuffix('.fif')}-epo.fif"
    formats = ", ".join(f"{suffix} ({meaning})" for suffix, meaning in SUFFIXES.items())
    raise ConfigError(f"{file}: no format has this ending; use one of {formats}{hint}")


def _check_target(store: Store, file: Path, *, overwrite: bool) -> None:
    """Refuse a file that exists, or whose folder is missing or the store."""
    check_output(str(file), file)
    check_outside_store(str(file), file, store.location.folder if store.location.is_local else None)
    if file.exists() and not overwrite:
        raise ConfigError(f"{file}: exists already; overwrite=True replaces it")


WRITERS: Mapping[str, Writer] = {
    ".npz": write_npz,
    "-epo.fif": write_epochs,
    "_epo.fif": write_epochs,
}
"""Function that writes a file, by the end of its name."""

SUFFIXES: Mapping[str, str] = {".npz": "NumPy", "-epo.fif": "MNE"}
"""Programs by the ends of file names, for messages."""
