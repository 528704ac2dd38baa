"""Cache of remote files on disk: whole files by their checksum, and byte ranges of files.

A file gets its name when all of it has arrived and its size and checksum are those of the archive.
Processes share the cache; datasets and versions share equal files.
"""

from __future__ import annotations

import errno
import hashlib
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bids_dl.errors import BidsDlError
from bids_dl.remote.caching.file_checksum import describe_mismatch
from bids_dl.remote.caching.file_lock import file_lock
from bids_dl.remote.caching.partial_file import Interval, PartialFile
from bids_dl.remote.caching.remote_file import RemoteFile, Verification
from bids_dl.remote.caching.remote_reader import read_range
from bids_dl.remote.http.http_answers import HttpStatusError, WrongContentError
from bids_dl.remote.location import Location
from bids_dl.remote.retry import is_transient
from bids_dl.wording import one_line

if TYPE_CHECKING:
    from bids_dl.remote.http.http_client import HttpClient, OnBytes

OBJECTS = "objects"
PARTIAL = "partial"
PART = ".part"  # end of the name of an unfinished download
UNVERIFIED = "unverified"  # folder of objects without a checksum
COPY_BYTES = 1 << 23  # that one request of a bucket asks for
FULL_DISK_ERRNOS = {errno.ENOSPC, errno.EDQUOT}
DENIED_STATUS = {401, 403}


class RemoteFileError(BidsDlError):
    """A file that no address provides.

    Parameters
    ----------
    reason
        One line, without the name of the file.
    transient
        True if a retry may succeed.
    """

    def __init__(self, reason: str, *, transient: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.transient = transient


class CacheError(BidsDlError):
    """The cache cannot be written to. What has arrived is kept."""


class FullDiskError(CacheError):
    """The disk of the cache is full."""


@dataclass(frozen=True)
class ObjectCache:
    """Remote files on disk.

    Parameters
    ----------
    root
        Folder of the cache. It is created when a file is fetched.

    Examples
    --------
    >>> import tempfile
    >>> from bids_dl.remote.http.http_client import HttpClient
    >>> file = RemoteFile(3, "md5", "900150983cd24fb0d6963f7d28e17f72", ("memory://fetched/abc",))
    >>> Location("memory://fetched").write("abc", b"abc")
    >>> with tempfile.TemporaryDirectory() as folder, HttpClient() as client:
    ...     cache = ObjectCache(Path(folder))
    ...     cache.fetch(file, client), cache.path_of(file).read_bytes()
    ('checksum', b'abc')
    """

    root: Path

    def path_of(self, file: RemoteFile) -> Path:
        """Return the path that a whole file has in the cache, whether or not it is there."""
        if file.checksum:
            folder = self.root / OBJECTS / file.algorithm / file.checksum[:2]
            return folder / file.checksum
        identity = "\n".join([str(file.size), file.tag, *file.urls])
        return self.root / OBJECTS / UNVERIFIED / hashlib.sha256(identity.encode()).hexdigest()

    def holds(self, file: RemoteFile) -> bool:
        """Return whether the cache holds a whole file, in its full size."""
        return _is_complete(self.path_of(file), file)

    def missing_bytes(self, file: RemoteFile) -> int:
        """Return the bytes of a file that have not arrived yet, 0 if its size is unknown."""
        if self.holds(file):
            return 0
        part = _part_of(self.path_of(file))
        return max(0, (file.size or 0) - (part.stat().st_size if part.is_file() else 0))

    def fetch(
        self,
        file: RemoteFile,
        client: HttpClient,
        *,
        on_bytes: OnBytes | None = None,
        known: PartialFile | None = None,
        check: bool = False,
    ) -> Verification:
        """Download a whole file, unless the cache holds it, and verify it.

        An interrupted download is resumed. Each address is tried in turn.

        Parameters
        ----------
        on_bytes
            Called with the number of bytes received since the last call.
        known
            Partial file of the same file, whose first bytes are copied instead of downloaded.
        check
            Whether a file that the cache holds is verified again, and replaced if it is damaged.

        Returns
        -------
        str
            How the content was verified.

        Raises
        ------
        RemoteFileError
            No address provides the file.
        FullDiskError
            The disk is full.
        """
        target = self.path_of(file)
        if _is_used(target, file):
            if not check or not describe_mismatch(target, file):
                return file.verification
            target.unlink(missing_ok=True)
        with self.locked(target):
            if not _is_complete(target, file):
                part = _part_of(target)
                if known is not None and _is_complete(known.path, file) and not part.exists():
                    part.write_bytes(known.read(0, file.size or 0))
                part.touch()
                self._download(file, part, client, on_bytes)
                part.replace(target)
        return file.verification

    def fetch_ranges(
        self,
        file: RemoteFile,
        ranges: Sequence[Interval],
        client: HttpClient,
        *,
        on_bytes: OnBytes | None = None,
        known: PartialFile | None = None,
    ) -> PartialFile:
        """Download byte ranges of a file into a file of its full size.

        All other bytes are zeros that take no space on disk. Only the size of the file can be
        verified. Addresses that are not pinned are tried only if no address is. If the cache holds
        the whole file, nothing is downloaded.

        Parameters
        ----------
        ranges
            (start, stop) in bytes, sorted, without overlap.
        known
            Partial file of the same file, from which bytes are copied instead of downloaded.

        Returns
        -------
        PartialFile
            Equal ranges of equal files have the same path.

        Raises
        ------
        RemoteFileError
            No address provides the ranges, or the archive does not state the size of the file.
        FullDiskError
            The disk is full.
        """
        if file.size is None:
            raise RemoteFileError("its archive states no size, so that ranges cannot be verified")
        partial = self.partial_file(file, ranges)
        target = partial.path
        if _is_used(target, file):
            return partial
        if self.holds(file):
            known = PartialFile(self.path_of(file), ((0, file.size),))
        elif known is not None and not _is_complete(known.path, file):
            known = None
        with self.locked(target):
            if not _is_complete(target, file):
                part = _part_of(target)
                self._try_each_url(
                    file.pinned_urls or file.urls,
                    lambda url: _download_ranges(file, url, ranges, part, client, on_bytes, known),
                )
                part.replace(target)
        return partial

    def partial_file(self, file: RemoteFile, ranges: Sequence[Interval]) -> PartialFile:
        """Return the partial file with some ranges of a file, whether or not it is there."""
        intervals = tuple((start, stop) for start, stop in ranges)
        name = hashlib.sha256(repr(intervals).encode()).hexdigest()[:32]
        return PartialFile(self.root / PARTIAL / self.path_of(file).name / name, intervals)

    def _download(
        self, file: RemoteFile, part: Path, client: HttpClient, on_bytes: OnBytes | None
    ) -> None:
        """Download a file into a part, from the first address that provides its content."""

        def download(url: str) -> None:
            was_resumed = part.exists() and part.stat().st_size > 0
            _download_whole(file, url, part, client, on_bytes)
            problem = describe_mismatch(part, file)
            if problem and was_resumed:  # the part may be damaged, not the answer
                part.unlink()
                _download_whole(file, url, part, client, on_bytes)
                problem = describe_mismatch(part, file)
            if problem:
                part.unlink()
                raise WrongContentError(problem)

        self._try_each_url(file.urls, download)

    def _try_each_url(self, urls: Sequence[str], use: Callable[[str], None]) -> None:
        """Call a function with each address until one succeeds."""
        problems = []
        may_pass = False
        for url in urls:
            try:
                use(url)
            except Exception as error:
                if isinstance(error, OSError) and error.errno in FULL_DISK_ERRNOS:
                    raise
                problems.append(f"{_without_query(url)}: {_describe(error)}")
                may_pass |= is_transient(error) or _may_be_denied_for_now(error)
            else:
                return
        reason = "; ".join(dict.fromkeys(problems)) or "its archive states no address for it"
        raise RemoteFileError(f"cannot be fetched ({one_line(reason)})", transient=may_pass)

    @contextmanager
    def locked(self, target: Path) -> Iterator[None]:
        """Create the folder of a file, and lock the file inside the context.

        Raises
        ------
        FullDiskError
            The disk is full, also inside the context.
        CacheError
            The cache cannot be written to.
        """
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with file_lock(target):
                yield
        except OSError as error:
            if error.errno in FULL_DISK_ERRNOS:
                raise FullDiskError(
                    f"{self.root}: {os.strerror(error.errno)}; make room and run the same "
                    "command again, or choose another --cache"
                ) from None
            raise CacheError(
                f"the cache {self.root} cannot be written to ({error.strerror or error}); "
                "choose another --cache"
            ) from None


def _part_of(target: Path) -> Path:
    """Return the path of the unfinished download of a file."""
    return target.with_name(f"{target.name}{PART}")


def _is_complete(path: Path, file: RemoteFile) -> bool:
    """Return whether a cached file has its full size, which a power cut may have truncated."""
    return path.is_file() and file.size in (None, path.stat().st_size)


def _is_used(path: Path, file: RemoteFile) -> bool:
    """Return whether a cached file is complete, and note that it was used now."""
    if not _is_complete(path, file):
        return False
    with suppress(OSError):  # a cache that others own
        # the time of the last change stays, because it shows that nothing has changed
        os.utime(path, ns=(time.time_ns(), path.stat().st_mtime_ns))
    return True


def _download_whole(
    file: RemoteFile, url: str, part: Path, client: HttpClient, on_bytes: OnBytes | None
) -> None:
    if url.startswith(("http://", "https://")):
        client.download(url, part, size=file.size, on_bytes=on_bytes)
        return
    folder, _, name = url.rpartition("/")
    location = Location(folder)
    with part.open("ab") as target:
        while file.size is None or target.tell() < file.size:
            start = target.tell()
            stop = start + COPY_BYTES if file.size is None else min(start + COPY_BYTES, file.size)
            content = location.read(name, start, stop)
            target.write(content)
            if on_bytes is not None:
                on_bytes(len(content))
            if len(content) < stop - start:
                break


def _download_ranges(
    file: RemoteFile,
    url: str,
    ranges: Sequence[Interval],
    part: Path,
    client: HttpClient,
    on_bytes: OnBytes | None,
    known: PartialFile | None,
) -> None:
    """Write ranges of a file into a new file of its full size."""
    with part.open("wb") as target:
        target.truncate(file.size)
        for start, stop in ranges:
            position = start
            while position < stop:
                last = min(stop, position + COPY_BYTES)
                content = b"" if known is None else known.read(position, last)
                if not content:
                    if known is not None:
                        last = known.next_filled(position, last)
                    content = read_range(file, url, position, last, client)
                    if len(content) != last - position:
                        raise WrongContentError(
                            f"{len(content)} of {last - position} bytes arrived"
                        )
                    if on_bytes is not None:
                        on_bytes(len(content))
                target.seek(position)
                target.write(content)
                position += len(content)


def _may_be_denied_for_now(error: Exception) -> bool:
    """Return whether the server denied access, which archives also do for absent files."""
    return isinstance(error, HttpStatusError) and error.status in DENIED_STATUS


def _describe(error: Exception) -> str:
    if _may_be_denied_for_now(error):
        return f"{error}: access denied, or no such file"
    return one_line(error, max_chars=120) or type(error).__name__


def _without_query(url: str) -> str:
    """Return a URL without its query, which may hold a signature."""
    return url.partition("?")[0]
