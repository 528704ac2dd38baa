"""Addresses of datasets: a folder, an archive and its accession, or a URL."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from bids_dl.errors import SourceError
from bids_dl.plugins import Plugin, find_plugin, list_plugins
from bids_dl.wording import suggest

ArchiveKind = Literal["openneuro", "nemar", "nemar-zarr"]
ARCHIVES: tuple[ArchiveKind, ...] = ("openneuro", "nemar", "nemar-zarr")
ACCESSIONS = {
    "openneuro": re.compile(r"ds[0-9]{6}"),
    "nemar": re.compile(r"(?:nm|on|xx)[0-9]{6}"),
    "nemar-zarr": re.compile(r"(?:nm|on|xx)[0-9]{6}"),
}
LETTERS = {"openneuro": "ds", "nemar": "nm or on", "nemar-zarr": "nm or on"}
EXAMPLES = {
    "openneuro": "openneuro:ds004362",
    "nemar": "nemar:nm000110",
    "nemar-zarr": "nemar-zarr:nm000110",
}
SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):(.*)", re.DOTALL)  # a drive letter is none


@dataclass(frozen=True, slots=True)
class Address:
    """A SOURCE, as it was given and as it is understood.

    Attributes
    ----------
    kind
        ``"folder"``, ``"openneuro"``, ``"nemar"``, ``"nemar-zarr"``, ``"url"`` or ``"plugin"``.
    text
        The text that was given.
    accession, version
        Of an archive. The version is "" for the newest one.
    plugin
        Plug-in that opens the source, None if bids_dl does.
    """

    kind: ArchiveKind | Literal["folder", "url", "plugin"]
    text: str
    accession: str = ""
    version: str = ""
    plugin: Plugin | None = None


def parse_address(source: str) -> Address:
    """Parse a SOURCE.

    Raises
    ------
    SourceError
        The scheme is unknown, an accession is not one of its archive, or a version is empty.
    ConfigError
        Two plug-ins register the scheme.

    Examples
    --------
    >>> parse_address("openneuro:ds004362@1.0.0").version
    '1.0.0'
    >>> parse_address("s3://bucket/ds1").kind, parse_address("~/data/ds1").kind
    ('url', 'folder')
    """
    if "://" in source:
        return Address("url", source)
    match = SCHEME.fullmatch(source.strip())
    if match is None:
        return Address("folder", source)
    scheme = match[1].lower()
    accession, at, version = match[2].strip().partition("@")
    accession = accession.strip().lower()
    if match[2].startswith("/"):
        raise SourceError(
            f"{source}: a URL has two slashes after the colon; write "
            f"{match[1]}://{match[2].lstrip('/')}, or ./{source} for a folder"
        )
    if scheme not in ACCESSIONS:
        return _parse_foreign(source, match[1], match[2])
    if not ACCESSIONS[scheme].fullmatch(accession):
        raise SourceError(_describe_wrong_accession(source, scheme, accession))
    if at and not version.strip():
        raise SourceError(
            f"{source}: no version after '@'; leave out '@' for the newest version, "
            f"or write one, such as {scheme}:{accession}@1.0.0"
        )
    kind = next(archive for archive in ARCHIVES if archive == scheme)
    return Address(kind, source, accession, version.strip())


def _parse_foreign(source: str, scheme: str, rest: str) -> Address:
    """Parse a source whose scheme is not of bids_dl: one of a plug-in, which reads the rest."""
    plugin = find_plugin("source", scheme.lower())
    if plugin is None:
        schemes = [*ACCESSIONS, *(item.name for item in list_plugins("source"))]
        raise SourceError(
            f"{source}: unknown archive {scheme!r}; {suggest(scheme.lower(), schemes)} "
            f"(such as {EXAMPLES['openneuro']}), or pass a folder or a URL"
        )
    accession, _, version = rest.strip().partition("@")
    return Address("plugin", source, accession.strip(), version.strip(), plugin)


def _describe_wrong_accession(source: str, scheme: str, accession: str) -> str:
    for other, pattern in ACCESSIONS.items():
        if other != scheme and pattern.fullmatch(accession):
            return f"{source}: {accession} is an accession of {other}; write {other}:{accession}"
    return (
        f"{source}: {accession or 'nothing'} is not an accession of {scheme}; "
        f"expected {LETTERS[scheme]} and six digits, such as {EXAMPLES[scheme]}"
    )
