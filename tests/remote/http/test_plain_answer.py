"""Answers that are right, unusual or faulty: each is the bytes requested, or a failure."""

from __future__ import annotations

import gzip
from collections.abc import Iterator

import numpy as np
import pytest
from raw_ranges import EXPECTED, N_REQUESTS, RANGES, contents, open_reader
from raw_server import CONTENT, RawServer, answer, drip, head

from bids_dl.remote.http.http_answers import HttpStatusError
from bids_dl.remote.http.plain_answer import UnusualAnswerError
from bids_dl.remote.http.plain_ranges import MAX_UNUSUAL, ObjectRequest, PlainRanges


def answer_closing(start: int, stop: int) -> Iterator[bytes]:
    yield head(start, stop, "Connection: close") + CONTENT[start:stop]


def answer_with_headers_twice(start: int, stop: int) -> Iterator[bytes]:
    content_range = f"Content-Range: bytes {start}-{stop - 1}/{len(CONTENT)}"
    yield head(start, stop, f"Content-Length: {stop - start}", content_range) + CONTENT[start:stop]


def answer_byte_by_byte(start: int, stop: int) -> Iterator[bytes]:
    yield from drip(head(start, stop), 0)
    yield from drip(CONTENT[start:stop], 0)


def answer_with_another(start: int, stop: int) -> Iterator[bytes]:
    yield head(start, stop) + CONTENT[start:stop] + head(0, 3) + b"abc"


def answer_chunked(start: int, stop: int) -> Iterator[bytes]:
    lines = head(start, stop).replace(b"Content-Length: ", b"Transfer-Encoding: chunked\r\nX: ")
    yield lines + b"%x\r\n" % (stop - start) + CONTENT[start:stop] + b"\r\n0\r\n\r\n"


def answer_after_continue(start: int, stop: int) -> Iterator[bytes]:
    yield b"HTTP/1.1 100 Continue\r\n\r\n"
    yield from answer(start, stop)


def answer_whole(_start: int, _stop: int) -> Iterator[bytes]:
    yield b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(CONTENT) + CONTENT


def answer_other_range(start: int, stop: int) -> Iterator[bytes]:
    yield head(start, stop, first=start + 1) + CONTENT[start:stop]


def answer_other_size(start: int, stop: int) -> Iterator[bytes]:
    yield head(start, stop, size=stop - start + 3) + CONTENT[start : stop + 3]


def answer_compressed(start: int, stop: int) -> Iterator[bytes]:
    body = gzip.compress(CONTENT[start:stop])
    yield head(start, stop, "Content-Encoding: gzip", size=len(body)) + body


def answer_with_long_head(start: int, stop: int) -> Iterator[bytes]:
    yield head(start, stop, f"X: {'a' * 1_000_000}") + CONTENT[start:stop]


def answer_with_two_sizes(start: int, stop: int) -> Iterator[bytes]:
    yield head(start, stop, "Content-Length: 7") + CONTENT[start:stop]


def answer_with_endless_numbers(_start: int, _stop: int) -> Iterator[bytes]:
    many = b"9" * 5000  # more digits than Python converts
    yield b"HTTP/1.1 206 OK\r\nContent-Length: 5\r\nContent-Range: bytes 0-%b/9\r\n\r\n" % many


def answer_slowly(start: int, stop: int) -> Iterator[bytes]:
    yield head(start, stop)
    yield from drip(CONTENT[start:stop], 0.05)


def answer_in_part(start: int, stop: int) -> Iterator[bytes]:
    yield head(start, stop) + CONTENT[start : start + 50]
    raise OSError  # which closes the connection


def answer_redirecting(_start: int, _stop: int) -> Iterator[bytes]:
    yield b"HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n"


def answer_busy(_start: int, _stop: int) -> Iterator[bytes]:
    yield "HTTP/1.1 503 Busy\r\nRetry-After: ²\r\nContent-Length: 0\r\n\r\n".encode("latin-1")


@pytest.mark.parametrize("closes", [False, True])
@pytest.mark.parametrize(
    "sent",
    [
        answer,
        answer_closing,
        answer_with_headers_twice,
        answer_byte_by_byte,
        answer_with_another,
    ],
)
def test_servers_that_answer_correctly_are_asked_once_for_each_run(sent, closes):
    with RawServer(sent, closes=closes) as server:
        reader = open_reader(server.url)
        for _ in range(3):
            assert contents(reader) == EXPECTED
    assert server.n_requests == 3 * N_REQUESTS


@pytest.mark.parametrize("sent", [answer_chunked, answer_after_continue])
def test_unusual_answers_are_read_by_the_general_client(sent):
    with RawServer(sent) as server:
        assert contents(open_reader(server.url)) == EXPECTED
    assert server.n_requests <= N_REQUESTS + len(RANGES)


@pytest.mark.parametrize(
    ("sent", "problem"),
    [
        (answer_whole, "the server ignores byte ranges"),
        (answer_other_range, "asked for bytes 0-199, got bytes 1-200/5120"),
        (answer_other_size, "203 bytes for a range of 200 bytes"),
        (answer_compressed, "sends something else than was requested"),
        (answer_with_long_head, "more than 8190 bytes"),
        (answer_with_two_sizes, "Duplicate Content-Length"),
        (answer_with_endless_numbers, "unreadable Content-Range|8190 bytes"),
        (answer_slowly, "the server sends too slowly"),
        (answer_in_part, "50 of 100 bytes"),
        (answer_redirecting, "more than 10 redirects"),
        (answer_busy, "HTTP 503"),
    ],
)
def test_a_faulty_answer_is_a_failure_and_no_bytes(sent, problem):
    timeout = 1 if sent is answer_slowly else 60
    with RawServer(sent) as server:
        with pytest.raises(Exception, match=problem):
            raise contents(open_reader(server.url, timeout=timeout))[0]
        others = contents(open_reader(server.url, timeout=timeout))[1:]
    assert all(isinstance(item, Exception) for item in others)


def test_a_wait_that_is_no_number_is_none():
    with RawServer(answer_busy) as server:
        failure = contents(open_reader(server.url))[0]
    assert isinstance(failure, HttpStatusError)
    assert failure.retry_after == 0


@pytest.mark.parametrize(("sent", "is_given_up"), [(answer_busy, False), (answer_chunked, True)])
def test_plain_connections_are_given_up_if_all_answers_are_unusual(sent, is_given_up):
    """A bucket's errors are left to the general client too, but those of a busy server pass."""
    with RawServer(sent) as server:
        client = PlainRanges(
            lambda path: ObjectRequest.of_url(f"{server.url}/{path}", {}),
            60,
            describes_errors=False,
        )
        for _ in range(MAX_UNUSUAL):
            with client.open(RANGES[:1], str) as opened:
                failure = opened.receive([np.zeros(100, np.uint8)])
                assert isinstance(failure, UnusualAnswerError)
        assert (client.open(RANGES, str) is None) == is_given_up
