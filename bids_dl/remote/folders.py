"""List the folders of a location, one level deep."""

from __future__ import annotations

from bids_dl.errors import StoreError
from bids_dl.remote.location import Location
from bids_dl.remote.retry import describe_failure, with_retries


def list_folders(location: Location) -> list[str]:
    """List the names of the folders of a location, sorted. Files are left out.

    Parameters
    ----------
    location
        A folder, a prefix of a bucket, or a folder of a repository on the hub.

    Raises
    ------
    StoreError
        The location does not exist, cannot be listed or cannot be reached.

    Examples
    --------
    >>> location = Location("memory://examples/stores")
    >>> location.write("b.zarr/zarr.json", b"{}")
    >>> location.write("a.zarr/zarr.json", b"{}")
    >>> list_folders(location)
    ['a.zarr', 'b.zarr']
    """
    if location.is_web:
        raise StoreError(
            f"{location.url}: http(s) URLs cannot be listed; give the addresses of the stores"
        )
    if location.served is not None:
        parts = [name.split("/") for name in location.entries()]
        return sorted({folder for folder, *rest in parts if rest})
    files = location.filesystem
    files.invalidate_cache()
    try:
        entries = with_retries(
            lambda: files.ls(location.root, detail=True),
            timeout=location.retry_timeout,
            get_client=location.s3_client,
            renew_credentials=location.renew_credentials,
        )
    except (FileNotFoundError, NotADirectoryError):
        raise StoreError(f"{location.url}: no such folder") from None
    except Exception as error:
        description = describe_failure(error)
        if description:
            raise StoreError(f"{location.url}: {description}") from None
        raise
    folders = [entry for entry in entries if entry["type"] == "directory"]
    return sorted(str(entry["name"]).rstrip("/").rpartition("/")[2] for entry in folders)
