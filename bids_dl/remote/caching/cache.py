"""Cache byte ranges of remote stores on disk.

Entries are keyed by content, verified when read, evicted least recently used first, and safe to
share between processes.
"""

from __future__ import annotations

import hashlib
import os
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows: two processes that write at once may miscount the bytes
    fcntl = None  # type: ignore[assignment]

import numpy as np

from bids_dl.errors import ConfigError
from bids_dl.remote.byte_range import ByteRange, Bytes
from bids_dl.remote.checksum import ends_as_expected, has_valid_crc32c

DEFAULT_CACHE_BYTES = 50_000_000_000
SIZE_FILE = "size"  # holds the bytes of all entries, as a number of SIZE_DIGITS digits
SIZE_DIGITS = 20
EVICTED_SHARE = 10  # one tenth of the limit is evicted at once, because a scan is slow:
# about a second for some hundred thousand entries
COUNTING = threading.Lock()  # of the bytes that caches give to several threads


@dataclass(frozen=True, slots=True)
class CacheEntry:
    """One file of the cache folder."""

    last_used: int  # ns
    size: int  # bytes
    path: str


class Cache:
    """Cache of one remote store in a folder that stores and processes share.

    An entry is a range that a stream requests and one checksum covers: a chunk, or the index of a
    shard. Whole shards would be up to 128 MB for one window, and the chunks that are neighbours in
    an order change with every epoch.

    An entry appears complete, by renaming. It is verified when it is read; a damaged entry is
    removed and read from the store again. If an entry cannot be written, caching is disabled with
    one warning.

    Parameters
    ----------
    folder
        Folder shared by all stores; `open_cache_folder` creates it.
    max_bytes
        Limit of all entries of the folder together.
    url, content
        URL of the store and its content identifier. Together they name its entries, so that a
        store that was written again finds no old ones.
    is_valid
        Returns whether the bytes of an entry are those that were written.

    Attributes
    ----------
    bytes_hit
        Bytes that were found in the cache so far in this process.
    """

    def __init__(
        self,
        folder: Path,
        max_bytes: int,
        *,
        url: str,
        content: str,
        is_valid: Callable[[Bytes], bool] = has_valid_crc32c,
    ) -> None:
        self.folder = folder
        self.max_bytes = max_bytes
        self._is_valid = is_valid
        self._store_folder = folder / hashlib.sha256(f"{url}\n{content}".encode()).hexdigest()[:32]
        self._is_disabled = False
        self.bytes_hit = 0

    def load(self, byte_range: ByteRange) -> Bytes | None:
        """Return the bytes of a range, or None if they are not cached. Evict a damaged entry."""
        path = self._path(byte_range)
        content = np.empty(byte_range.size, np.uint8)
        try:
            with path.open("rb", buffering=0) as file:
                is_complete = file.readinto(content.data) == byte_range.size
        except OSError:
            return None
        is_hit = is_complete and self._matches(byte_range, content)
        with suppress(OSError):  # another process has removed it, or another user owns it
            if is_hit:
                os.utime(path)
            else:
                path.unlink()
        if not is_hit:
            return None
        with COUNTING:
            self.bytes_hit += byte_range.size
        return content

    def save(self, byte_range: ByteRange, content: Bytes) -> None:
        """Cache the bytes of a range, unless they are damaged, cached already or too large."""
        if self._is_disabled or len(content) > self.max_bytes:
            return
        if not self._matches(byte_range, content):
            return
        path = self._path(byte_range)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with self._locked_size_file() as size_file:
                if not path.exists():
                    self._reserve(size_file, len(content))
                    _write(path, content)
        except FileNotFoundError:  # somebody deletes the folder
            return
        except OSError as error:
            self._is_disabled = True
            reason = error.strerror or type(error).__name__
            warnings.warn(
                f"{self.folder}: caching disabled ({reason}); streaming continues without it",
                RuntimeWarning,
                stacklevel=2,
            )

    def _matches(self, byte_range: ByteRange, content: Bytes) -> bool:
        """Return whether bytes are intact, and those of this range."""
        return ends_as_expected(content, byte_range) and self._is_valid(content)

    def _path(self, byte_range: ByteRange) -> Path:
        name = f"{byte_range.start}.{byte_range.size}"
        return self._store_folder / byte_range.name.replace("/", ".") / name

    def _reserve(self, size_file: int, size: int) -> None:
        """Add the bytes of a new entry to the size file, after evicting others if necessary."""
        digits = os.read(size_file, SIZE_DIGITS)
        if len(digits) == SIZE_DIGITS and digits.isdigit():
            total = int(digits)
        else:  # lost or damaged
            total = sum(entry.size for entry in _scan(self.folder))
        if total + size > self.max_bytes:
            total = self._evict(size)
        os.lseek(size_file, 0, os.SEEK_SET)
        os.write(size_file, f"{total + size:0{SIZE_DIGITS}}".encode())

    def _evict(self, size: int) -> int:
        """Evict entries until ``size`` bytes fit. Return the bytes of the others."""
        entries = sorted(_scan(self.folder), key=lambda entry: entry.last_used)
        total = sum(entry.size for entry in entries)
        target = max(0, self.max_bytes - max(size, self.max_bytes // EVICTED_SHARE))
        for entry in entries:
            if total <= target:
                break
            with suppress(FileNotFoundError):
                os.unlink(entry.path)  # noqa: PTH108
            total -= entry.size
        return total

    @contextmanager
    def _locked_size_file(self) -> Iterator[int]:
        """Open and lock the size file. The system releases the lock if this process dies."""
        file = os.open(self.folder / SIZE_FILE, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if fcntl is not None:
                fcntl.flock(file, fcntl.LOCK_EX)
            yield file
        finally:
            os.close(file)


def open_cache_folder(folder: str | Path | None) -> Path:
    """Create the folder of a cache, accessible to its owner only, if it does not exist.

    Parameters
    ----------
    folder
        Path of the folder; None for ``bids_dl/chunks`` in the user's cache folder.

    Returns
    -------
    Path
        Absolute path of the folder.

    Raises
    ------
    ConfigError
        The folder cannot be created.
    """
    path = _user_folder() if folder is None else Path(folder).expanduser().absolute()
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            f"cache {path}: cannot be created ({error.strerror}); choose another folder"
        ) from None
    return path


def _user_folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME", "")
    cache_home = Path(base) if Path(base).is_absolute() else Path.home() / ".cache"
    return cache_home / "bids_dl" / "chunks"


def _write(path: Path, content: Bytes) -> None:
    """Write an entry that appears complete, by renaming."""
    # a part that a killed process leaves counts as an entry and is evicted like one
    part = path.with_name(f"{path.name}.{os.getpid()}.{threading.get_ident()}.part")
    try:
        part.write_bytes(content.data)
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise


def _scan(folder: Path) -> Iterator[CacheEntry]:
    """Yield all files below a folder, unfinished ones too."""
    for root, _, names in os.walk(folder):
        for name in names:
            if name == SIZE_FILE:
                continue
            path = os.path.join(root, name)  # noqa: PTH118  (faster over many entries)
            with suppress(FileNotFoundError):
                status = os.stat(path)  # noqa: PTH116
                yield CacheEntry(status.st_mtime_ns, status.st_size, path)
