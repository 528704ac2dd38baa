"""A BIDS dataset: its root, its files and its description."""

from __future__ import annotations

import json
import re
import shlex
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path, PurePosixPath
from typing import Any

from bids_dl.errors import RecordingError, SourceError
from bids_dl.source.entities import parse_entities
from bids_dl.source.file_checks import check_content
from bids_dl.source.tree import DESCRIPTION, Tree, find_datasets, read_tree

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
    """

    root: Path
    name: str
    description: Mapping[str, Any] = field(hash=False)
    files: tuple[str, ...] = field(repr=False, hash=False)
    tree: Tree = field(default_factory=Tree, repr=False, hash=False, compare=False)

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
        try:
            content = json.loads((self.root / file).read_text(encoding="utf-8-sig"))
        except (OSError, UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
            cause = _cause(error) if isinstance(error, OSError) else error
            raise SourceError(
                f"{self.name}/{file}: cannot be read as JSON ({cause}); "
                "repair it or exclude its recordings"
            ) from None
        if not isinstance(content, dict):
            raise SourceError(
                f"{self.name}/{file}: contains a JSON {type(content).__name__}, expected an object"
            )
        return content

    def read_tsv(self, file: str) -> dict[str, tuple[str, ...]]:
        """Read the columns of a TSV file as text, without surrounding spaces.

        Parameters and errors are those of `read_tsv_verbatim`.
        """
        columns = self.read_tsv_verbatim(file)
        return {name: tuple(map(str.strip, cells)) for name, cells in columns.items()}

    def read_tsv_verbatim(self, file: str) -> dict[str, tuple[str, ...]]:
        """Read the columns of a TSV file as text, without changing a cell.

        Parameters
        ----------
        file
            Path relative to the root.

        Returns
        -------
        dict
            One string per row by column name. Short rows are padded with n/a, and additional
            cells are ignored.

        Raises
        ------
        SourceError
            The file cannot be read, is not UTF-8, or has two columns of the same name.
        """
        lines = [line for line in re.split(r"\r\n|\n|\r", self._read_text(file)) if line.strip()]
        if not lines:
            return {}
        names = [name.strip() for name in lines[0].split("\t")]
        duplicates = sorted({name for name in names if name and names.count(name) > 1})
        if duplicates:
            raise SourceError(
                f"{self.name}/{file}: two columns have the name {duplicates[0]!r}; "
                "remove or rename one"
            )
        rows = []
        for line in lines[1:]:
            cells = line.split("\t")
            cells += ["n/a"] * (len(names) - len(cells))
            rows.append(cells)
        return {name: tuple(row[i] for row in rows) for i, name in enumerate(names)}

    def _read_text(self, file: str) -> str:
        """Read a UTF-8 text file, with or without a byte order mark."""
        try:
            check_content(self.root / file, file)
            return (self.root / file).read_text(encoding="utf-8-sig")
        except RecordingError as error:
            raise SourceError(f"{self.name}: {error.reason}") from None
        except UnicodeDecodeError as error:
            raise SourceError(
                f"{self.name}/{file}: is not UTF-8 text, at byte {error.start}; save it as UTF-8"
            ) from None
        except OSError as error:
            raise SourceError(f"{self.name}/{file}: cannot be read ({_cause(error)})") from None


def open_dataset(source: str) -> Dataset:
    """Open a local BIDS folder and list its files.

    Parameters
    ----------
    source
        Folder that contains dataset_description.json. ``~`` is expanded.

    Raises
    ------
    SourceError
        The folder or its dataset_description.json does not exist, a folder cannot be read, or
        ``source`` is a URL.
    """
    if "://" in source or re.match(r"^\w{2,}:", source):
        raise SourceError(
            f"{source}: this version reads local BIDS folders only; "
            "download the dataset and pass its folder"
        )
    root = Path(source).expanduser()
    if not (root / DESCRIPTION).is_file():
        raise SourceError(f"{source}: {_describe_wrong_source(root, source)}")
    root = root.resolve()
    description = Dataset(root, root.name, {}, ()).read_json(DESCRIPTION)
    tree = read_tree(root)
    return Dataset(root, _dataset_name(root, description), description, tuple(tree.files), tree)


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
    parents = [str(parent) for parent in PurePosixPath(path).parents]
    return ["" if parent == "." else parent for parent in reversed(parents)]


def _dataset_name(root: Path, description: Mapping[str, Any]) -> str:
    """Return the accession of a dataset, or the name of its folder."""
    doi = str(description.get("DatasetDOI", ""))
    match = ACCESSION.search(root.name) or ACCESSION.search(doi)
    return match.group(1) if match else root.name


def _cause(error: OSError) -> str:
    """Return the operating system's description of an error, without the path."""
    return error.strerror or type(error).__name__
