"""Objects that are served to be read only: behind http(s), on the hub, or by obstore."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from bids_dl.remote.hub.hub_address import is_hub_url
from bids_dl.remote.storage_options import without_own_options

if TYPE_CHECKING:
    from bids_dl.remote.http.plain_ranges import PlainRanges


class ServedObjects(Protocol):
    """Requests for objects by URL. Each makes one try."""

    @property
    def is_anonymous(self) -> bool:
        """True if requests have no credentials."""
        ...

    @property
    def read_only(self) -> str:
        """Reason why nothing can be written, and what to do."""
        ...

    def read_object(self, url: str, start: int | None, stop: int | None, max_bytes: int) -> bytes:
        """Read an object, or its bytes from ``start`` to ``stop``, as far as it has them."""
        ...

    def read_ranges(self, ranges: Sequence[tuple[str, int, int | None]]) -> list[bytes | Exception]:
        """Read byte ranges concurrently, and return the bytes or the exception of each."""
        ...

    def plain_ranges(self) -> PlainRanges | None:
        """Return the client for ranges of many objects, None if `read_ranges` reads them."""
        ...

    def exists(self, url: str) -> bool:
        """Return whether an object exists."""
        ...

    def size(self, url: str) -> int:
        """Return the bytes of an object."""
        ...

    def entries(self) -> Mapping[str, Mapping[str, Any]]:
        """Return what is stated of every object, by name."""
        ...

    def pinned_url(self) -> str:
        """Return the URL of the folder in the version that it has now."""
        ...


def is_web_url(url: str) -> bool:
    """Return whether a URL is http or https."""
    return url.startswith(("http://", "https://"))


def is_bucket_url(url: str) -> bool:
    """Return whether a URL is of a bucket of S3."""
    return url.startswith("s3://")


def serve_objects(url: str, storage_options: Mapping[str, Any]) -> ServedObjects | None:
    """Return the requests for a folder that can only be read, None for that of a file system.

    Such a folder is behind http(s), on the hub, or in a bucket if only obstore is installed.

    Raises
    ------
    StoreError
        The URL or an option is not valid.

    Examples
    --------
    >>> serve_objects("s3://bucket/eyes.zarr", {}) is None
    True
    """
    options = without_own_options(storage_options)
    # clients are imported here, because stores on disk need none
    if is_web_url(url):
        from bids_dl.remote.http.web_objects import WebObjects, parse_options

        return WebObjects(url, parse_options(url, options))
    if is_hub_url(url):
        from bids_dl.remote.hub.hub_objects import open_hub

        return open_hub(url, options)
    if is_bucket_url(url):
        from bids_dl.remote.buckets import obstore_objects

        if obstore_objects.is_needed(url):
            return obstore_objects.open_bucket(url, options)
    return None
