"""Folders on disk, found without fsspec, and files that appear complete."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from bids_dl.remote.storage_options import without_own_options


def disk_path(url: str, storage_options: Mapping[str, Any]) -> str | None:
    """Return the absolute path of a folder on disk as fsspec does, None if only fsspec knows it.

    Examples
    --------
    >>> disk_path("/data/eyes.zarr/", {}), disk_path("s3://bucket/eyes.zarr", {})
    ('/data/eyes.zarr', None)
    """
    if os.sep != "/" or ":" in url or url.startswith("~") or without_own_options(storage_options):
        return None
    if not url.startswith("/"):
        name = "" if url == "." else url.removeprefix("./")
        url = f"{Path.cwd()}/{name}"
    return url.rstrip("/")


def write_file(path: Path, pieces: Iterable[bytes | memoryview]) -> None:
    """Write a file that appears complete, by renaming.

    Parameters
    ----------
    pieces
        Content of the file, written as it comes. If it ends with an error, nothing is left.

    Raises
    ------
    OSError
        The file cannot be written.
    """
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    with _errors_about(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        file = part.open("wb")
    try:
        for piece in pieces:
            with _errors_about(path):
                file.write(piece)
        with _errors_about(path):
            file.close()
            part.replace(path)
    except BaseException:
        with suppress(OSError):
            file.close()
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise


@contextmanager
def _errors_about(path: Path) -> Iterator[None]:
    """Let errors of the system name a file: they name none if the disk is full."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None
