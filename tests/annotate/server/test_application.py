"""Refused requests: nothing is read or written for them."""

from __future__ import annotations

import json
import uuid
from http.client import HTTPConnection

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from labelling_server import PageClient

PAGE = "/api/page?recording=0&start=0&duration=10&width=800&montage=recorded"
HOSTILE = [
    *("", "nan", "NaN", "inf", "-inf", "-1", "1e999", "1e309", "99999999999", "0x1", "1,5"),
    *("%D9%A1", "%EF%BC%91", "..", "../../etc/passwd", "%2e%2e%2f", "%00", "1%00", "%0a", "1%20"),
    *("%ff", "null", "true", "[]", "{}", "1;2", "1%0d%0aX:%201", "a" * 500),
]


@pytest.fixture
def untouched(page):
    """Check that a test reads no signals, appends no line and hands out no question."""
    before = (page.signals.n_reads, page.signals.n_headers, page.log_bytes)
    n_handed = len(page.labelling.questioner._hand_outs.of_all())
    yield page
    assert (page.signals.n_reads, page.signals.n_headers, page.log_bytes) == before
    assert len(page.labelling.questioner._hand_outs.of_all()) == n_handed


def answer(client: PageClient, **fields) -> dict[str, object]:
    return client.answer_body("0" * 24, "spike", **fields)


READS = [
    *("/", "/static/main.js", "/favicon.ico", "/api/session", "/api/recordings/0", PAGE),
    *("/api/next?annotator=a&tab=t", "/api/strip?recording=0", "/api/answers?annotator=a"),
    *("/api/status", "/nothing", "/static/nothing"),
]
CHANGES = [
    *("/api/answers", "/api/round"),
    *(f"/api/answers/{uuid.UUID(int=1)}/undo", f"/api/answers/{uuid.UUID(int=1)}/change"),
]


@pytest.mark.parametrize("path", READS)
@pytest.mark.parametrize(
    "headers",
    [
        {"Cookie": None},
        {"Cookie": "bids_dl_1=x"},
        {"Host": "evil.example"},
        {"Host": "evil.example:80"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_request_of_somebody_else_reads_nothing(untouched, path, headers):
    reply = untouched.client.request("GET", path, headers=headers)
    assert reply.status == 403
    assert set(reply.json) == {"error"}


@pytest.mark.parametrize("path", CHANGES)
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Cookie": None}, 403),
        ({"Host": "evil.example"}, 403),
        ({"Origin": None}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "none"}, 403),
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
        ({"Content-Type": None}, 415),
        ({"Content-Encoding": "gzip"}, 415),
    ],
)
def test_a_request_of_somebody_else_changes_nothing(untouched, path, headers, status):
    body = answer(untouched.client)
    assert untouched.client.request("POST", path, body, headers).status == status


@pytest.mark.parametrize("path", [*READS, *CHANGES])
@pytest.mark.parametrize("method", ["PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "TRACE"])
def test_other_methods_are_refused(untouched, method, path):
    assert untouched.client.request(method, path).status == 405


def test_a_request_without_host_is_refused(untouched):
    assert untouched.client.request("GET", "/api/session", headers={"Host": None}).status == 400


def test_a_method_that_is_none_is_refused(untouched):
    assert untouched.client.request("BREW", "/api/session").status == 400


def test_reading_paths_cannot_be_posted_to_and_the_other_way_round(untouched):
    reply = untouched.client.post("/api/session", {})
    assert reply.status == 405
    assert reply.headers["Allow"] == "GET"
    assert untouched.client.get("/api/round").status == 405


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize(
    "name", ["recording", "start", "duration", "width", "montage", "low", "high", "notch"]
)
def test_a_hostile_parameter_of_a_page_is_refused(page, name, value):
    reads = page.signals.n_reads
    parts = [part for part in PAGE.partition("?")[2].split("&") if not part.startswith(f"{name}=")]
    reply = page.client.request("GET", "/api/page?" + "&".join([*parts, f"{name}={value}"]))
    assert 400 <= reply.status < 500, reply
    assert json.loads(reply.body)["error"].isascii()
    assert page.signals.n_reads == reads


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ("&start=100000", 400),
        ("&start=60", 400),
        ("&recording=99", 404),
        ("&montage=banana", 400),
        ("&low=70&high=1", 400),
        ("&low=1&high=1", 400),
        ("&path=/etc/passwd", 400),
        ("&width=801", 400),
    ],
)
def test_a_page_that_the_recording_does_not_allow_is_refused(page, change, status):
    reads = page.signals.n_reads
    name = change[1:].partition("=")[0]
    parts = PAGE.partition("?")[2].split("&")
    if name != "width":
        parts = [part for part in parts if not part.startswith(f"{name}=")]
    reply = page.client.request("GET", "/api/page?" + "&".join(parts) + change)
    assert reply.status == status, reply.body
    assert page.signals.n_reads == reads


@pytest.mark.parametrize(
    "path",
    [
        *("/static/../server/opening.py", "/static/..%2fserver%2fopening.py", "/static/%2e%2e"),
        *(
            "/static/%00",
            "/static/main.js%00",
            "/static//etc/passwd",
            "/static/",
            "/static/MAIN.JS",
        ),
        *("/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "//etc/passwd", "/api/recordings/-1"),
        *("/api/recordings/1e0", "/api/recordings/%D9%A1", "/api/recordings/9999", "/api/"),
        *("/api/answers/../session/undo", "/api/recordings/0/..", "/api/session?x=1", "/?x=1"),
    ],
)
def test_no_path_but_those_of_the_table_is_served(untouched, path):
    reply = untouched.client.request("GET", path)
    assert 400 <= reply.status < 500
    assert b"root:" not in reply.body


def nested(inner):
    return st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
FIELDS = st.sampled_from(["id", "annotator", "tab", "item", "mark", "label", "ms"])


@settings(
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.dictionaries(FIELDS, st.recursive(SCALARS, nested, max_leaves=6), max_size=4))
def test_a_body_of_wrong_types_is_refused(untouched, changes):
    body = answer(untouched.client) | changes
    reply = untouched.client.request("POST", "/api/answers", json.dumps(body).encode())
    assert reply.status in (400, 404)
    assert set(reply.json) == {"error"}


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"{", b"null", b"[]", b'"a"', b"1", b"\xff\xfe", b"[" * 30_000),
        *(b'{"id": NaN}', b'{"ms": 1e999}', b'{"id": 1' + b"0" * 5000 + b"}"),
    ],
)
def test_a_body_that_is_no_object_of_json_is_refused(untouched, content):
    for path in CHANGES:
        assert untouched.client.request("POST", path, content).status == 400


def test_a_body_of_more_than_64_kb_is_refused(untouched):
    body = json.dumps(answer(untouched.client, display={"montage": "x" * 70_000})).encode()
    assert untouched.client.request("POST", "/api/answers", body).status == 413
    reply = untouched.client.request("POST", "/api/answers", b"", {"Content-Length": "9" * 12})
    assert reply.status == 413


def test_a_chunked_body_of_more_than_64_kb_is_refused(untouched):
    client = untouched.client
    connection = HTTPConnection("127.0.0.1", client.port, timeout=30)
    headers = {"Cookie": client.cookie, "Origin": f"http://{client.host}"}
    chunks = iter([b"x" * 1000] * 100)
    connection.request(
        "POST",
        "/api/answers",
        chunks,
        headers | {"Content-Type": "application/json"},
        encode_chunked=True,
    )
    assert connection.getresponse().status == 413


def test_a_token_is_used_once_and_is_in_no_later_address(page):
    url = page.urls[-1]
    query = url.partition("/?")[2]
    client = PageClient(page.server.port)
    reply = client.enter(url)
    assert (reply.status, reply.headers["Location"], reply.body) == (303, "/", b"")
    cookie = reply.headers["Set-Cookie"]
    assert {"HttpOnly", "Path=/", "SameSite=Strict"} <= set(cookie.split("; "))
    assert f"bids_dl_{client.port}=" in cookie
    assert "Domain" not in cookie
    assert client.get("/").status == 200
    assert PageClient(page.server.port).request("GET", f"/?{query}").status == 403
    assert page.urls[-1] != url


@pytest.mark.parametrize("query", ["token=", "token=x", "token=%ff", "token=a&token=b", "Token=x"])
def test_a_wrong_token_is_refused_and_repeated_nowhere(page, query, capfd, caplog):
    n_urls = len(page.urls)
    reply = PageClient(page.server.port).request("GET", f"/?{query}")
    assert reply.status in (400, 403)
    assert len(page.urls) == n_urls
    page.client.request("GET", f"/?{page.urls[-1].partition('?')[2]}x")
    token = page.urls[-1].partition("token=")[2]
    assert token not in capfd.readouterr().out + caplog.text


def test_a_cookie_of_one_host_is_worth_nothing_at_another(page):
    reply = page.client.request(
        "GET", "/api/session", headers={"Host": f"localhost:{page.server.port}"}
    )
    assert reply.status == 403


@pytest.mark.parametrize("path", ["/", "/api/session", "/nothing", "/static/main.js", PAGE])
def test_every_response_has_the_headers_of_security(page, path):
    for headers in ({}, {"Cookie": None}):
        sent = page.client.request("GET", path, headers=headers).headers
        assert "default-src 'self'" in sent["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in sent["Content-Security-Policy"]
        assert sent["Referrer-Policy"] == "no-referrer"
        assert sent["X-Content-Type-Options"] == "nosniff"
        assert sent["Cache-Control"] == "no-store"
        assert "aiohttp" not in sent["Server"]


def test_a_request_that_is_no_http_is_refused_without_a_word(page, capfd):
    import socket

    with socket.create_connection(("127.0.0.1", page.server.port), timeout=10) as connection:
        connection.sendall(b"GET /?token=secret-of-a-log\x00 HTTP/9.9\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.")
    captured = capfd.readouterr()
    assert "secret-of-a-log" not in captured.out + captured.err
