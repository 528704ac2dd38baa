"""Pull of a store to a folder: the objects of its manifest and no others, each hashed."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bids_dl.config.publishing_stage import TransferConfig
from bids_dl.errors import BidsDlError, ConfigError, DamagedStoreError
from bids_dl.output import writing
from bids_dl.publishing.content import ObjectEntry, StoreContent, read_content
from bids_dl.publishing.existing_copy import (
    CopyPlan,
    CopyState,
    ExistingCopy,
    build_marker,
    plan_copy,
    refuse,
)
from bids_dl.publishing.fetched_file import PART, fetch_file, has_bytes
from bids_dl.publishing.object_order import find_unsafe_name
from bids_dl.publishing.transfer import RECEIVING, ByteCounter, TransferCallbacks, TransferOutcome
from bids_dl.remote.location import Location
from bids_dl.remote.parallel import call_in_threads
from bids_dl.store import open_store
from bids_dl.store.checking.completeness import flush
from bids_dl.store.format import CARD, MANIFEST, ROOT, ROOT_SHA256, UNFINISHED
from bids_dl.wording import join_names


def pull_store(
    url: str,
    folder: str,
    config: TransferConfig,
    storage_options: Mapping[str, Any],
    callbacks: TransferCallbacks,
) -> TransferOutcome:
    """Pull a store to a folder. Nobody can open the folder before it is whole.

    Parameters
    ----------
    url
        Store, from anything that `open_store` opens.
    folder
        Folder on disk: new, empty, or of an interrupted pull of the same store.
    config
        Settings.
    storage_options
        Options of fsspec for the URL.
    callbacks
        Callbacks of the transfer.

    Raises
    ------
    StoreError
        There is no finished store, or the folder holds something else.
    DamagedStoreError
        An object differs from the manifest.
    ConfigError
        The folder is a URL.
    BidsDlError
        The folder cannot be written, for example because the disk is full.
    """
    if "://" in folder:
        raise ConfigError(
            f"{folder}: is a URL; pull writes to a folder, `bids-dl push` to a bucket"
        )
    store = open_store(url, storage_options=storage_options)
    content = read_content(store)
    unsafe = find_unsafe_name(content.entries)
    if unsafe is not None:
        raise DamagedStoreError(
            f"{url}: its manifest names {unsafe!r}, which is no object of a store; do not use it"
        )
    copy = FolderCopy(content, Path(folder), config.jobs, callbacks)
    plan = copy.plan()
    if not config.dry_run:
        with writing(folder, "run the same command again to resume", error=BidsDlError):
            copy.fetch(plan)
    return _describe(url, folder, content, plan, is_planned=config.dry_run)


@dataclass(frozen=True)
class FolderCopy:
    """A copy of a store in a folder, while it is made.

    Attributes
    ----------
    content
        The store.
    folder
        Destination.
    jobs
        Number of objects that are fetched at a time.
    callbacks
        Callbacks of the transfer.
    """

    content: StoreContent
    folder: Path
    jobs: int
    callbacks: TransferCallbacks

    def plan(self) -> CopyPlan:
        """Compare the folder with the store, without writing.

        Raises
        ------
        StoreError
            The folder holds something else.
        """
        url = str(self.folder)
        if self.folder.is_file():
            raise ConfigError(f"{url}: is a file; name a folder")
        plan = plan_copy(url, self.content, self._find_existing())
        if plan.state is CopyState.UNFINISHED:
            present = [entry for entry in plan.present if entry.name != CARD]
            results = call_in_threads(self._has, present, n_threads=self.jobs)
            wrong = [
                entry.name for entry, is_same in zip(present, results, strict=True) if not is_same
            ]
            if wrong:
                names = join_names(wrong, limit=3)
                raise refuse(url, f"is not a copy of this store ({names} differs in its bytes)")
        return plan

    def fetch(self, plan: CopyPlan) -> None:
        """Fetch what is missing, the root last.

        Raises
        ------
        DamagedStoreError
            An object differs from the manifest.
        """
        marker = self.folder / UNFINISHED
        if plan.missing:
            self.folder.mkdir(parents=True, exist_ok=True)
            if plan.state is not CopyState.FINISHED:
                marker.write_bytes(build_marker(self.content))
            self._fetch_missing(plan)
            self._check_opens()
        marker.unlink(missing_ok=True)

    def _fetch_missing(self, plan: CopyPlan) -> None:
        counter = ByteCounter(RECEIVING, plan.missing_bytes, self.callbacks)

        def fetch_one(entry: ObjectEntry) -> None:
            path = self.folder / entry.name
            if entry.name == MANIFEST or (entry.name == CARD and self.content.edited_card):
                _write(path, self.content.read(entry.name))
                counter.add(entry.n_bytes)
            else:
                fetch_file(self.content.location, entry, path, counter.add)

        last = [entry for entry in plan.missing if entry.name in (MANIFEST, ROOT)]
        first = [entry for entry in plan.missing if entry.name not in (MANIFEST, ROOT)]
        call_in_threads(fetch_one, first, n_threads=self.jobs)
        # a power failure must not leave a root without its arrays
        flush(Location(str(self.folder)), [entry.name for entry in first])
        for entry in last:
            fetch_one(entry)
            flush(Location(str(self.folder)), [entry.name])

    def _check_opens(self) -> None:
        """Open the folder as a reader does, and compare its root with that of the store."""
        copy = open_store(str(self.folder))
        expected = self.content.store.attributes.get(ROOT_SHA256)
        if copy.attributes.get(ROOT_SHA256) != expected:
            raise DamagedStoreError(
                f"{self.folder}: its root is not that of {self.content.store.url}; somebody else "
                "wrote to it, pull to another folder"
            )

    def _find_existing(self) -> ExistingCopy:
        """List the folder without unfinished files, and read its root and its marker."""
        sizes = {}
        for path in _list_files(self.folder):
            name = path.relative_to(self.folder).as_posix()
            if name.removesuffix(PART) not in self.content.entries or not name.endswith(PART):
                sizes[name] = path.stat().st_size
        contents = []
        for name in (ROOT, UNFINISHED):
            path = self.folder / name
            contents.append(path.read_bytes() if name in sizes else None)
        return ExistingCopy(sizes, *contents)

    def _has(self, entry: ObjectEntry) -> bool:
        return has_bytes(self.folder / entry.name, entry)


def _list_files(folder: Path) -> Sequence[Path]:
    """Return all files below a folder. Links to folders are not followed."""
    paths = []
    for parent, _, names in os.walk(folder):
        paths += [Path(parent, name) for name in names]
    return paths


def _write(path: Path, content: bytes) -> None:
    """Write a file that appears complete."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}{PART}")
    part.write_bytes(content)
    part.replace(path)


def _describe(
    url: str, folder: str, content: StoreContent, plan: CopyPlan, *, is_planned: bool
) -> TransferOutcome:
    states = {CopyState.EMPTY: "received", CopyState.UNFINISHED: "resumed"}
    state = states.get(plan.state, "resumed" if plan.missing else "present")
    return TransferOutcome(
        "planned" if is_planned else state,
        source=url,
        destination=folder,
        address=folder,
        content=content.content,
        n_objects=len(content.entries),
        n_bytes=content.n_bytes,
        copied_objects=len(plan.missing),
        copied_bytes=plan.missing_bytes,
    )
