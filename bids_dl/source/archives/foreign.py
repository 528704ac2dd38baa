"""Sources of plug-ins: a scheme of another distribution, and what its opener returns."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from bids_dl.errors import BidsDlError, SourceError
from bids_dl.plugins import Plugin
from bids_dl.remote.caching.remote_file import RemoteFile
from bids_dl.source.archives.access import Access
from bids_dl.source.archives.address import Address
from bids_dl.source.archives.archived import ArchivedDataset
from bids_dl.source.archives.listed_files import name_of_listing, open_listing
from bids_dl.source.archives.version_index import VersionIndex
from bids_dl.source.tree import DESCRIPTION
from bids_dl.wording import one_line


@dataclass(frozen=True)
class SourceListing:
    """All files of one version of a dataset, as an opener of a plug-in returns them.

    Attributes
    ----------
    name
        Name of the dataset in plans and stores: ``"study12"``.
    files
        Every file of the version by its BIDS path, with size, checksum and addresses.
    version
        Version that was found; "" if the archive has none.
    doi
        DOI of the version; "" if it has none.
    notes
        One line for each fact to tell the user.
    """

    name: str
    files: Mapping[str, RemoteFile] = field(repr=False, hash=False)
    version: str = ""
    doi: str = ""
    notes: tuple[str, ...] = ()


class SourceOpener(Protocol):
    """A function that a distribution registers in the group ``bids_dl.sources``.

    The name of the entry point is the scheme: ``xnat`` opens ``xnat:study12@3``. bids_dl fetches
    the text of a listing, and later the headers and signals that a request needs, through its
    cache, with retries and checksums.
    """

    def __call__(self, accession: str, version: str) -> SourceListing | Path:
        """Find a dataset.

        Parameters
        ----------
        accession
            Text between the scheme and ``@``.
        version
            Text after ``@``; "" for the newest version.

        Returns
        -------
        SourceListing or pathlib.Path
            The files of the version with their addresses, or the folder of a BIDS dataset on this
            machine.

        Raises
        ------
        bids_dl.errors.SourceError
            There is no such dataset or version. Its message is one line for the user.
        """
        ...


def open_foreign(address: Address, access: Access) -> ArchivedDataset | Path:
    """Open a source by its plug-in.

    Parameters
    ----------
    address
        Address of kind ``"plugin"``.
    access
        Cache and connections.

    Raises
    ------
    ConfigError
        The plug-in cannot be imported, or returns something else.
    SourceError
        There is no such dataset, or the plug-in fails.
    """
    plugin = address.plugin
    if plugin is None:
        raise ValueError(f"{address.text}: expected an address of a plug-in")
    found = _call(plugin, address)
    access.on_message(f"{address.text}: opened by the plug-in {plugin.package}")
    if isinstance(found, Path):
        return found
    if not isinstance(found, SourceListing):
        kind = type(found).__name__
        raise plugin.refuse(f"returns {kind}, expected a SourceListing or a pathlib.Path")
    if DESCRIPTION not in found.files:
        raise SourceError(
            f"{address.text}: no {DESCRIPTION} among the {len(found.files)} files that the plug-in "
            f"{plugin.package} lists"
        )
    digest = hashlib.sha256(address.accession.encode()).hexdigest()
    index = VersionIndex(access.dataset_folder(plugin.name, digest[:32]), access.endpoints)
    listing = ArchivedDataset(
        address=f"{plugin.name}:{address.accession}",
        name=found.name,
        root=access.cache.root,
        paths=(),
        files=dict(found.files),
        version=found.version,
        commit=name_of_listing(found.files),
        doi=found.doi,
        notes=found.notes,
    )
    return index.load(listing.commit) or open_listing(listing, index, access)


def _call(plugin: Plugin, address: Address) -> object:
    """Call the opener of a plug-in, and describe its failure in one line."""
    opener = plugin.load()
    if not callable(opener):
        raise plugin.refuse("cannot be called")
    try:
        found: object = opener(address.accession, address.version)
    except BidsDlError:
        raise
    except (Exception, SystemExit) as error:
        reason = one_line(f"{type(error).__name__}: {error}")
        raise SourceError(
            f"{address.text}: the plug-in {plugin.package} fails: {reason}"
        ) from error
    return found
