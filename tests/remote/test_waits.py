"""A server that asks to wait is obeyed up to a limit, and that is announced once."""

from __future__ import annotations

import warnings

import pytest

from bids_dl.remote.http.http_answers import HttpStatusError, requested_wait
from bids_dl.remote.waits import MAX_REQUESTED_SECONDS, Waits, requested_seconds


def busy(seconds: float) -> HttpStatusError:
    return HttpStatusError(429, retry_after=seconds)


def test_a_requested_wait_is_longer_than_all_others_and_does_not_end_the_tries():
    waits = Waits(iter([0.5]), place="memory://waits/a")
    with pytest.warns(RuntimeWarning):
        assert [waits.next([busy(200)]) for _ in range(4)] == [200] * 4
    assert waits.requested == 800
    assert waits.next([ConnectionResetError()]) is None


def test_the_longest_requested_wait_of_several_failures_counts():
    waits = Waits(iter([0.5]), place="memory://waits/b")
    assert waits.next([busy(1), ConnectionResetError(), busy(2)]) == 2


def test_backoff_counts_if_it_is_longer_than_the_requested_wait():
    waits = Waits(iter([0.5, 4.0]), place="memory://waits/c")
    assert [waits.next([busy(1)]) for _ in range(3)] == [1, 4, 4]


def test_requested_waits_end_at_their_own_limit():
    waits = Waits(iter([9.0]), place="memory://waits/d")
    assert waits.next([busy(MAX_REQUESTED_SECONDS + 1)]) is None
    with pytest.warns(RuntimeWarning):
        assert waits.next([busy(MAX_REQUESTED_SECONDS - 1)]) is not None
    assert waits.next([busy(2)]) is None


def test_a_wait_is_announced_once_for_each_place_without_its_secrets():
    place = "https://host/announced?sig=secret"
    with pytest.warns(RuntimeWarning) as caught:
        Waits(iter([]), place=place).next([busy(199.5)])
    assert str(caught[0].message) == (
        "https://host/announced?***: the server allows no more requests for 200 s; waiting, as it "
        "asks"
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Waits(iter([]), place=place).next([busy(100)])
        Waits(iter([]), place="https://host/short").next([busy(1)])


def test_the_cause_of_an_error_may_ask_to_wait():
    error = OSError("busy")
    error.__cause__ = busy(7)
    assert requested_seconds(error) == 7
    assert requested_seconds(OSError()) == 0


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, 0),
        ({"Retry-After": "12"}, 12),
        ({"Retry-After": "soon"}, 0),
        ({"Retry-After": "Thu, 01 Jan 1970 00:00:00 GMT"}, 0),
        ({"RateLimit": '"resolvers";r=0;t=200'}, 200),
        ({"RateLimit": '"resolvers"; r=0; t=200'}, 200),
        ({"RateLimit": '"resolvers";t=200;r=0'}, 200),
        ({"RateLimit": '"resolvers";r=5;t=200'}, 0),
        ({"RateLimit": '"resolvers";r=05;t=200'}, 0),
        ({"RateLimit": '"pages";r=9;t=300, "resolvers";r=0;t=20'}, 20),
        ({"RateLimit": '"resolvers";r=0;t=20', "Retry-After": "30"}, 30),
        ({"RateLimit": "no structure at all"}, 0),
    ],
)
def test_the_headers_of_an_answer_say_how_long_to_wait(headers, expected):
    assert requested_wait(headers) == expected
