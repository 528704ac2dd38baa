"""Folders of a BIDS dataset: its files, and the datasets and links among them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bids_dl.errors import SourceError

DESCRIPTION = "dataset_description.json"
# Top-level folders without raw recordings (BIDS 1.10, "Directory structure")
SKIPPED_FOLDERS = {"sourcedata", "derivatives", "code", "stimuli"}
FOLDER_FORMATS = {".ds", ".mefd", ".mff", ".zarr"}  # recordings that are folders
SUBJECT_FOLDER = re.compile(r"sub-[^/]+")
MAX_DEPTH = 3  # folders below a SOURCE in which datasets are looked for
MAX_FOLDERS = 2000  # looked into for datasets, so that a wrong SOURCE is refused within a second


@dataclass
class Tree:
    """Content of a dataset folder, as paths relative to it.

    Attributes
    ----------
    files
        Files at the top and in ``sub-*`` folders. A recording that is a folder counts as a file.
    other_files
        Files in other top-level folders, which have no raw recordings.
    subjects
        Names of the ``sub-*`` folders at the top.
    datasets
        Folders with a dataset_description.json of their own; their files are not listed.
    links
        Target by folder, of links to a folder that is listed elsewhere.
    outside
        Links to folders outside of the dataset, whose files are listed as its own.
    """

    files: list[str] = field(default_factory=list)
    other_files: list[str] = field(default_factory=list)
    subjects: list[str] = field(default_factory=list)
    datasets: list[str] = field(default_factory=list)
    links: dict[str, str] = field(default_factory=dict)
    outside: list[str] = field(default_factory=list)


def read_tree(root: Path) -> Tree:
    """List a dataset folder, without hidden folders and those without raw recordings.

    Links to folders are followed after all folders are listed. A link to a folder that is already
    listed is not followed.

    Parameters
    ----------
    root
        Resolved path of the dataset.

    Raises
    ------
    SourceError
        A folder cannot be read.
    """
    tree = Tree()
    visited: set[str] = set()
    pending = [str(root)]
    while pending:
        pending += _read_folder(pending.pop(0), root, tree, visited)
    for names in (tree.files, tree.other_files, tree.subjects, tree.datasets, tree.outside):
        names.sort()
    return tree


def tree_of_paths(paths: Iterable[str]) -> Tree:
    """Build the tree of a dataset from the paths of all its files, by the rules of `read_tree`.

    Examples
    --------
    >>> tree = tree_of_paths(["sub-1/eeg/sub-1_eeg.edf", "code/a.py", ".git/x", "README"])
    >>> tree.files, tree.other_files, tree.subjects
    (['README', 'sub-1/eeg/sub-1_eeg.edf'], [], ['sub-1'])
    """
    all_paths = sorted(paths)
    datasets = []
    for path in all_paths:
        folder, _, name = path.rpartition("/")
        if name == DESCRIPTION and folder and not SUBJECT_FOLDER.match(folder):
            datasets.append(folder)
    tree = Tree()
    for path in all_paths:
        _add_path(path, tree, datasets)
    tree.files = sorted(set(tree.files))
    tree.other_files = sorted(set(tree.other_files))
    tree.subjects = sorted(set(tree.subjects))
    tree.datasets = sorted(set(tree.datasets))
    return tree


def _add_path(path: str, tree: Tree, datasets: Sequence[str]) -> None:
    """Add a file to a tree, unless it is hidden or in a folder without raw recordings."""
    parts = _up_to_recording(path.split("/"))
    top = parts[0] if len(parts) > 1 else ""
    if any(part.startswith(".") for part in parts) or "beh" in parts[:-1] or top in SKIPPED_FOLDERS:
        return
    for folder in datasets:
        if path.startswith(f"{folder}/"):
            tree.datasets.append(folder)
            return
    in_subject = SUBJECT_FOLDER.fullmatch(top) is not None
    if in_subject:
        tree.subjects.append(top)
    listed = tree.files if in_subject or not top else tree.other_files
    listed.append("/".join(parts))


def _up_to_recording(parts: list[str]) -> list[str]:
    """Cut the parts of a path after a folder that is a recording."""
    for depth, part in enumerate(parts[:-1], start=1):
        if Path(part).suffix in FOLDER_FORMATS:
            return parts[:depth]
    return parts


def find_datasets(folder: Path) -> list[str]:
    """Find BIDS datasets below a folder, those closest to it, as relative paths.

    Folders named ``derivatives`` are omitted. The search ends after `MAX_DEPTH` levels.
    """
    found = []
    level = [folder]
    n_folders = 0
    for _ in range(MAX_DEPTH):
        inner = sorted(path for parent in level for path in _subfolders(parent))
        n_folders += len(inner)
        found += [path for path in inner if (path / DESCRIPTION).is_file()]
        level = [path for path in inner if not (path / DESCRIPTION).is_file()]
        if n_folders > MAX_FOLDERS:
            break
    return [path.relative_to(folder).as_posix() for path in found]


def _read_folder(top: str, root: Path, tree: Tree, visited: set[str]) -> list[str]:
    """Add the content of a folder to a tree, and return the links to folders inside."""
    links: list[str] = []
    for folder, subfolders, names in os.walk(top, onerror=_refuse_folder):
        relative = "" if folder == str(root) else _relative(folder, root)
        target = os.path.realpath(folder)
        if target in visited or (relative and root.is_relative_to(target)):
            tree.links[relative] = _relative(target, root)
            subfolders.clear()
            continue
        if folder == top and not Path(target).is_relative_to(root):
            tree.outside.append(relative)
        visited.add(target)
        in_subject = SUBJECT_FOLDER.match(relative) is not None
        if relative and not in_subject and DESCRIPTION in names:
            tree.datasets.append(relative)
            subfolders.clear()
            continue
        skipped = {"beh"} if relative else {"beh", *SKIPPED_FOLDERS}
        signals = [name for name in subfolders if Path(name).suffix in FOLDER_FORMATS]
        subfolders[:] = sorted(
            name
            for name in subfolders
            if name not in skipped and name not in signals and not name.startswith(".")
        )
        if not relative:
            tree.subjects += filter(SUBJECT_FOLDER.fullmatch, subfolders)
        paths = [f"{folder}/{name}" for name in subfolders]
        links += filter(os.path.islink, paths)
        listed = tree.files if in_subject or not relative else tree.other_files
        for name in (*names, *signals):
            if not name.startswith("."):
                listed.append(f"{relative}/{name}".lstrip("/"))
    return links


def _subfolders(folder: Path) -> Iterator[Path]:
    """Yield the folders inside a folder that may be datasets or hold some."""
    try:
        inner = list(folder.iterdir())
    except OSError:
        return
    for path in inner:
        if path.is_dir() and not path.name.startswith((".", "sub-")) and path.name != "derivatives":
            yield path


def _relative(path: str, root: Path) -> str:
    """Return a path relative to the dataset, "." for the dataset, a name if it is elsewhere."""
    if Path(path).is_relative_to(root):
        return Path(path).relative_to(root).as_posix()
    return Path(path).name


def _refuse_folder(error: OSError) -> None:
    """Raise the error of a folder that `os.walk` cannot list."""
    raise SourceError(
        f"{error.filename}: this folder of the dataset cannot be read ({error.strerror})"
    )
