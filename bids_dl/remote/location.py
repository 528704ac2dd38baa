"""A folder of objects behind a path or an fsspec URL."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from bids_dl.errors import StoreError
from bids_dl.input import read_regular
from bids_dl.remote.buckets.multipart import PART_BYTES, abort_uploads, upload
from bids_dl.remote.buckets.s3_client import connected_client
from bids_dl.remote.disk_files import disk_path, write_file
from bids_dl.remote.hub.hub_address import without_revision
from bids_dl.remote.retry import describe_failure, with_retries
from bids_dl.remote.served_objects import ServedObjects, is_web_url, serve_objects
from bids_dl.remote.storage_options import filesystem_options, parse_retry_timeout

if TYPE_CHECKING:
    import fsspec

T = TypeVar("T")

PROBE = "writable.probe"  # object written to test a location
PROBE_FILE = re.compile(rf"{re.escape(PROBE)}(\.[^/]*)?")  # also while it is being written
MULTIPART_BYTES = 2 * PART_BYTES  # size from which an object is uploaded in parts
RENEWAL = Lock()  # credentials expire for all threads at once


@dataclass(frozen=True)
class Location:
    """A folder of objects: a path, or an fsspec URL with the options of its file system.

    An object exists completely or not at all: on disk because it is renamed when it is complete,
    elsewhere because an upload is atomic. Transient failures of a server are retried with backoff.

    Parameters
    ----------
    url
        A path, any URL that fsspec knows (``s3://``, ``https://``, ...), or one of the hub
        (``hf://datasets/ORGANIZATION/NAME[@REVISION]/FOLDER``).
    storage_options
        Options of the file system, as in fsspec (for http, those of `web_objects.parse_options`,
        for the hub those of `hub_objects.open_hub`), and ``retry_timeout``: seconds to wait between
        the tries of a request, all waits together (30 by default), formerly ``patience``.

    Examples
    --------
    >>> folder = Location("memory://examples/notes")
    >>> folder.write("a.txt", b"123456789")
    >>> folder.read("a.txt", 2, 5), folder.read("a.txt", -2)
    (b'345', b'89')
    >>> folder.list()
    ['a.txt']
    """

    url: str
    # not in repr, because options may hold credentials
    storage_options: Mapping[str, Any] = field(default_factory=dict, repr=False)
    _answers: set[bool] = field(default_factory=set, init=False, repr=False, compare=False)

    @cached_property
    def _disk_path(self) -> str | None:
        """Path of a folder on disk, None if only fsspec knows."""
        return disk_path(self.url, self.storage_options)

    @cached_property
    def _filesystem_and_root(self) -> tuple[fsspec.AbstractFileSystem, str]:
        import fsspec  # here, because paths on disk do not need it

        options = filesystem_options(self.url, self.storage_options)
        try:
            filesystem, path = fsspec.core.url_to_fs(self.url, **options)
        except (ImportError, ValueError) as error:
            raise StoreError(f"{self.url}: {error}") from None
        if "s3" in filesystem.protocol:
            filesystem.retries = 1  # because we retry ourselves, and delays would multiply
        return filesystem, str(path).rstrip("/")

    @property
    def filesystem(self) -> fsspec.AbstractFileSystem:
        """File system of the URL, only if ``served`` is None."""
        return self._filesystem_and_root[0]

    @cached_property
    def served(self) -> ServedObjects | None:
        """Requests for objects that can only be read. None if the URL is of a file system."""
        return serve_objects(self.url, self.storage_options)

    @property
    def root(self) -> str:
        """Path of the folder within its file system."""
        if self._disk_path is not None:
            return self._disk_path
        return self._filesystem_and_root[1] if self.served is None else self.url.rstrip("/")

    @property
    def is_local(self) -> bool:
        """True if the folder is on disk."""
        if self._disk_path is not None:
            return True
        from fsspec.implementations.local import LocalFileSystem

        return self.served is None and isinstance(self.filesystem, LocalFileSystem)

    @property
    def is_web(self) -> bool:
        """True if the URL is http or https, where objects can be read but not listed or written."""
        return is_web_url(self.url)

    @property
    def is_s3(self) -> bool:
        """True if the folder is in a bucket that s3fs reads."""
        is_on_server = self._disk_path is None and self.served is None
        return is_on_server and "s3" in self.filesystem.protocol

    @property
    def is_anonymous(self) -> bool:
        """True if the server is asked without credentials."""
        served = self.served
        return self.storage_options.get("anon") is True if served is None else served.is_anonymous

    def pinned(self) -> Location:
        """Return this location in the version that it has now: the hub's branches move.

        Raises
        ------
        StoreError
            The repository or the revision does not exist, or may not be read.
        """
        if self.served is None:
            return self
        return Location(self._request(self.served.pinned_url), self.storage_options)

    @cached_property
    def retry_timeout(self) -> float:
        """Seconds to wait between the tries of a request, all waits together."""
        return parse_retry_timeout(self.url, self.storage_options)

    @property
    def folder(self) -> Path:
        """Folder on disk, only if `is_local`."""
        return Path(self.root)

    @property
    def name(self) -> str:
        """Last part of the URL, as in "eyes.zarr"."""
        return without_revision(self.root).rpartition("/")[2]

    def path(self, name: str) -> str:
        """Return the path of an object within its file system."""
        return f"{self.root}/{name}" if name else self.root

    def child(self, name: str) -> Location:
        """Return the location of a folder within this one."""
        return Location(f"{self.url.rstrip('/')}/{name}", self.storage_options)

    def exists(self, name: str = "") -> bool:
        """Return whether an object, or this folder, exists."""
        path = self.path(name)
        served = self.served
        if served is not None:
            return self._request(lambda: served.exists(path))
        return bool(self._request(lambda: self.filesystem.exists(path)))

    def read(
        self,
        name: str,
        start: int | None = None,
        stop: int | None = None,
        *,
        max_bytes: int | None = None,
    ) -> bytes:
        """Read an object, or its bytes from ``start`` to ``stop``.

        A negative ``start`` counts from the end.

        Parameters
        ----------
        max_bytes
            Size from which an object is refused before it is read. None reads any size from disk,
            and `object_requests.MAX_OBJECT_BYTES` from a server.

        Raises
        ------
        FileNotFoundError
            The object does not exist.
        OSError
            The object is larger than ``max_bytes``, or is no regular file.
        StoreError
            The server cannot be reached, denies access, or sends something else.
        """
        path = self.path(name)
        if self.is_local:
            return read_regular(path, start, stop, max_bytes=max_bytes)
        from bids_dl.remote.buckets import bucket_objects
        from bids_dl.remote.http.object_requests import MAX_OBJECT_BYTES

        limit = MAX_OBJECT_BYTES if max_bytes is None else max_bytes
        served = self.served
        if served is not None:
            return self._request(lambda: served.read_object(path, start, stop, limit))
        files = self.filesystem
        if self.is_s3:
            return self._request(
                lambda: bucket_objects.read_object(files, path, start, stop, limit)
            )
        content: bytes = self._request(lambda: files.cat_file(path, start=start, end=stop))
        return content

    def size(self, name: str) -> int:
        """Return the bytes of an object.

        Raises
        ------
        FileNotFoundError
            The object does not exist.
        """
        if self.is_local:
            return Path(self.path(name)).stat().st_size
        path = self.path(name)
        served = self.served
        if served is not None:
            return self._request(lambda: served.size(path))
        return int(self._request(lambda: self.filesystem.info(path))["size"] or 0)

    def write(self, name: str, content: bytes) -> None:
        """Write an object, replacing any of that name."""
        path = self.path(name)
        if self.is_s3 and len(content) >= MULTIPART_BYTES:
            self._upload(path, memoryview(content))
        elif self.is_local:
            write_file(Path(path), [content])
        else:
            self.check_not_served()
            self._request(lambda: self.filesystem.pipe_file(path, content))

    def upload_file(self, name: str, file: Path) -> None:
        """Write a file on disk as an object, whatever its size, only if not `is_local`."""
        if self.is_s3 and file.stat().st_size >= MULTIPART_BYTES:
            self._upload(self.path(name), np.memmap(file, np.uint8, "r").data)
        else:
            self.check_not_served()
            self._request(lambda: self.filesystem.put_file(str(file), self.path(name)))

    def _upload(self, path: str, content: memoryview) -> None:
        bucket, key, _ = self.filesystem.split_path(path)
        upload(self.call_s3, bucket, key, content)

    def abort_uploads(self, names: Collection[str] | None = None) -> None:
        """Abort multipart uploads that killed runs have left, of these objects or of all below.

        A bucket stores, and bills, the parts of unfinished uploads.
        """
        if not self.is_s3:
            return
        bucket, root, _ = self.filesystem.split_path(self.root)
        keys = None if names is None else {f"{root}/{name}" for name in names}
        # some servers cannot list uploads and some users may not; no object depends on it
        with suppress(StoreError, OSError):
            abort_uploads(self.call_s3, bucket, f"{root}/", keys)

    def call_s3(self, method: str, **parameters: Any) -> Any:
        """Call a method of the S3 client, with retries."""
        return self._request(lambda: self.filesystem.call_s3(method, **parameters))

    def list(self) -> list[str]:
        """List the names of all objects below, sorted. A missing folder has none."""
        return sorted(self.sizes())

    def sizes(self) -> dict[str, int]:
        """Return the bytes of every object below by name, empty if the folder does not exist."""
        return {name: int(entry["size"]) for name, entry in self.entries().items()}

    def entries(self) -> dict[str, Mapping[str, Any]]:
        """Return what the file system states of every object below, by name.

        A missing folder has none.
        """
        if self.served is not None:
            return dict(self._request(self.served.entries))
        self.filesystem.invalidate_cache()
        root = self.root
        try:
            found = self._request(lambda: self.filesystem.find(root, detail=True))
        except FileNotFoundError:
            return {}
        return {str(path).removeprefix(root).lstrip("/"): entry for path, entry in found.items()}

    def remove(self, name: str = "") -> None:
        """Delete one object, or the whole location. Missing objects are ignored."""
        if name:
            self.remove_all([name])
        elif self.exists():
            self._ignore_missing(lambda: self.filesystem.rm(self.root, recursive=True))

    def remove_all(self, names: Sequence[str]) -> None:
        """Delete objects. Missing objects are ignored."""
        self.check_not_served()
        if self.is_s3 and names:  # many at a time
            self._ignore_missing(lambda: self.filesystem.rm([self.path(name) for name in names]))
            return
        for name in names:
            self._ignore_missing(functools.partial(self.filesystem.rm_file, self.path(name)))

    def _ignore_missing(self, request: Callable[[], Any]) -> None:
        """Make a request that deletes objects."""
        # an object is also missing if the answer to a successful try was lost
        with suppress(FileNotFoundError):
            self._request(request)

    def check_writable(self) -> None:
        """Write an empty object and remove it again, with the folder if it did not exist.

        Raises
        ------
        StoreError
            The location cannot be written to.
        """
        to_remove = PROBE if self.exists() else ""
        try:
            self.write(PROBE, b"")
            self.remove(to_remove)
        except OSError as error:
            raise StoreError(
                f"{self.url}: cannot be written to ({error.strerror or error})"
            ) from None

    def check_not_served(self) -> None:
        """Check that the URL is one of a file system, which may be written to.

        Raises
        ------
        StoreError
            The objects can only be read: they are behind http(s), or on the hub.
        """
        if self.served is not None:
            raise StoreError(f"{self.url}: {self.served.read_only}")

    def _request(self, request: Callable[[], T]) -> T:
        """Make a request with retries, and describe its final failure in one line.

        Raises
        ------
        OSError
            An error that callers handle by its class, such as `FileNotFoundError`.
        StoreError
            Any other failure.
        """
        if self.is_local:
            return request()
        try:
            result = with_retries(
                request,
                timeout=self.retry_timeout,
                get_client=self.s3_client,
                renew_credentials=self.renew_credentials,
                has_answered=bool(self._answers),
                place=self.url,
            )
            self._answers.add(True)
            return result
        except StoreError:
            raise
        except FileNotFoundError:
            self._answers.add(True)
            raise
        except Exception as error:
            description = describe_failure(error, is_anonymous=self.is_anonymous)
            if description:
                raise StoreError(f"{self.url}: {description}") from None
            raise

    def s3_client(self) -> Any:
        """Return the S3 client, which holds the credentials. None for other file systems."""
        return connected_client(self.filesystem) if self.is_s3 else None

    def renew_credentials(self, used_client: Any) -> None:
        """Load new credentials from the environment or a file.

        Nothing happens if another thread has replaced ``used_client`` already.
        """
        if used_client is None:
            return
        with RENEWAL:
            if self.filesystem.s3 is used_client:
                self.filesystem.connect(refresh=True)

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__.copy()
        state.pop("served", None)  # because it may hold the token of the person who is logged in
        return state
