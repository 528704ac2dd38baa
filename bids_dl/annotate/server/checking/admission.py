"""Admission to the page: a token in the printed address, once, and a cookie afterwards.

The token is in the address that the terminal shows, so it may stay in the history of the browser.
It is therefore replaced by a cookie at once, and is worth nothing afterwards. The cookie is bound
to the address and the port, because browsers send cookies to all ports of a host. The folder has
hashes only.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable, Iterable

SECRET_BYTES = 32
MAX_COOKIES = 16  # browsers that are admitted at a time; the oldest is forgotten


class Admission:
    """The token that admits the next browser, and the browsers that are admitted.

    Parameters
    ----------
    cookies
        Hashes of the cookies of an earlier server, so that an open page goes on.
    on_change
        Called with the hashes of all cookies when a token is used, before the cookie is given out.
        If the call fails, the token is not used up.

    Examples
    --------
    >>> admission = Admission()
    >>> cookie = admission.exchange(admission.token, "localhost:8000")
    >>> admission.admits(cookie, "localhost:8000"), admission.admits(cookie, "localhost:8001")
    (True, False)
    """

    def __init__(
        self,
        cookies: Iterable[str] = (),
        *,
        on_change: Callable[[tuple[str, ...]], None] | None = None,
    ) -> None:
        self._cookies = list(cookies)[-MAX_COOKIES:]
        self._on_change = on_change
        self.token = secrets.token_urlsafe(SECRET_BYTES)

    def exchange(self, token: str, host: str) -> str | None:
        """Exchange the token for a cookie, and replace the token by the next one.

        Parameters
        ----------
        token
            Token of the request.
        host
            Host of the request, which the cookie is bound to.

        Returns
        -------
        str or None
            Value of the cookie; None for a wrong token, which changes nothing.
        """
        if not hmac.compare_digest(_encode(token), _encode(self.token)):
            return None
        cookie = secrets.token_urlsafe(SECRET_BYTES)
        cookies = [*self._cookies, _hash(cookie, host)][-MAX_COOKIES:]
        if self._on_change is not None:
            self._on_change(tuple(cookies))  # may fail, and the token then admits a browser later
        self._cookies = cookies
        self.token = secrets.token_urlsafe(SECRET_BYTES)
        return cookie

    def admits(self, cookie: str | None, host: str) -> bool:
        """Return whether a cookie is one that was given out for this host and port."""
        if not cookie:
            return False
        digest = _hash(cookie, host)
        found = [hmac.compare_digest(digest, known) for known in self._cookies]
        return any(found)


def _hash(cookie: str, host: str) -> str:
    return hashlib.sha256(_encode(f"{cookie}\0{host}")).hexdigest()


def _encode(text: str) -> bytes:
    """Return the bytes of a text, which has surrogates if its request was no UTF-8."""
    return text.encode(errors="surrogatepass")
