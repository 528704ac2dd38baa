"""A signed address is renewed before it expires, by the clock of the server, and never pickled."""

from __future__ import annotations

import pickle
import time
from email.utils import formatdate

import pytest

from bids_dl.remote.hub.signed_address import RENEWAL_SECONDS, parse_redirect

HOUR = 3600


def amazon_query(signed: float, seconds: int) -> str:
    date = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(signed))
    return f"X-Amz-Date={date}&X-Amz-Expires={seconds}&X-Amz-Signature=secret"


@pytest.mark.parametrize("style", ["cloudfront", "amazon"])
@pytest.mark.parametrize(("seconds", "expected"), [(HOUR, True), (-1, False)])
def test_the_expiry_is_read_from_the_query(style, seconds, expected):
    now = time.time()
    query = f"Expires={int(now + seconds)}&Signature=secret"
    if style == "amazon":
        query = amazon_query(now + seconds - HOUR, HOUR)
    assert parse_redirect(f"https://host/a?{query}", {}).is_valid == expected


def test_the_clock_of_the_server_counts():
    server_time = time.time() + 10 * HOUR  # this machine is behind
    headers = {"Date": formatdate(server_time, usegmt=True)}
    assert parse_redirect(f"https://host/a?Expires={int(server_time) + HOUR}", headers).is_valid
    assert not parse_redirect(f"https://host/a?Expires={int(server_time) - 5}", headers).is_valid


def test_an_address_is_renewed_before_it_expires():
    address = parse_redirect(f"https://host/a?Expires={int(time.time()) + HOUR}", {})
    left = address.renewal - time.monotonic()
    assert HOUR - RENEWAL_SECONDS - 5 < left <= HOUR - RENEWAL_SECONDS
    short = parse_redirect(f"https://host/a?Expires={int(time.time()) + 20}", {})
    assert 10 < short.renewal - time.monotonic() < 20


@pytest.mark.parametrize("query", ["", "?Expires=soon", "?X-Amz-Expires=60", "?X-Amz-Date=x"])
def test_an_address_without_a_readable_expiry_is_used_until_it_is_refused(query):
    assert parse_redirect(f"https://host/a{query}", {}).renewal == float("inf")


def test_an_address_is_neither_shown_nor_pickled():
    address = parse_redirect("https://host/a?Signature=secret", {})
    assert "secret" not in repr(address)
    with pytest.raises(TypeError, match="credential"):
        pickle.dumps(address)
