"""Byte ranges over plain connections: received into arrays, with the checks of any other client."""

from __future__ import annotations

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from scripted_server import ScriptedServer

from bids_dl.errors import StoreError
from bids_dl.remote.byte_range import ByteRange
from bids_dl.remote.cancellation import RequestCancelledError, RequestGroup
from bids_dl.remote.http.connection_pool import MAX_CONNECTIONS
from bids_dl.remote.http.plain_answer import UnusualAnswerError, parse_head, size_of_range
from bids_dl.remote.http.plain_ranges import ObjectRequest, PlainRanges, neighbours
from bids_dl.remote.location import Location
from bids_dl.remote.ranges import RangeReader, RequestedRanges

CONTENT = bytes(range(256)) * 2000  # 512 kB
SIZE = len(CONTENT)
HEAD = b"HTTP/1.1 206 Partial Content\r\nContent-Length: 5\r\nContent-Range: bytes 10-14/99\r\n"


@pytest.fixture
def server():
    with ScriptedServer(CONTENT) as started:
        yield started


@pytest.fixture
def reader(server) -> RangeReader:
    return RangeReader(Location(server.url, {"retry_timeout": 0}))


def fill(reader: RangeReader, ranges: list[ByteRange]) -> tuple[list[bytes], list]:
    """Fill arrays of uneven shapes. Return the bytes and the failures."""
    arrays = [[np.zeros(7, np.uint8), np.zeros((2, item.size - 7), np.uint8)] for item in ranges]
    for parts, item in zip(arrays, ranges, strict=True):
        parts[1] = parts[1].reshape(-1)[: item.size - 7]
    failures = list(reader.fill(ranges, arrays))
    contents = [b"".join(part.tobytes() for part in parts) for parts in arrays]
    return contents, failures


@pytest.mark.parametrize("limits", [[(0, 10), (100, 900), (SIZE - 30, 30)], [(5, 300_000)] * 9])
def test_each_range_is_received_into_its_arrays(reader, limits):
    contents, failures = fill(reader, [ByteRange("ok", *limit) for limit in limits])
    assert failures == [None] * len(limits)
    assert contents == [CONTENT[start : start + size] for start, size in limits]


def test_neighbours_are_one_request_and_connections_are_used_again(server, reader):
    ranges = [ByteRange("ok", start, 1000) for start in (0, 1000, 2000, 5000)]
    for _ in range(3):
        contents, failures = fill(reader, ranges)
        assert failures == [None] * 4
        assert b"".join(contents) == CONTENT[:3000] + CONTENT[5000:6000]
    limits = [headers["Range"] for _, headers in server.requests]
    assert sorted(limits) == ["bytes=0-2999"] * 3 + ["bytes=5000-5999"] * 3


def test_ranges_are_neighbours_up_to_a_size(monkeypatch):
    monkeypatch.setattr("bids_dl.remote.http.plain_ranges.MAX_RUN_BYTES", 25)
    ranges = [ByteRange("a", start, 10) for start in range(0, 60, 10)] + [ByteRange("a", -9, 9)]
    assert [len(run) for run in neighbours(ranges)] == [2, 2, 2, 1]


def test_more_ranges_than_connections_are_received(reader, monkeypatch):
    starts = list(range(0, 20 * (MAX_CONNECTIONS + 9), 20))
    with ThreadPoolExecutor(3) as threads:
        ranges = [ByteRange("ok", start, 10) for start in starts]
        for contents, failures in threads.map(lambda _: fill(reader, ranges), range(3)):
            assert not any(failures)
            assert contents == [CONTENT[start : start + 10] for start in starts]


def test_a_range_that_ends_after_the_object_is_an_eof_error_and_others_are_read(reader):
    ranges = [ByteRange("ok", 0, 10), ByteRange("ok", SIZE - 10, 30), ByteRange("ok", 50, 10)]
    contents, failures = fill(reader, ranges)
    assert [type(failure) for failure in failures] == [type(None), EOFError, type(None)]
    assert [contents[0], contents[2]] == [CONTENT[:10], CONTENT[50:60]]


@pytest.mark.parametrize(
    ("name", "failure"),
    [("nothing", FileNotFoundError), ("denied", OSError), ("wrong-range", StoreError)],
)
def test_a_failure_is_reported_without_a_second_request(server, reader, name, failure):
    [answer] = reader.read([ByteRange(name, 10, 100)])
    assert isinstance(answer, failure)
    assert len(server.requests) == 1


def test_a_body_that_ends_early_is_requested_again_and_no_bytes_are_made_up(server):
    reader = RangeReader(Location(server.url, {"retry_timeout": 0.1}))
    [answer] = reader.read([ByteRange("short", 0, SIZE)])
    assert isinstance(answer, Exception)
    assert len(server.requests) > 1


def test_a_busy_server_is_waited_for(server):
    server.remaining_failures = 2
    reader = RangeReader(Location(server.url, {"retry_timeout": 1}))
    start = time.monotonic()
    contents = reader.read([ByteRange("busy", 0, 10), ByteRange("busy", 50, 10)])
    assert [content.tobytes() for content in contents] == [CONTENT[:10], CONTENT[50:60]]
    assert time.monotonic() - start > 0.9  # as long as the server asks


def test_redirects_are_left_to_the_general_client(server, reader):
    server.target = f"{server.url}/ok"
    contents = reader.read([ByteRange("redirect", start, 10) for start in (0, 50)])
    assert [content.tobytes() for content in contents] == [CONTENT[:10], CONTENT[50:60]]


def test_an_idle_connection_that_the_server_closed_is_replaced(server, reader):
    assert fill(reader, [ByteRange("ok", 0, 10)])[1] == [None]
    [pool] = reader._plain._pools.values()
    assert len(pool._idle) == 1
    pool._idle[0]._socket.shutdown(socket.SHUT_RDWR)
    contents, failures = fill(reader, [ByteRange("ok", 20, 10)])
    assert (contents, failures) == ([CONTENT[20:30]], [None])
    assert len(server.requests) == 2


def test_headers_are_sent_to_the_host_of_the_location(server):
    reader = RangeReader(Location(server.url, {"headers": {"Authorization": "Bearer hidden"}}))
    fill(reader, [ByteRange("ok", 0, 10)])
    [(_, headers)] = server.requests
    assert headers["Authorization"] == "Bearer hidden"


@pytest.mark.parametrize("url", ["http://user:password@host/a", "ftp://host/a", "http://höst/a"])
def test_unusual_addresses_are_left_to_the_general_client(url):
    assert ObjectRequest.of_url(url, {}) is None


def test_a_header_cannot_add_another():
    assert ObjectRequest.of_url("http://host/a", {"X": "1\r\nY: 2"}) is None
    request = ObjectRequest.of_url("http://host/a\r\nY: 2", {})
    assert b"Y" not in request.encode(0, 5).split(b"\r\n", 1)[1]


@pytest.mark.parametrize("is_silent", [True, False])
def test_a_cancelled_group_is_not_waited_for(is_silent):
    """A server accepts connections, and sends nothing, or half of what was asked for."""
    group = RequestGroup()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        origin = f"http://127.0.0.1:{listener.getsockname()[1]}"
        client = PlainRanges(
            lambda path: ObjectRequest.of_url(f"{origin}/{path}", {}), 60, describes_errors=True
        )

        def receive():
            with client.open([ByteRange("a", 10, 5)], str) as opened:
                opened.receive([np.zeros(5, np.uint8)])

        with ThreadPoolExecutor(1, initializer=group.add_thread) as threads:
            waiting = threads.submit(receive)
            connection, _ = listener.accept()
            if not is_silent:
                connection.sendall(HEAD + b"\r\nab")
            time.sleep(0.1)
            start = time.monotonic()
            threading.Thread(target=group.cancel).start()
            assert isinstance(waiting.exception(10), RequestCancelledError)
            assert time.monotonic() - start < 5
        connection.close()


def received(reader: RangeReader, requested: RequestedRanges) -> list:
    """Return the bytes of ranges that were requested, or the failure of each."""
    contents = [np.zeros(item.size, np.uint8) for item in requested.ranges]
    failures = reader.receive(requested, [[content] for content in contents])
    pairs = zip(contents, failures, strict=True)
    return [content.tobytes() if failure is None else failure for content, failure in pairs]


def test_ranges_that_were_requested_are_received_by_another_thread(server, reader):
    requested = reader.request([ByteRange("ok", start, 10) for start in (50, 0)])
    while len(server.requests) < 2:  # it waits for no answer
        time.sleep(0.01)
    with ThreadPoolExecutor(1) as threads:
        contents = threads.submit(received, reader, requested).result()
    assert contents == [CONTENT[50:60], CONTENT[:10]]
    assert received(reader, reader.request([])) == []


def test_ranges_that_wait_to_be_received_do_not_stop_others(reader):
    starts = range(0, 20 * (MAX_CONNECTIONS + 9), 20)
    requested = reader.request([ByteRange("ok", start, 10) for start in starts])
    assert fill(reader, [ByteRange("ok", 7, 10)]) == ([CONTENT[7:17]], [None])
    assert received(reader, requested) == [CONTENT[start : start + 10] for start in starts]


def test_requests_whose_connections_were_lost_meanwhile_are_made_again(server):
    reader = RangeReader(Location(server.url, {"retry_timeout": 1}))
    requested = reader.request([ByteRange("ok", start, 10) for start in (50, 0)])
    for run in requested.opened._sent:
        run.connection._socket.shutdown(socket.SHUT_RDWR)
    assert received(reader, requested) == [CONTENT[50:60], CONTENT[:10]]


def test_requests_that_are_not_received_are_closed(reader):
    requested = reader.request([ByteRange("ok", 0, SIZE)])
    [run] = requested.opened._sent
    connection = run.connection
    requested.close()
    assert connection._socket.fileno() < 0
    requested.close()  # again


def test_requests_of_a_cancelled_group_are_not_received(reader):
    group = RequestGroup()
    with group.active():
        requested = reader.request([ByteRange("ok", 0, 10)])
    group.cancel()
    with pytest.raises(RequestCancelledError):
        received(reader, requested)
    assert not requested.opened._sent


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 206 Partial Content\r\nTransfer-Encoding: chunked\r\nContent-Range: bytes 0-4/9",
        b"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-4/9",
        b"HTTP/1.1 206 Partial Content\r\nContent-Length: 5\r\nContent-Length: 6",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5",
        b"HTTP/1.1 302 Found\r\nLocation: http://elsewhere",
        b"SSH-2.0-OpenSSH",
        b"HTTP/1.1 206 Partial Content\r\n folded: 5",
    ],
)
def test_an_unusual_head_is_left_to_the_general_client(head):
    with pytest.raises(UnusualAnswerError):
        size_of_range(parse_head(head), 0, 5)


def test_the_size_of_a_range_is_that_of_its_head():
    head = parse_head(HEAD.removesuffix(b"\r\n"))
    assert (size_of_range(head, 10, 15), head.is_last) == (5, False)
    assert parse_head(HEAD + b"Connection: close").is_last
