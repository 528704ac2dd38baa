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

BIDS_VERSION = "1.10.0"
DESCRIPTION = "dataset_description.json"
DESCRIPTIONS = "descriptions.tsv"
TOOL = "bids_dl"
OWNER_ONLY = 0o600  # mode of the files, which tell what people with a subject label have
MAX_TEXT_BYTES = 16_000_000
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
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"{title}: is a file; name a folder")
    existing = _read_description(folder, title)
    if existing is None:
        if any(folder.glob("sub-*")):
            raise ConfigError(
                f"{title}: has sub-* folders and no {DESCRIPTION}; name another folder"
            )
        return
    tools = existing.get("GeneratedBy")
    names = [tool.get("Name") for tool in tools or [] if isinstance(tool, dict)]
    if existing.get("DatasetType") != "derivative" or TOOL not in names:
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
            _write(folder / DESCRIPTION, format_json(_describe(folder, files, title)))
            _write(folder / DESCRIPTIONS, _list_descriptions(folder, files))
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
    sources = [source for source in existing.get("SourceDatasets", []) if isinstance(source, dict)]
    names = {str(source.get("Name", "")) for source in sources} | set(files.sources)
    return {
        "Name": existing.get("Name", "Annotations of " + ", ".join(sorted(names - {""}))),
        "BIDSVersion": BIDS_VERSION,
        "DatasetType": "derivative",
        "HEDVersion": files.hed_version,
        "GeneratedBy": [{"Name": TOOL, "Version": version("bids_dl")}],
        "SourceDatasets": [{"Name": name} for name in sorted(names - {""})],
    }


def _list_descriptions(folder: Path, files: DerivativeFiles) -> bytes:
    """Return descriptions.tsv with one row for each ``desc-`` entity."""
    rows: dict[str, str] = {}
    path = folder / DESCRIPTIONS
    if path.exists():
        table = parse_table(read_regular(path, max_bytes=MAX_TEXT_BYTES).decode()).columns
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
