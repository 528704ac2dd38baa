"""Plain connections to servers that are unusual, faulty, silent or behind a proxy."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import aiohttp  # noqa: F401 - here, because it keeps the certificates of its first import
import numpy as np
import pytest
from raw_ranges import EXPECTED, N_REQUESTS, RANGES, contents, open_reader
from raw_server import Answer, RawServer, answer, head

from bids_dl.remote.cancellation import RequestCancelledError, RequestGroup
from bids_dl.remote.http.connection_pool import ConnectionPool
from bids_dl.remote.http.plain_connection import (
    PlainConnection,
    WebServer,
    finish_connecting,
)
from bids_dl.remote.ranges import RangeReader

OPEN_FILES = Path("/proc/self/fd")


def test_a_request_is_sent_over_a_new_connection_if_the_server_closed_all_idle_ones():
    with RawServer(answer) as server:
        reader = open_reader(server.url)
        assert contents(reader) == EXPECTED
        assert server.n_connections == N_REQUESTS
        server.disconnect()
        [content] = reader.read(RANGES[2:])
        assert content.tobytes() == EXPECTED[2]
    assert server.n_connections == N_REQUESTS + 1
    assert server.n_requests == N_REQUESTS + 1


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6")
def test_addresses_may_be_of_ip_version_6():
    try:
        server = RawServer(answer, host="::1")
    except OSError:
        pytest.skip("no IPv6 on loopback")
    with server:
        assert contents(open_reader(server.url)) == EXPECTED
    assert f"\r\nHost: {server.url[7:]}\r\n".encode() in server.requests[0]


@pytest.mark.parametrize("name", ["ä ö/€", "a%20b", "100%", "100%zz", "a%2Fb", "a+b&c", "日本"])
def test_all_clients_request_the_same_path(name):
    paths = []
    for is_plain in (True, False):
        with RawServer(answer) as server:
            reader = open_reader(f"{server.url}/{name}")
            if not is_plain:
                reader.__dict__["_plain"] = None
            assert contents(reader) == EXPECTED
        paths.append({request.split(b" ")[1] for request in server.requests})
        assert server.n_requests == (N_REQUESTS if is_plain else len(RANGES))
    assert paths[0] == paths[1]


def test_a_password_in_the_address_is_sent_as_a_header():
    with RawServer(answer) as server:
        address = server.url.replace("//", "//user:p%40ss@")
        assert contents(open_reader(address)) == EXPECTED
    assert b"\r\nAuthorization: Basic dXNlcjpwQHNz\r\n" in server.requests[0]


def test_a_proxy_of_the_environment_is_used(monkeypatch):
    with RawServer(answer) as server:
        monkeypatch.setenv("http_proxy", server.url)
        reader = open_reader("http://host.invalid/x", timeout=59)  # which no other test uses
        assert contents(reader) == EXPECTED
    assert server.requests[0].startswith(b"GET http://host.invalid/x/")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory) -> str:
    """Return the path of a certificate for localhost, and its key beside it."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl makes the certificate")
    path = str(tmp_path_factory.mktemp("tls") / "certificate.pem")
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    command += ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    subprocess.run([*command, "-keyout", f"{path}.key", "-out", path], check=True, timeout=60)
    return path


def serve_securely(certificate: str, sent: Answer = answer) -> RawServer:
    settings = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    settings.load_cert_chain(certificate, f"{certificate}.key")
    return RawServer(sent, tls=settings)


def test_a_certificate_of_the_environment_is_trusted(certificate, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", certificate)
    with serve_securely(certificate) as server:
        reader = open_reader(server.url.replace("127.0.0.1", "localhost"))
        for _ in range(2):
            assert contents(reader) == EXPECTED
        parts = [np.zeros((2, 20), np.int16), np.zeros((1, 4, 5), np.uint8)]
        assert list(reader.fill(RANGES[:1], [parts])) == [None]
    assert b"".join(part.tobytes() for part in parts) == EXPECTED[0]
    assert (server.n_requests, server.n_connections) == (2 * N_REQUESTS + 1, N_REQUESTS)


@pytest.mark.parametrize("is_trusted", [True, False])
def test_no_request_is_sent_to_a_server_with_a_wrong_certificate(
    certificate, is_trusted, monkeypatch
):
    """The certificate of a trusted issuer is for another name."""
    if is_trusted:
        monkeypatch.setenv("SSL_CERT_FILE", certificate)
    host = "127.0.0.1" if is_trusted else "localhost"
    with serve_securely(certificate) as server:
        failures = contents(open_reader(server.url.replace("127.0.0.1", host)))
    assert ["CERTIFICATE_VERIFY_FAILED" in str(item) for item in failures] == [True] * 3, failures
    assert server.n_requests == 0


def test_the_next_address_is_tried_if_the_first_is_silent(monkeypatch):
    with RawServer(answer) as server, socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(0)
        waiting = [socket.socket() for _ in range(4)]  # more than are accepted
        for connecting in waiting:
            connecting.setblocking(False)
            connecting.connect_ex(silent.getsockname())
        pool = ConnectionPool(WebServer("http", "host", 80), stall_seconds=5)
        addresses = []
        for host, port in (silent.getsockname(), server.url.removeprefix("http://").split(":")):
            addresses.append((socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, int(port))))
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: addresses)
        connections = pool.take(20)
        start = time.monotonic()
        assert not finish_connecting(connections, lambda: None)
        assert time.monotonic() - start < 5  # one attempt, for all of them
        assert {connection.address for connection in connections} == {addresses[1]}
        for connection in connections:
            pool.keep(connection)
        [again] = pool.connect(1)
        assert again.address == addresses[1]
        for opened in [again, *waiting]:
            opened.close()


def send_contents(reader: RangeReader, answers) -> None:
    answers.put(contents(reader))


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_reader_works_in_another_process_after_use(method):
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"no {method}")
    context = multiprocessing.get_context(method)
    with RawServer(answer) as server:
        reader = open_reader(server.url)
        assert contents(reader) == EXPECTED
        answers = context.SimpleQueue()
        process = context.Process(target=send_contents, args=(reader, answers))
        process.start()
        assert answers.get() == EXPECTED
        process.join(30)
        assert contents(reader) == EXPECTED
    assert server.n_connections == 2 * N_REQUESTS  # the processes share none


def test_two_readers_read_at_the_same_time():
    with RawServer(answer) as server, ThreadPoolExecutor(8) as threads:
        readers = [open_reader(server.url) for _ in range(2)]
        results = list(threads.map(contents, readers * 20))
    assert results == [EXPECTED] * 40


def answer_never(start: int, stop: int) -> Iterator[bytes]:
    time.sleep(30)
    yield head(start, stop)


def answer_half_and_wait(start: int, stop: int) -> Iterator[bytes]:
    yield head(start, stop) + b"ab"
    time.sleep(30)


def test_a_cancelled_group_does_not_wait_for_a_secure_server(certificate, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", certificate)
    group = RequestGroup()
    with (
        serve_securely(certificate, answer_half_and_wait) as server,
        ThreadPoolExecutor(1, initializer=group.add_thread) as threads,
    ):
        reader = open_reader(server.url.replace("127.0.0.1", "localhost"))
        waiting = threads.submit(reader.read, RANGES)
        while server.n_requests < N_REQUESTS:
            time.sleep(0.01)
        time.sleep(0.1)
        start = time.monotonic()
        group.cancel()
        assert isinstance(waiting.exception(10), RequestCancelledError)
        assert time.monotonic() - start < 2


@pytest.mark.skipif(os.name == "nt", reason="os.kill does not interrupt on Windows")
@pytest.mark.parametrize("sent", [answer_never, answer_half_and_wait])
def test_ctrl_c_ends_the_wait_and_gives_the_connections_back(sent):
    with RawServer(sent) as server:
        reader = open_reader(server.url)
        times = []

        def interrupt():
            times.append(time.monotonic())
            os.kill(os.getpid(), signal.SIGINT)

        threading.Timer(0.3, interrupt).start()
        with pytest.raises(KeyboardInterrupt):
            reader.read(RANGES)
        assert time.monotonic() - times[0] < 2
        [pool] = reader._plain._pools.values()
        assert not pool._idle
        n_slots = 0
        while pool.take_slot():
            n_slots += 1
    assert n_slots == 64


@pytest.mark.parametrize("sent", [answer_never, answer_half_and_wait])
def test_a_request_to_a_silent_server_fails_after_the_time_limit(sent):
    with RawServer(sent) as server:
        port = int(server.url.rpartition(":")[2])
        pool = ConnectionPool(WebServer("http", "127.0.0.1", port), stall_seconds=0.4)
        [connection] = pool.take(1)
        assert not finish_connecting([connection], lambda: None)
        start = time.monotonic()
        connection.send(b"GET / HTTP/1.1\r\nRange: bytes=0-99\r\n\r\n")
        with pytest.raises(TimeoutError):
            read_answer(connection)
        assert 0.3 < time.monotonic() - start < 2
        connection.close()


def read_answer(connection: PlainConnection) -> None:
    connection.read_head()
    connection.fill([np.zeros(50, np.uint8), np.zeros(50, np.uint8)])


@pytest.mark.skipif(not OPEN_FILES.is_dir(), reason="Linux lists open files")
def test_connections_are_closed_with_their_reader_and_do_not_grow_in_number():
    with RawServer(answer) as server:
        reader = open_reader(server.url)
        contents(reader)
        counts = []
        for _ in range(20):
            assert contents(reader) == EXPECTED
            other = open_reader(server.url)
            assert contents(other) == EXPECTED
            [pool] = other._plain._pools.values()
            sockets = [connection._socket for connection in pool._idle]
            assert len(sockets) == N_REQUESTS
            del other, pool
            assert all(opened.fileno() == -1 for opened in sockets)
            counts.append(len(list(OPEN_FILES.iterdir())))
        assert server.n_connections == N_REQUESTS * 21
    assert max(counts) <= counts[0] + 2 * N_REQUESTS  # the server closes its ends a little later


def test_arrays_of_no_bytes_are_filled_with_none():
    with RawServer(answer) as server:
        parts = [np.zeros(0, np.uint8), np.zeros(100, np.uint8), np.zeros((0, 3), np.int16)]
        assert list(open_reader(server.url).fill(RANGES[:1], [parts])) == [None]
    assert parts[1].tobytes() == EXPECTED[0]
