"""Archive of a store: one ZIP file whose members are stored, and what a Zenodo record needs.

The members are not compressed, so that byte ranges of the file are byte ranges of the objects. The
same store gives the same bytes.
"""

from __future__ import annotations

import os
import re
import zipfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bids_dl.errors import BidsDlError, ConfigError
from bids_dl.output import check_output, check_outside_store, writing
from bids_dl.publishing.content import StoreContent, read_content
from bids_dl.publishing.documents import CROISSANT, build_beside, check_doi
from bids_dl.publishing.rights import Rights, find_rights
from bids_dl.publishing.transfer import SENDING, ByteCounter, TransferCallbacks
from bids_dl.sharing.citation import find_doi
from bids_dl.sharing.published_copy import PublishedCopy, attributes_of_copy
from bids_dl.store import Store, open_store
from bids_dl.store.format import ROOT_SHA256, to_json
from bids_dl.store.root_object import require_attributes

SUFFIX = ".zip"
TIMESTAMP = (1980, 1, 1, 0, 0, 0)  # the earliest of the format, so that nothing depends on time
FILE_MODE = 0o644 << 16  # of members, as Unix programs unpack them
ZENODO_DOI = re.compile(r"10\.5281/zenodo\.(\d+)")
RECORD = "zenodo.json"
BESIDE = ("README.md", "CITATION.cff", CROISSANT)
ZENODO_LICENCES = {"CC0-1.0": "cc-zero"}
"""Licences whose name in the upload form of Zenodo is not the SPDX name in lower case."""


@dataclass(frozen=True)
class CopyFacts:
    """Facts of an archive that the store cannot state.

    Attributes
    ----------
    doi
        DOI of the record, reserved before its files are uploaded.
    author
        Persons who made the store. Those that the store states if empty.
    license
        Licence of the archive. That of the store if None.
    """

    doi: str | None = None
    author: tuple[str, ...] = ()
    license: str | None = None


def export_archive(
    store: Store,
    file: Path,
    facts: CopyFacts,
    *,
    overwrite: bool = False,
    callbacks: TransferCallbacks | None = None,
) -> Path:
    """Write a store as one ZIP file, and beside it README.md, CITATION.cff and the like.

    Parameters
    ----------
    store
        The store.
    file
        ZIP file to write. The store lies in it under its name.
    facts
        DOI, authors and licence of the archive.
    overwrite
        Replace existing files.
    callbacks
        Callbacks of the transfer.

    Returns
    -------
    pathlib.Path
        The ZIP file.

    Raises
    ------
    ConfigError
        A file exists or cannot be written, or the licence is not stated.
    DamagedStoreError
        An object of the store is damaged.
    """
    callbacks = callbacks or TransferCallbacks()
    require_attributes(store.url, store.attributes)
    rights = find_rights(store.url, store.attributes, facts.license)
    doi = check_doi(facts.doi)
    paths = [file, *(file.parent / name for name in (*BESIDE, RECORD))]
    _check_files(store, paths, overwrite=overwrite)
    content = read_content(store)
    copy = PublishedCopy(
        f"zip://{_folder_name(store)}::{_find_address(file.name, doi)}",
        page_url=f"https://doi.org/{doi}" if doi else "",
        objects_url=_folder_name(store),
        doi=doi,
        creators=facts.author,
        licence=rights.licence if facts.license else "",
    )
    documents = build_beside(content, copy)
    record = to_json(describe_record(content, copy, rights))
    for line in rights.lines():
        callbacks.tell(line)
    with writing(str(file), "make room and export again", error=BidsDlError):
        _write_archive(content, file, callbacks)
        for name in BESIDE:
            (file.parent / name).write_bytes(documents[name])
        (file.parent / RECORD).write_bytes(record)
    return file


def describe_record(content: StoreContent, copy: PublishedCopy, rights: Rights) -> dict[str, Any]:
    """Return the metadata of a Zenodo record, as its upload API reads them.

    https://developers.zenodo.org/#deposit-metadata

    Parameters
    ----------
    content
        The store.
    copy
        The published copy.
    rights
        Licences of the store.
    """
    attributes = attributes_of_copy(content.store.attributes, copy)
    related = []
    for source in attributes["sources"]:
        doi = find_doi(source["doi"])
        if doi:
            related.append(
                {"identifier": doi, "relation": "isDerivedFrom", "resource_type": "dataset"}
            )
    creators = [{"name": name} for name in attributes.get("creators", ())]
    notes = [f"Content identifier: bids-dl:{content.content}", *rights.lines()]
    metadata: dict[str, Any] = {
        "upload_type": "dataset",
        "title": attributes["title"],
        "description": attributes.get("description") or attributes["title"],
        "creators": creators,
        "keywords": ["EEG", "BIDS", "HED", "Zarr", *attributes["classes"]["label"]],
        "notes": "\n".join(notes),
        "related_identifiers": related,
        "doi": copy.doi,
    }
    if rights.licence:
        name = rights.licence
        metadata["license"] = ZENODO_LICENCES.get(name, name.lower())
    return {"metadata": {name: value for name, value in metadata.items() if value}}


def _folder_name(store: Store) -> str:
    return store.location.name


def _find_address(name: str, doi: str) -> str:
    """Return the URL of a file in the record of a DOI of Zenodo, else its name."""
    match = ZENODO_DOI.fullmatch(doi)
    return f"https://zenodo.org/records/{match[1]}/files/{name}" if match else name


def _check_files(store: Store, paths: Sequence[Path], *, overwrite: bool) -> None:
    """Refuse files that exist or cannot be written."""
    root = store.location.folder if store.location.is_local else None
    for path in paths:
        check_output(str(path), path)
        check_outside_store(str(path), path, root)
        if path.exists() and not overwrite:
            raise ConfigError(
                f"{path}: exists; add --overwrite, or export to a folder of its own, such as "
                f"{path.parent / 'record' / paths[0].name}"
            )


def _write_archive(content: StoreContent, file: Path, callbacks: TransferCallbacks) -> None:
    """Write all objects of a store to a ZIP file that appears complete."""
    counter = ByteCounter(SENDING, content.n_bytes, callbacks)
    part = file.with_name(f".{file.name}.{os.getpid()}.part")
    folder = _folder_name(content.store)
    try:
        with zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as archive:
            for name, entry in content.entries.items():
                member = zipfile.ZipInfo(f"{folder}/{name}", TIMESTAMP)
                member.external_attr = FILE_MODE
                archive.writestr(member, content.read(name))
                counter.add(entry.n_bytes)
        copy = open_store(f"zip://{folder}::{part}")
        expected = content.store.attributes.get(ROOT_SHA256)
        if copy.attributes.get(ROOT_SHA256) != expected:
            raise BidsDlError(f"{file}: is not the store that was written; export again")
        part.replace(file)
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
