"""Files of a dataset that are not in its folder: where they are on this machine once fetched."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path, PurePosixPath

from bids_dl.remote.caching.object_cache import ObjectCache
from bids_dl.remote.caching.partial_file import PartialFile
from bids_dl.remote.caching.remote_file import RemoteFile

FOLDERS = "folders"  # of the cache: recordings that are folders, as links to their files


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a dataset comes from, as a store records it. No field depends on the route.

    Attributes
    ----------
    address
        SOURCE without its version: ``"openneuro:ds004362"``.
    version, commit, doi
        Of the version; "" if unknown.
    updated_utc
        Time at which the index of lossy copies was written; "" if signals are those of the archive.
    """

    address: str
    version: str = ""
    commit: str = ""
    doi: str = ""
    updated_utc: str = ""


@dataclass(frozen=True)
class RemoteFiles:
    """Files of a dataset by path, and the cache that holds those that were fetched.

    Attributes
    ----------
    by_path
        Files whose checksum or address an archive states.
    in_folder
        Those of them that are in the folder of the dataset, as in a clone with content.
    unlocked
        Those in the folder that may have been edited, so that their checksum is not relied on.
    links
        File of the dataset that a link leads to, by path of the link.
    partial
        Files of which only some bytes are used, by path in the dataset. They take precedence over
        whole files.
    root
        Folder of the dataset, which may hold some files of a recording that is a folder; None if
        it holds none.
    """

    cache: ObjectCache
    by_path: Mapping[str, RemoteFile] = field(repr=False, hash=False)
    in_folder: frozenset[str] = field(default=frozenset(), repr=False, hash=False)
    unlocked: frozenset[str] = field(default=frozenset(), repr=False, hash=False)
    links: Mapping[str, str] = field(default_factory=dict, repr=False, hash=False)
    partial: Mapping[str, PartialFile] = field(default_factory=dict, hash=False)
    root: Path | None = None

    def path(self, file: str) -> Path | None:
        """Return where a file is once it is fetched, None if it is in the folder of the dataset.

        Parameters
        ----------
        file
            Path relative to the dataset, of a file or of a recording that is a folder.
        """
        if file in self.partial:
            return self.partial[file].path
        if file in self.by_path:
            return None if file in self.in_folder else self.cache.path_of(self.by_path[file])
        inner = self.inner_files(file)
        if inner and not self.in_folder.issuperset(inner):
            name = f"{self.folder_digest(file)}{PurePosixPath(file).suffix}"  # pymef asks for .mefd
            return self.cache.root / FOLDERS / name
        return None

    def digest(self, file: str) -> str | None:
        """Return the checksum of a file as an archive states it, None if none does."""
        if file in self.by_path:
            return self.by_path[file].digest
        return self.folder_digest(file) if self.inner_files(file) else None

    def restricted_to(self, files: Collection[str]) -> RemoteFiles:
        """Return the files with these paths, and those inside recordings that are folders."""
        kept = {}
        for file in files:
            for path in (file, *self.inner_files(file)):
                if path in self.by_path:
                    kept[path] = self.by_path[path]
        return replace(
            self,
            by_path=kept,
            in_folder=self.in_folder.intersection(kept),
            unlocked=self.unlocked.intersection(kept),
            links={path: self.links[path] for path in kept if path in self.links},
        )

    def inner_files(self, folder: str) -> tuple[str, ...]:
        """Return the paths of the remote files below a folder, sorted."""
        return self._files_by_folder.get(folder, ())

    def local_files(self, folder: str) -> tuple[str, ...]:
        """Return the paths of the other files below a folder, which are in the dataset's folder."""
        if self.root is None:
            return ()
        remote = set(self.inner_files(folder))
        local = []
        for path in sorted((self.root / folder).rglob("*")):
            file = path.relative_to(self.root).as_posix()
            if path.is_file() and file not in remote:
                local.append(file)
        return tuple(local)

    def folder_digest(self, folder: str) -> str:
        """Return a SHA-256 of the names and checksums of the files below a folder."""
        lines = []
        for file in self.inner_files(folder):
            lines.append(f"{file.removeprefix(f'{folder}/')} {self.by_path[file].digest}")
        for file in self.local_files(folder):
            content = Path(self.root or "", file).read_bytes()
            checksum = hashlib.sha256(content).hexdigest()
            lines.append(f"{file.removeprefix(f'{folder}/')} {checksum}")
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    @cached_property
    def _files_by_folder(self) -> dict[str, tuple[str, ...]]:
        """Paths below each folder whose name has an extension, as recordings do."""
        files: dict[str, list[str]] = {}
        for file in sorted(self.by_path):
            parts = file.split("/")[:-1]
            for depth, part in enumerate(parts, start=1):
                if "." in part:
                    files.setdefault("/".join(parts[:depth]), []).append(file)
        return {folder: tuple(inner) for folder, inner in files.items()}
