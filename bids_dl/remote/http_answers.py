"""Answers of HTTP servers: their status, the byte range they hold, and the speed they arrive at."""

from __future__ import annotations

import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import aiohttp

MIN_BYTES_PER_SECOND = 1000
PARTIAL_STATUS = 206
ERROR_STATUS = 400  # and all above


class HttpStatusError(OSError):
    """An answer with a status that reports a failure.

    Parameters
    ----------
    status
        Status of the answer.
    retry_after
        Seconds that the server asks to wait; 0 if it does not say.
    body
        Beginning of the answer, for messages.
    """

    def __init__(self, status: int, *, retry_after: float = 0.0, body: str = "") -> None:
        super().__init__(f"HTTP {status}")
        self.status = status
        self.retry_after = retry_after
        self.body = body


class WrongContentError(Exception):
    """An answer that cannot be the requested bytes, because its size or range is another."""


class StalledError(TimeoutError):
    """An answer that arrives too slowly."""


@dataclass(frozen=True, slots=True)
class ExpectedRange:
    """The part of a file that a request asks for, in bytes."""

    start: int
    stop: int | None  # None: to the end
    total: int | None  # size of the whole file; None if it is not known


class RateCheck:
    """Checks that bytes arrive fast enough.

    Parameters
    ----------
    seconds
        Period over which the rate is measured.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._start = time.monotonic()
        self._n_bytes = 0

    def add(self, n_bytes: int) -> None:
        """Count bytes that arrived.

        Raises
        ------
        StalledError
            The rate of the last period was below `MIN_BYTES_PER_SECOND`.
        """
        self._n_bytes += n_bytes
        elapsed = time.monotonic() - self._start
        if elapsed < self._seconds:
            return
        if self._n_bytes < MIN_BYTES_PER_SECOND * elapsed:
            raise StalledError(f"{self._n_bytes} bytes in {elapsed:.0f} s")
        self._start = time.monotonic()
        self._n_bytes = 0


async def check_status(response: aiohttp.ClientResponse) -> None:
    """Raise the error that the status of an answer reports.

    Raises
    ------
    HttpStatusError
        The status is 400 or above.
    """
    if response.status < ERROR_STATUS:
        return
    body = await response.content.read(1000)
    raise HttpStatusError(
        response.status,
        retry_after=_retry_after(response.headers.get("Retry-After", "")),
        body=body.decode("utf-8", "replace"),
    )


def _retry_after(text: str) -> float:
    """Return the seconds that a Retry-After header asks for, 0 if it cannot be read."""
    if text.strip().isdigit():
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (TypeError, ValueError):
        return 0.0


def check_range(response: aiohttp.ClientResponse, expected: ExpectedRange) -> None:
    """Check that an answer is the requested byte range of a file of the expected size.

    Raises
    ------
    WrongContentError
        The answer holds other bytes.
    """
    if response.status != PARTIAL_STATUS:
        raise WrongContentError("the server ignores byte ranges and sends the whole file")
    text = response.headers.get("Content-Range", "")
    unit, _, rest = text.partition(" ")
    interval, _, total = rest.partition("/")
    first, _, last = interval.partition("-")
    if unit != "bytes" or not first.isdigit() or not last.isdigit():
        raise WrongContentError(f"unreadable Content-Range {text!r}")
    if int(first) != expected.start or (expected.stop and int(last) != expected.stop - 1):
        wanted = f"{expected.start}-{expected.stop - 1 if expected.stop else ''}"
        raise WrongContentError(f"asked for bytes {wanted}, got {text}")
    if expected.total is not None and total.isdigit() and int(total) != expected.total:
        raise WrongContentError(f"the file has {expected.total} bytes, the server has {total}")
