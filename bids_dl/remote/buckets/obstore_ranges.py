"""Byte ranges of a bucket by obstore, which takes a third of the CPU of s3fs for the same bytes.

Endpoint, region and credentials are those that s3fs has found. A range that obstore fails to read
is requested again through s3fs, which decides what is transient and describes the failure.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from typing import Any

import numpy as np

from bids_dl.remote.byte_range import ByteRange, Bytes
from bids_dl.remote.cancellation import run_in_loop
from bids_dl.remote.http.http_answers import MIN_BYTES_PER_SECOND, STALL_SECONDS

ANY_VALUE = None
SUPPORTED_OPTIONS: Mapping[str, set[str] | None] = {
    "key": ANY_VALUE,
    "secret": ANY_VALUE,
    "token": ANY_VALUE,
    "anon": ANY_VALUE,
    "profile": ANY_VALUE,
    "endpoint_url": ANY_VALUE,
    "requester_pays": ANY_VALUE,
    "retry_timeout": ANY_VALUE,
    "patience": ANY_VALUE,
    "use_listings_cache": ANY_VALUE,
    "skip_instance_cache": ANY_VALUE,
    "client_kwargs": {"endpoint_url", "region_name"},
    "config_kwargs": {"connect_timeout", "read_timeout", "retries", "max_pool_connections"},
    "s3_additional_kwargs": {"ACL"},
}
"""Storage options that do not affect reading, or that s3fs has turned into what is used here."""

ANSWER_TIMEOUT = "600s"  # of a whole answer; a silent server fails after the read timeout of s3fs
CREDENTIALS_LIFETIME = timedelta(minutes=10)  # then s3fs is asked for them again
MAX_FAILURES = 8  # in a row, after which everything is requested through s3fs
OBSTORE_PROCESS: list[int] = []  # id of the process that uses obstore: a fork lacks its threads


class ObstoreClient:
    """Reads byte ranges of one folder of a bucket. Any thread of this process may use it.

    Parameters
    ----------
    filesystem
        An s3fs file system, connected.
    path
        Bucket and folder.
    """

    def __init__(self, filesystem: Any, path: str) -> None:
        bucket, _, folder = path.partition("/")
        self._filesystem = filesystem
        self._process = os.getpid()
        self._failures = 0
        self._folder = folder
        self._store = _open_bucket(filesystem, bucket)

    def read(self, ranges: Sequence[ByteRange]) -> list[Bytes | None]:
        """Read byte ranges concurrently. A range that fails is None."""
        if self._process != os.getpid() or self._failures >= MAX_FAILURES:
            return [None] * len(ranges)
        return run_in_loop(self._filesystem.loop, self._gather(ranges))

    async def _gather(self, ranges: Sequence[ByteRange]) -> list[Bytes | None]:
        return await asyncio.gather(*(self._read(byte_range) for byte_range in ranges))

    async def _read(self, byte_range: ByteRange) -> Bytes | None:
        import obstore
        from obstore.exceptions import BaseError

        name = byte_range.name
        path = f"{self._folder}/{name}" if self._folder else name
        if byte_range.start >= 0:
            wanted: Any = byte_range.start, byte_range.end
        elif byte_range.end is None:
            wanted = {"suffix": byte_range.size}
        else:
            return None  # obstore has no range that counts from the end and ends before it
        seconds = STALL_SECONDS + byte_range.size / MIN_BYTES_PER_SECOND
        try:
            async with asyncio.timeout(seconds):
                answer = await obstore.get_async(self._store, path, options={"range": wanted})
                content = await _read_exactly(answer, byte_range.size)
        except (BaseError, OSError):
            content = None
        if content is None:
            self._failures += 1
            return None
        self._failures = 0
        return np.frombuffer(content, np.uint8)


async def _read_exactly(answer: Any, size: int) -> bytes | None:
    """Read the bytes of an answer, or return None if they are not ``size`` bytes."""
    # the stream collects this many bytes, so that an endless answer is not read on
    async for content in answer.stream(min_chunk_size=size + 1):
        return bytes(content) if len(content) == size else None
    return None


def connect(filesystem: Any, path: str, storage_options: Mapping[str, Any]) -> ObstoreClient | None:
    """Connect to a folder of a bucket by obstore.

    Returns
    -------
    ObstoreClient or None
        None if obstore is not installed, the file system is not S3, an option is not supported
        here, or this process was forked from one that uses obstore.
    """
    protocols = filesystem.protocol
    if isinstance(protocols, str):
        protocols = [protocols]
    if "s3" not in protocols or find_spec("obstore") is None:
        return None
    if not supports(storage_options):
        return None
    if OBSTORE_PROCESS and OBSTORE_PROCESS[0] != os.getpid():
        return None
    filesystem.connect()
    OBSTORE_PROCESS[:] = [os.getpid()]
    return ObstoreClient(filesystem, path)


def supports(storage_options: Mapping[str, Any]) -> bool:
    """Return whether all storage options are supported here."""
    for name, value in storage_options.items():
        if name not in SUPPORTED_OPTIONS:
            return False
        inner_names = SUPPORTED_OPTIONS[name]
        if inner_names is not None and not set(value or {}) <= inner_names:
            return False
    return True


def _open_bucket(filesystem: Any, bucket: str) -> Any:
    """Open a bucket with the endpoint, limits and credentials of s3fs."""
    from obstore.store import S3Store

    client = filesystem.s3.meta
    config: dict[str, Any] = {"region": client.region_name}
    if not client.endpoint_url.endswith(".amazonaws.com"):
        config["endpoint"] = client.endpoint_url
        config["virtual_hosted_style_request"] = False
    if filesystem.req_kw:
        config["request_payer"] = True
    options: dict[str, Any] = {
        "config": config,
        "client_options": {
            "allow_http": True,
            "timeout": ANSWER_TIMEOUT,
            "connect_timeout": f"{client.config.connect_timeout}s",
            "read_timeout": f"{client.config.read_timeout}s",
        },
        "retry_config": {"max_retries": 0},
    }
    if _signer(filesystem) is None:
        config["skip_signature"] = True
    else:
        options["credential_provider"] = _credential_provider(filesystem)
    return S3Store(bucket, **options)


def _credential_provider(filesystem: Any) -> Any:
    """Return the function by which obstore asks s3fs for its current credentials."""

    async def provide() -> dict[str, Any]:
        credentials = await _signer(filesystem).get_frozen_credentials()
        return {
            "access_key_id": credentials.access_key,
            "secret_access_key": credentials.secret_key,
            "token": credentials.token,
            "expires_at": datetime.now(UTC) + CREDENTIALS_LIFETIME,
        }

    return provide


def _signer(filesystem: Any) -> Any:
    """Return the credentials with which s3fs signs requests, or None if it does not sign them."""
    return filesystem.s3._get_credentials()
