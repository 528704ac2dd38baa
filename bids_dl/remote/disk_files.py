"""Folders on disk, found without fsspec, and files that appear complete."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
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


def write_file(path: Path, content: bytes) -> None:
    """Write a file that appears complete, by renaming.

    Raises
    ------
    OSError
        The file cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(content)
        part.replace(path)
    except OSError as error:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        # the system names no path if the disk is full
        raise OSError(error.errno, error.strerror, str(path)) from None
