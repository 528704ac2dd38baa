"""Byte ranges of a bucket over plain connections, with addresses that botocore has signed.

An address is signed once for each object, for many ranges. A range that fails is requested again
through obstore or s3fs, which decide what is transient and describe the failure.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit
from urllib.request import getproxies

from bids_dl.remote.buckets.obstore_ranges import supports
from bids_dl.remote.cancellation import run_in_loop
from bids_dl.remote.http.plain_ranges import ObjectRequest, PlainRanges

LIFETIME_SECONDS = 900  # of a signed address
MAX_SIGNED = 4096  # addresses that are kept
RENEWAL_SECONDS = 300.0  # age from which an address is signed again, so that it lasts for a range


class SignedRequest(NamedTuple):
    """Request of an object whose address was signed at a time, in s, by the client of s3fs."""

    time: float
    client: Any
    request: ObjectRequest | None


class SignedAddresses:
    """Signed addresses of the objects of a bucket. Any thread may use it.

    Parameters
    ----------
    filesystem
        An s3fs file system, connected.
    """

    def __init__(self, filesystem: Any) -> None:
        self._filesystem = filesystem
        self._process = os.getpid()
        self._signed: dict[str, SignedRequest] = {}  # by path

    def request_of(self, path: str) -> ObjectRequest | None:
        """Return the request of an object, given bucket and key. None in a forked process."""
        if self._process != os.getpid():  # which has the loop of s3fs without its thread
            return None
        client = self._filesystem.s3
        known = self._signed.get(path)
        now = time.monotonic()
        # another client has other credentials
        if known is None or known.client is not client or now - known.time > RENEWAL_SECONDS:
            url = self._sign(client, path)
            request = None if url is None else ObjectRequest.of_url(url, {})
            known = SignedRequest(now, client, request)
            if len(self._signed) >= MAX_SIGNED:
                self._signed.clear()
            self._signed[path] = known
        return known.request

    def _sign(self, client: Any, path: str) -> str | None:
        """Return the signed URL of an object, None if the credentials cannot be loaded."""
        from botocore.auth import S3SigV4QueryAuth  # type: ignore[import-untyped]
        from botocore.awsrequest import AWSRequest  # type: ignore[import-untyped]
        from botocore.exceptions import BotoCoreError  # type: ignore[import-untyped]

        url = object_url(client.meta.endpoint_url, path)
        signer = client._get_credentials()  # as `obstore_ranges` does; None if nothing is signed
        if signer is None:
            return url
        try:
            credentials = run_in_loop(self._filesystem.loop, signer.get_frozen_credentials())
        except (BotoCoreError, OSError, RuntimeError):  # which s3fs describes
            return None
        request = AWSRequest("GET", url)
        region = client.meta.region_name or "us-east-1"
        S3SigV4QueryAuth(credentials, "s3", region, LIFETIME_SECONDS).add_auth(request)
        return str(request.url)


def object_url(endpoint: str, path: str) -> str:
    """Return the URL of an object, given the endpoint, and bucket and key.

    Examples
    --------
    >>> object_url("http://127.0.0.1:9000", "bucket/eyes.zarr/a b")
    'http://127.0.0.1:9000/bucket/eyes.zarr/a%20b'
    >>> object_url("https://s3.eu-west-1.amazonaws.com", "bucket/eyes.zarr/zarr.json")
    'https://bucket.s3.eu-west-1.amazonaws.com/eyes.zarr/zarr.json'
    """
    bucket, _, key = path.partition("/")
    parts = urlsplit(endpoint)
    base = endpoint.rstrip("/")
    if parts.netloc.endswith(".amazonaws.com") and "." not in bucket:
        base = f"{parts.scheme}://{bucket}.{parts.netloc}"
    else:
        base = f"{base}/{bucket}"
    return f"{base}/{quote(key, safe='/-._~')}"


def presigned_ranges(filesystem: Any, storage_options: Mapping[str, Any]) -> PlainRanges | None:
    """Return the client for ranges of the objects of a bucket.

    Returns
    -------
    PlainRanges or None
        None if a proxy is used, the requester pays, or an option is not supported here.
    """
    if not supports(storage_options) or storage_options.get("requester_pays") or getproxies():
        return None
    filesystem.connect()
    timeout = float(filesystem.s3.meta.config.read_timeout)
    return PlainRanges(SignedAddresses(filesystem).request_of, timeout, describes_errors=False)
