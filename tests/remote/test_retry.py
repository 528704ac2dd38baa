"""Transient failures are retried, permanent ones are not."""

from __future__ import annotations

import errno
import socket
import time

import pytest

from bids_dl.remote.http.http_answers import HttpStatusError
from bids_dl.remote.retry import FIRST_CONTACT_SECONDS, describe_failure, is_transient, with_retries
from bids_dl.remote.waits import RETRY_TIMEOUT_SECONDS, backoff_delays


class ServerError(Exception):
    """An answer of a server, as botocore raises it."""

    def __init__(self, code: str, status: int) -> None:
        super().__init__(code)
        self.response = {
            "Error": {"Code": code},
            "ResponseMetadata": {"HTTPStatusCode": status},
        }


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ConnectionResetError(), True),
        (TimeoutError(), True),
        (EOFError(), True),
        (ServerError("SlowDown", 503), True),
        (ServerError("ExpiredToken", 400), True),
        (ServerError("400", 400), True),
        (ServerError("AccessDenied", 403), False),
        (ServerError("NoSuchKey", 404), False),
        (FileNotFoundError(), False),
        (PermissionError(), False),
        (OSError(errno.ENOSPC, "full"), False),
        (ValueError("bug"), False),
    ],
    ids=str,
)
def test_failures_are_classified(error, expected):
    assert is_transient(error) == expected


def test_the_cause_of_an_error_decides():
    error = PermissionError("hidden")
    error.__cause__ = ServerError("SlowDown", 503)
    assert is_transient(error)


def test_delays_grow_and_add_up_to_about_the_timeout():
    delays = list(backoff_delays(RETRY_TIMEOUT_SECONDS))
    assert len(delays) == 6
    assert delays[0] < delays[2] < delays[4]
    assert 0.5 * RETRY_TIMEOUT_SECONDS <= sum(delays) <= 1.5 * RETRY_TIMEOUT_SECONDS


def call(errors: list[Exception], renewed: list[object]) -> int:
    """Call a request that fails with each error once, and return the number of its tries."""
    tries = []

    def request() -> int:
        tries.append(len(tries))
        if errors:
            raise errors.pop(0)
        return len(tries)

    return with_retries(
        request, timeout=0, get_client=lambda: "client", renew_credentials=renewed.append
    )


def test_transient_failures_are_retried_and_expired_credentials_renewed():
    renewed: list[object] = []
    errors = [ConnectionResetError(), ServerError("ExpiredToken", 400), TimeoutError()]
    assert call(errors, renewed) == 4
    assert renewed == ["client"]


def test_a_permanent_failure_is_raised_at_once():
    errors = [PermissionError(), ConnectionResetError()]
    with pytest.raises(PermissionError):
        call(errors, [])
    assert len(errors) == 1


class ConnectorError(OSError):
    """As aiohttp raises it."""

    def __init__(self, os_error: OSError) -> None:
        super().__init__(os_error.errno, str(os_error))
        self.os_error = os_error


class EndpointConnectionError(Exception):
    """As botocore raises it."""

    def __init__(self, error: Exception) -> None:
        super().__init__("could not connect")
        self.kwargs = {"error": error}


UNKNOWN_HOST = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
NO_RESOLVER = socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")


@pytest.mark.parametrize(
    ("error", "has_answered", "n_tries"),
    [
        (UNKNOWN_HOST, False, 1),
        (ConnectorError(UNKNOWN_HOST), False, 1),
        (EndpointConnectionError(ConnectorError(UNKNOWN_HOST)), False, 1),
        (ConnectorError(UNKNOWN_HOST), True, 7),
        (ConnectorError(NO_RESOLVER), False, 7),
        (ConnectorError(ConnectionRefusedError(111, "refused")), False, 7),
        (ConnectionResetError(), False, 7),
    ],
    ids=str,
)
def test_an_unknown_host_is_asked_once_unless_it_has_answered_before(error, has_answered, n_tries):
    tries = []

    def request() -> None:
        tries.append(1)
        raise error

    with pytest.raises(type(error)):
        with_retries(
            request,
            timeout=0,
            get_client=lambda: None,
            renew_credentials=lambda _: None,
            has_answered=has_answered,
        )
    assert len(tries) == n_tries


def test_a_server_that_never_answered_is_given_up_after_seconds():
    start = time.monotonic()

    def request() -> None:
        raise ConnectionRefusedError

    with pytest.raises(ConnectionRefusedError):
        with_retries(
            request,
            timeout=RETRY_TIMEOUT_SECONDS,
            get_client=lambda: None,
            renew_credentials=lambda _: None,
            has_answered=False,
        )
    assert time.monotonic() - start < FIRST_CONTACT_SECONDS


def test_the_seventh_failure_is_final():
    errors: list[Exception] = [ConnectionResetError() for _ in range(9)]
    with pytest.raises(ConnectionResetError):
        call(errors, [])
    assert len(errors) == 2


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ServerError("SlowDown", 503), "cannot be reached (SlowDown, HTTP 503) after several"),
        (ServerError("ExpiredToken", 400), "the credentials have expired (ExpiredToken, HTTP"),
        (ServerError("AccessDenied", 403), "access denied (AccessDenied, HTTP 403); check the"),
        (TypeError("unknown\n'bogus'"), "a storage option does not fit (unknown 'bogus')"),
        (KeyError("x"), "'x' (KeyError)"),
        (ConnectorError(UNKNOWN_HOST), "cannot be reached (Name or service not known); check"),
        (ConnectionRefusedError(), "cannot be reached (connection refused); check the address"),
    ],
    ids=str,
)
def test_the_final_failure_is_described_in_one_line(error, expected):
    assert describe_failure(error).startswith(expected)


def test_errors_that_callers_handle_by_class_are_not_described():
    assert describe_failure(FileNotFoundError()) == ""


def test_without_credentials_a_denied_object_may_not_exist():
    error = ServerError("AccessDenied", 403)
    assert describe_failure(error, is_anonymous=True) == (
        "not there, or not public (AccessDenied, HTTP 403); check the address"
    )
    assert "check the credentials" in describe_failure(error)


def test_a_server_that_asks_to_wait_is_asked_again_after_that_wait():
    start = time.monotonic()
    assert call([HttpStatusError(429, retry_after=0.3)], []) == 2
    assert time.monotonic() - start >= 0.3


def test_a_server_that_stays_busy_is_described_with_its_wait():
    assert describe_failure(HttpStatusError(429, retry_after=200)) == (
        "the server allows no more requests for now (HTTP 429), and asks to wait for 200 s; run "
        "the same command again later, or copy the store with `bids-dl pull`"
    )
