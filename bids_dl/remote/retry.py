"""Retry transient failures with backoff, and describe permanent ones in one line."""

from __future__ import annotations

import errno
import math
import socket
import time
from collections.abc import Callable
from typing import Any, TypeVar

from bids_dl.remote.cancellation import sleep
from bids_dl.remote.http.http_answers import HttpStatusError, StalledError, WrongContentError
from bids_dl.remote.waits import Waits, backoff_delays, find_causes, requested_seconds
from bids_dl.wording import one_line

T = TypeVar("T")

MAX_STALL_SECONDS = 50.0  # after which a request to a server that stalls is not tried again
FIRST_CONTACT_SECONDS = 3.0  # of tries to connect to a server that has never answered
MAX_ERROR_CHARS = 200  # of a foreign error message

PERMANENT_ERRORS = (
    FileNotFoundError,
    FileExistsError,
    NotADirectoryError,
    IsADirectoryError,
    PermissionError,
    NotImplementedError,
)
PERMANENT_ERRNOS = {
    errno.EFBIG,
    errno.EINVAL,
    errno.ENOSYS,
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EROFS,
    errno.EPERM,
    errno.ENAMETOOLONG,
}
UNKNOWN_HOST_ERRNOS = {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)}
NO_ROUTE_ERRNOS = {errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN}
TRANSIENT_CODES = {
    "RequestTimeout",
    "IncompleteBody",
    "BadDigest",
    "SlowDown",
    "ServiceUnavailable",
    "InternalError",
    "OperationAborted",
    # S3 clients report this code if the answer to HEAD, which has no body, may be any of the above
    "400",
}
EXPIRED_CODES = {"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"}
TOO_MANY_STATUS = 429
TRANSIENT_STATUS = {408, 425, TOO_MANY_STATUS}
SERVER_ERROR_STATUS = 500  # and all above are transient
DENIED_STATUS = {401, 403}
OUT_OF_RANGE_STATUS = 416
MISSING_CREDENTIALS_ERRORS = {"NoCredentialsError", "PartialCredentialsError"}
STALL_ERRORS = {"TimeoutError", "ReadTimeoutError"}
CONNECT_TIMEOUT_ERRORS = {"ConnectionTimeoutError", "ConnectTimeoutError"}
CONNECTION_ERRORS = {
    "ConnectionError",
    "HTTPClientError",
    "ClientConnectionError",
    "ClientPayloadError",
    "ResponseParserError",
    "IncompleteRead",
}
"""Exceptions of HTTP clients for a lost connection, by class name.

They are names because the file system decides which client is installed.
"""


def with_retries(
    request: Callable[[], T],
    *,
    timeout: float,
    get_client: Callable[[], Any],
    renew_credentials: Callable[[Any], None],
    has_answered: bool = True,
    place: str = "",
) -> T:
    """Call a request, retry transient failures, and return its result.

    Parameters
    ----------
    timeout
        Seconds to wait between the tries, all waits together.
    get_client
        Returns the client that holds the credentials.
    renew_credentials
        Called with the client before the next try if its credentials have expired; it loads new
        ones if there are any.
    has_answered
        False if the server has never answered. Its address is then probably wrong: an unknown host
        is not retried, and a connection that cannot be made for `FIRST_CONTACT_SECONDS` only.
    place
        URL for the warning that the server asks to wait (see `Waits`).

    Raises
    ------
    Exception
        The failure of the request, if it is permanent or was the last one.
    """
    start = time.monotonic()
    waits = Waits(backoff_delays(timeout), place=place)
    while True:
        client = get_client()
        try:
            return request()
        except Exception as error:
            if not is_transient(error):
                raise
            elapsed = time.monotonic() - start - waits.requested
            if has_stalled_too_long(error, elapsed):
                raise
            delay = waits.next([error])
            if delay is None:
                raise
            if not has_answered and is_wrong_address(error, elapsed + delay):
                raise
            if has_expired(error):
                renew_credentials(client)
        sleep(delay)


def is_transient(error: BaseException) -> bool:
    """Return whether a failed request may succeed when retried.

    Examples
    --------
    >>> is_transient(ConnectionResetError()), is_transient(FileNotFoundError())
    (True, False)
    """
    if has_expired(error):
        return True
    code, status = _server_answer(error)
    if code in TRANSIENT_CODES or status in TRANSIENT_STATUS or status >= SERVER_ERROR_STATUS:
        return True
    if status or isinstance(error, PERMANENT_ERRORS):
        return False
    if isinstance(error, OSError):
        return error.errno not in PERMANENT_ERRNOS
    return isinstance(error, EOFError) or bool(_class_names(error) & CONNECTION_ERRORS)


def has_stalled_too_long(error: BaseException, seconds: float) -> bool:
    """Return whether a server stalls, and has done so for `MAX_STALL_SECONDS`.

    Parameters
    ----------
    error
        Failure of a request.
    seconds
        Time since the first try, or since bytes arrived.

    Examples
    --------
    >>> has_stalled_too_long(TimeoutError(), 60.0), has_stalled_too_long(TimeoutError(), 1.0)
    (True, False)
    """
    is_stall = bool(_class_names(error) & STALL_ERRORS) and _connection_problem(error) is None
    return is_stall and seconds > MAX_STALL_SECONDS


def is_wrong_address(error: BaseException, seconds: float) -> bool:
    """Return whether a server that never answered will not, because its address is wrong."""
    problem = _connection_problem(error)
    if isinstance(problem, socket.gaierror) and problem.errno in UNKNOWN_HOST_ERRNOS:
        return True
    return problem is not None and seconds > FIRST_CONTACT_SECONDS


def _connection_problem(error: BaseException) -> OSError | None:
    """Return the error of the system that prevented a connection, None for any other failure."""
    pending: list[Any] = [error]
    while pending:
        cause = pending.pop()
        if isinstance(cause, socket.gaierror | ConnectionRefusedError):
            return cause
        if isinstance(cause, OSError) and cause.errno in NO_ROUTE_ERRNOS:
            return cause
        if _class_names(cause) & CONNECT_TIMEOUT_ERRORS:
            return TimeoutError(errno.ETIMEDOUT, "no answer")
        # attributes of the exceptions of aiohttp and botocore
        details = getattr(cause, "kwargs", None)
        inner = [details.get("error") if isinstance(details, dict) else None]
        inner += [getattr(cause, "os_error", None), cause.__cause__]
        pending += [item for item in inner if isinstance(item, BaseException)]
    return None


def has_expired(error: BaseException) -> bool:
    """Return whether the server rejected expired credentials."""
    code, _ = _server_answer(error)
    return code in EXPIRED_CODES


def short_reason(error: BaseException) -> str:
    """Return code and status of the server's answer, else the class of the error.

    The rest of the answer may hold names of keys or buckets and is left out.
    """
    code, status = _server_answer(error)
    parts = []
    if code and not code.isdigit():
        parts.append(code)
    if status:
        parts.append(f"HTTP {status}")
    return ", ".join(parts) or type(error).__name__


def describe_failure(error: BaseException, *, is_anonymous: bool = False) -> str:
    """Describe the final failure of a request in one line.

    Parameters
    ----------
    is_anonymous
        Whether the request had no credentials. A bucket that may not be listed then denies access
        to what does not exist.

    Returns
    -------
    str
        The description, or "" for an error of the file system that callers handle by its class.
    """
    _, status = _server_answer(error)
    if has_expired(error):
        return (
            f"the credentials have expired ({short_reason(error)}); "
            "renew them and run the same command again"
        )
    if _class_names(error) & MISSING_CREDENTIALS_ERRORS:
        return (
            "no credentials to sign the request; set AWS_PROFILE, or AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY, or use --storage-option anon=true for a public bucket"
        )
    problem = _connection_problem(error)
    if problem is not None:
        reason = (problem.strerror or short_reason(problem)).partition(" (")[0]
        if isinstance(problem, ConnectionRefusedError):
            reason = "connection refused"  # aiohttp has the address in place of the reason
        return (
            f"cannot be reached ({reason}); check the address and the network, "
            "or run the same command again later"
        )
    if isinstance(error, StalledError):
        return f"the server sends too slowly ({error}); run the same command again later"
    if status == TOO_MANY_STATUS:
        seconds = math.ceil(requested_seconds(error))
        wait = f", and asks to wait for {seconds} s" if seconds else ""
        return (
            f"the server allows no more requests for now (HTTP {status}){wait}; run the same "
            "command again later, or copy the store with `bids-dl pull`"
        )
    if is_transient(error):
        return (
            f"cannot be reached ({short_reason(error)}) after several tries; "
            "check the address, or run the same command again later"
        )
    if isinstance(error, PermissionError) or status in DENIED_STATUS:
        if is_anonymous:
            return f"not there, or not public ({short_reason(error)}); check the address"
        return f"access denied ({short_reason(error)}); check the credentials and their permissions"
    if isinstance(error, HttpStatusError):
        return f"the server refuses the request ({short_reason(error)}); check the address"
    message = one_line(error, max_chars=MAX_ERROR_CHARS)
    if isinstance(error, WrongContentError):
        return f"the server sends something else than was requested ({message})"
    if isinstance(error, TypeError):
        return f"a storage option does not fit ({message})"
    if isinstance(error, OSError):
        return ""
    return f"{message} ({type(error).__name__})"


def is_out_of_range(error: BaseException) -> bool:
    """Return whether the server rejected a byte range because the object ends before it."""
    code, status = _server_answer(error)
    return code == "InvalidRange" or status == OUT_OF_RANGE_STATUS


def is_missing_bucket(error: BaseException) -> bool:
    """Return whether the server answered that the bucket does not exist."""
    code, _ = _server_answer(error)
    return code == "NoSuchBucket"


def _server_answer(error: BaseException) -> tuple[str, int]:
    """Return error code and HTTP status of the server, "" and 0 if it did not answer."""
    for cause in find_causes(error):
        response = getattr(cause, "response", None)
        if isinstance(response, dict):
            code = str(response.get("Error", {}).get("Code", ""))
            return code, _as_status(response.get("ResponseMetadata", {}).get("HTTPStatusCode"))
        status = _as_status(getattr(cause, "status", None))
        if status:
            return "", status
    return "", 0


def _as_status(value: Any) -> int:
    return value if isinstance(value, int) else 0


def _class_names(error: BaseException) -> set[str]:
    return {base.__name__ for base in type(error).__mro__}
