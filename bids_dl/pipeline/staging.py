"""Staging: preprocessed recordings on their way into a store, one entry per recording.

The key of an entry is a hash of everything that decides its bytes. An entry is a file of windows,
``KEY.npy``, and its description, ``KEY.json``, which is written last and makes the entry complete.
The description holds checksums of both, so that a torn or damaged entry counts as absent.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shutil
import stat
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import numpy.typing as npt

from bids_dl.datamodel import Failure
from bids_dl.errors import DamagedEntryError, StoreError
from bids_dl.pipeline.entry_file import EntryWriter, WindowBatches
from bids_dl.pipeline.staging_entry import StagingEntry
from bids_dl.remote.location import PROBE_FILE, Location
from bids_dl.remote.scratch import scratch_folder

STAGING_VERSION = 4  # of the JSON of an entry; entries of another version are staged again
MAX_DESCRIPTION_BYTES = 256_000_000  # a thousand times more than that of a long recording
PART_SUFFIX = ".part"  # of a file that is being written
MARK = "bids_dl-staging"  # file in a folder that was created for one store
UNSUPPORTED_ERRNOS = {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP}
OWN_FILE = re.compile(rf"[0-9a-f]{{64}}\.(json|npy)(\.[^/]*)?|{PROBE_FILE.pattern}")


@dataclass(frozen=True)
class Staging:
    """A local or remote folder of entries.

    Attributes
    ----------
    is_owned
        True if the folder was created for one store, and is removed with all entries in it. False
        if the user named it: it stays, and so do the entries of other plans. Other files stay in
        both.
    """

    location: Location
    is_owned: bool = False

    def check_owned(self) -> None:
        """Check that a folder with the name of an owned one was created as such.

        Raises
        ------
        StoreError
            It is a link, or a folder of the user.
        """
        if not (self.is_owned and self.location.is_local):
            return
        folder = self.location.folder
        advice = "move it, or choose another folder with --staging"
        if folder.is_symlink():
            raise StoreError(f"{folder}: a link has the name of the staging folder; {advice}")
        if not folder.is_dir() or _size_on_disk(folder / MARK) is not None:
            return
        for path in sorted(folder.iterdir()):  # without a mark: empty, or of an older version
            if not OWN_FILE.fullmatch(path.name):
                raise StoreError(
                    f"{folder}: has the name of the staging folder and was not created by "
                    f"bids-dl (contains {path.name!r}); {advice}"
                )

    def prepare(self) -> None:
        """Create the folder, and remove unfinished files of a killed run if no other run uses it.

        Workers do not create it: a worker that outlives its run would leave the folder behind.
        """
        if not self.location.is_local:
            return
        self.check_owned()
        folder = self.location.folder
        if not self.is_owned:
            folder.mkdir(parents=True, exist_ok=True)
            return
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (folder / MARK).touch()
        for name in self._own_files():
            if name.endswith(PART_SUFFIX):
                self.location.remove(name)

    def read_entry(self, key: str) -> StagingEntry | Failure | None:
        """Read a complete entry, or the failure that a rerun need not repeat.

        The checksums of the windows are not compared before `read_windows`.

        Returns
        -------
        StagingEntry, Failure or None
            None if there is no entry, one of another `STAGING_VERSION`, or a damaged one.
        """
        try:
            content = self._read_description(key)
            if "failure" in content:
                return Failure(**content["failure"])
            batches = WindowBatches.from_json(content["windows"])
            entry = StagingEntry.from_json(content["entry"])
            is_complete = self._size(f"{key}.npy") == batches.n_bytes
        except (DamagedEntryError, ArithmeticError, LookupError, TypeError, ValueError):
            return None
        return entry if is_complete and len(entry.kept) == batches.shape[0] else None

    @contextmanager
    def write_entry(self, key: str, shape: tuple[int, int, int]) -> Iterator[EntryWriter]:
        """Write an entry inside the context. If the body fails, nothing is staged.

        Parameters
        ----------
        shape
            (n_windows, n_chans, n_times) of all planned windows.

        Yields
        ------
        EntryWriter
            The body writes the windows, and sets ``entry``.
        """
        context: AbstractContextManager[Path] = scratch_folder()
        if self.location.is_local:
            context = nullcontext(self.location.folder)
        with context as folder:
            part = folder / _part_name(f"{key}.npy")
            try:
                with part.open("xb+") as file:
                    writer = EntryWriter(file, shape)
                    yield writer
                    batches = writer.close()
                    if self.location.is_local:
                        _flush_to_disk(file.fileno())
                if writer.entry is None:
                    raise RuntimeError(f"{key}: the description of the entry was not set")
                if self.location.is_local:
                    _remove_folder_at(folder / f"{key}.npy")
                    part.replace(folder / f"{key}.npy")
                else:
                    self.location.upload_file(f"{key}.npy", part)
            finally:
                part.unlink(missing_ok=True)
        content = {"windows": batches.to_json(), "entry": writer.entry.to_json()}
        self._write_description(key, content)

    def write_failure(self, key: str, failure: Failure) -> None:
        """Record that a recording cannot be converted, so that a rerun does not try again."""
        self._write_description(key, {"failure": asdict(failure)})

    def read_windows(self, key: str, start: int = 0) -> Iterator[npt.NDArray[np.float32]]:
        """Yield the windows of an entry in order, (n_windows, n_chans, n_times) in µV.

        Parameters
        ----------
        start
            Number of the first window, counted in the entry.

        Raises
        ------
        DamagedEntryError
            Windows of the entry are gone, or not those that were written.
        """
        try:
            batches = WindowBatches.from_json(self._read_description(key)["windows"])
            header = self._read_bytes(key, 0, len(batches.header))
        except (ArithmeticError, LookupError, TypeError, ValueError):
            raise self._damaged(key) from None
        if header != batches.header or self._size(f"{key}.npy") != batches.n_bytes:
            raise self._damaged(key)
        position = 0
        for first_byte, stop_byte, checksum in batches.spans():
            n_windows = (stop_byte - first_byte) // batches.window_bytes
            if position + n_windows > start:
                windows = batches.parse(self._read_bytes(key, first_byte, stop_byte), checksum)
                if windows is None or len(windows) != n_windows:
                    raise self._damaged(key)
                yield windows[max(0, start - position) :]
            position += n_windows

    def remove(self, keys: Iterable[str]) -> None:
        """Remove entries, complete or not. An owned folder is removed with all its entries."""
        removed = set(keys)
        for name in self._own_files():
            if self.is_owned or _key_of(name) in removed:
                self.location.remove(name)
        self.location.abort_uploads([f"{key}.npy" for key in removed])
        self._remove_folder()

    def remove_if_empty(self) -> None:
        """Remove an owned folder without entries."""
        if not self._own_files():
            self._remove_folder()

    def keep_only(self, keys: Iterable[str]) -> None:
        """Remove all other entries from an owned folder."""
        if not self.is_owned:
            return
        kept = set(keys)
        for name in self._own_files():
            if _key_of(name) not in kept:
                self.location.remove(name)

    def discard(self, key: str) -> None:
        """Remove one entry, its description first."""
        if self.location.is_local:
            for suffix in ("json", "npy"):
                _remove_folder_at(self.location.folder / f"{key}.{suffix}")
        self.location.remove_all([f"{key}.json", f"{key}.npy"])

    def _own_files(self) -> list[str]:
        """List the files of entries."""
        return [name for name in self.location.list() if OWN_FILE.fullmatch(name)]

    def _remove_folder(self) -> None:
        """Remove an owned folder, unless it holds other files."""
        if self.is_owned and self.location.is_local:
            self.location.remove(MARK)
            with suppress(OSError):  # other files are in it, or it does not exist
                self.location.folder.rmdir()

    def _read_description(self, key: str) -> dict[str, Any]:
        """Read the content of a description.

        Raises
        ------
        DamagedEntryError
            There is no description of this version, or a damaged one.
        """
        name = f"{key}.json"
        size = self._size(name)
        if size is None or size > MAX_DESCRIPTION_BYTES:
            raise self._damaged(key)
        try:
            document = json.loads(self.location.read(name))
            content: dict[str, Any] = document["content"]
            is_valid = document["version"] == STAGING_VERSION
            is_valid = is_valid and document["sha256"] == _checksum(content)
        except (OSError, LookupError, TypeError, ValueError, RecursionError):
            raise self._damaged(key) from None
        if not (is_valid and isinstance(content, dict)):
            raise self._damaged(key)
        return content

    def _read_bytes(self, key: str, start: int, stop: int) -> bytes:
        """Read bytes of the windows of an entry."""
        try:
            return self.location.read(f"{key}.npy", start, stop)
        except OSError:
            raise self._damaged(key) from None

    def _write_description(self, key: str, content: dict[str, Any]) -> None:
        document = {"version": STAGING_VERSION, "sha256": _checksum(content), "content": content}
        encoded = json.dumps(document).encode()
        if self.location.is_local:
            _write_to_disk(self.location.folder, f"{key}.json", encoded)
        else:
            self.location.write(f"{key}.json", encoded)

    def _size(self, name: str) -> int | None:
        """Return the bytes of a file, None if it does not exist or is no regular file."""
        if self.location.is_local:
            return _size_on_disk(self.location.folder / name)
        try:
            return self.location.size(name)
        except FileNotFoundError:
            return None

    def _damaged(self, key: str) -> DamagedEntryError:
        return DamagedEntryError(
            f"{self.location.url}: the staged windows {key[:16]}... are gone or damaged; "
            "run the same command again"
        )


def _checksum(content: object) -> str:
    """Return the SHA-256 of JSON with sorted keys, in hexadecimal digits."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _key_of(name: str) -> str:
    """Return the key of the entry that a file belongs to."""
    return name.partition(".")[0]


def _part_name(name: str) -> str:
    """Return a name, which no other process uses, for a file that is being written."""
    return f"{name}.{os.getpid()}-{uuid4().hex[:8]}{PART_SUFFIX}"


def _size_on_disk(path: Path) -> int | None:
    """Return the bytes of a regular file, None for anything else."""
    try:
        status = path.lstat()
    except OSError:
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def _remove_folder_at(path: Path) -> None:
    """Remove a folder in the place of a file."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)


def _write_to_disk(folder: Path, name: str, content: bytes) -> None:
    """Write a file that appears complete, also after a power failure."""
    if not folder.is_dir():
        raise FileNotFoundError(errno.ENOENT, "the staging folder is gone")
    part = folder / _part_name(name)
    try:
        _sync_folder(folder)  # the windows, which were renamed, before their description
        with part.open("xb") as file:
            file.write(content)
            file.flush()
            _flush_to_disk(file.fileno())
        _remove_folder_at(folder / name)
        part.replace(folder / name)
        _sync_folder(folder)
    finally:
        part.unlink(missing_ok=True)


def _flush_to_disk(number: int) -> None:
    """Wait until a file is on disk, on file systems that can tell."""
    try:
        os.fsync(number)
    except OSError as error:
        if error.errno not in UNSUPPORTED_ERRNOS:
            raise


def _sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on disk, on systems that can tell."""
    with suppress(OSError):  # Windows opens no folders
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)


def locate_staging(dest: Location, requested: str | None) -> Staging:
    """Return the staging folder of a conversion.

    Parameters
    ----------
    dest
        Location of the store.
    requested
        Path or URL that the user named. None: beside a local ``dest``, else in the user's cache
        folder.
    """
    if requested:
        location = Location(requested, dest.storage_options if "://" in requested else {})
        if location.is_local:  # absolute, because a worker may run in another folder
            location = Location(str(location.folder.absolute()))
        return Staging(location)
    if dest.is_local:
        return Staging(Location(f"{dest.folder}.staging"), is_owned=True)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    name = hashlib.sha256(dest.url.encode()).hexdigest()[:16]
    return Staging(Location(str(cache / "bids_dl" / "staging" / name)), is_owned=True)
