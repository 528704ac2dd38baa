"""A folder of chunks that were read from afar: by content, checked, the least recently used first out, for any number of processes."""

from __future__ import annotations

import hashlib
import os
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

try:
    import fcntl
except (
    ImportError
):  # Windows: the count of bytes may then be off by what two processes write at once
    fcntl = None  # type: ignore[assignment]

import numpy as np

from bids_dl.errors import ConfigError
from bids_dl.remote.byte_range import ByteRange
from bids_dl.remote.checksum import has_valid_crc32c
from bids_dl.remote.location import Location
from bids_dl.remote.ranges import Bytes, fetch

DEFAULT_BYTES = 50_000_000_000
SIZE, DIGITS = "size", 20  # a file with the bytes of all entries, as a number of so many digits
ROOM = 10  # a tenth of the limit is freed at once: looking at every entry takes a second for some hundred thousand


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of the folder."""

    used: int  # ns, when last
    size: int
    path: str


class Cache:
    """Chunks of a store far away, in a folder that stores and processes share.

    What is kept is what a plan asks for and one checksum covers: chunks and indexes of shards. Whole shards would be up to 128 MB for a
    window; and which chunks lie side by side in an order changes with every epoch. An entry appears whole, by renaming. It is checked
    when it is read: what is damaged is dropped and read from the store again. What cannot be written is not kept, with one warning.

    Parameters
    ----------
    folder
        Shared by all; `open_folder` makes it.
    most_bytes
        Of all entries of the folder.
    url, content
        Where the store is and its content identifier: together the name of its entries, so a store that is written again finds none.
    """

    def __init__(self, folder: Path, most_bytes: int, *, url: str, content: str) -> None:
        self.folder, self.most_bytes = folder, most_bytes
        self._mine = folder / hashlib.sha256(f"{url}\n{content}".encode()).hexdigest()[:32]
        self._off = False

    def load(self, request: ByteRange) -> Bytes | None:
        """Bytes of a request, or None where they are not kept, or damaged; then they are dropped."""
        path, content = self._path(request), np.empty(request.size, np.uint8)
        try:
            with path.open("rb", buffering=0) as file:
                whole = file.readinto(content.data) == request.size and has_valid_crc32c(content)
        except OSError:
            return None
        with suppress(OSError):  # somebody has removed it meanwhile, or it is another person's
            os.utime(path) if whole else path.unlink()
        return content if whole else None

    def keep(self, request: ByteRange, content: Bytes) -> None:
        """Keep the bytes of a request, unless they are damaged, are there already or have no room."""
        if self._off or len(content) > self.most_bytes or not has_valid_crc32c(content):
            return
        path = self._path(request)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with self._counted() as file:
                if not path.exists():
                    self._count(file, len(content))
                    _write(path, content)
        except FileNotFoundError:  # somebody clears the folder
            return
        except OSError as problem:
            self._off = True
            said = problem.strerror or type(problem).__name__
            warnings.warn(
                f"{self.folder}: nothing more is kept in this cache ({said}); the stream goes on without",
                RuntimeWarning,
                stacklevel=2,
            )

    def _path(self, request: ByteRange) -> Path:
        return self._mine / request.name.replace("/", ".") / f"{request.start}.{request.size}"

    def _count(self, file: int, size: int) -> None:
        """Count an entry that comes, after making room for it."""
        said = os.read(file, DIGITS)
        total = (
            int(said)
            if len(said) == DIGITS and said.isdigit()
            else sum(entry.size for entry in _entries(self.folder))
        )
        if total + size > self.most_bytes:
            total = self._make_room(size)
        os.lseek(file, 0, os.SEEK_SET)
        os.write(file, f"{total + size:0{DIGITS}}".encode())

    def _make_room(self, size: int) -> int:
        """Remove what was not used for longest; bytes of what is left."""
        entries = sorted(_entries(self.folder), key=lambda entry: entry.used)
        total, most = (
            sum(entry.size for entry in entries),
            max(0, self.most_bytes - max(size, self.most_bytes // ROOM)),
        )
        for entry in entries:
            if total <= most:
                break
            with suppress(FileNotFoundError):
                os.unlink(entry.path)  # noqa: PTH108
            total -= entry.size
        return total

    @contextmanager
    def _counted(self) -> Iterator[int]:
        """The file that counts, locked; the system gives it free if this process dies."""
        file = os.open(self.folder / SIZE, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if fcntl is not None:
                fcntl.flock(file, fcntl.LOCK_EX)
            yield file
        finally:
            os.close(file)


def fetch_through(
    cache: Cache | None, location: Location, requests: Sequence[ByteRange]
) -> list[Bytes | Exception]:
    """What `fetch` gives, from the cache where it is there; else it is kept for the next time."""
    if cache is None:
        return fetch(location, requests)
    found = [cache.load(request) for request in requests]
    absent = [request for request, content in zip(requests, found, strict=True) if content is None]
    fetched = iter(fetch(location, absent))
    contents = [next(fetched) if content is None else content for content in found]
    for request, content, before in zip(requests, contents, found, strict=True):
        if before is None and not isinstance(content, Exception):
            cache.keep(request, content)
    return contents


def open_folder(asked: str | Path | None) -> Path:
    """The folder that was asked for, else the user's; made, for its owner alone, where it is not there.

    Raises
    ------
    ConfigError
        It cannot be made.
    """
    folder = _user_folder() if asked is None else Path(asked).expanduser().absolute()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as problem:
        raise ConfigError(
            f"cache {folder}: cannot be made ({problem.strerror}); choose another folder"
        ) from None
    return folder


def _user_folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME")
    return (
        (Path(base) if base and Path(base).is_absolute() else Path.home() / ".cache")
        / "bids_dl"
        / "chunks"
    )


def _write(path: Path, content: Bytes) -> None:
    part = path.with_name(
        f"{path.name}.{os.getpid()}.{threading.get_ident()}.part"
    )  # one that is left counts, and goes in its turn
    try:
        part.write_bytes(content.data)
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise


def _entries(folder: Path) -> Iterator[Entry]:
    """All files below, unfinished ones too."""
    for root, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(root, name)  # noqa: PTH118  (of hundreds of thousands)
            with suppress(FileNotFoundError):
                found = os.stat(path)  # noqa: PTH116
                if name != SIZE:
                    yield Entry(found.st_mtime_ns, found.st_size, path)
