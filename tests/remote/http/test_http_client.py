"""Requests over http: ranges, retries, limits, tokens, against servers with faults."""

from __future__ import annotations

import threading
import time

import pytest
from scripted_server import ScriptedServer

from bids_dl.remote.http.http_answers import HttpStatusError, StalledError, WrongContentError
from bids_dl.remote.http.http_client import HttpClient
from bids_dl.remote.retry import FIRST_CONTACT_SECONDS

CONTENT = bytes(range(256)) * 2000  # 512 kB


@pytest.fixture(scope="module")
def server():
    with ScriptedServer(CONTENT) as started:
        yield started


@pytest.fixture
def client(server):
    server.requests.clear()
    server.n_bytes.clear()
    with HttpClient(retry_timeout=0.05) as opened:
        yield opened


@pytest.fixture
def impatient_client():
    with HttpClient(retry_timeout=0.05, stall_seconds=0.5, slow_seconds=0.5) as opened:
        yield opened


def test_a_range_is_the_requested_bytes(server, client):
    assert client.read_range(f"{server.url}/ok", 10, 300, total=len(CONTENT)) == CONTENT[10:300]


@pytest.mark.parametrize("fault", ["no-ranges", "wrong-range", "other-size"])
def test_another_range_or_file_is_refused(server, client, fault):
    with pytest.raises(WrongContentError):
        client.read_range(f"{server.url}/{fault}", 10, 300, total=len(CONTENT))


def test_a_range_from_a_server_without_ranges_costs_no_whole_file(server, client):
    with pytest.raises(WrongContentError, match="ignores byte ranges"):
        client.read_range(f"{server.url}/endless", 10, 300)


@pytest.mark.parametrize("max_bytes", [10, 100_000])
def test_an_endless_answer_is_read_no_further_than_allowed(server, client, max_bytes):
    with pytest.raises(WrongContentError, match=f"more than {max_bytes} bytes"):
        client.get(f"{server.url}/endless", max_bytes=max_bytes)


def test_a_download_is_resumed_after_each_lost_connection(server, client, tmp_path):
    part = tmp_path / "file.part"
    client.download(f"{server.url}/short", part, size=len(CONTENT))
    assert part.read_bytes() == CONTENT
    assert server.n_bytes["/short"] == len(CONTENT)  # nothing came twice


def test_a_download_continues_after_the_bytes_of_an_earlier_run(server, client, tmp_path):
    part = tmp_path / "file.part"
    part.write_bytes(CONTENT[:100_000])
    received = []
    client.download(f"{server.url}/ok", part, size=len(CONTENT), on_bytes=received.append)
    assert part.read_bytes() == CONTENT
    assert sum(received) == len(CONTENT) - 100_000


def test_a_server_that_ignores_ranges_restarts_a_download(server, client, tmp_path):
    part = tmp_path / "file.part"
    part.write_bytes(b"something else")
    client.download(f"{server.url}/no-ranges", part, size=len(CONTENT))
    assert part.read_bytes() == CONTENT


@pytest.mark.parametrize("fault", ["page", "endless", "other-size"])
def test_a_download_of_another_size_is_refused(server, client, tmp_path, fault):
    part = tmp_path / "file.part"
    part.write_bytes(CONTENT[:5])
    with pytest.raises(WrongContentError):
        client.download(f"{server.url}/{fault}", part, size=len(CONTENT))
    assert part.stat().st_size <= len(CONTENT)


@pytest.mark.parametrize("fault", ["slow", "silent"])
def test_an_answer_that_hardly_arrives_ends_as_a_failure(server, impatient_client, tmp_path, fault):
    start = time.monotonic()
    with pytest.raises((StalledError, TimeoutError)):
        impatient_client.download(f"{server.url}/{fault}", tmp_path / "part", size=len(CONTENT))
    assert time.monotonic() - start < 20


def test_the_wait_that_a_server_asks_for_is_obeyed(server, client):
    server.remaining_failures = 1
    start = time.monotonic()
    assert client.get(f"{server.url}/busy", max_bytes=len(CONTENT)) == CONTENT
    assert time.monotonic() - start >= 1


def test_a_wait_of_hours_is_a_failure_at_once(server, client):
    with pytest.raises(HttpStatusError) as failure:
        client.get(f"{server.url}/busy-for-hours", max_bytes=10)
    assert failure.value.status == 429
    assert len(server.requests) == 1


def test_a_refusal_is_not_retried(server, client):
    with pytest.raises(HttpStatusError) as failure:
        client.get(f"{server.url}/denied", max_bytes=10)
    assert failure.value.status == 403
    assert len(server.requests) == 1


def test_a_token_reaches_its_host_only(server):
    host = server.url.removeprefix("http://")
    other = server.url.replace("127.0.0.1", "localhost")
    server.target = f"{other}/ok"
    with HttpClient({host: {"Authorization": "Bearer secret"}}, retry_timeout=0) as client:
        server.requests.clear()
        assert client.get(f"{server.url}/redirect", max_bytes=len(CONTENT)) == CONTENT
    assert [headers.get("Authorization") for _, headers in server.requests] == [
        "Bearer secret",
        None,
    ]


def test_a_redirect_to_another_scheme_is_refused(server, client):
    server.target = "file:///etc/passwd"
    with pytest.raises(WrongContentError, match="file:"):
        client.get(f"{server.url}/redirect", max_bytes=100)


def test_closing_the_client_ends_a_request_that_waits(server, tmp_path):
    client = HttpClient(retry_timeout=30, stall_seconds=30)
    errors = []

    def download() -> None:
        try:
            client.download(f"{server.url}/silent", tmp_path / "part", size=len(CONTENT))
        except ConnectionAbortedError as error:
            errors.append(error)

    thread = threading.Thread(target=download)
    thread.start()
    time.sleep(0.3)
    start = time.monotonic()
    client.close()
    thread.join(5)
    assert time.monotonic() - start < 2
    assert len(errors) == 1


def test_row_17_requests_go_through_the_proxy_of_the_environment(server, client, monkeypatch):
    monkeypatch.setenv("http_proxy", server.url)
    monkeypatch.delenv("no_proxy", raising=False)
    assert client.read_range("http://files.invalid/ok", 10, 20) == CONTENT[10:20]
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert client.read_range(f"{server.url}/ok", 10, 20) == CONTENT[10:20]


def test_a_server_that_never_answered_is_given_up_soon():
    start = time.monotonic()
    with HttpClient(retry_timeout=60) as client, pytest.raises(OSError, match=r"127\.0\.0\.1:9"):
        client.get("http://127.0.0.1:9/nothing", max_bytes=100)
    assert time.monotonic() - start < FIRST_CONTACT_SECONDS + 1
