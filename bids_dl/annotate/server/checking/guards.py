"""Checks of the head of a request, before anything is read or written for it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from bids_dl.annotate.server.checking.refusals import (
    BAD_REQUEST,
    FORBIDDEN,
    WRONG_TYPE,
    RefusedError,
)

if TYPE_CHECKING:
    from multidict import CIMultiDictProxy

SECURITY_HEADERS: Mapping[str, str] = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Server": "bids-dl",
}
OWN_SITES = ("same-origin", "none")  # of Sec-Fetch-Site: this page, or the bar of addresses
READING = ("GET", "HEAD")
JSON_TYPE = "application/json"


def check_head(
    method: str, target: str, headers: CIMultiDictProxy[str], hosts: Collection[str]
) -> str:
    """Check from where a request comes, and return its Host.

    Parameters
    ----------
    method
        Method of HTTP.
    target
        Target of the request line, as it was sent.
    headers
        Headers of the request.
    hosts
        Values of Host that name this server.

    Raises
    ------
    RefusedError
        403 if the request names another server, or comes from a page of another site; 400 if it
        is meant for a proxy; 415 if a change has no JSON.
    """
    host = _check_host(headers, hosts)
    if not target.startswith("/"):
        raise RefusedError(BAD_REQUEST, "the target of the request must be a path")
    site = _read_single(headers, "Sec-Fetch-Site")
    if site is not None and site not in OWN_SITES:
        raise RefusedError(
            FORBIDDEN,
            "the request comes from another site; copy the address into the bar of the browser",
        )
    if method not in READING:
        _check_origin(headers, site, f"http://{host}")
        _check_type(headers)
    return host


def _check_host(headers: CIMultiDictProxy[str], hosts: Collection[str]) -> str:
    """Return Host, which there must be once and which must name this server."""
    host = _read_single(headers, "Host")
    if host is None or host.lower() not in hosts:
        raise RefusedError(
            FORBIDDEN, "the request names another server; use the address that was printed"
        )
    return host.lower()


def _check_origin(headers: CIMultiDictProxy[str], site: str | None, served: str) -> None:
    """Refuse a change that this page did not ask for.

    A browser that tells the site may leave out the origin, because of the referrer policy.
    """
    origin = _read_single(headers, "Origin")
    if site is not None:
        is_own = site == "same-origin" and origin in (None, "null", served)
    else:
        is_own = origin == served
    if not is_own:
        raise RefusedError(FORBIDDEN, "only the page itself may change something")


def _check_type(headers: CIMultiDictProxy[str]) -> None:
    """Refuse a body that is not JSON, as a form of another site would send."""
    kind = (_read_single(headers, "Content-Type") or "").partition(";")[0].strip().lower()
    if kind != JSON_TYPE:
        raise RefusedError(WRONG_TYPE, f"a change must be sent as {JSON_TYPE}")
    if _read_single(headers, "Content-Encoding") is not None:
        raise RefusedError(WRONG_TYPE, "a change must not be compressed")


def _read_single(headers: CIMultiDictProxy[str], name: str) -> str | None:
    """Return a header, None if it is absent."""
    values = headers.getall(name, [])
    if len(values) > 1:
        raise RefusedError(BAD_REQUEST, f"the request has the header {name} twice")
    return values[0] if values else None
