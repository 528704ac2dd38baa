"""Datasets at URLs: buckets and others that can be listed, and web folders with a manifest."""

from __future__ import annotations

import hashlib
import re
from urllib.parse import unquote, urlsplit

from bids_dl.errors import SourceError, StoreError
from bids_dl.remote.buckets.bucket_listing import list_bucket
from bids_dl.remote.caching.remote_file import RemoteFile
from bids_dl.remote.http.http_answers import HttpStatusError
from bids_dl.source.archives.access import Access
from bids_dl.source.archives.address import Address
from bids_dl.source.archives.archived import ArchivedDataset
from bids_dl.source.archives.listed_files import name_of_listing, open_listing
from bids_dl.source.archives.manifest import MANIFEST, describe_status, fetch_manifest
from bids_dl.source.archives.nemar import dataset_name
from bids_dl.source.archives.routes import RouteFailedError
from bids_dl.source.archives.version_index import VersionIndex
from bids_dl.source.tree import DESCRIPTION
from bids_dl.wording import one_line

NEWEST = "newest"  # name of the listing that was seen last, in the index
ACCESSION = re.compile(r"(?<![A-Za-z0-9])((?:ds|on|nm)\d{6})(?![0-9])")
# pages of archives, which are addresses of datasets for people
PAGES = {
    "openneuro": re.compile(
        r"https?://(?:openneuro\.org/datasets|github\.com/OpenNeuroDatasets)/(ds\d{6})"
        r"(?:\.git)?(?:/versions/([0-9.]+))?"
    ),
    "nemar": re.compile(r"https?://github\.com/nemar[dD]atasets/([a-z]{2}\d{6})(?:\.git)?()"),
}


def open_url(address: Address, access: Access) -> ArchivedDataset:
    """Open a dataset at a URL.

    A version of such a dataset is the list of its files with their sizes and tags. Text is
    fetched once for each version.

    Parameters
    ----------
    address
        ``s3://BUCKET/FOLDER``, another URL that fsspec can list, or the http or https address of
        a folder with a manifest.json.
    access
        Cache and connections.

    Raises
    ------
    SourceError
        The URL holds credentials, cannot be listed, or is not a dataset.
    """
    url = _checked(address.text)
    digest = hashlib.sha256(url.encode()).hexdigest()
    index = VersionIndex(access.dataset_folder("url", digest[:32]), access.endpoints)
    try:
        files = _list_files(url, access)
    except RouteFailedError as problem:
        return _newest_cached(url, index, access, problem)
    if DESCRIPTION not in files:
        raise SourceError(f"{url}: no {DESCRIPTION} there; pass the top folder of a BIDS dataset")
    listing = ArchivedDataset(
        address=url,
        name=_name_of(url),
        root=access.cache.root,
        paths=(),
        files=files,
        commit=name_of_listing(files),
    )
    archived = index.load(listing.commit) or open_listing(listing, index, access)
    index.save_tags({NEWEST: listing.commit})
    return archived


def _checked(text: str) -> str:
    """Return a URL that may be shown and stored.

    Raises
    ------
    SourceError
        It holds credentials, has a query, lacks a host or bucket, or is a page of an archive or a
        local file.
    """
    for archive, pattern in PAGES.items():
        if match := pattern.match(text):
            version = f"@{match[2]}" if match[2] else ""
            raise SourceError(f"{text}: is a web page; write {archive}:{match[1]}{version}")
    try:
        parts = urlsplit(text)
        shown = parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="")
    except ValueError:
        raise SourceError("the URL of a source cannot be read; check its brackets") from None
    url = shown.geturl().rstrip("/")
    if parts.scheme in ("file", "local"):
        raise SourceError(f"{url}: pass the folder itself, {unquote(parts.path)}")
    if not parts.netloc:
        raise SourceError(
            f"{text}: no host or bucket after '://'; write one, as in s3://BUCKET/ds1"
        )
    if "@" in parts.netloc:
        raise SourceError(
            f"{url}: a URL must not hold a user or password, which stores would keep; "
            "put them into ~/.netrc, or into AWS_PROFILE for s3://"
        )
    if parts.query or parts.fragment:
        raise SourceError(f"{url}: pass the URL of a folder, without '?' or '#' and what follows")
    return url


def _list_files(url: str, access: Access) -> dict[str, RemoteFile]:
    """List the files below a URL.

    Raises
    ------
    RouteFailedError
        The server cannot be reached.
    SourceError
        The URL cannot be listed.
    """
    if not url.startswith(("http://", "https://")):
        try:
            return list_bucket(url)
        except (StoreError, OSError) as error:
            raise RouteFailedError(_with_url(url, error)) from None
    try:
        return fetch_manifest(url, access.client)
    except HttpStatusError as error:
        raise SourceError(
            f"{url}: no {MANIFEST} there ({describe_status(error)}), and files at web addresses "
            "cannot be listed; pass the address of a bucket (s3://...), openneuro:ID or "
            "nemar:ID, or download the dataset"
        ) from None


def _newest_cached(
    url: str, index: VersionIndex, access: Access, problem: RouteFailedError
) -> ArchivedDataset:
    """Load the listing that was seen last, if the cache holds its text."""
    commit = index.tags().get(NEWEST, "")
    archived = index.load(commit) if commit else None
    if archived is None:
        raise problem
    access.on_message(f"{url}: cannot be listed now; using the list of files that was seen last")
    return archived


def _name_of(url: str) -> str:
    """Return the accession in a URL, else its last part.

    A version at the end, as in ``/nm000110/v1.0.0``, follows an accession and is not the name.
    """
    found = ACCESSION.findall(urlsplit(url).path) or ACCESSION.findall(url)
    return dataset_name(found[-1]) if found else unquote(url.rpartition("/")[2])


def _with_url(url: str, error: Exception) -> str:
    text = one_line(error)
    return text if text.startswith(url) else f"{url}: {text}"
