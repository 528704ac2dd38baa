"""The head of an answer over a plain connection, and the bytes that may follow it."""

from __future__ import annotations

import errno
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from bids_dl.remote.http.http_answers import (
    MAX_DIGITS,
    PARTIAL_STATUS,
    HttpStatusError,
    WrongContentError,
    check_available_range,
    requested_wait,
)
from bids_dl.remote.http.object_requests import MISSING_STATUS

KNOWN_HEADERS = 256  # lines


class UnusualAnswerError(Exception):
    """An answer that only the general client understands, such as a redirect."""


@dataclass(frozen=True, slots=True)
class AnswerHead:
    """Status and headers of an answer.

    Attributes
    ----------
    status
        Status.
    headers
        Values by name as in "Content-Range", whatever the case that the server writes.
    is_last
        True if the server closes the connection after this answer.
    """

    status: int
    headers: Mapping[str, str]
    is_last: bool

    @property
    def content_length(self) -> int | None:
        """Bytes of the body, None if they are not stated."""
        text = self.headers.get("Content-Length", "")
        return int(text) if text.isdecimal() and len(text) <= MAX_DIGITS else None


def parse_head(head: bytes) -> AnswerHead:
    r"""Parse the head of an answer.

    Raises
    ------
    UnusualAnswerError
        The head is not one of HTTP/1, or contradicts itself.

    Examples
    --------
    >>> parse_head(b"HTTP/1.1 206 Partial Content\r\ncontent-length: 5").content_length
    5
    """
    lines = head.decode("latin-1").split("\r\n")
    version, _, rest = lines[0].partition(" ")
    status = rest[:3]
    if version not in ("HTTP/1.1", "HTTP/1.0") or not status.isdecimal():
        raise UnusualAnswerError(lines[0][:100])
    headers = dict(map(_parse_header, lines[1:]))
    if len(headers) < len(lines) - 1:
        headers = _join_repeated(lines[1:])
    connection = headers.get("Connection", "").lower()
    is_last = "close" in connection or (version == "HTTP/1.0" and "keep-alive" not in connection)
    return AnswerHead(int(status), headers, is_last)


@lru_cache(maxsize=KNOWN_HEADERS)
def _parse_header(line: str) -> tuple[str, str]:
    """Parse a header. Most are the same in all answers of a server."""
    name, colon, value = line.partition(":")
    if not colon or name != name.strip():
        raise UnusualAnswerError(line[:100])
    return name.title(), value.strip()


def _join_repeated(lines: Sequence[str]) -> dict[str, str]:
    """Return the values of headers, some of which are given more than once.

    Raises
    ------
    UnusualAnswerError
        A size or a range has two values.
    """
    headers: dict[str, str] = {}
    for line in lines:
        name, value = _parse_header(line)
        if headers.setdefault(name, value) != value:
            if name in ("Content-Length", "Content-Range", "Transfer-Encoding"):
                raise UnusualAnswerError(line[:100])
            headers[name] += f", {value}"
    return headers


def size_of_range(head: AnswerHead, start: int, stop: int | None) -> int:
    """Return the bytes of an answer to a range, as far as the object has them.

    Parameters
    ----------
    start, stop
        Range that was requested; a negative ``start`` counts from the end, and ``stop`` is None.

    Raises
    ------
    WrongContentError
        The answer holds other bytes.
    UnusualAnswerError
        The answer is no part of an object, or does not state its size.
    """
    if head.status != PARTIAL_STATUS:
        raise UnusualAnswerError(f"HTTP {head.status}")
    encoding = head.headers.get("Content-Encoding", "identity")
    if "Transfer-Encoding" in head.headers or encoding != "identity":
        raise UnusualAnswerError("an encoded body")
    if head.content_length is None:
        raise UnusualAnswerError("a body of unknown size")
    size = check_available_range(head.headers.get("Content-Range", ""), start, stop)
    if head.content_length != size:
        raise WrongContentError(f"{head.content_length} bytes for a range of {size} bytes")
    return size


def failure_of(head: AnswerHead, body: bytes, name: str) -> OSError:
    """Return the failure that the status of an answer reports.

    Parameters
    ----------
    body
        Beginning of the body, for messages.
    name
        Name of the object.
    """
    if head.status in MISSING_STATUS:
        return FileNotFoundError(errno.ENOENT, "does not exist", name)
    waits = {name: head.headers.get(name.title(), "") for name in ("Retry-After", "RateLimit")}
    return HttpStatusError(
        head.status,
        retry_after=requested_wait(waits),
        body=body.decode("utf-8", "replace"),
    )
