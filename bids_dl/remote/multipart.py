"""Large objects to a bucket in parts, each tried again by itself; a bucket shows an object once all its parts are there."""

from __future__ import annotations

from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from bids_dl.errors import StoreError

PART_BYTES = 16 * 2**20  # what one lost connection costs
MOST_PARTS = 10_000  # of an object, as S3 has it
AT_ONCE = 4  # parts of an object under way

Call = Callable[..., Any]
"""Sends one request of the S3 client, by its name, and gives its answer; what fails in passing is tried again."""


def upload(call: Call, bucket: str, key: str, content: memoryview) -> None:
    """Put an object in parts; where that fails, what had been put is taken back.

    Raises
    ------
    StoreError
        Somebody else has ended the upload.
    """
    about = {"Bucket": bucket, "Key": key}
    about["UploadId"] = call("create_multipart_upload", **about)["UploadId"]
    try:
        parts = _put_parts(call, about, content)
        _complete(call, about, parts, len(content))
    except FileNotFoundError:
        raise StoreError(
            f"s3://{bucket}/{key}: its upload was ended by somebody else; does another conversion write here?"
        ) from None
    except BaseException:
        with suppress(Exception):  # the error that led here is the one to tell
            call("abort_multipart_upload", **about)
        raise


def _put_parts(call: Call, about: dict[str, Any], content: memoryview) -> list[dict[str, Any]]:
    size = max(PART_BYTES, -(-len(content) // MOST_PARTS))

    def put(number: int) -> dict[str, Any]:
        part = bytes(content[(number - 1) * size : number * size])
        return {
            "PartNumber": number,
            "ETag": call("upload_part", PartNumber=number, Body=part, **about)["ETag"],
        }

    pool = ThreadPoolExecutor(AT_ONCE)
    try:
        return list(pool.map(put, range(1, -(-len(content) // size) + 1)))
    finally:
        pool.shutdown(cancel_futures=True)  # none goes on after one has failed


def _complete(call: Call, about: dict[str, Any], parts: list[dict[str, Any]], size: int) -> None:
    try:
        call("complete_multipart_upload", MultipartUpload={"Parts": parts}, **about)
    except FileNotFoundError:  # no such upload: gone, or completed by a try whose answer was lost
        there = call("head_object", Bucket=about["Bucket"], Key=about["Key"])
        if there["ContentLength"] != size:
            raise


def drop_uploads(call: Call, bucket: str, prefix: str, keys: Collection[str] | None) -> None:
    """End uploads below a prefix that were begun and never ended; only those of ``keys``, unless None."""
    marker: dict[str, str] = {}
    while True:
        answer = call("list_multipart_uploads", Bucket=bucket, Prefix=prefix, **marker)
        for found in answer.get("Uploads", []):
            if keys is None or found["Key"] in keys:
                with suppress(FileNotFoundError):
                    call(
                        "abort_multipart_upload",
                        Bucket=bucket,
                        Key=found["Key"],
                        UploadId=found["UploadId"],
                    )
        if not answer.get("IsTruncated"):
            return
        marker = {
            "KeyMarker": answer["NextKeyMarker"],
            "UploadIdMarker": answer["NextUploadIdMarker"],
        }
