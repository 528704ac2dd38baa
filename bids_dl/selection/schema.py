"""HED schemas: from the hedtools wheel and the user's folder, never from the network."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from hed import HedFileError, load_schema_version
from hed.schema.hed_cache import INSTALLED_CACHE_LOCATION

from bids_dl.errors import BidsDlError, ConfigError, SourceError

SCHEMA_FILE = re.compile(r"HED_?([a-z]+_)?(\d+\.\d+\.\d+)\.xml")
PRERELEASE = "prerelease"  # hedtools' name for the folder, within one of schemas, of those that are not released
PARTNER = re.compile(r'withStandard="([^"]+)"')


def bundled(library: str = "") -> list[str]:
    """Versions that come with hedtools, oldest first: of the standard schema, or of a library such as "score_"."""
    found = [
        SCHEMA_FILE.fullmatch(path.name) for path in Path(INSTALLED_CACHE_LOCATION).glob("*.xml")
    ]
    versions = [match[2] for match in found if match and (match[1] or "") == library]
    return [
        f"{library}{version}"
        for version in sorted(versions, key=lambda v: tuple(map(int, v.split("."))))
    ]


def versions_of(dataset: str, declared: Any, override: str | None) -> tuple[str, ...]:
    """The schema versions to read a dataset with; empty where it declares none.

    Raises
    ------
    SourceError
        If HEDVersion is neither a text nor a list of texts.
    """
    wanted = override if override else declared
    items = wanted.split(",") if isinstance(wanted, str) else wanted or []
    if not isinstance(items, (list, tuple)) or not all(isinstance(item, str) for item in items):
        raise SourceError(
            f"{dataset}: HEDVersion is a text or a list of texts, got {declared!r}; give --hed-version"
        )
    return tuple(stripped for item in items if (stripped := item.strip()))


def load(versions: tuple[str, ...], folder: str | None, *, dataset: str, asked: bool) -> Any:
    """Load a schema, or a group of them.

    Parameters
    ----------
    versions
        As in HEDVersion: ``8.3.0``, ``score_2.1.0``, ``sc:score_2.1.0``.
    folder
        Folder with more schemas (XML), or None.
    asked
        Whether the user named the versions; otherwise the dataset did.

    Raises
    ------
    ConfigError, SourceError
        If there is no such schema.
    """
    error_class: type[BidsDlError] = ConfigError if asked else SourceError
    where = "--hed-version" if asked else f"{dataset}: HEDVersion"
    if folder and not Path(folder).is_dir():
        raise ConfigError(f"--hed-schema-dir {folder}: no such folder")
    try:
        if not folder:
            return load_schema_version(list(versions), xml_folder=INSTALLED_CACHE_LOCATION)
        with tempfile.TemporaryDirectory() as together:
            _gather(
                [Path(INSTALLED_CACHE_LOCATION), Path(folder) / PRERELEASE, Path(folder)],
                Path(together),
            )
            return load_schema_version(list(versions), xml_folder=together)
    except HedFileError as error:
        raise error_class(
            f"{where} {', '.join(versions)!r} is not a HED schema that is here ({str(error.message).split('. ')[0][:120]});\n"
            f"  hedtools brings {', '.join(bundled())}{_libraries(versions)};\n"
            "  name one of these with --hed-version, or a folder with the schema's XML with --hed-schema-dir"
        ) from error


def _libraries(versions: Iterable[str]) -> str:
    libraries = {
        match[1] for version in versions if (match := re.search(r"([a-z]+_)[^,]*$", version))
    }
    return "".join(
        f"; {', '.join(bundled(library))}" for library in sorted(libraries) if bundled(library)
    )


def _gather(folders: list[Path], together: Path) -> None:
    """Copy schemas into one folder, later ones over earlier; leave out those whose standard schema is in none.

    hedtools would ask GitHub for a standard schema that is not beside its library.
    """
    for folder in folders:
        for path in folder.glob("*.xml"):
            shutil.copyfile(path, together / path.name)
    for path in together.glob("*.xml"):
        with path.open(encoding="utf-8", errors="replace") as file:
            partner = PARTNER.search(file.read(4096))
        if partner and not (together / f"HED{partner[1]}.xml").exists():
            path.unlink()


def tags_of(schema: Any) -> dict[str, str]:
    """Every tag of a schema, case-folded and without what stands above it, and its long form as it is written."""
    members = schema._schemas.values() if hasattr(schema, "_schemas") else [schema]
    entries = [
        entry
        for member in members
        for name, entry in member.tags.items()
        if not name.endswith("/#")
    ]
    return {entry.short_tag_name.casefold(): entry.long_tag_name for entry in entries}
