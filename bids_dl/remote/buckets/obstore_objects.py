"""Objects of a bucket by obstore alone, for environments that only read stores.

s3fs needs seven packages, obstore none. It is used if s3fs is not installed, and only reads.
"""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any, TypeVar

from fsspec.asyn import get_loop

from bids_dl.errors import StoreError
from bids_dl.remote.buckets.obstore_ranges import ANSWER_TIMEOUT, OBSTORE_PROCESS
from bids_dl.remote.cancellation import run_in_loop
from bids_dl.wording import join_names, one_line

T = TypeVar("T")

SCHEME = "s3://"
INSTALL_S3FS = "pip install s3fs"
OPTIONS = ("anon", "key", "secret", "token", "endpoint_url", "client_kwargs", "requester_pays")
IGNORED_OPTIONS = {"use_listings_cache", "skip_instance_cache", "config_kwargs"}
CLIENT_OPTIONS = {"endpoint_url", "region_name"}
CREDENTIALS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
DEFAULT_REGION = "us-east-1"
OUT_OF_RANGE = ("416", "not satisfiable", "range started at", "out of range")
"""Parts of the messages of obstore about a range that begins after the end."""


def is_needed(url: str) -> bool:
    """Return whether a URL is of a bucket, and obstore is installed but s3fs is not."""
    return url.startswith(SCHEME) and find_spec("s3fs") is None and find_spec("obstore") is not None


@dataclass(frozen=True, slots=True)
class ObstoreObjects:
    """Objects below a folder of a bucket. Each method makes one try, because callers retry.

    Parameters
    ----------
    url
        ``s3://BUCKET/FOLDER``.
    config
        Configuration of obstore: endpoint, region and credentials.
    """

    url: str
    config: Mapping[str, Any] = field(repr=False, hash=False)

    @property
    def is_anonymous(self) -> bool:
        """True if requests are not signed."""
        return bool(self.config.get("skip_signature"))

    @property
    def read_only(self) -> str:
        """Reason why nothing can be written, and what to do."""
        return f"buckets are written by s3fs, which is not installed; run {INSTALL_S3FS}"

    def read_object(self, url: str, start: int | None, stop: int | None, max_bytes: int) -> bytes:
        """Read an object, or its bytes from ``start`` to ``stop``, as far as it has them.

        Raises
        ------
        FileNotFoundError, PermissionError
            The object does not exist, or may not be read.
        OSError
            The object is larger than ``max_bytes`` (EFBIG), or the server cannot be reached.
        """
        if start is None and stop is None and self.size(url) > max_bytes:
            raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), url)
        return self._run(self._read(url, start, stop))

    def read_ranges(self, ranges: Sequence[tuple[str, int, int | None]]) -> list[bytes | Exception]:
        """Read byte ranges concurrently, and return the bytes or the exception of each."""

        async def read_all() -> list[bytes | BaseException]:
            requests = [self._read(*byte_range) for byte_range in ranges]
            return await asyncio.gather(*requests, return_exceptions=True)

        contents: list[bytes | Exception] = []
        for content in self._run(read_all()):
            if isinstance(content, BaseException) and not isinstance(content, Exception):
                raise content
            contents.append(content)
        return contents

    def plain_ranges(self) -> None:
        """Return None, because `read_ranges` reads all ranges."""

    def exists(self, url: str) -> bool:
        """Return whether an object exists, or a folder with objects."""
        try:
            self.size(url)
        except FileNotFoundError:
            return bool(self._list(url))
        return True

    def size(self, url: str) -> int:
        """Return the bytes of an object. Errors are as for `read_object`."""
        return self._run(self._size(url))

    def entries(self) -> dict[str, Mapping[str, Any]]:
        """Return what the bucket states of every object below the folder, by name."""
        _, folder = _split(self.url)
        prefix = f"{folder}/" if folder else ""
        return {str(item["path"]).removeprefix(prefix): item for item in self._list(self.url)}

    def pinned_url(self) -> str:
        """Return the URL, because a bucket has no versions of a folder."""
        return self.url

    async def _size(self, url: str) -> int:
        import obstore
        from obstore.exceptions import BaseError

        store, path = self._open(url)
        try:
            return int((await obstore.head_async(store, path))["size"])
        except (BaseError, OSError) as error:
            raise _as_os_error(error, url) from None

    async def _read(self, url: str, start: int | None, stop: int | None) -> bytes:
        """Read bytes of an object; a negative ``start`` counts from the end."""
        import obstore
        from obstore.exceptions import BaseError

        store, path = self._open(url)
        wanted: Any = None
        if start is not None and start < 0:
            wanted = {"suffix": -start}
        elif stop is not None:
            wanted = (start or 0, stop)
        elif start:
            wanted = {"offset": start}
        try:
            options = {} if wanted is None else {"options": {"range": wanted}}
            answer = await obstore.get_async(store, path, **options)
            content = bytes(await answer.bytes_async())
        except (BaseError, OSError) as error:
            if wanted is not None and any(text in str(error) for text in OUT_OF_RANGE):
                return b""
            raise _as_os_error(error, url) from None
        if start is not None and start < 0 and stop is not None:
            content = content[: stop - start]
        return content

    def _list(self, url: str) -> list[Mapping[str, Any]]:
        """List the objects below a folder."""
        import obstore
        from obstore.exceptions import BaseError

        store, path = self._open(url)
        found: list[Mapping[str, Any]] = []
        try:
            for page in obstore.list(store, f"{path}/" if path else None):
                found += page
        except (BaseError, OSError) as error:
            raise _as_os_error(error, url) from None
        return found

    def _open(self, url: str) -> tuple[Any, str]:
        """Return the bucket of a URL, and the path of an object in it."""
        from obstore.store import S3Store

        if OBSTORE_PROCESS and OBSTORE_PROCESS[0] != os.getpid():
            raise StoreError(
                f"{self.url}: a forked process cannot read buckets by obstore; start workers with "
                f"multiprocessing_context='spawn', or run {INSTALL_S3FS}"
            )
        OBSTORE_PROCESS[:] = [os.getpid()]
        bucket, path = _split(url)
        store = S3Store(
            bucket,
            config=dict(self.config),
            client_options={"allow_http": True, "timeout": ANSWER_TIMEOUT},
            retry_config={"max_retries": 0},
        )
        return store, path

    def _run(self, request: Coroutine[Any, Any, T]) -> T:
        return run_in_loop(get_loop(), request)


def open_bucket(url: str, storage_options: Mapping[str, Any]) -> ObstoreObjects:
    """Return the objects of a bucket.

    Parameters
    ----------
    url
        ``s3://BUCKET/FOLDER``.
    storage_options
        Options of s3fs: ``anon``, ``key``, ``secret``, ``token``, ``endpoint_url``,
        ``requester_pays``, and ``client_kwargs`` with endpoint_url and region_name. Credentials
        that are not given are those of the environment.

    Raises
    ------
    StoreError
        Another option is given, or there are no credentials. s3fs also reads ``~/.aws``.

    Examples
    --------
    >>> open_bucket("s3://bucket/eyes.zarr", {"anon": True}).is_anonymous
    True
    """
    client = dict(storage_options.get("client_kwargs") or {})
    unknown = storage_options.keys() - set(OPTIONS) - IGNORED_OPTIONS
    unknown |= client.keys() - CLIENT_OPTIONS
    if unknown:
        raise StoreError(
            f"{url}: the storage option {join_names(sorted(unknown))} needs s3fs, which is not "
            f"installed; run {INSTALL_S3FS}"
        )
    endpoint = storage_options.get("endpoint_url") or client.get("endpoint_url")
    endpoint = (
        endpoint or os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    )
    region = client.get("region_name") or os.environ.get("AWS_REGION")
    region = region or os.environ.get("AWS_DEFAULT_REGION") or DEFAULT_REGION
    config: dict[str, Any] = {"region": region}
    if endpoint:
        config |= {"endpoint": endpoint, "virtual_hosted_style_request": False}
    if storage_options.get("requester_pays"):
        config["request_payer"] = True
    return ObstoreObjects(url.rstrip("/"), config | _credentials(url, storage_options))


def _credentials(url: str, storage_options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the credentials of the options, else of the environment."""
    if storage_options.get("anon"):
        return {"skip_signature": True}
    key = storage_options.get("key") or os.environ.get(CREDENTIALS[0])
    secret = storage_options.get("secret") or os.environ.get(CREDENTIALS[1])
    if not key or not secret:
        raise StoreError(
            f"{url}: no credentials in the environment ({' and '.join(CREDENTIALS)}); give them, "
            f"or the storage option anon for a public bucket, or for ~/.aws run {INSTALL_S3FS}"
        )
    credentials = {"access_key_id": key, "secret_access_key": secret}
    token = storage_options.get("token")
    if token is None and not storage_options.get("key"):
        token = os.environ.get("AWS_SESSION_TOKEN")
    return credentials | ({"session_token": token} if token else {})


def _split(url: str) -> tuple[str, str]:
    """Return bucket and path of a URL."""
    bucket, _, path = url.removeprefix(SCHEME).partition("/")
    return bucket, path.strip("/")


def _as_os_error(error: Exception, url: str) -> OSError:
    """Return an exception of obstore as one that callers handle by its class."""
    from obstore.exceptions import NotFoundError, PermissionDeniedError, UnauthenticatedError

    if isinstance(error, NotFoundError | FileNotFoundError):
        return FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), url)
    if isinstance(error, PermissionDeniedError | UnauthenticatedError):
        return PermissionError(errno.EACCES, "the bucket denies access", url)
    return ConnectionError(one_line(str(error)))
