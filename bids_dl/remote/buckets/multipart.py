"""Upload large objects to a bucket in parts, each with retries of its own.

A bucket shows an object once all of its parts have arrived.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from bids_dl.errors import StoreError

PART_BYTES = 16 * 2**20  # sent again after a lost connection
MAX_PARTS = 10_000  # of an object, limit of S3
PARALLEL_PARTS = 4  # of one object

CallClient = Callable[..., Any]
"""Calls a method of the S3 client by name, with retries, and returns its answer."""


def upload(call: CallClient, bucket: str, key: str, content: memoryview) -> None:
    """Upload an object in parts. If that fails, abort the upload.

    Raises
    ------
    StoreError
        Somebody else has aborted the upload.
    """
    target = {"Bucket": bucket, "Key": key}
    target["UploadId"] = call("create_multipart_upload", **target)["UploadId"]
    try:
        parts = _upload_parts(call, target, content)
        _complete(call, target, parts, len(content))
    except FileNotFoundError:
        raise StoreError(
            f"s3://{bucket}/{key}: somebody else has aborted its upload; "
            "is another conversion writing here?"
        ) from None
    except BaseException:
        with suppress(Exception):  # because the first error is the one to report
            call("abort_multipart_upload", **target)
        raise


def _upload_parts(
    call: CallClient, target: dict[str, Any], content: memoryview
) -> list[dict[str, Any]]:
    """Upload the parts in parallel, and return number and ETag of each."""
    size = max(PART_BYTES, -(-len(content) // MAX_PARTS))
    n_parts = -(-len(content) // size)

    def upload_part(number: int) -> dict[str, Any]:
        body = bytes(content[(number - 1) * size : number * size])
        answer = call("upload_part", PartNumber=number, Body=body, **target)
        return {"PartNumber": number, "ETag": answer["ETag"]}

    pool = ThreadPoolExecutor(PARALLEL_PARTS)
    try:
        return list(pool.map(upload_part, range(1, n_parts + 1)))
    finally:
        pool.shutdown(cancel_futures=True)  # so that no part is sent after one has failed


def _complete(
    call: CallClient, target: dict[str, Any], parts: list[dict[str, Any]], size: int
) -> None:
    """Complete an upload. An upload that no longer exists may have been completed already."""
    try:
        call("complete_multipart_upload", MultipartUpload={"Parts": parts}, **target)
    except FileNotFoundError:  # aborted, or completed by a try whose answer was lost
        answer = call("head_object", Bucket=target["Bucket"], Key=target["Key"])
        if answer["ContentLength"] != size:
            raise


def abort_uploads(call: CallClient, bucket: str, prefix: str, keys: Collection[str] | None) -> None:
    """Abort unfinished uploads below a prefix: those of ``keys``, or all if it is None."""
    page: dict[str, str] = {}
    while True:
        answer = call("list_multipart_uploads", Bucket=bucket, Prefix=prefix, **page)
        for entry in answer.get("Uploads", []):
            if keys is None or entry["Key"] in keys:
                with suppress(FileNotFoundError):
                    call(
                        "abort_multipart_upload",
                        Bucket=bucket,
                        Key=entry["Key"],
                        UploadId=entry["UploadId"],
                    )
        if not answer.get("IsTruncated"):
            return
        page = {
            "KeyMarker": answer["NextKeyMarker"],
            "UploadIdMarker": answer["NextUploadIdMarker"],
        }
