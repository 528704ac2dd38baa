"""Options of a location: its own, and those of its file system."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

from bids_dl.errors import StoreError
from bids_dl.remote.waits import RETRY_TIMEOUT_SECONDS

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


def parse_retry_timeout(url: str, storage_options: Mapping[str, Any]) -> float:
    """Return the seconds to wait between the tries of a request, all waits together.

    Raises
    ------
    StoreError
        The option ``retry_timeout`` is no number of seconds.

    Examples
    --------
    >>> parse_retry_timeout("s3://bucket", {"retry_timeout": 5})
    5.0
    """
    if "patience" in storage_options:
        warnings.warn(
            "the storage option 'patience' is now called 'retry_timeout'",
            DeprecationWarning,
            stacklevel=2,
        )
    former = storage_options.get("patience", RETRY_TIMEOUT_SECONDS)
    value = storage_options.get("retry_timeout", former)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 0 <= value < float("inf"):
        raise StoreError(
            f"{url}: the storage option retry_timeout must be a number of seconds, "
            f"0 or more, got {value!r}"
        )
    return float(value)
