"""HED schemas from the hedtools package and the user's folder, never from the network.

Builds on `hed.load_schema_version`, which would download an unknown version from GitHub unless it
is given a folder of schemas.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from hed import HedFileError, load_schema_version
from hed.schema.hed_cache import INSTALLED_CACHE_LOCATION

from bids_dl.errors import BidsDlError, ConfigError, SourceError
from bids_dl.startup import paused_collection

SCHEMA_FILE = re.compile(r"HED_?([a-z]+_)?(\d+\.\d+\.\d+)\.xml")
PRERELEASE_FOLDER = "prerelease"  # hedtools' name for the subfolder of unreleased schemas
STANDARD_PARTNER = re.compile(r'withStandard="([^"]+)"')
HEAD_CHARS = 4096  # of a schema file: its first element names the partner
MAX_REASON_CHARS = 120


def bundled_versions(library: str = "") -> list[str]:
    """List the schema versions that come with hedtools, oldest first.

    Parameters
    ----------
    library
        Library with an underscore, such as ``"score_"``; "" is the standard schema.

    Examples
    --------
    >>> "8.3.0" in bundled_versions(), "score_2.0.0" in bundled_versions("score_")
    (True, True)
    """
    versions = []
    for path in Path(INSTALLED_CACHE_LOCATION).glob("*.xml"):
        match = SCHEMA_FILE.fullmatch(path.name)
        if match and (match[1] or "") == library:
            versions.append(match[2])
    versions.sort(key=lambda version: tuple(map(int, version.split("."))))
    return [f"{library}{version}" for version in versions]


def requested_versions(dataset: str, declared: Any, override: str | None) -> tuple[str, ...]:
    """Return the schema versions to read a dataset with.

    Parameters
    ----------
    dataset
        Name of the dataset, for messages.
    declared
        HEDVersion of dataset_description.json.
    override
        Value of --hed-version: versions separated by commas.

    Returns
    -------
    tuple of str
        Empty if neither the dataset nor the user names a version.

    Raises
    ------
    SourceError
        If HEDVersion is neither text nor a list of texts.

    Examples
    --------
    >>> requested_versions("ds", ["8.2.0", "sc:score_1.0.0"], None)
    ('8.2.0', 'sc:score_1.0.0')
    """
    versions = override or declared or []
    items = versions.split(",") if isinstance(versions, str) else versions
    if not isinstance(items, (list, tuple)) or not all(isinstance(item, str) for item in items):
        raise SourceError(
            f"{dataset}: HEDVersion must be text or a list of texts, got {declared!r}; "
            "give --hed-version"
        )
    return tuple(item.strip() for item in items if item.strip())


def load_schema(
    versions: Sequence[str], folder: str | None, *, dataset: str, is_override: bool
) -> Any:
    """Load a schema, or a group of schemas.

    Parameters
    ----------
    versions
        As in HEDVersion: ``8.3.0``, ``score_2.1.0``, ``sc:score_2.1.0``.
    folder
        Folder with more schemas (XML), or None.
    dataset
        Name of the dataset, for messages.
    is_override
        True if the versions come from --hed-version, False if they come from the dataset.

    Returns
    -------
    hed.HedSchema or hed.HedSchemaGroup

    Raises
    ------
    ConfigError
        If the folder does not exist, or --hed-version names an unknown version.
    SourceError
        If the dataset names an unknown version.
    """
    if folder and not Path(folder).is_dir():
        raise ConfigError(f"--hed-schema-dir {folder}: no such folder")
    try:
        if not folder:
            with paused_collection():  # a schema has as many objects as a library
                return load_schema_version(list(versions), xml_folder=INSTALLED_CACHE_LOCATION)
        with tempfile.TemporaryDirectory() as merged:
            bundled = Path(INSTALLED_CACHE_LOCATION)
            sources = [bundled, Path(folder) / PRERELEASE_FOLDER, Path(folder)]
            _merge_folders(sources, Path(merged))
            return load_schema_version(list(versions), xml_folder=merged)
    except HedFileError as error:
        error_class: type[BidsDlError] = ConfigError if is_override else SourceError
        where = "--hed-version" if is_override else f"{dataset}: HEDVersion"
        reason = str(error.message).split(". ")[0][:MAX_REASON_CHARS]
        available = ", ".join(bundled_versions()) + _bundled_libraries(versions)
        raise error_class(
            f"{where} {', '.join(versions)!r} is not an available HED schema ({reason});\n"
            f"  available: {available};\n"
            "  name one of these with --hed-version, or the folder of the schema's XML file with "
            "--hed-schema-dir"
        ) from error


def _bundled_libraries(versions: Iterable[str]) -> str:
    """List the bundled versions of the libraries that versions name."""
    libraries = set()
    for version in versions:
        if match := re.search(r"([a-z]+_)[^,]*$", version):
            libraries.add(match[1])
    listed = ""
    for library in sorted(libraries):
        if bundled := bundled_versions(library):
            listed += f"; {', '.join(bundled)}"
    return listed


def _merge_folders(folders: Sequence[Path], merged: Path) -> None:
    """Copy schemas into one folder. A file replaces a file of the same name in earlier folders.

    Library schemas whose standard schema is missing are left out, because hedtools would ask
    GitHub for it.
    """
    for folder in folders:
        for path in folder.glob("*.xml"):
            shutil.copyfile(path, merged / path.name)
    for path in merged.glob("*.xml"):
        with path.open(encoding="utf-8", errors="replace") as file:
            partner = STANDARD_PARTNER.search(file.read(HEAD_CHARS))
        if partner and not (merged / f"HED{partner[1]}.xml").exists():
            path.unlink()


def schema_tags(schema: Any) -> dict[str, str]:
    """Return the tags of a schema or a group: case-folded short form -> long form.

    Parameters
    ----------
    schema
        `hed.HedSchema` or `hed.HedSchemaGroup`.
    """
    members = schema._schemas.values() if hasattr(schema, "_schemas") else [schema]
    tags = {}
    for member in members:
        for name, entry in member.tags.items():
            if not name.endswith("/#"):
                tags[entry.short_tag_name.casefold()] = entry.long_tag_name
    return tags
