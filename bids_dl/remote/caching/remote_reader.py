"""A remote file as a file object, for readers that need a few bytes here and there."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from bids_dl.remote.caching.remote_file import RemoteFile
from bids_dl.remote.location import Location

if TYPE_CHECKING:
    from bids_dl.remote.http.http_client import HttpClient


class RemoteReader(io.RawIOBase):
    """Reads byte ranges of a remote file, each by one request. Wrap it in a buffer.

    Parameters
    ----------
    file
        A file of known size with at least one address. The next one is used when one fails.
    client
        Connections to servers.

    Examples
    --------
    >>> from bids_dl.remote.http.http_client import HttpClient
    >>> Location("memory://read").write("abc", b"abcdef")
    >>> with HttpClient() as client:
    ...     reader = RemoteReader(RemoteFile(6, urls=("memory://read/abc",)), client)
    ...     _ = reader.seek(2)
    ...     reader.read(3)
    b'cde'
    """

    def __init__(self, file: RemoteFile, client: HttpClient) -> None:
        super().__init__()
        self._file = file
        self._size = file.size or 0
        self._urls = list(file.pinned_urls or file.urls)
        self._client = client
        self._position = 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Set the position and return it."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = max(0, base + offset)
        return self._position

    def tell(self) -> int:
        """Return the position."""
        return self._position

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Read into a buffer, and return the number of bytes."""
        stop = min(self._size, self._position + len(buffer))
        if stop <= self._position:
            return 0
        content = self._read_from_any_url(stop)
        buffer[: len(content)] = content
        self._position += len(content)
        return len(content)

    def _read_from_any_url(self, stop: int) -> bytes:
        """Read up to ``stop``, and never try again an address that failed before another one."""
        while True:
            try:
                return read_range(self._file, self._urls[0], self._position, stop, self._client)
            except Exception:
                if len(self._urls) < 2:
                    raise
                self._urls.pop(0)


def read_range(file: RemoteFile, url: str, start: int, stop: int, client: HttpClient) -> bytes:
    """Read a byte range of a file from one of its addresses.

    Raises
    ------
    Exception
        Any error of the client or the file system.
    """
    if url.startswith(("http://", "https://")):
        return client.read_range(url, start, stop, total=file.size)
    folder, _, name = url.rpartition("/")
    return Location(folder).read(name, start, stop)
