"""The folder of a derivative: its description, and files that are replaced as a whole.

A file is written under a temporary name, to the disk, and renamed. A reader therefore finds the
old file or the new one, also after a crash. Only its owner may read a file.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bids_dl.annotate.derivative.tables import format_json, format_table
from bids_dl.errors import ConfigError
from bids_dl.input import parse_json, read_regular
from bids_dl.output import writing
from bids_dl.remote.caching.file_lock import lock_file
from bids_dl.source.tables import parse_table
from bids_dl.wording import join_names

BIDS_VERSION = "1.10.0"
DESCRIPTION = "dataset_description.json"
DESCRIPTIONS = "descriptions.tsv"
TOOL = "bids_dl"
OWNER_ONLY = 0o600  # mode of the files, which tell what people with a subject label have
MAX_TEXT_BYTES = 16_000_000
CODE = "code"  # folder of the log and of the classes, which come before the derivative
MAX_NAMES = 3  # in a message
LOCK = ".bids-dl.lock"  # beside the files, while they are replaced


@dataclass(frozen=True, slots=True)
class DerivativeFiles:
    """Files of one ``desc-`` entity of a derivative.

    Attributes
    ----------
    desc
        Label of the entity, letters and digits.
    meaning
        Sentence for descriptions.tsv.
    tables
        Content of events.tsv by the BIDS path of the recording.
    sidecar
        Description of the columns.
    sources
        Names of the datasets that the recordings are from.
    hed_version
        HEDVersion of the derivative.
    """

    desc: str
    meaning: str
    tables: Mapping[str, bytes]
    sidecar: Mapping[str, Any]
    sources: Sequence[str]
    hed_version: str


def check_folder(folder: Path, title: str) -> None:
    """Check that a folder is absent, empty or a derivative that this package wrote.

    Without a description, it may have ``code/``, a README, hidden files, and folders that are
    derivatives themselves.

    Parameters
    ----------
    folder
        Folder of the derivative.
    title
        Option and folder, for messages.

    Raises
    ------
    ConfigError
        The folder is another dataset, or a file.
    """
    with writing(title):  # the system refuses to look up long names
        is_file = folder.exists() and not folder.is_dir()
    if is_file:
        raise ConfigError(f"{title}: is a file; name a folder")
    existing = _read_description(folder, title)
    if existing is None:
        foreign = _find_foreign(folder, title)
        if foreign:
            raise ConfigError(
                f"{title}: has {join_names(foreign, limit=MAX_NAMES)} and no {DESCRIPTION}; "
                "name a new or empty folder"
            )
        return
    if not _is_own(existing):
        raise ConfigError(
            f"{title}: is a dataset that bids_dl did not write; name a folder of its own, which "
            "may be inside derivatives/"
        )


def write_files(folder: Path, files: DerivativeFiles, title: str) -> tuple[Path, ...]:
    """Replace the files of one ``desc-`` entity. Those of other entities are kept.

    Tables of recordings that have no rows any more are removed. Equal files are not written again.

    Parameters
    ----------
    folder
        Folder of the derivative, which is created if it does not exist.
    files
        Its new content.
    title
        Option and folder, for messages.

    Returns
    -------
    tuple of Path
        The tables, in order of path.

    Raises
    ------
    ConfigError
        The folder is another dataset, or cannot be written.
    """
    check_folder(folder, title)
    ending = f"_desc-{files.desc}_events"
    with writing(title):
        folder.mkdir(parents=True, exist_ok=True)
        with lock_file(folder / LOCK):
            descriptions = _list_descriptions(folder, files, title)
            _write(folder / DESCRIPTION, format_json(_describe(folder, files, title)))
            _write(folder / DESCRIPTIONS, descriptions)
            _write(folder / f"{ending[1:]}.json", format_json(files.sidecar))
            tables = []
            for path, content in sorted(files.tables.items()):
                table = folder / f"{path}{ending}.tsv"
                table.parent.mkdir(parents=True, exist_ok=True)
                _write(table, content)
                tables.append(table)
            _remove_tables(folder, files.desc, kept=tables)
    return tuple(tables)


def remove_tables(folder: Path, desc: str, title: str) -> None:
    """Remove the tables of one ``desc-`` entity. Its sidecar and the description are kept.

    Parameters
    ----------
    folder
        Folder of a derivative, as `check_folder` accepts it.
    desc
        Label of the entity.
    title
        Option and folder, for messages.

    Raises
    ------
    ConfigError
        A table cannot be removed.
    """
    with writing(title):
        _remove_tables(folder, desc, kept=[])


def _remove_tables(folder: Path, desc: str, kept: Sequence[Path]) -> None:
    for table in {*folder.glob(f"sub-*/**/*_desc-{desc}_events.tsv")} - {*kept}:
        table.unlink()


def description_label(*names: str) -> str:
    """Return a label for the ``desc-`` entity, which has letters and digits only.

    Examples
    --------
    >>> description_label("shallow-fbcsp", "eegnet")
    'shallowfbcspeegnet'
    """
    return re.sub(r"[^A-Za-z0-9]", "", "".join(dict.fromkeys(names))) or "model"


def _describe(folder: Path, files: DerivativeFiles, title: str) -> dict[str, Any]:
    """Return the dataset_description.json with the sources of this and of earlier files."""
    existing = _read_description(folder, title) or {}
    sources = _read_objects(existing, "SourceDatasets")
    names = {str(source.get("Name", "")) for source in sources} | set(files.sources)
    return {
        "Name": existing.get("Name", "Annotations of " + ", ".join(sorted(names - {""}))),
        "BIDSVersion": BIDS_VERSION,
        "DatasetType": "derivative",
        "HEDVersion": files.hed_version,
        "GeneratedBy": [{"Name": TOOL, "Version": version("bids_dl")}],
        "SourceDatasets": [{"Name": name} for name in sorted(names - {""})],
    }


def find_parts(folder: Path, title: str) -> list[Path]:
    """Return the folders of single datasets that were written into a folder of several.

    Folders with a log of their own are not among them.

    Parameters
    ----------
    folder
        Folder of the derivatives.
    title
        Option and folder, for messages.

    Raises
    ------
    ConfigError
        A description cannot be read.
    """
    parts = []
    for file in sorted(folder.glob(f"*/{DESCRIPTION}")):
        part = file.parent
        description = _read_description(part, f"{title}: {part.name}")
        if description is None or not _is_own(description) or (part / CODE).exists():
            continue
        if {"Name": part.name} in _read_objects(description, "SourceDatasets"):
            parts.append(part)
    return parts


def _is_own(description: Mapping[str, Any]) -> bool:
    """Return whether a description is that of a derivative that this package wrote."""
    names = [tool.get("Name") for tool in _read_objects(description, "GeneratedBy")]
    return description.get("DatasetType") == "derivative" and TOOL in names


def _find_foreign(folder: Path, title: str) -> list[str]:
    """Return the names in a folder without a description that no derivative has before it."""
    names = []
    with writing(title):
        for path in sorted(folder.iterdir()) if folder.exists() else []:
            is_known = path.name.startswith((".", "README")) or path.name == CODE
            if not is_known and not (path / DESCRIPTION).is_file():
                names.append(path.name)
    return names


def _read_objects(description: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """Return the objects in a field of a description. Values of other types are left out."""
    values = description.get(name)
    if not isinstance(values, list):
        return []
    return [value for value in values if isinstance(value, dict)]


def _list_descriptions(folder: Path, files: DerivativeFiles, title: str) -> bytes:
    """Return descriptions.tsv with one row for each ``desc-`` entity."""
    rows: dict[str, str] = {}
    path = folder / DESCRIPTIONS
    if path.exists():
        try:
            text = read_regular(path, max_bytes=MAX_TEXT_BYTES).decode()
            table = parse_table(text).columns
        except ValueError as error:
            raise ConfigError(
                f"{title}: {DESCRIPTIONS} cannot be read ({error}); repair or remove it"
            ) from None
        columns = (table.get("desc_id", ()), table.get("description", ()))
        rows = dict(zip(*columns, strict=False))
    rows[f"desc-{files.desc}"] = files.meaning
    listed = [{"desc_id": name, "description": text} for name, text in sorted(rows.items())]
    return format_table(["desc_id", "description"], listed)


def _read_description(folder: Path, title: str) -> dict[str, Any] | None:
    """Return the dataset_description.json of a folder, None without one."""
    path = folder / DESCRIPTION
    if not path.exists():
        return None
    try:
        content = parse_json(read_regular(path, max_bytes=MAX_TEXT_BYTES))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{title}: {DESCRIPTION} cannot be read ({error})") from None
    if not isinstance(content, dict):
        raise ConfigError(f"{title}: {DESCRIPTION} is no JSON object")
    return content


def _write(path: Path, content: bytes) -> None:
    """Replace a file by new content, on the disk when this returns. Equal content is kept."""
    is_same_size = path.is_file() and path.stat().st_size == len(content)
    if is_same_size and not path.is_symlink() and path.read_bytes() == content:
        return
    temporary = path.with_name(f".{path.name}.part")
    temporary.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    with os.fdopen(os.open(temporary, flags, OWNER_ONLY), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
