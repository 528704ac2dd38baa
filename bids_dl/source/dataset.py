"""A BIDS dataset: its root, its files and its description."""

from __future__ import annotations

import os
import re
import shlex
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path, PurePosixPath
from typing import Any

from bids_dl.errors import SourceError
from bids_dl.source.archives.access import Access, open_access
from bids_dl.source.archives.address import parse_address
from bids_dl.source.archives.archived import ArchivedDataset
from bids_dl.source.archives.opening import is_clone, open_archive, open_clone_folder
from bids_dl.source.archives.version_index import mark_used
from bids_dl.source.archives.zarr_index import ZarrCopies
from bids_dl.source.fetching.remote_files import Origin, RemoteFiles
from bids_dl.source.recordings.entities import parse_entities
from bids_dl.source.tables import Table, parse_table
from bids_dl.source.text_files import is_inside, read_bytes, read_json_object, read_text
from bids_dl.source.tree import DESCRIPTION, Tree, find_datasets, read_tree, tree_of_paths

POSITION_FILES = ("electrodes.tsv", "coordsystem.json")
# Coordinate systems of the head (BIDS 1.10, appendix "Coordinate systems")
HEAD_SPACES = frozenset(
    {"space-CapTrak", "space-EEGLAB", "space-EEGLAB-HJ", "space-CTF", "space-ElektaNeuromag"}
)
MINIMAL_DESCRIPTION = '{"Name": "...", "BIDSVersion": "1.10.0"}'
MAX_SOURCES = 5  # in a message
ACCESSION = re.compile(r"\b((?:ds|on|nm)\d{6})\b")  # of OpenNeuro and NEMAR


@dataclass(frozen=True)
class Dataset:
    """One BIDS dataset on disk.

    Attributes
    ----------
    root
        Folder of the dataset.
    name
        Accession from the name of the folder or from DatasetDOI, else the name of the folder.
    description
        Content of dataset_description.json.
    files
        Files that may belong to raw recordings, as sorted paths relative to the root. A recording
        that is a folder counts as a file.
    tree
        All that the folder contains, also what is not raw data.
    remote
        Files that are not in the folder; None for a local folder.
    origin
        Archive and version; None for a local folder.
    notes
        One line for each fact to tell the user.
    copies
        Zarr copies that the signals are read from; None if signals are files.
    """

    root: Path
    name: str
    description: Mapping[str, Any] = field(hash=False)
    files: tuple[str, ...] = field(repr=False, hash=False)
    tree: Tree = field(default_factory=Tree, repr=False, hash=False, compare=False)
    remote: RemoteFiles | None = field(default=None, repr=False, hash=False, compare=False)
    origin: Origin | None = None
    notes: tuple[str, ...] = ()
    copies: ZarrCopies | None = None

    def path(self, file: str) -> Path:
        """Return where a file of the dataset is on this machine, once it is fetched.

        Parameters
        ----------
        file
            Path relative to the root.
        """
        remote = None if self.remote is None else self.remote.path(file)
        return self.root / file if remote is None else remote

    def restricted_to(self, files: Iterable[str]) -> Dataset:
        """Return the dataset with only these files, which is small enough to send to a worker."""
        kept = tuple(files)
        remote = None if self.remote is None else self.remote.restricted_to(kept)
        return replace(self, files=kept, tree=Tree(), remote=remote)

    def around(self, path: str) -> Dataset:
        """Return the dataset with only the files in the folder of a recording and above it.

        Parameters
        ----------
        path
            BIDS path without suffix and extension, as in `Recording.path`.
        """
        files = []
        for folder in _folders_above(path):
            for name in self.files_by_folder.get(folder, ()):
                files.append(f"{folder}/{name}".lstrip("/"))
        return self.restricted_to(files)

    def is_remote(self, file: str) -> bool:
        """Return whether a file is not in the folder of the dataset, but must be fetched."""
        return self.remote is not None and self.remote.path(file) is not None

    @property
    def is_cached(self) -> bool:
        """True if the root is a folder of the cache, whose path is of no use in a message."""
        return self.remote is not None and self.root.is_relative_to(self.remote.cache.root)

    @property
    def hed_version(self) -> str | list[str] | None:
        """HEDVersion of the description, None if it does not state one."""
        version: str | list[str] | None = self.description.get("HEDVersion")
        return version

    @cached_property
    def files_by_folder(self) -> Mapping[str, tuple[str, ...]]:
        """Names of the files in each folder, with "" for the root."""
        names_by_folder = defaultdict(list)
        for file in self.files:
            folder, _, name = file.rpartition("/")
            names_by_folder[folder].append(name)
        return {folder: tuple(names) for folder, names in names_by_folder.items()}

    def holds(self, file: str) -> bool:
        """Return whether a file is among those that may belong to raw recordings."""
        folder, _, name = file.rpartition("/")
        return name in self.files_by_folder.get(folder, ())

    def inherited_files(self, path: str, ending: str) -> list[str]:
        """List the files that apply to a recording by inheritance, the most specific last.

        A file applies if it is in a folder above the recording or in the same folder, has the
        ending, and has no entity that differs from the recording's (BIDS 1.10, "The Inheritance
        Principle").

        Parameters
        ----------
        path
            BIDS path without suffix and extension, as in `Recording.path`.
        ending
            Suffix and extension, ``"events.json"``.

        Returns
        -------
        list of str
            Paths relative to the root.
        """
        entities = parse_entities(PurePosixPath(path).name)
        applicable = []
        for folder in _folders_above(path):
            matches = []
            for name in self.files_by_folder.get(folder, ()):
                if name != ending and not name.endswith(f"_{ending}"):
                    continue
                if _required_entities(name.removesuffix(ending), ending) <= entities:
                    matches.append(name)
            matches.sort(key=partial(_specificity, ending))
            applicable += [f"{folder}/{name}".lstrip("/") for name in matches]
        return applicable

    def read_json(self, file: str) -> dict[str, Any]:
        """Read a JSON object.

        Parameters
        ----------
        file
            Path relative to the root.

        Raises
        ------
        SourceError
            The file cannot be read or is not a JSON object.
        """
        return read_json_object(self.path(file), f"{self.name}/{file}", self._root_of(file))

    def read_tsv(self, file: str) -> Table:
        """Read a TSV file as text, without spaces around cells.

        Parameters and errors are those of `read_tsv_verbatim`.
        """
        table = self.read_tsv_verbatim(file)
        columns = {name: tuple(map(str.strip, cells)) for name, cells in table.columns.items()}
        return replace(table, columns=columns)

    def read_tsv_verbatim(self, file: str) -> Table:
        """Read a TSV file as text, without changing a cell.

        Parameters
        ----------
        file
            Path relative to the root.

        Returns
        -------
        Table
            One string per row by column name, as `parse_table` splits them.

        Raises
        ------
        SourceError
            The file cannot be read, is not UTF-8, has two columns of the same name, columns that
            are not separated by tabs, or more cells than columns in every row.
        """
        try:
            text = read_text(self.path(file), f"{self.name}/{file}", self._root_of(file))
            return parse_table(text)
        except ValueError as error:
            raise SourceError(f"{self.name}/{file}: {error}") from None

    def read_bytes(self, file: str) -> bytes:
        """Read a text file as it is.

        Raises
        ------
        SourceError
            The file is outside of the dataset, a named pipe or a device, too large, or unreadable.
        """
        return read_bytes(self.path(file), f"{self.name}/{file}", self._root_of(file))

    def is_outside(self, file: str) -> bool:
        """Return whether a file is a link to a place outside of the dataset and its annex."""
        return not self.is_remote(file) and not is_inside(self.root / file, self.root)

    def _root_of(self, file: str) -> Path | None:
        """Return the folder that a file must be in, None if it is an object of the cache."""
        return None if self.is_remote(file) else self.root


def open_dataset(source: str, access: Access | None = None) -> Dataset:
    """Open a BIDS dataset and list its files.

    Parameters
    ----------
    source
        Folder that contains dataset_description.json (``~`` is expanded), ``openneuro:ID`` or
        ``nemar:ID`` with or without ``@VERSION``, ``nemar-zarr:ID``, a URL, or the scheme of a
        plug-in.
    access
        Cache and connections, for datasets that are not local folders.

    Raises
    ------
    SourceError
        The folder or its dataset_description.json does not exist, a folder cannot be read, or an
        archive has no such dataset or cannot be reached.
    """
    address = parse_address(source)
    if address.kind == "folder":
        return _open_folder(source, access)
    if access is None:
        with open_access() as temporary:
            return open_dataset(source, temporary)
    access.use_cache()
    if address.kind == "plugin":
        from bids_dl.source.archives.foreign import open_foreign  # here, because few need it

        found = open_foreign(address, access)
        if isinstance(found, Path):
            return _open_folder(str(found), access)
        return _from_archive(found, access)
    return _from_archive(open_archive(address, access), access)


def _open_folder(source: str, access: Access | None) -> Dataset:
    """Open a folder, which may be a clone whose annexed files are absent."""
    root = Path(os.path.expanduser(source))  # noqa: PTH111  (keeps the name of an unknown user)
    if not (root / DESCRIPTION).is_file():
        raise SourceError(f"{source}: {_describe_wrong_source(root, source)}")
    root = root.resolve()
    description = Dataset(root, root.name, {}, ()).read_json(DESCRIPTION)
    tree = read_tree(root)
    dataset = Dataset(root, _dataset_name(root, description), description, tuple(tree.files), tree)
    if not is_clone(root):
        return dataset
    if access is None:
        with open_access() as temporary:
            return _with_annexed_files(dataset, temporary)
    return _with_annexed_files(dataset, access)


def _with_annexed_files(dataset: Dataset, access: Access) -> Dataset:
    """Add the annexed files of a clone to the dataset."""
    access.use_cache()
    clone = open_clone_folder(dataset.root, access)
    origin = clone.origin
    if origin is not None:
        origin = replace(origin, doi=str(dataset.description.get("DatasetDOI", "")))
    name = clone.name or dataset.name
    return replace(dataset, name=name, remote=clone.remote, origin=origin, notes=clone.notes)


def _from_archive(archived: ArchivedDataset, access: Access) -> Dataset:
    """Build a dataset from a version of an archive, whose text files are in the cache."""
    if not (archived.root / DESCRIPTION).is_file():
        raise SourceError(
            f"{archived.address}: version {archived.version or archived.commit} "
            f"has no {DESCRIPTION}"
        )
    mark_used(archived.root)
    description = Dataset(archived.root, archived.name, {}, ()).read_json(DESCRIPTION)
    tree = tree_of_paths(archived.paths)
    doi = archived.doi or str(description.get("DatasetDOI", ""))
    return Dataset(
        root=archived.root,
        name=_dataset_name(Path(archived.name), description),
        description=description,
        files=tuple(tree.files),
        tree=tree,
        remote=RemoteFiles(access.cache, archived.files, links=archived.links, root=archived.root),
        origin=Origin(
            archived.address,
            archived.version,
            archived.commit,
            doi,
            updated_utc=archived.copies.updated_utc if archived.copies else "",
        ),
        notes=archived.notes,
        copies=archived.copies,
    )


def _describe_wrong_source(root: Path, source: str) -> str:
    """Describe what a SOURCE is that is not the top folder of a BIDS dataset, and the way out."""
    expected = "SOURCE must be the top folder of a BIDS dataset"
    if root.exists() and not root.is_dir():
        return f"is a file; {expected}{_dataset_above(root)}"
    if not root.is_dir():
        return f"no such folder; {expected}"
    if (root / "zarr.json").is_file():
        return f"is a store; {expected}, and DEST follows all SOURCEs"
    problem = f"no {DESCRIPTION} in this folder"
    if datasets := find_datasets(root):
        paths = [f"{source.rstrip('/')}/{name}" for name in datasets]
        return f"{problem}; pass {describe_sources(paths)}"
    above = _dataset_above(root)
    if not above and any(root.glob("sub-*")):
        return f"{problem}, which has sub-* folders; add one: {MINIMAL_DESCRIPTION}"
    return f"{problem}; {expected}{above}"


def describe_sources(paths: list[str]) -> str:
    """Describe datasets to pass as SOURCEs.

    Examples
    --------
    >>> describe_sources(["all/ds1", "all/ds2"])
    'the 2 datasets below it as SOURCEs: all/ds1 all/ds2'
    """
    if len(paths) == 1:
        return f"the dataset below it as SOURCE: {paths[0]}"
    more = f" and {len(paths) - MAX_SOURCES} more" if len(paths) > MAX_SOURCES else ""
    shown = " ".join(map(shlex.quote, paths[:MAX_SOURCES]))
    return f"the {len(paths)} datasets below it as SOURCEs: {shown}{more}"


def _dataset_above(path: Path) -> str:
    """Name the dataset that a path is inside, "" outside of datasets."""
    for parent in path.resolve().parents:
        if (parent / DESCRIPTION).is_file():
            return f": {parent}"
    return ""


def _required_entities(stem: str, ending: str) -> frozenset[str]:
    """Return the entities that a recording must share with a file for the file to apply.

    Tables of positions have a space entity (their coordinate system), which recordings lack.
    """
    entities = parse_entities(stem)
    if ending not in POSITION_FILES:
        return entities
    return frozenset(entity for entity in entities if not entity.startswith("space-"))


def _specificity(ending: str, name: str) -> tuple[int, bool, str]:
    """Return the sort key of the files of one folder: the most specific sorts last.

    Of tables of positions, those in a coordinate system of the head sort last.
    """
    entities = parse_entities(name.removesuffix(ending))
    return len(entities), not HEAD_SPACES.isdisjoint(entities), name


def _folders_above(path: str) -> list[str]:
    """List the root (""), then each folder down to the one that contains ``path``."""
    names = path.split("/")[:-1]
    return ["/".join(names[:depth]) for depth in range(len(names) + 1)]


def _dataset_name(root: Path, description: Mapping[str, Any]) -> str:
    """Return the accession of a dataset, or the name of its folder."""
    doi = str(description.get("DatasetDOI", ""))
    match = ACCESSION.search(root.name) or ACCESSION.search(doi)
    return match.group(1) if match else root.name
