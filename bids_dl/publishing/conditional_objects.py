"""Objects that are written only where none of that name exists, and compared by their SHA-256.

A bucket refuses to replace an object if it is asked to (``If-None-Match: *``), stores the SHA-256
that it was sent, and compares the bytes with it.
"""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from bids_dl.errors import StoreError
from bids_dl.publishing.content import ObjectEntry
from bids_dl.remote.location import Location

MAX_PUT_BYTES = 4_000_000_000  # of one request; S3 takes 5 GiB
HAS_WRITTEN = {"PreconditionFailed", "ConditionalRequestConflict", "412", "409"}
"""Codes of the answers of a bucket that has, or is just receiving, an object of this name."""
NO_CHECKSUMS = {"NotImplemented", "InvalidArgument", "501"}
"""Codes of the answers of a server that does not know a header."""


class ExistingObjectError(Exception):
    """An object of this name exists already."""


def write_new(location: Location, name: str, content: bytes) -> None:
    """Write an object, and never replace one.

    Parameters
    ----------
    location
        Folder on disk, or bucket.
    name
        Name of the object.
    content
        Its bytes.

    Raises
    ------
    ExistingObjectError
        An object of this name exists. It may be that of a try whose answer was lost.
    StoreError
        The object is too large for one request, or cannot be written.
    """
    if location.is_local:
        _write_new_file(Path(location.path(name)), content)
    elif location.is_s3:
        _put_new(location, name, content)
    elif location.exists(name):
        raise ExistingObjectError(name)
    else:
        location.write(name, content)


def has_object(location: Location, entry: ObjectEntry, *, reads: bool) -> bool | None:
    """Return whether the bytes of an object are those of its entry.

    Parameters
    ----------
    location
        Folder on disk, or bucket.
    entry
        Name, size and SHA-256 of the object.
    reads
        Read the object if the server states no SHA-256. A file on disk is always read.

    Returns
    -------
    bool or None
        None if the server states no SHA-256 and the object was not read.

    Raises
    ------
    FileNotFoundError
        There is no such object.
    """
    if location.is_s3 and not reads:
        head = _head(location, entry.name)
        if head["ContentLength"] != entry.n_bytes:
            return False
        stated = str(head.get("ChecksumSHA256", ""))
        if stated and "-" not in stated:  # else of the checksums of parts
            return stated == _to_base64(entry.sha256)
        return None
    if not location.is_local and not reads:
        return None if location.size(entry.name) == entry.n_bytes else False
    if location.size(entry.name) != entry.n_bytes:
        return False
    content = location.read(entry.name, max_bytes=entry.n_bytes)
    return hashlib.sha256(content).hexdigest() == entry.sha256


def _put_new(location: Location, name: str, content: bytes) -> None:
    if len(content) > MAX_PUT_BYTES:
        raise StoreError(
            f"{location.url}: {name} has {len(content)} bytes, more than {MAX_PUT_BYTES} of one "
            "request; copy this store with a program for large objects, such as rclone"
        )
    bucket, key, _ = location.filesystem.split_path(location.path(name))
    digest = _to_base64(hashlib.sha256(content).hexdigest())
    checksum = {"ChecksumAlgorithm": "SHA256", "ChecksumSHA256": digest}
    try:
        location.call_s3(
            "put_object", Bucket=bucket, Key=key, Body=content, IfNoneMatch="*", **checksum
        )
    except (OSError, StoreError) as error:
        code = _error_code(error)
        if code in HAS_WRITTEN:
            raise ExistingObjectError(name) from None
        if code in NO_CHECKSUMS:
            raise StoreError(
                f"{location.url}: the server knows no conditional writes or no checksums ({code}); "
                "nothing would keep another store from being replaced, use another server"
            ) from error
        raise


def _head(location: Location, name: str) -> dict[str, Any]:
    bucket, key, _ = location.filesystem.split_path(location.path(name))
    head: dict[str, Any] = location.call_s3(
        "head_object", Bucket=bucket, Key=key, ChecksumMode="ENABLED"
    )
    return head


def _write_new_file(path: Path, content: bytes) -> None:
    """Write a file that appears complete, unless one of its name exists."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(content)
        _rename_new(part, path)
    except FileExistsError:
        raise ExistingObjectError(path.name) from None
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def _rename_new(part: Path, path: Path) -> None:
    """Rename a file, unless the new name is taken."""
    rename: Callable[[Path, Path], None] = os.link
    try:
        rename(part, path)  # a rename would replace a file
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        if path.exists():
            raise FileExistsError(str(path)) from None
        part.replace(path)


def _error_code(error: BaseException | None) -> str:
    """Return the code of a bucket's answer, "" if it did not answer."""
    while error is not None:
        response = getattr(error, "response", None)
        if isinstance(response, dict):
            return str(response.get("Error", {}).get("Code", ""))
        error = error.__cause__ or error.__context__
    return ""


def _to_base64(hexadecimal: str) -> str:
    return base64.b64encode(bytes.fromhex(hexadecimal)).decode()
