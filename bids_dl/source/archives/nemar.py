"""Datasets of NEMAR, by its git mirror or by the manifest that its web server provides."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from bids_dl.remote.http.http_answers import HttpStatusError
from bids_dl.source.archives.access import NEMAR_TOKEN, Access
from bids_dl.source.archives.address import Address
from bids_dl.source.archives.archived import ArchivedDataset
from bids_dl.source.archives.endpoints import Endpoints
from bids_dl.source.archives.git.annex import AnnexKey
from bids_dl.source.archives.git.annex_branch import BucketBases, object_url
from bids_dl.source.archives.git.git_archive import GitArchive, open_from_git
from bids_dl.source.archives.git.git_versions import GitVersions, choose_version, version_number
from bids_dl.source.archives.git.snapshot_files import AnnexRoutes
from bids_dl.source.archives.listed_files import name_of_listing, open_listing
from bids_dl.source.archives.manifest import describe_status, fetch_manifest, get_json
from bids_dl.source.archives.routes import RouteFailedError, answer_failures, open_by_routes
from bids_dl.source.archives.version_index import VersionIndex

BUCKET = "nemar"
OPENNEURO_BUCKET = "openneuro.org"  # holds content of mirrors of its datasets, too
MIRROR_OF_OPENNEURO = "on"  # first letters of accessions whose digits are those of OpenNeuro


def open_nemar(address: Address, access: Access) -> ArchivedDataset:
    """Open a version of a dataset of NEMAR.

    Parameters
    ----------
    address
        Accession, and version or "" for the newest.
    access
        Cache, connections and base addresses.

    Raises
    ------
    SourceError
        There is no such dataset or version, or it cannot be reached.
    """
    accession = address.accession
    location = GitArchive(
        archive="nemar",
        name=dataset_name(accession),
        url=f"{access.endpoints['nemar-git']}/{accession}.git",
        routes=lambda version: nemar_routes(accession, version, access.endpoints),
    )
    return open_by_routes(
        address,
        lambda: open_from_git(address, location, access),
        lambda: _open_from_manifest(address, access),
        "NEMAR",
    )


def dataset_name(accession: str) -> str:
    """Return the name of a dataset in plans and stores: a mirror has that of its original.

    Examples
    --------
    >>> dataset_name("on004362"), dataset_name("nm000110")
    ('ds004362', 'nm000110')
    """
    if accession.startswith(MIRROR_OF_OPENNEURO):
        return f"ds{accession.removeprefix(MIRROR_OF_OPENNEURO)}"
    return accession


def nemar_routes(accession: str, version: str, endpoints: Endpoints) -> AnnexRoutes:
    """Return the ways to annexed content of NEMAR: objects by key, then paths of a version.

    Parameters
    ----------
    version
        Tag of the version; "" if the commit has none.
    """
    bucket = endpoints["nemar-s3"]
    data = endpoints["nemar-data"]

    def addresses(path: str, key: AnnexKey) -> list[str]:
        urls = []
        if not key.chunk_bytes:  # chunked content is not stored under its key
            urls.append(object_url(bucket, f"{accession}/objects/{key.file_name}"))
        if version:
            urls.append(f"{data}/{accession}/{quote(version)}/{quote(path)}")
        return urls

    bases = {BUCKET: bucket, OPENNEURO_BUCKET: endpoints["openneuro-s3"]}
    return AnnexRoutes(BucketBases(bases), addresses)


def _open_from_manifest(address: Address, access: Access) -> ArchivedDataset:
    """Open a version by the manifest that NEMAR serves.

    Raises
    ------
    RouteFailedError
        NEMAR cannot be reached, or does not provide the version.
    SourceError
        A text file cannot be fetched, or the cache cannot be written to.
    """
    accession = address.accession
    index = VersionIndex(access.dataset_folder("nemar", accession), access.endpoints)
    with answer_failures(access.endpoints["nemar-data"]):
        dois = _list_versions(accession, access)
    choice = choose_version(GitVersions(tags=dois, objects=dois), address.version)
    if choice is None:
        raise RouteFailedError(GitVersions(tags=dois).describe(address.version))
    version, doi = choice
    base = f"{access.endpoints['nemar-data']}/{accession}/{quote(version)}"
    try:
        files = fetch_manifest(base, access.client)
    except HttpStatusError as error:
        raise RouteFailedError(f"version {version}: {describe_status(error)}") from None
    listing = ArchivedDataset(
        address=f"nemar:{accession}",
        name=dataset_name(accession),
        root=access.cache.root,
        paths=(),
        files=files,
        version=version,
        commit=name_of_listing(files),  # NEMAR may rewrite a manifest
        doi=doi,
    )
    archived = index.load(listing.commit) or open_listing(listing, index, access)
    known = {**index.tags(), version: listing.commit}
    index.save_tags({tag: known[tag] for tag in sorted(known, key=version_number, reverse=True)})
    return archived


def _list_versions(accession: str, access: Access) -> dict[str, str]:
    """Return the DOI of each version, "" for those without."""
    try:
        answer: Any = get_json(f"{access.endpoints['nemar-data']}/{accession}/", access.client)
    except HttpStatusError as error:
        raise RouteFailedError(
            f"{describe_status(error)}: no such dataset, or a private one, which needs a token "
            f"in {NEMAR_TOKEN}"
        ) from None
    listed = answer.get("versions") if isinstance(answer, dict) else None
    if not isinstance(listed, list):
        raise RouteFailedError("the list of versions cannot be read; check the address")
    versions = {}
    for entry in listed:
        versions[str(entry["version"])] = str(entry.get("doi") or "")
    if not versions:
        raise RouteFailedError("the dataset has no version yet")
    return versions
