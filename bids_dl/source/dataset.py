"""A BIDS dataset: where it is, what files it has, what it says of itself."""

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

NOT_RAW = {
    "sourcedata",
    "derivatives",
    "code",
    "stimuli",
}  # folders of a dataset that hold no recordings (BIDS 1.10, "Directory structure")
IS_A_FILE = {".ds", ".mefd", ".mff", ".zarr"}  # signal "files" that are folders
POSITIONS = ("electrodes.tsv", "coordsystem.json")
HEAD_SPACES = frozenset(
    {"space-CapTrak", "space-EEGLAB", "space-EEGLAB-HJ", "space-CTF", "space-ElektaNeuromag"}
)  # BIDS 1.10, appendix
ACCESSION = re.compile(r"\b((?:ds|on|nm)\d{6})\b")  # OpenNeuro and NEMAR


@dataclass(frozen=True)
class Dataset:
    """One BIDS dataset on disk.

    Attributes
    ----------
    root
        Its folder.
    name
        Accession from the folder's name or DatasetDOI, else the folder's name.
    description
        dataset_description.json.
    files
        Paths relative to the root of all that may belong to raw recordings, sorted.
    """

    root: Path
    name: str
    description: Mapping[str, Any] = field(hash=False)
    files: tuple[str, ...] = field(repr=False, hash=False)

    @property
    def hed_version(self) -> str | list[str] | None:
        version: str | list[str] | None = self.description.get("HEDVersion")
        return version

    @cached_property
    def folders(self) -> Mapping[str, tuple[str, ...]]:
        """Names of the files of each folder ("" is the root)."""
        folders = defaultdict(list)
        for file in self.files:
            folder, _, name = file.rpartition("/")
            folders[folder].append(name)
        return {folder: tuple(names) for folder, names in folders.items()}

    def inherited(self, path: str, ending: str) -> list[str]:
        """Files that speak for a recording by the inheritance principle, farthest first.

        A file applies if it lies in a folder above (or beside) the recording, has this ending, and all its entities are the recording's.

        Parameters
        ----------
        path
            A BIDS path without suffix and extension, as `Recording.path`.
        ending
            Suffix and extension, "events.json".
        """
        mine = pairs(PurePosixPath(path).name)
        found = []
        for folder in _above(path):
            here = [
                name
                for name in self.folders.get(folder, ())
                if name == ending or name.endswith(f"_{ending}")
            ]
            here = [
                name for name in here if _without_space(name.removesuffix(ending), ending) <= mine
            ]
            found += [f"{folder}/{name}".lstrip("/") for name in sorted(here, key=_nearness)]
        return found

    def read_json(self, file: str) -> dict[str, Any]:
        try:
            content = json.loads((self.root / file).read_text(encoding="utf-8-sig"))
        except (OSError, UnicodeDecodeError, json.JSONDecodeError, RecursionError) as problem:
            raise SourceError(
                f"{self.name}/{file}: cannot be read as JSON ({problem}); repair it or leave its recordings out"
            ) from None
        if not isinstance(content, dict):
            raise SourceError(
                f"{self.name}/{file}: holds a JSON {type(content).__name__}, wanted an object"
            )
        return content

    def read_tsv(self, file: str) -> dict[str, tuple[str, ...]]:
        """Columns of a TSV file as text, without outer blanks; short rows are filled with n/a."""
        return {
            name: tuple(cell.strip() for cell in cells)
            for name, cells in self.read_cells(file).items()
        }

    def read_cells(self, file: str) -> dict[str, tuple[str, ...]]:
        """Columns of a TSV file as text, each cell as it is; short rows are filled with n/a."""
        try:
            check_content(self.root / file, file)
            text = (self.root / file).read_text(encoding="utf-8-sig")
        except RecordingError as problem:
            raise SourceError(f"{self.name}: {problem.reason}") from None
        except UnicodeDecodeError as problem:
            raise SourceError(
                f"{self.name}/{file}: is not UTF-8 text, at byte {problem.start}; save it as UTF-8"
            ) from None
        except OSError as problem:
            raise SourceError(f"{self.name}/{file}: cannot be read ({_plainly(problem)})") from None
        lines = [line for line in re.split(r"\r\n|\n|\r", text) if line.strip()]
        if not lines:
            return {}
        names = [name.strip() for name in lines[0].split("\t")]
        if twice := sorted({name for name in names if name and names.count(name) > 1}):
            raise SourceError(
                f"{self.name}/{file}: two columns are called {twice[0]!r}; keep or rename one"
            )
        rows = [line.split("\t") for line in lines[1:]]
        width = len(names)
        rows = [(row + ["n/a"] * (width - len(row)))[:width] for row in rows]
        return {name: tuple(row[i] for row in rows) for i, name in enumerate(names)}


@dataclass(frozen=True)
class Participants:
    """participants.tsv: one row of text a subject, the keys without "sub-"; and participants.json."""

    rows: Mapping[str, Mapping[str, str]]
    columns: tuple[str, ...]
    sidecar: Mapping[str, Any]


def open_dataset(source: str) -> Dataset:
    """List a local BIDS folder.

    Raises
    ------
    SourceError
        No such folder, or no dataset_description.json in it.
    """
    if "://" in source or re.match(r"^\w{2,}:", source):
        raise SourceError(
            f"{source}: only local BIDS folders can be read by this version; download the dataset and give its folder"
        )
    root = Path(source).expanduser()
    if not root.is_dir():
        raise SourceError(f"{source}: no such folder; SOURCE is the folder of a BIDS dataset")
    if not (root / "dataset_description.json").is_file():
        raise SourceError(
            f"{source}: no dataset_description.json here; SOURCE is the top folder of a BIDS dataset"
        )
    root = root.resolve()
    bare = Dataset(root, root.name, {}, ())
    description = bare.read_json("dataset_description.json")
    return Dataset(root, _name(root, description), description, tuple(sorted(_walk(root))))


def pairs(name: str) -> frozenset[str]:
    """Entities of a file name as "key-value" strings."""
    return frozenset(part for part in name.split("_") if "-" in part)


def _without_space(stem: str, ending: str) -> frozenset[str]:
    """Entities that a file must share with a recording; tables of positions have one of their own, the space they count in."""
    own = pairs(stem)
    return (
        frozenset(pair for pair in own if not pair.startswith("space-"))
        if ending in POSITIONS
        else own
    )


def _nearness(name: str) -> tuple[int, bool, str]:
    """What sorts files of one folder, the most specific last; of tables of positions those in a frame of the head."""
    own = pairs(name.partition(".")[0])
    return len(own), not HEAD_SPACES.isdisjoint(own), name


def _above(path: str) -> list[str]:
    """The root (""), then each folder down to the one that holds ``path``."""
    parents = [str(parent) for parent in PurePosixPath(path).parents]
    return ["" if parent == "." else parent for parent in reversed(parents)]


def _name(root: Path, description: Mapping[str, Any]) -> str:
    found = ACCESSION.search(root.name) or ACCESSION.search(str(description.get("DatasetDOI", "")))
    return found.group(1) if found else root.name


def _walk(root: Path) -> Iterator[str]:
    seen: set[str] = set()
    for folder, subfolders, names in os.walk(root, followlinks=True, onerror=_unreadable):
        if (real := os.path.realpath(folder)) in seen:  # links in a circle
            subfolders.clear()
            continue
        seen.add(real)
        here = Path(folder).relative_to(root)
        if here == Path():
            subfolders[:] = [name for name in subfolders if name not in NOT_RAW]
        signals = [name for name in subfolders if Path(name).suffix in IS_A_FILE]
        subfolders[:] = [
            name
            for name in subfolders
            if not name.startswith(".") and name not in signals and name != "beh"
        ]
        yield from (
            (here / name).as_posix() for name in [*names, *signals] if not name.startswith(".")
        )


def _unreadable(problem: OSError) -> None:
    raise SourceError(
        f"{problem.filename}: this folder of the dataset cannot be read ({problem.strerror})"
    )


def _plainly(problem: Exception) -> str:
    return (
        problem.strerror or type(problem).__name__ if isinstance(problem, OSError) else str(problem)
    )
