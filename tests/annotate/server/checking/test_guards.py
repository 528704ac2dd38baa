"""Heads of requests: Host, origin and type."""

from __future__ import annotations

import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from bids_dl.annotate.server.checking.addresses import format_url, is_loopback, list_hosts
from bids_dl.annotate.server.checking.guards import check_head
from bids_dl.annotate.server.checking.refusals import RefusedError

HOSTS = list_hosts("127.0.0.1", 8000)
HOST = {"Host": "127.0.0.1:8000"}
JSON = {"Content-Type": "application/json"}
OWN = {"Origin": "http://127.0.0.1:8000"}


def check(method: str = "GET", target: str = "/", *headers: dict[str, str]) -> str:
    pairs = [pair for part in headers for pair in part.items()]
    return check_head(method, target, CIMultiDictProxy(CIMultiDict(pairs)), HOSTS)


def status_of(*arguments) -> int:
    with pytest.raises(RefusedError) as caught:
        check(*arguments)
    return caught.value.status


@pytest.mark.parametrize(
    "host", ["127.0.0.1:8000", "localhost:8000", "[::1]:8000", "LocalHost:8000"]
)
def test_the_names_of_loopback_are_served(host):
    assert check("GET", "/", {"Host": host}) == host.lower()


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", "evil.example:8000", "127.0.0.1", "127.0.0.1:8001", "localhost"),
        *("127.0.0.1:8000.evil.example", "localhost:8000@evil.example", "", "0.0.0.0:8000"),
    ],
)
def test_another_host_is_refused(host):
    assert status_of("GET", "/", {"Host": host}) == 403


def test_a_request_without_host_or_with_two_is_refused():
    assert status_of("GET", "/") == 403
    assert status_of("GET", "/", HOST, HOST) == 400


@pytest.mark.parametrize("site", ["cross-site", "same-site", "", "Same-Origin", "nonsense"])
def test_a_page_of_another_site_reads_nothing(site):
    assert status_of("GET", "/api/session", HOST, {"Sec-Fetch-Site": site}) == 403


@pytest.mark.parametrize("site", ["same-origin", "none"])
def test_this_page_and_the_bar_of_addresses_may_read(site):
    check("GET", "/", HOST, {"Sec-Fetch-Site": site})


@pytest.mark.parametrize(
    "headers",
    [
        [OWN],
        [{"Sec-Fetch-Site": "same-origin"}],
        [{"Sec-Fetch-Site": "same-origin"}, OWN],
        [{"Sec-Fetch-Site": "same-origin", "Origin": "null"}],  # by the referrer policy
    ],
)
def test_the_page_itself_may_change_something(headers):
    check("POST", "/api/answers", HOST, JSON, *headers)


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [{"Origin": "null"}],
        [{"Origin": "http://evil.example"}],
        [{"Origin": "http://127.0.0.1:8001"}],
        [{"Origin": "http://localhost:8000"}],  # another origin than that of Host
        [{"Origin": "https://127.0.0.1:8000"}],
        [{"Sec-Fetch-Site": "none"}],
        [{"Sec-Fetch-Site": "cross-site"}, OWN],
        [{"Sec-Fetch-Site": "same-origin", "Origin": "http://evil.example"}],
    ],
)
def test_nobody_else_may_change_something(headers):
    assert status_of("POST", "/api/answers", HOST, JSON, *headers) == 403


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "json"]
)
def test_a_form_changes_nothing(kind):
    assert status_of("POST", "/api/answers", HOST, OWN, {"Content-Type": kind}) == 415


def test_compressed_bodies_and_proxy_requests_are_refused():
    gzip = {"Content-Encoding": "gzip"}
    assert status_of("POST", "/api/answers", HOST, OWN, JSON, gzip) == 415
    assert status_of("GET", "http://127.0.0.1:8000/", HOST) == 400


def test_addresses_say_who_can_reach_them():
    assert is_loopback("127.0.0.2")
    assert is_loopback("localhost")
    assert not is_loopback("192.168.1.2")
    assert not is_loopback("host.example")
    assert format_url("localhost", 80) == "http://localhost:80"


def test_a_server_of_all_interfaces_has_the_addresses_of_this_machine_and_no_others():
    hosts = list_hosts("0.0.0.0", 8000)
    assert {"127.0.0.1:8000", "localhost:8000"} <= hosts
    assert "evil.example:8000" not in hosts
    assert all(host.endswith(":8000") for host in hosts)


def test_the_port_of_http_may_be_left_out():
    assert "localhost" in list_hosts("127.0.0.1", 80)
    assert "localhost" not in list_hosts("127.0.0.1", 8000)
