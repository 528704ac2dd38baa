"""Datasets of OpenNeuro: text by its git mirror, signals from its bucket.

The bucket itself is never listed, because its newest export may mix versions. The commit of a
version states each file with its checksum, and branch ``git-annex`` the version of each object.
"""

from __future__ import annotations

from bids_dl.source.archives.access import Access
from bids_dl.source.archives.address import Address
from bids_dl.source.archives.archived import ArchivedDataset
from bids_dl.source.archives.endpoints import Endpoints
from bids_dl.source.archives.git.annex import AnnexKey
from bids_dl.source.archives.git.annex_branch import BucketBases, object_url
from bids_dl.source.archives.git.git_archive import GitArchive, open_from_git
from bids_dl.source.archives.git.snapshot_files import AnnexRoutes
from bids_dl.source.archives.graphql import open_from_graphql
from bids_dl.source.archives.routes import open_by_routes

BUCKET = "openneuro.org"


def open_openneuro(address: Address, access: Access) -> ArchivedDataset:
    """Open a version of a dataset of OpenNeuro.

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
        archive="openneuro",
        name=accession,
        url=f"{access.endpoints['openneuro-git']}/{accession}.git",
        routes=lambda _: openneuro_routes(accession, access.endpoints),
    )
    return open_by_routes(
        address,
        lambda: open_from_git(address, location, access),
        lambda: open_from_graphql(address, access),
        "OpenNeuro",
    )


def openneuro_routes(accession: str, endpoints: Endpoints) -> AnnexRoutes:
    """Return the ways to annexed content of OpenNeuro: its bucket, the newest export last."""
    base = endpoints["openneuro-s3"]

    def newest_export(path: str, _: AnnexKey) -> tuple[str, ...]:
        return (object_url(base, f"{accession}/{path}"),)

    return AnnexRoutes(BucketBases({BUCKET: base}), newest_export)
