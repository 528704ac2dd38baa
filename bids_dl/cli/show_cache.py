"""Output of `bids-dl cache`: the files of remote datasets on this machine."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from rich.filesize import decimal

from bids_dl.cli.console import out, print_json
from bids_dl.cli.tables import TextTable, print_table
from bids_dl.wording import count, join_names

if TYPE_CHECKING:
    from bids_dl.source.archives.cache_contents import CacheContents, DiskUse
    from bids_dl.source.archives.cache_removal import Removal

MAX_LISTED = 5  # removed versions in a message


def show_or_empty_cache(options: Mapping[str, Any], *, as_json: bool) -> None:
    """Remove what options say from the cache, and print its contents."""
    from bids_dl.config.parsing import parse_cache
    from bids_dl.remote.caching.object_cache import ObjectCache
    from bids_dl.source.archives.access import find_cache_folder
    from bids_dl.source.archives.cache_contents import read_cache_contents
    from bids_dl.source.archives.cache_removal import empty_cache
    from bids_dl.source.archives.endpoints import find_endpoints

    config = parse_cache(options)
    cache = ObjectCache(find_cache_folder(config.cache))
    endpoints = find_endpoints({})
    removal = None
    if config.removes:
        removal = empty_cache(cache, endpoints, config, now=time.time())
    contents = read_cache_contents(cache, endpoints)
    if as_json:
        print_json(describe_contents(contents, removal))
    else:
        print_contents(contents, removal)


def describe_contents(contents: CacheContents, removal: Removal | None) -> dict[str, Any]:
    """Describe the contents of a cache as the object that docs/cli.md describes."""
    versions = []
    for version in contents.versions:
        versions.append(
            {
                "source": version.address,
                "commit": version.dataset.commit,
                "files": version.n_files,
                "bytes": version.total.n_bytes,
                "last_used": _format_time(version.last_used),
            }
        )
    description: dict[str, Any] = {
        "cache": str(contents.root),
        "versions": versions,
        "partial": _describe_use(contents.partial),
        "unfinished": _describe_use(contents.unfinished),
        "headers": _describe_use(contents.headers),
        "total": _describe_use(contents.total),
    }
    if removal is not None:
        description["removed"] = {
            "sources": list(removal.addresses),
            "bytes": removal.n_bytes,
        }
    return description


def _describe_use(use: DiskUse) -> dict[str, int]:
    return {"files": use.files, "bytes": use.n_bytes}


def print_contents(contents: CacheContents, removal: Removal | None) -> None:
    """Print what was removed from a cache, and what is in it."""
    if removal is not None:
        names = join_names(removal.addresses, limit=MAX_LISTED) or "no dataset"
        out.print(f"removed: {names}, {decimal(removal.n_bytes)} are free again", soft_wrap=True)
    table = TextTable(
        ("dataset", "signal files", "size", "last used"),
        title=f"versions in {contents.root}",
        numbers=frozenset({"signal files"}),
    )
    for version in contents.versions:
        size = decimal(version.total.n_bytes)
        row = (version.address, str(version.n_files), size, _format_time(version.last_used)[:10])
        table.rows.append(row)
    print_table(table)
    parts = [f"{count(contents.total.files, 'file')}, {decimal(contents.total.n_bytes)}"]
    for use, kind in (
        (contents.partial, "partial"),
        (contents.unfinished, "unfinished"),
        (contents.headers, "headers of local recordings"),
    ):
        if use.files:
            parts.append(f"{use.files} of them {kind}, {decimal(use.n_bytes)}")
    out.print(f"{contents.root}: {'; '.join(parts)}", soft_wrap=True)


def _format_time(seconds: float) -> str:
    """Format a time in s since 1970 in UTC, as in ISO 8601."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
