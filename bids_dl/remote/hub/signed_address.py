"""Signed addresses of large files: who has one may read the file until the address expires."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, NoReturn
from urllib.parse import parse_qs, urlsplit

RENEWAL_SECONDS = 60.0  # before an address expires; a request that has begun may still end
RENEWAL_SHARE = 0.1  # of the time that an address is valid, if that is shorter


@dataclass(frozen=True, slots=True, eq=False)
class SignedAddress:
    """Signed address of a file. It is a credential: it stays in the process that got it.

    Attributes
    ----------
    url
        The address.
    size
        Bytes of the file, None if the hub does not state them.
    renewal
        Time from which the address is renewed, as `time.monotonic` counts it.
    """

    url: str = field(repr=False)
    size: int | None
    renewal: float

    @property
    def is_valid(self) -> bool:
        """True unless the address has expired, or will soon."""
        return time.monotonic() < self.renewal

    def __reduce__(self) -> NoReturn:
        raise TypeError("a signed address is a credential and cannot be pickled")


def parse_redirect(url: str, headers: Mapping[str, str]) -> SignedAddress:
    """Parse the address that the hub redirects to.

    Parameters
    ----------
    url
        The address.
    headers
        Headers of the redirect. Their date is the clock by which the address expires.

    Examples
    --------
    >>> parse_redirect("https://host/a?Expires=1", {"X-Linked-Size": "9"}).is_valid
    False
    >>> parse_redirect("https://host/a", {}).is_valid
    True
    """
    linked_size = headers.get("X-Linked-Size", "")
    size = int(linked_size) if linked_size.isdecimal() else None
    expiry = _expiry(url)
    if expiry is None:
        return SignedAddress(url, size, float("inf"))  # the storage will refuse it
    seconds = expiry - _server_time(headers)
    margin = min(RENEWAL_SECONDS, RENEWAL_SHARE * max(0.0, seconds))
    return SignedAddress(url, size, time.monotonic() + seconds - margin)


def _expiry(url: str) -> float | None:
    """Return when an address expires in s since 1970, None if it does not state that.

    CloudFront states the time itself, S3 the time of signing and the seconds after it.
    """
    query = parse_qs(urlsplit(url).query)
    try:
        if "Expires" in query:
            return float(query["Expires"][0])
        if "X-Amz-Expires" in query:
            signed = datetime.strptime(query["X-Amz-Date"][0], "%Y%m%dT%H%M%SZ")
            return signed.replace(tzinfo=UTC).timestamp() + float(query["X-Amz-Expires"][0])
    except (KeyError, ValueError):
        return None
    return None


def _server_time(headers: Mapping[str, Any]) -> float:
    """Return the time of an answer by the clock of its server, else by that of this machine."""
    try:
        return parsedate_to_datetime(str(headers["Date"])).timestamp()
    except (KeyError, TypeError, ValueError):
        return time.time()
