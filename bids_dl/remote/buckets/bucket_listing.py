"""Files of a bucket, or of any file system that fsspec can list, with their sizes and tags."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from bids_dl.errors import StoreError
from bids_dl.remote.caching.remote_file import RemoteFile
from bids_dl.remote.location import Location
from bids_dl.wording import one_line

TAGS = ("ETag", "etag", "md5Hash", "checksum", "content_md5")  # of fsspec's file systems
ANONYMOUS = {"anon": True}
REGION_HEADER = "x-amz-bucket-region"


def list_bucket(url: str) -> dict[str, RemoteFile]:
    """List the files below a URL.

    A bucket of Amazon's kind is read with the credentials of the environment. If there are none,
    or they are refused, it is read as a public bucket, by addresses of its web server.

    Returns
    -------
    dict of RemoteFile
        By path relative to the URL.

    Raises
    ------
    StoreError, OSError
        The URL cannot be listed.

    Examples
    --------
    >>> Location("memory://listed").write("sub-01/a.tsv", b"abc")
    >>> list_bucket("memory://listed")["sub-01/a.tsv"].urls
    ('memory://listed/sub-01/a.tsv',)
    """
    try:
        return dict(_read(Location(url), f"{url.rstrip('/')}/", is_encoded=False))
    except (StoreError, PermissionError) as error:
        if not url.startswith("s3://"):
            raise
        public = _list_public(url)
        if public is None:
            raise StoreError(
                f"{one_line(error)}; as a public bucket it cannot be listed either"
            ) from None
        return public


def _list_public(url: str) -> dict[str, RemoteFile] | None:
    """List a public bucket, None if it is not one."""
    try:
        public = _in_its_region(Location(url, ANONYMOUS))
        return dict(_read(public, _web_base(public), is_encoded=True))
    except (StoreError, OSError):
        return None


def _read(location: Location, base: str, *, is_encoded: bool) -> Iterator[tuple[str, RemoteFile]]:
    """Yield the files of a location, with addresses that begin with ``base``."""
    for path, entry in location.entries().items():
        if entry.get("type", "file") != "file" or path.endswith("/") or not path:
            continue
        tag = next((str(entry[name]) for name in TAGS if entry.get(name)), "")
        name = quote(path) if is_encoded else path
        yield path, RemoteFile(_size(entry), urls=(base + name,), tag=tag.strip('"'))


def _size(entry: Mapping[str, Any]) -> int | None:
    size = entry.get("size")
    return None if size is None else int(size)


def _in_its_region(public: Location) -> Location:
    """Return the location with the region of its bucket, which web addresses need."""
    bucket, _, _ = public.filesystem.split_path(public.root)
    answer = public.call_s3("head_bucket", Bucket=bucket)
    region = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get(REGION_HEADER)
    if not region:
        return public
    return Location(public.url, {**ANONYMOUS, "client_kwargs": {"region_name": region}})


def _web_base(public: Location) -> str:
    """Return the web address of the objects below a location of a public bucket."""
    name = "x"
    address: str = public.filesystem.url(public.path(name))
    return address.partition("?")[0].removesuffix(name)
