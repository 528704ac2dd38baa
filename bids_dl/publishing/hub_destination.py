"""Addresses of Hugging Face that are written to, and the tags that pin a version."""

from __future__ import annotations

import re
from dataclasses import replace

from bids_dl.errors import ConfigError, StoreError
from bids_dl.publishing.object_order import find_unsafe_name
from bids_dl.remote.hub.hub_address import SCHEME, HubAddress, parse_hub_url

BUCKETS = "hf://buckets/"
NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9])?")


def parse_hub_destination(url: str) -> HubAddress:
    """Parse ``hf://datasets/ORG/NAME[@BRANCH][/FOLDER]``, or ``hf://ORG/NAME`` of a model.

    Raises
    ------
    ConfigError
        The URL is not of this form, or names a commit, which cannot be written to.

    Examples
    --------
    >>> parse_hub_destination("hf://datasets/lab/eyes@draft/eyes.zarr").revision
    'draft'
    """
    if url.startswith(BUCKETS):
        raise ConfigError(
            f"{url}: buckets of Hugging Face have no versions; push to hf://datasets/ORG/NAME, or "
            "to the s3:// address of the bucket with --storage-option endpoint_url=URL"
        )
    try:
        address = parse_hub_url(url)
    except StoreError:
        raise ConfigError(
            f"{url}: names no repository; write hf://datasets/ORG/NAME/eyes.zarr for a store, or "
            "hf://ORG/NAME for a run"
        ) from None
    if not all(map(NAME.fullmatch, address.repository.split("/"))):
        raise ConfigError(
            f"{url}: {address.repository!r} cannot be a repository; use letters, digits, '-' and "
            "'.'"
        )
    if address.is_pinned:
        raise ConfigError(f"{url}: a commit cannot be written to; name a branch, or leave @ out")
    if address.path and find_unsafe_name([address.path]):
        raise ConfigError(
            f"{url}: {address.path!r} cannot be a folder; use letters, digits, '-' and '.'"
        )
    return address


def parse_store_destination(url: str, store_name: str) -> HubAddress:
    """Parse the address of a store, which gets a folder of its own in a dataset repository.

    Parameters
    ----------
    url
        Address. Without a folder, the store gets the one of its name.
    store_name
        Name of the store, such as "eyes.zarr".

    Raises
    ------
    ConfigError
        The URL is none of a dataset repository.

    Examples
    --------
    >>> parse_store_destination("hf://datasets/lab/eyes", "eyes.zarr").path
    'eyes.zarr'
    """
    address = parse_hub_destination(url)
    if address.kind != "datasets":
        raise ConfigError(
            f"{url}: a store goes to a dataset repository; write "
            f"{SCHEME}datasets/{address.repository}"
        )
    return address if address.path else replace(address, path=store_name)


def path_in(address: HubAddress, name: str) -> str:
    """Return the path within the repository of a file below an address."""
    return f"{address.path}/{name}" if address.path else name


def tag_name(folder: str, content: str) -> str:
    """Return the tag of a store: its folder and its content identifier.

    Examples
    --------
    >>> tag_name("eyes.zarr", "b9cd58d2a37bb76a" + 48 * "0")
    'eyes.zarr-b9cd58d2a37bb76a'
    """
    slug = re.sub(r"[^A-Za-z0-9.]+", "-", folder).strip("-.") or "store"
    return f"{slug}-{content[:16]}"
