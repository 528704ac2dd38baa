"""HTTP for git: proxies, tokens, limits, and retries. Errors become one line."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from http.client import IncompleteRead
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from bids_dl.errors import SourceError
from bids_dl.remote.retry import is_transient, is_wrong_address
from bids_dl.remote.waits import backoff_delays
from bids_dl.wording import one_line

if TYPE_CHECKING:
    import urllib3

T = TypeVar("T")

TOKEN_HOST = "github.com"  # noqa: S105  (a host, not a token); GITHUB_TOKEN is sent to it alone
USER_AGENT = "git/2 bids-dl"  # GitHub wants it to begin with "git/" (jelmer/dulwich#562)
GIT_CONTENT = "application/x-git-"
CONNECT_SECONDS = 30.0
STALL_SECONDS = 60.0  # without enough bytes before a connection is given up
MIN_BYTES_PER_SECOND = 100.0  # on average; servers that still count objects send about that
RETRY_SECONDS = 60.0  # of all waits before retries together
MAX_REFS_BYTES = 64 * 1024**2  # of a list of references, about 60 bytes each
MAX_PACK_BYTES = 4 * 1024**3  # of the text of a dataset and its branch git-annex
MAX_REDIRECTS = 5
NOT_FOUND_STATUS = {401, 404, 410, 451}  # GitHub answers 401 if a repository does not exist
DENIED_STATUS = 403
BUSY_STATUS = 429


class MirrorMissingError(SourceError):
    """A git repository, or the version of it, that does not exist or is not public."""


class MirrorUnreachableError(SourceError):
    """A git server that cannot be reached now. What the cache holds can still be used."""


class GitAnswerError(Exception):
    """An answer of a git server that holds no data.

    Attributes
    ----------
    status
        HTTP status.
    content_type
        Kind of the content, of an answer with status 200.
    retry_after
        Seconds that the server asks to wait.
    """

    def __init__(self, status: int, *, content_type: str = "", retry_after: float = 0.0) -> None:
        super().__init__(f"HTTP {status} {content_type}".strip())
        self.status = status
        self.content_type = content_type
        self.retry_after = retry_after


class GitConnectionError(Exception):
    """A connection to a git server that failed, stalled or ended too early.

    It is no `OSError`, because dulwich replaces those by errors of its own.
    """


class GitHttp:
    """Requests to a git server, with the part of `urllib3.PoolManager` that dulwich uses.

    Parameters
    ----------
    url
        Address of the repository, for which the proxy is chosen.
    token
        Token for GitHub; it is sent to no other host.
    stall_seconds
        Time without enough bytes after which a connection is given up.

    Attributes
    ----------
    headers
        Headers of all requests.
    """

    def __init__(self, url: str, *, token: str = "", stall_seconds: float = STALL_SECONDS) -> None:
        self.headers = {"User-Agent": USER_AGENT}
        self._token = token
        self._stall_seconds = stall_seconds
        self._manager = _open_manager(url, stall_seconds)

    def request(self, method: str, url: str, **options: Any) -> LimitedAnswer:
        """Send a request, and return its answer if it holds data of git.

        Raises
        ------
        GitAnswerError
            The status is not 200, or the content is not of git.
        GitConnectionError
            There is no answer.
        """
        import urllib3

        headers = {**options.pop("headers", {}), **authorization(url, self._token)}
        try:
            response = self._manager.request(method, url, headers=headers, **options)
        except urllib3.exceptions.HTTPError as error:
            raise GitConnectionError(_short(error)) from error
        content_type = response.headers.get("Content-Type", "")
        if response.status != 200 or not content_type.startswith(GIT_CONTENT):
            wait = _wait_seconds(response.headers.get("Retry-After", ""))
            response.close()
            # GitHub refuses too many requests by either status
            is_busy = response.status == DENIED_STATUS and wait > 0
            status = BUSY_STATUS if is_busy else response.status
            raise GitAnswerError(status, content_type=content_type, retry_after=wait)
        max_bytes = MAX_REFS_BYTES if method == "GET" else MAX_PACK_BYTES
        return LimitedAnswer(response, max_bytes=max_bytes, stall_seconds=self._stall_seconds)

    def close(self) -> None:
        """Close all connections."""
        self._manager.clear()


class LimitedAnswer:
    """Answer that is read no further than a limit, and not if it is too slow.

    Attributes
    ----------
    status, headers
        Of the answer.
    """

    def __init__(
        self, response: urllib3.BaseHTTPResponse, *, max_bytes: int, stall_seconds: float
    ) -> None:
        self.status = response.status
        self.headers = response.headers
        self.content_type: str | None = None
        self.redirect_location = ""
        self._response = response
        self._left = max_bytes
        self._max_bytes = max_bytes
        self._stall_seconds = stall_seconds
        self._period_start = time.monotonic()
        self._period_bytes = 0

    def read(self, amount: int | None = None) -> bytes:
        """Read bytes: fewer than the amount only at the end of the answer.

        Raises
        ------
        GitConnectionError
            The connection ended too early or is too slow, or the answer is too long.
        """
        import urllib3

        parts = []
        missing = self._left + 1 if amount is None else amount
        while missing > 0:
            try:
                part = self._response.read1(missing)
            except urllib3.exceptions.HTTPError as error:
                raise GitConnectionError(_short(error)) from error
            if not part:
                break
            self._count(len(part))
            parts.append(part)
            missing -= len(part)
        return b"".join(parts)

    def geturl(self) -> str | None:
        """Return the address of the answer, after redirects."""
        return self._response.geturl()

    def close(self) -> None:
        """Close the connection."""
        self._response.close()

    def _count(self, n_bytes: int) -> None:
        """Count bytes, and refuse an answer that is too long or too slow."""
        self._left -= n_bytes
        if self._left < 0:
            raise GitConnectionError(f"the answer is longer than {self._max_bytes} bytes")
        self._period_bytes += n_bytes
        seconds = time.monotonic() - self._period_start
        if seconds < self._stall_seconds:
            return
        if self._period_bytes < seconds * MIN_BYTES_PER_SECOND:
            raise GitConnectionError(f"{self._period_bytes} bytes in {seconds:.0f} s")
        self._period_start = time.monotonic()
        self._period_bytes = 0


def authorization(url: str, token: str) -> dict[str, str]:
    """Return the headers that carry the token, if the address is of GitHub and encrypted.

    Examples
    --------
    >>> authorization("https://example.org/x.git", "secret")
    {}
    """
    parts = urlsplit(url)
    if not token or parts.scheme != "https" or parts.hostname != TOKEN_HOST:
        return {}
    import urllib3

    headers = urllib3.util.make_headers(basic_auth=f"x-access-token:{token}")
    return {"Authorization": headers["authorization"]}


def with_git_retries(request: Callable[[], T], *, url: str, retry_seconds: float) -> T:
    """Call a request to a git server, and retry transient failures.

    The server's wish to wait is respected up to ``retry_seconds``. A server to which no connection
    can be made is given up soon, because there may be no network.

    Parameters
    ----------
    url
        Address of the repository, for messages.
    retry_seconds
        Seconds of all waits together.

    Raises
    ------
    MirrorMissingError
        There is no such repository, or it is not public.
    MirrorUnreachableError
        There is no network, or the server fails or refuses more requests.
    """
    start = time.monotonic()
    delays = backoff_delays(retry_seconds)
    while True:
        try:
            return request()
        except (GitAnswerError, GitConnectionError) as error:
            wait = next(delays, math.inf)
            if isinstance(error, GitAnswerError):
                wait = max(wait, error.retry_after) if is_transient(error) else math.inf
            seconds = time.monotonic() + wait - start
            if seconds > retry_seconds or is_wrong_address(error, seconds):
                raise describe_git_failure(error, url) from None
        time.sleep(wait)


def describe_git_failure(error: GitAnswerError | GitConnectionError, url: str) -> SourceError:
    """Describe the final failure of a request to a git server."""
    is_github = urlsplit(url).hostname == TOKEN_HOST
    if isinstance(error, GitConnectionError):
        return MirrorUnreachableError(
            f"{url}: cannot be reached ({one_line(error)}); check the network and its proxy, "
            "or run the same command again later"
        )
    if error.status == 200:
        return MirrorUnreachableError(
            f"{url}: answers with {error.content_type or 'no content type'}, not with a git "
            "repository; check the address, and that no login page of the network answers"
        )
    if error.status in NOT_FOUND_STATUS:
        hint = ", or set GITHUB_TOKEN to one that may read it" if is_github else ""
        return MirrorMissingError(
            f"{url}: no such repository, or not a public one (HTTP {error.status}); "
            f"check the id{hint}"
        )
    if error.status == DENIED_STATUS:
        hint = "check GITHUB_TOKEN" if is_github else "check the address"
        return MirrorMissingError(f"{url}: access denied (HTTP {error.status}); {hint}")
    if error.status == BUSY_STATUS:
        later = f"in {error.retry_after:.0f} s" if error.retry_after else "later"
        hint = ", or set GITHUB_TOKEN" if is_github else ""
        return MirrorUnreachableError(
            f"{url}: the server refuses more requests (HTTP 429); "
            f"run the same command again {later}{hint}"
        )
    return MirrorUnreachableError(
        f"{url}: the server fails (HTTP {error.status}); run the same command again later"
    )


def _open_manager(url: str, stall_seconds: float) -> urllib3.PoolManager:
    """Open connections through the proxy that the environment names for an address."""
    import urllib3

    options: dict[str, Any] = {
        "timeout": urllib3.Timeout(connect=CONNECT_SECONDS, read=stall_seconds),
        "retries": urllib3.Retry(
            None,
            connect=0,
            read=0,
            other=0,
            status=0,
            redirect=MAX_REDIRECTS,
            respect_retry_after_header=False,  # `with_git_retries` does, within its limit
        ),
    }
    parts = urlsplit(url)
    proxies = getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if not proxy or proxy_bypass(parts.hostname or ""):
        return urllib3.PoolManager(**options)
    proxy_parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    headers = None
    if proxy_parts.username:
        login = f"{unquote(proxy_parts.username)}:{unquote(proxy_parts.password or '')}"
        headers = urllib3.util.make_headers(proxy_basic_auth=login)
    try:
        return urllib3.ProxyManager(proxy_parts.geturl(), proxy_headers=headers, **options)
    except urllib3.exceptions.HTTPError as error:
        raise SourceError(f"{proxy}: not a proxy that git can use ({_short(error)})") from None


def _wait_seconds(text: str) -> float:
    """Return the seconds of a Retry-After header, 0 if it has none."""
    import urllib3

    try:
        return max(0.0, urllib3.Retry().parse_retry_after(text)) if text else 0.0
    except urllib3.exceptions.InvalidHeader:
        return 0.0


def _short(error: Exception) -> str:
    """Return the innermost reason of an error of urllib3, without addresses of objects."""
    reason = getattr(error, "reason", None)
    cause = reason if isinstance(reason, Exception) else error
    original = cause.__cause__ or cause
    if isinstance(original, IncompleteRead):
        return "the answer is cut off"
    text = getattr(original, "strerror", None) or str(original).rpartition(": ")[2]
    return one_line(text or type(original).__name__, max_chars=120)
