"""Answers of HTTP servers: their status, the byte range they hold, and the speed they arrive at."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import aiohttp

STALL_SECONDS = 30.0  # without a byte
SLOW_SECONDS = 30.0  # period over which an answer must reach its lowest rate
MIN_BYTES_PER_SECOND = 1000
READ_BYTES = 1 << 18  # at a time
PARTIAL_STATUS = 206
ERROR_STATUS = 400  # and all above
MAX_DIGITS = 18  # of a number of bytes
EXHAUSTED = re.compile(r";\s*r=0\s*(;|$)")  # in a RateLimit header: no request is left
SECONDS_TO_RESET = re.compile(r";\s*t=(\d{1,6})\b")


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


class NoRangesError(WrongContentError):
    """An answer with a whole file, although a byte range was requested."""


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
        retry_after=requested_wait(response.headers),
        body=body.decode("utf-8", "replace"),
    )


def requested_wait(headers: Mapping[str, str]) -> float:
    """Return the seconds that an answer asks to wait, 0 if it does not ask.

    Parameters
    ----------
    headers
        Headers of the answer: ``Retry-After``, and ``RateLimit`` as the draft of the IETF
        (draft-ietf-httpapi-ratelimit-headers) has it. The longer wait counts.

    Examples
    --------
    >>> requested_wait({"Retry-After": "3"})
    3.0
    >>> requested_wait({"RateLimit": '"resolvers";r=0;t=200, "pages";r=10;t=300'})
    200.0
    """
    waits = [_retry_after(headers.get("Retry-After", ""))]
    for limit in headers.get("RateLimit", "").split(","):
        if EXHAUSTED.search(limit) and (reset := SECONDS_TO_RESET.search(limit)):
            waits.append(float(reset[1]))
    return max(waits)


def _retry_after(text: str) -> float:
    """Return the seconds that a Retry-After header asks for, 0 if it cannot be read."""
    if text.strip().isdecimal():
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
        raise NoRangesError("the server ignores byte ranges and sends the whole file")
    text = response.headers.get("Content-Range", "")
    first, stop, total = parse_content_range(text)
    if first != expected.start or (expected.stop and stop != expected.stop):
        wanted = f"{expected.start}-{expected.stop - 1 if expected.stop else ''}"
        raise WrongContentError(f"asked for bytes {wanted}, got {text}")
    if expected.total is not None and total is not None and total != expected.total:
        raise WrongContentError(f"the file has {expected.total} bytes, the server has {total}")


def check_available_range(text: str, start: int, stop: int | None) -> int:
    """Check that a Content-Range header is the requested range, as far as the file has it.

    Parameters
    ----------
    text
        Value of the header.
    start, stop
        Requested range; ``stop`` is None for all to the end. A negative ``start`` requests as many
        bytes from the end, and ``stop`` is None.

    Returns
    -------
    int
        Size of the range in bytes.

    Raises
    ------
    WrongContentError
        The answer holds other bytes.

    Examples
    --------
    >>> check_available_range("bytes 10-19/100", 10, 20)
    10
    >>> check_available_range("bytes 0-5/6", 0, 20), check_available_range("bytes 4-5/6", -2, None)
    (6, 2)
    >>> check_available_range("bytes 11-20/100", 10, 20)
    Traceback (most recent call last):
    ...
    bids_dl.remote.http.http_answers.WrongContentError: asked for bytes 10-19, got bytes 11-20/100
    """
    first, last_stop, total = parse_content_range(text)
    if start < 0:
        is_right = last_stop - first <= -start and total in (None, last_stop)
        if total is not None and first != max(0, total + start):
            is_right = False
        wanted = str(start)
    else:
        is_right = first == start
        if stop is None:
            is_right = is_right and total in (None, last_stop)
        else:
            is_right = is_right and last_stop in (stop, min(stop, total or stop))
        wanted = f"{start}-{'' if stop is None else stop - 1}"
    if not is_right:
        raise WrongContentError(f"asked for bytes {wanted}, got {text}")
    return last_stop - first


def parse_content_range(text: str) -> tuple[int, int, int | None]:
    """Return the first byte, the first byte after the last, and the size of the whole file.

    The size is None if the server does not know it.

    Raises
    ------
    WrongContentError
        The header cannot be read.

    Examples
    --------
    >>> parse_content_range("bytes 10-19/100"), parse_content_range("bytes 0-0/*")
    ((10, 20, 100), (0, 1, None))
    """
    unit, _, rest = text.partition(" ")
    interval, _, total = rest.partition("/")
    first, _, last = interval.partition("-")
    is_readable = first.isdecimal() and last.isdecimal() and len(text) <= 4 * MAX_DIGITS
    if unit != "bytes" or not is_readable or int(first) > int(last):
        raise WrongContentError(f"unreadable Content-Range {text[:100]!r}")
    return int(first), int(last) + 1, int(total) if total.isdecimal() else None
