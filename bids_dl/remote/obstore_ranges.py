"""Ranges of a bucket by obstore, where it is installed: a third of the CPU that s3fs takes for the same bytes.

Endpoint, region and credentials are those that s3fs has found. What obstore fails at is None here: it is asked for again through s3fs,
which alone knows what may pass and says what went wrong.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from fsspec.asyn import sync

if TYPE_CHECKING:
    from bids_dl.remote.byte_range import ByteRange

Bytes = npt.NDArray[np.uint8]
UNDERSTOOD: Mapping[
    str, set[str] | None
] = {  # storage options that change nothing here, or that s3fs has made something of; None: any value
    **dict.fromkeys(
        ("key", "secret", "token", "anon", "profile", "endpoint_url", "requester_pays", "patience"),
        None,
    ),
    **dict.fromkeys(("use_listings_cache", "skip_instance_cache"), None),
    "client_kwargs": {"endpoint_url", "region_name"},
    "config_kwargs": {"connect_timeout", "read_timeout", "retries", "max_pool_connections"},
    "s3_additional_kwargs": {"ACL"},
}
WHOLE = "600s"  # for an answer as a whole; a server that falls silent is given up after the read timeout of s3fs
LASTING = timedelta(minutes=10)  # s3fs is asked for credentials again after that
FAILURES = 8  # in a row, after which s3fs is asked for everything
STARTED: list[
    int
] = []  # the process that began to use obstore: its threads are the process's, and a fork does not have them


class Bucket:
    """A folder of a bucket; any thread of this process may ask.

    Parameters
    ----------
    filesystem
        An s3fs file system, connected.
    path
        Bucket and folder.
    """

    def __init__(self, filesystem: Any, path: str) -> None:
        self._filesystem, self._process, self._failures = filesystem, os.getpid(), 0
        name, _, self._folder = path.partition("/")
        self._store = _open(filesystem, name)

    def ask(self, requests: Sequence[ByteRange]) -> list[Bytes | None]:
        """Content of each request, all under way together; None where it failed."""
        if self._process != os.getpid() or self._failures >= FAILURES:
            return [None] * len(requests)
        found: list[Bytes | None] = sync(self._filesystem.loop, self._gather, requests)
        return found

    async def _gather(self, requests: Sequence[ByteRange]) -> list[Bytes | None]:
        return await asyncio.gather(*(self._get(request) for request in requests))

    async def _get(self, request: ByteRange) -> Bytes | None:
        import obstore
        from obstore.exceptions import BaseError

        path = f"{self._folder}/{request.name}" if self._folder else request.name
        try:
            if request.start < 0:
                if request.end is not None:
                    return None  # counted from the end, but not up to it: nobody's way but that of s3fs
                content = await (
                    await obstore.get_async(
                        self._store, path, options={"range": {"suffix": request.size}}
                    )
                ).bytes_async()
            else:
                content = await obstore.get_range_async(
                    self._store, path, start=request.start, length=request.size
                )
        except (BaseError, OSError):
            self._failures += 1
            return None
        self._failures = 0
        return np.frombuffer(content, np.uint8)


def connect(filesystem: Any, path: str, options: Mapping[str, Any]) -> Bucket | None:
    """The same folder by obstore; None where it is not installed, is no bucket of S3, or has options that are not understood here.

    Worker processes that were forked from one that uses obstore go on by s3fs.
    """
    protocols = (
        [filesystem.protocol] if isinstance(filesystem.protocol, str) else filesystem.protocol
    )
    if "s3" not in protocols or find_spec("obstore") is None or not _is_understood(options):
        return None
    if STARTED and STARTED[0] != os.getpid():
        return None
    filesystem.connect()
    STARTED[:] = [os.getpid()]
    return Bucket(filesystem, path)


def _is_understood(options: Mapping[str, Any]) -> bool:
    for name, value in options.items():
        if name not in UNDERSTOOD:
            return False
        inner = UNDERSTOOD[name]
        if inner is not None and not set(value or {}) <= inner:
            return False
    return True


def _open(filesystem: Any, name: str) -> Any:
    from obstore.store import S3Store

    found = filesystem.s3.meta
    config: dict[str, Any] = {"region": found.region_name}
    if not found.endpoint_url.endswith(".amazonaws.com"):
        config |= {"endpoint": found.endpoint_url, "virtual_hosted_style_request": False}
    if filesystem.req_kw:
        config["request_payer"] = True
    limits = {
        "connect_timeout": f"{found.config.connect_timeout}s",
        "read_timeout": f"{found.config.read_timeout}s",
    }
    client = {"allow_http": True, "timeout": WHOLE} | limits
    if _signer(filesystem) is None:
        config["skip_signature"] = True
        return S3Store(name, config=config, client_options=client, retry_config={"max_retries": 0})

    async def credentials() -> dict[str, Any]:
        now = await _signer(filesystem).get_frozen_credentials()
        return {
            "access_key_id": now.access_key,
            "secret_access_key": now.secret_key,
            "token": now.token,
            "expires_at": datetime.now(UTC) + LASTING,
        }

    return S3Store(
        name,
        config=config,
        client_options=client,
        retry_config={"max_retries": 0},
        credential_provider=credentials,
    )


def _signer(filesystem: Any) -> Any:
    """What s3fs signs its requests with; None where it does not."""
    return filesystem.s3._get_credentials()
