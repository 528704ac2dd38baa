"""Contents of the bucket on loopback."""

from __future__ import annotations

import gc
from collections.abc import Mapping
from typing import Any

import fsspec

from bids_dl.remote.location import Location


def objects_at(url: str, options: Mapping[str, Any] | None = None) -> dict[str, bytes]:
    """Return the content of each object below a path or URL by name."""
    location = Location(url, options or {})
    return {name: location.read(name) for name in location.list()}


def unfinished_uploads(s3: Mapping[str, Any]) -> list[str]:
    """Return the keys of multipart uploads that were neither completed nor aborted."""
    uploads = fsspec.filesystem("s3", **s3).list_multipart_uploads("bucket")
    return [upload["Key"] for upload in uploads]


def forget_clients() -> None:
    """Forget the file systems of buckets, as a new process would, and close their connections.

    Otherwise garbage collection would, perhaps in a thread with an event loop of its own, in which
    s3fs then fails to close them.
    """
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    gc.collect()
