"""Files that commands write: checked before the work begins, and failed writes in one line."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from bids_dl.errors import BidsDlError, ConfigError


def check_output(title: str, file: Path, *, suffixes: Collection[str] = ()) -> None:
    """Check that a file can be written, before the work that gives its content.

    Parameters
    ----------
    title
        Option and file as the user gave them, for messages: "--output page.html".
    file
        File to write. It may exist.
    suffixes
        Ends that the name may have, in lower case; any if empty.

    Raises
    ------
    ConfigError
        The file is a folder, its folder is missing or read-only, or its name has another end.

    Examples
    --------
    >>> check_output("--plot a.xyz", Path("a.xyz"), suffixes=[".png", ".svg"])
    Traceback (most recent call last):
    ...
    bids_dl.errors.ConfigError: --plot a.xyz: give a file that ends in .png, .svg
    """
    if suffixes and file.suffix.lower() not in suffixes:
        raise ConfigError(f"{title}: give a file that ends in {', '.join(suffixes)}")
    if file.is_dir():
        raise ConfigError(f"{title}: is a folder; name a file in it")
    folder = file.parent
    if not folder.exists():
        raise ConfigError(f"{title}: folder {folder} does not exist; create it first")
    if not folder.is_dir():
        raise ConfigError(f"{title}: {folder} is a file, not a folder; choose another folder")
    target = file if file.exists() else folder
    if not os.access(target, os.W_OK):
        raise ConfigError(f"{title}: cannot be written ({_cause(target)}); choose another folder")


def _cause(path: Path) -> str:
    """Return why the system does not let this process write to a path."""
    is_read_only = hasattr(os, "statvfs") and os.statvfs(path).f_flag & os.ST_RDONLY
    return "Read-only file system" if is_read_only else "Permission denied"


def check_outside_store(title: str, path: Path, store: Path | None) -> None:
    """Check that a path is not inside a store, which never changes.

    Parameters
    ----------
    title
        Option and path as the user gave them, for messages.
    path
        File or folder to write. Links are resolved.
    store
        Folder of the store, None if it is not on disk.

    Raises
    ------
    ConfigError
        The path is the store, or inside it.

    Examples
    --------
    >>> check_outside_store("--output eyes.html", Path("eyes.html"), Path("eyes.zarr"))
    """
    if store is not None and path.resolve().is_relative_to(store.resolve()):
        raise ConfigError(
            f"{title}: is inside the store, which never changes; choose another folder"
        )


@contextmanager
def writing(
    title: str, way_out: str = "", *, error: type[BidsDlError] = ConfigError
) -> Iterator[None]:
    """Describe a failed write inside the context in one line.

    Parameters
    ----------
    title
        Option and path as the user gave them, for messages.
    way_out
        Advice for the end of the message.
    error
        Class of the error: `BidsDlError` if something may have been written before.

    Raises
    ------
    ConfigError
        The system refused to write, for example because the disk is full.

    Examples
    --------
    >>> with writing("p.csv"):
    ...     raise OSError(28, "No space left on device")
    Traceback (most recent call last):
    ...
    bids_dl.errors.ConfigError: p.csv: cannot be written (No space left on device)
    """
    try:
        yield
    except OSError as problem:
        ending = f"; {way_out}" if way_out else ""
        reason = problem.strerror or problem
        raise error(f"{title}: cannot be written ({reason}){ending}") from problem


def describe_os_error(problem: OSError) -> str:
    """Describe an error of the system with its path, in one line and without its number.

    Examples
    --------
    >>> describe_os_error(OSError(30, "Read-only file system", "runs"))
    'runs: Read-only file system'
    """
    reason = problem.strerror or str(problem) or type(problem).__name__
    return f"{problem.filename}: {reason}" if problem.filename else reason
