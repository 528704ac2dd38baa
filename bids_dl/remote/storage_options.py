"""Options of a location: its own, and those of its file system."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

LOCATION_OPTIONS = ("retry_timeout", "patience")  # storage options that no file system takes
MAX_CONNECTIONS = 64  # to a bucket, so that requests overlap; botocore's default is 10


def without_own_options(storage_options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the storage options that are not for the location itself."""
    options = dict(storage_options)
    for name in LOCATION_OPTIONS:
        options.pop(name, None)
    return options


def filesystem_options(url: str, storage_options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of the file system, with defaults that suit a store."""
    options = without_own_options(storage_options)
    if url.startswith("s3://"):
        config = {
            "retries": {"total_max_attempts": 1},
            "max_pool_connections": MAX_CONNECTIONS,
            **(options.get("config_kwargs") or {}),
        }
        # no cache of listings, because others may write to the bucket
        return {"use_listings_cache": False, **options, "config_kwargs": config}
    return options
