"""A BIDS dataset: its root, its files and its description."""

from __future__ import annotations

import json
import os
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

from bids_dl.errors import RecordingError, SourceError
from bids_dl.source.file_checks import check_content

# Top-level folders without raw recordings (BIDS 1.10, "Directory structure")
SKIPPED_FOLDERS = {"sourcedata", "derivatives", "code", "stimuli"}
FOLDER_FORMATS = {".ds", ".mefd", ".mff", ".zarr"}  # recordings that are folders
POSITION_FILES = ("electrodes.tsv", "coordsystem.json")
# Coordinate systems of the head (BIDS 1.10, appendix "Coordinate systems")
HEAD_SPACES = frozenset(
    {"space-CapTrak", "space-EEGLAB", "space-EEGLAB-HJ", "space-CTF", "space-ElektaNeuromag"}
)
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
    """

    root: Path
    name: str
    description: Mapping[str, Any] = field(hash=False)
    files: tuple[str, ...] = field(repr=False, hash=False)

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
            matches.sort(key=_specificity)
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
            raise SourceError(
                f"{self.name}/{file}: cannot be read as JSON ({error}); "
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


@dataclass(frozen=True)
class Participants:
    """Content of participants.tsv and participants.json."""

    rows: Mapping[str, Mapping[str, str]]  # subject without "sub-" -> column -> text
    columns: tuple[str, ...]  # without participant_id
    sidecar: Mapping[str, Any]


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
    if not root.is_dir():
        raise SourceError(
            f"{source}: no such folder; SOURCE must be the top folder of a BIDS dataset"
        )
    if not (root / "dataset_description.json").is_file():
        raise SourceError(
            f"{source}: no dataset_description.json in this folder; "
            "SOURCE must be the top folder of a BIDS dataset"
        )
    root = root.resolve()
    description = Dataset(root, root.name, {}, ()).read_json("dataset_description.json")
    return Dataset(root, _dataset_name(root, description), description, tuple(sorted(_walk(root))))


def parse_entities(name: str) -> frozenset[str]:
    """Split the entities of a BIDS file name into ``"key-value"`` strings.

    Examples
    --------
    >>> sorted(parse_entities("sub-01_task-rest_events.tsv"))
    ['sub-01', 'task-rest']
    """
    return frozenset(part for part in name.split("_") if "-" in part)


def _required_entities(stem: str, ending: str) -> frozenset[str]:
    """Return the entities that a recording must share with a file for the file to apply.

    Tables of positions have a space entity (their coordinate system), which recordings lack.
    """
    entities = parse_entities(stem)
    if ending not in POSITION_FILES:
        return entities
    return frozenset(entity for entity in entities if not entity.startswith("space-"))


def _specificity(name: str) -> tuple[int, bool, str]:
    """Return the sort key of the files of one folder: the most specific sorts last.

    Of tables of positions, those in a coordinate system of the head sort last.
    """
    entities = parse_entities(name.partition(".")[0])
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


def _walk(root: Path) -> Iterator[str]:
    """Yield the files of a dataset relative to its root, without hidden and skipped folders."""
    visited: set[str] = set()
    for folder, subfolders, names in os.walk(root, followlinks=True, onerror=_refuse_folder):
        real_folder = os.path.realpath(folder)
        if real_folder in visited:  # circular links
            subfolders.clear()
            continue
        visited.add(real_folder)
        relative = Path(folder).relative_to(root)
        skipped = SKIPPED_FOLDERS | {"beh"} if relative == Path() else {"beh"}
        folder_signals = [name for name in subfolders if Path(name).suffix in FOLDER_FORMATS]
        skipped.update(folder_signals)
        subfolders[:] = [
            name for name in subfolders if name not in skipped and not name.startswith(".")
        ]
        for name in (*names, *folder_signals):
            if not name.startswith("."):
                yield (relative / name).as_posix()


def _refuse_folder(error: OSError) -> None:
    """Raise the error of a folder that `os.walk` cannot list."""
    raise SourceError(
        f"{error.filename}: this folder of the dataset cannot be read ({error.strerror})"
    )


def _cause(error: OSError) -> str:
    """Return the operating system's description of an error, without the path."""
    return error.strerror or type(error).__name__
