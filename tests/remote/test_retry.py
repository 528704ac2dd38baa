"""Transient failures are retried, permanent ones are not."""

from __future__ import annotations

import errno

import pytest

from bids_dl.remote.retry import (
    RETRY_TIMEOUT_SECONDS,
    backoff_delays,
    describe_failure,
    is_transient,
    with_retries,
)


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
    ],
    ids=str,
)
def test_the_final_failure_is_described_in_one_line(error, expected):
    assert describe_failure(error).startswith(expected)


def test_errors_that_callers_handle_by_class_are_not_described():
    assert describe_failure(FileNotFoundError()) == ""
