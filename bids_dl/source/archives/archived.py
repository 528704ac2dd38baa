"""One version of a dataset whose signal files are elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bids_dl.remote.caching.remote_file import RemoteFile
from bids_dl.source.archives.zarr_index import ZarrCopies


@dataclass(frozen=True)
class ArchivedDataset:
    """One version of a dataset: its text files on disk, and where its other files are.

    Attributes
    ----------
    address
        SOURCE with its version, without credentials: ``"openneuro:ds004362@1.0.0"``.
    name
        Accession, which identifies the dataset in plans and stores: ``"ds004362"``.
    root
        Folder that holds the text files, by their BIDS paths.
    paths
        Path of every file of the version, relative to the root and sorted.
    files
        Every file that is not in ``root``, by path.
    links
        File of the dataset that a link leads to, by path of the link.
    version, commit, doi
        Of the version; "" if unknown.
    notes
        One line for each fact to tell the user, such as a newer version that cannot be reached.
    copies
        Zarr copies that the signals are read from; None if signals are files.
    """

    address: str
    name: str
    root: Path
    paths: tuple[str, ...] = field(repr=False)
    files: Mapping[str, RemoteFile] = field(repr=False, hash=False)
    links: Mapping[str, str] = field(default_factory=dict, repr=False, hash=False)
    version: str = ""
    commit: str = ""
    doi: str = ""
    notes: tuple[str, ...] = ()
    copies: ZarrCopies | None = None
