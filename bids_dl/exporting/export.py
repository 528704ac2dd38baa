"""Choice of a format by the end of a file's name, and replacement of the file at the end."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bids_dl.config.export_parsing import COLUMNS
from bids_dl.config.export_stage import ExportConfig
from bids_dl.errors import ConfigError, StoreError
from bids_dl.exporting.eeglab import (
    SAMPLES_SUFFIX,
    count_bytes,
    describe_set_losses,
    write_eeglab,
)
from bids_dl.exporting.epochs import describe_losses, write_epochs
from bids_dl.exporting.npz import write_npz
from bids_dl.exporting.predictions import read_predictions
from bids_dl.exporting.recording_events import write_recording_events
from bids_dl.exporting.window_choice import Rows, find_windows, thin_windows
from bids_dl.output import check_output, check_outside_store
from bids_dl.store import Store
from bids_dl.wording import count, format_size

if TYPE_CHECKING:
    import pandas as pd

Writer = Callable[[Store, Path], None]
FLOAT64_BYTES = 8  # MNE holds samples as float64
MAX_SET_BYTES = 2_000_000_000  # of samples in EEGLAB, which holds all in memory, twice at times
EEGLAB_SUFFIX = ".set"
EVENTS_SUFFIX = ".tsv"


@dataclass(frozen=True)
class WindowRequest:
    """Windows to export, and what to join to them.

    Attributes
    ----------
    config
        Choice of windows.
    has_limit
        True if the number of windows is that of the user, who may want a large file.
    predictions
        CSV of `bids-dl predict`.
    """

    config: ExportConfig = ExportConfig()  # noqa: RUF009  (it is frozen)
    has_limit: bool = False
    predictions: Path | None = None

    @property
    def flags(self) -> list[str]:
        """Options that choose windows or join something to them, as they are typed."""
        names = [name for name in COLUMNS if getattr(self.config, name)]
        if self.has_limit:
            names.append("max-windows")
        if self.predictions is not None:
            names.append("predictions")
        return [f"--{name}" for name in names]


def export_store(
    store: Store,
    file: Path,
    *,
    overwrite: bool = False,
    windows: WindowRequest | None = None,
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
    windows
        Windows of a .set file. None is as many as a person can look through.
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
    NoMatchError
        No window is chosen.
    """
    request = windows or WindowRequest()
    is_set = file.name.endswith(EEGLAB_SUFFIX) and file.name != EEGLAB_SUFFIX
    write = None if is_set else _writer(file)
    targets = [file, file.with_suffix(SAMPLES_SUFFIX)] if is_set else [file]
    for target in targets:
        _check_target(store, target, overwrite=overwrite)
    messages = []
    if write is None:
        named = find_windows(store, request.config)
        rows = _limit_rows(store, file, request, named)
        predictions = _read_joined(store, request)
        messages = [*_describe_limit(len(rows), len(named)), *describe_set_losses(store)]
        _write_safely(store, file, lambda path: write_eeglab(store, path, rows, predictions))
    else:
        if request.flags:
            raise ConfigError(
                f"{file}: {request.flags[0]} is for .set files, other files have all windows; "
                "leave it out"
            )
        _write_safely(store, file, lambda path: write(store, path))
        if write is write_epochs:
            messages = describe_losses(store)
    if on_message is not None:
        for message in messages:
            on_message(f"{file}: {message}")
    return file


def export_recording_events(
    store: Store, file: Path, *, overwrite: bool = False, windows: WindowRequest | None = None
) -> Path:
    """Write windows as events on the clock of their recordings, in a file like events.tsv.

    Parameters
    ----------
    store
        Store to read.
    file
        File to write, whose name ends in ``.tsv``.
    overwrite
        Replace an existing file.
    windows
        Windows to write, without a limit of their number.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    ConfigError
        The file exists, has another ending, or cannot be written.
    NoMatchError
        No window is chosen.
    """
    request = windows or WindowRequest()
    title = f"--recording-events {file}"
    check_output(title, file, suffixes=[EVENTS_SUFFIX])
    _check_target(store, file, overwrite=overwrite)
    rows = find_windows(store, request.config)
    predictions = _read_joined(store, request)
    _write_safely(store, file, lambda path: write_recording_events(store, path, rows, predictions))
    return file


def _write_safely(store: Store, file: Path, write: Callable[[Path], None]) -> None:
    """Write into a temporary folder beside a file, then move what was written to its place."""
    try:
        with tempfile.TemporaryDirectory(prefix=f".{file.name}.", dir=file.parent) as folder:
            write(Path(folder) / file.name)
            for part in sorted(Path(folder).iterdir()):  # parts "-epo-1.fif" and .fdt first
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


def _limit_rows(store: Store, file: Path, request: WindowRequest, named: Rows) -> Rows:
    """Return the rows of a .set file. More samples than EEGLAB holds well must be asked for."""
    chosen = thin_windows(store.table, named, request.config.max_windows)
    size = count_bytes(store, len(chosen))
    if size > MAX_SET_BYTES and not request.has_limit:
        fitting = max(1, MAX_SET_BYTES // count_bytes(store, 1))
        raise ConfigError(
            f"{file}: {count(len(chosen), 'window')} are {format_size(size)} of samples, which "
            f"EEGLAB holds in memory; give --max-windows {fitting}, or {len(chosen)} for all"
        )
    return chosen


def _describe_limit(n_windows: int, n_named: int) -> list[str]:
    """Describe how many windows a .set file has of those that were named."""
    if n_windows == n_named:
        return []
    named = count(n_named, "window")
    return [f"{n_windows} of {named}, evenly over labels and people; --max-windows takes more"]


def _read_joined(store: Store, request: WindowRequest) -> pd.DataFrame | None:
    if request.predictions is None:
        return None
    return read_predictions(request.predictions, store)


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
"""Function that writes a file of all windows, by the end of its name."""

SUFFIXES: Mapping[str, str] = {
    ".npz": "NumPy",
    "-epo.fif": "MNE",
    EEGLAB_SUFFIX: "EEGLAB",
    ".zip": "the store itself",
}
"""Programs by the ends of file names, for messages."""
