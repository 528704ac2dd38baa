"""Tokens and cookies, and the file of the last server."""

from __future__ import annotations

import pytest

from bids_dl.annotate.server.checking.admission import MAX_COOKIES, Admission
from bids_dl.annotate.server.server_file import (
    SERVER_FILE,
    LastServer,
    read_last_server,
    write_last_server,
)
from bids_dl.errors import ConfigError

HOST = "127.0.0.1:8000"


def test_a_token_admits_one_browser():
    admission = Admission()
    token = admission.token
    assert admission.exchange(token, HOST)
    assert admission.exchange(token, HOST) is None
    assert admission.token != token


@pytest.mark.parametrize("token", ["", "x", "é", "\0", "a" * 43, "\udcff"])
def test_a_wrong_token_admits_nobody_and_uses_up_nothing(token):
    admission = Admission()
    assert admission.exchange(token, HOST) is None
    assert admission.exchange(admission.token, HOST)


def test_a_cookie_is_bound_to_its_host_and_port():
    admission = Admission()
    cookie = admission.exchange(admission.token, HOST)
    assert admission.admits(cookie, HOST)
    assert not admission.admits(cookie, "localhost:8000")
    assert not admission.admits(cookie, "127.0.0.1:8001")
    assert not admission.admits(None, HOST)
    assert not admission.admits(cookie + "x", HOST)
    assert not admission.admits("\udcff", HOST)  # of bytes that are no UTF-8


def test_a_token_is_not_used_up_if_the_cookie_cannot_be_kept():
    def fail(cookies: tuple[str, ...]) -> None:
        raise ConfigError(f"no space for {len(cookies)} cookies")

    admission = Admission(on_change=fail)
    token = admission.token
    for _ in range(2):
        with pytest.raises(ConfigError, match="no space for 1 cookies"):
            admission.exchange(token, HOST)
    assert admission.token == token


def test_the_oldest_browser_is_forgotten():
    admission = Admission()
    cookies = [admission.exchange(admission.token, HOST) for _ in range(MAX_COOKIES + 1)]
    assert [admission.admits(cookie, HOST) for cookie in cookies] == [False, *[True] * MAX_COOKIES]


def test_an_open_page_goes_on_with_the_next_server(tmp_path):
    (tmp_path / "code").mkdir()
    first = Admission(on_change=lambda cookies: write_last_server(tmp_path, 8000, cookies))
    cookie = first.exchange(first.token, HOST)
    last = read_last_server(tmp_path)
    assert last.port == 8000
    assert Admission(last.cookies).admits(cookie, HOST)
    file = tmp_path / SERVER_FILE
    assert cookie not in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"{", b"[]", b'{"port": 0, "cookies": []}', b'{"port": "80", "cookies": []}'),
        *(b'{"port": 80, "cookies": ["x"]}', b'{"port": 80}', b"\xff", b'{"a":' * 100),
    ],
)
def test_a_damaged_file_of_the_last_server_is_as_none(tmp_path, content):
    (tmp_path / "code").mkdir()
    (tmp_path / SERVER_FILE).write_bytes(content)
    assert read_last_server(tmp_path) == LastServer()
