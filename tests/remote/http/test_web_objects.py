"""Objects behind http: what is requested, what is believed, and who gets credentials."""

from __future__ import annotations

import errno

import pytest
from scripted_server import ScriptedServer

from bids_dl.errors import StoreError
from bids_dl.remote.byte_range import ByteRange
from bids_dl.remote.http.web_objects import parse_options
from bids_dl.remote.location import Location
from bids_dl.remote.ranges import RangeReader

CONTENT = bytes(range(256)) * 2000  # 512 kB
SIZE = len(CONTENT)


@pytest.fixture(scope="module")
def server():
    with ScriptedServer(CONTENT) as started:
        yield started


@pytest.fixture
def location(server) -> Location:
    server.requests.clear()
    server.n_bytes.clear()
    return Location(server.url, {"retry_timeout": 0})


@pytest.mark.parametrize(
    ("start", "stop"), [(None, None), (0, 10), (100, 300), (5, 5), (10, None), (SIZE - 3, SIZE + 9)]
)
def test_the_bytes_that_an_object_has_are_read(location, start, stop):
    assert location.read("ok", start, stop) == CONTENT[start:stop]


def test_a_missing_object_does_not_exist(location):
    assert location.exists("ok")
    assert not location.exists("nothing")
    with pytest.raises(FileNotFoundError):
        location.read("nothing")


@pytest.mark.parametrize("limit", [10, SIZE - 1])
def test_an_object_above_the_limit_is_refused_before_it_is_read(location, limit):
    with pytest.raises(OSError, match=f"has more than {limit} bytes") as refusal:
        location.read("ok", max_bytes=limit)
    assert refusal.value.errno == errno.EFBIG


@pytest.mark.parametrize("fault", ["no-ranges", "endless", "page"])
def test_a_server_without_ranges_costs_no_whole_object(location, fault):
    [answer] = RangeReader(location).read([ByteRange(fault, 10, 100)])
    assert isinstance(answer, StoreError)
    assert "ignores byte ranges" in str(answer)


def test_another_range_is_refused(location):
    [answer] = RangeReader(location).read([ByteRange("wrong-range", 10, 100)])
    assert "asked for bytes 10-109, got bytes 11-110" in str(answer)


def test_a_refusal_is_one_line_that_names_the_status(location):
    with pytest.raises(StoreError, match=r"not there, or not public \(HTTP 403\)"):
        location.read("denied")


@pytest.mark.parametrize(
    "options",
    [
        {"headers": {"Authorization": "Basic bWU6aGlkZGVu"}},
        {"auth": ("me", "hidden")},
        {"client_kwargs": {"auth": ["me", "hidden"]}},
    ],
)
def test_credentials_reach_the_host_of_the_location_only(server, options):
    server.requests.clear()
    server.target = server.url.replace("127.0.0.1", "localhost") + "/ok"
    assert Location(server.url, options).read("redirect", 0, 5) == CONTENT[:5]
    sent = [headers.get("Authorization") for _, headers in server.requests]
    assert sent == ["Basic bWU6aGlkZGVu", None]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"anon": True}, "unknown storage option anon for http"),
        ({"client_kwargs": {"endpoint_url": "x"}}, "unknown storage option endpoint_url"),
        ({"headers": "secret"}, "headers must be a mapping"),
        ({"auth": "secret"}, "auth must be a user and a password"),
        ({"client_kwargs": {"timeout": "long"}}, "timeout must be a number of seconds"),
    ],
)
def test_an_option_that_does_not_fit_is_refused(options, message):
    with pytest.raises(StoreError, match=message) as refusal:
        parse_options("https://host/a", options)
    assert "secret" not in str(refusal.value)


def test_options_of_fsspec_that_do_not_affect_reading_are_accepted():
    assert parse_options("https://host/a", {"block_size": 5}) == parse_options("https://host/a", {})
