"""Another try for what fails in passing, and the plain reason of what does not."""

from __future__ import annotations

import errno
import random
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

T = TypeVar("T")

PATIENCE = 30.0  # s to wait between tries in all, before a request is given up
SHARES = (
    0.003,
    0.013,
    0.05,
    0.134,
    0.27,
    0.53,
)  # of it before each further try, times 0.5 to 1.5: clients must not come back in step
FINAL = (
    FileNotFoundError,
    FileExistsError,
    NotADirectoryError,
    IsADirectoryError,
    PermissionError,
    NotImplementedError,
)
FINAL_NUMBERS = {
    errno.EINVAL,
    errno.ENOSYS,
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EROFS,
    errno.EPERM,
    errno.ENAMETOOLONG,
}
PASSING_CODES = {
    "RequestTimeout",
    "IncompleteBody",
    "BadDigest",
    "SlowDown",
    "ServiceUnavailable",
    "InternalError",
    "OperationAborted",
}
EXPIRED_CODES = {"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"}
PASSING_STATUS = {408, 425, 429}  # and from 500 on
UNSAID = "400"  # the code that S3 clients give where the answer to HEAD, which has no body, may be any of the above
DENIED, BEYOND = {401, 403}, 416
WITHOUT_CREDENTIALS = {"NoCredentialsError", "PartialCredentialsError"}
CONNECTION = {
    "ConnectionError",
    "HTTPClientError",
    "ClientConnectionError",
    "ClientPayloadError",
    "ResponseParserError",
    "IncompleteRead",
}
"""What HTTP clients raise for a lost connection, by name: which client is there depends on the file system."""


def backoff_delays(patience: float) -> Iterator[float]:
    """Seconds to wait before each further try, growing; another draw each time."""
    for share in SHARES:
        yield patience * share * random.uniform(0.5, 1.5)  # noqa: S311  (no secret)


def with_retries(
    request: Callable[[], T],
    *,
    patience: float,
    client: Callable[[], Any],
    renew: Callable[[Any], None],
) -> T:
    """What a request returns, after further tries where it fails in passing.

    Parameters
    ----------
    patience
        Seconds to wait between tries in all, about.
    client
        Gives whatever holds the credentials.
    renew
        Called with it before the next try where the credentials have expired: takes up new ones if there are any.
    """
    for wait in backoff_delays(patience):
        used = client()
        try:
            return request()
        except Exception as problem:
            if not is_transient(problem):
                raise
            if has_expired(problem):
                renew(used)
        time.sleep(wait)
    return request()


def is_transient(problem: BaseException) -> bool:
    """Whether another try of the same request may end otherwise."""
    if has_expired(problem):
        return True
    code, status = _answer(problem)
    if code in PASSING_CODES or code == UNSAID or status in PASSING_STATUS or status >= 500:
        return True
    if status or isinstance(problem, FINAL):
        return False
    if isinstance(problem, OSError):
        return problem.errno not in FINAL_NUMBERS
    return isinstance(problem, EOFError) or bool(
        {kind.__name__ for kind in type(problem).__mro__} & CONNECTION
    )


def has_expired(problem: BaseException) -> bool:
    """Whether a server refused credentials because their time is over."""
    return _answer(problem)[0] in EXPIRED_CODES


def reason(problem: BaseException) -> str:
    """Why a request failed, in a few words: what the server answered, without what else it said."""
    code, status = _answer(problem)
    said = [code] if code and not code.isdigit() else []
    return ", ".join([*said, *([f"HTTP {status}"] if status else [])] or [type(problem).__name__])


def describe_failure(problem: BaseException) -> str:
    """One line for what a request failed with in the end; "" for an error of the file system that callers tell apart."""
    _, status = _answer(problem)
    kinds = {kind.__name__ for kind in type(problem).__mro__}
    if has_expired(problem):
        return f"the credentials have expired ({reason(problem)}); renew them and run the same command again"
    if kinds & WITHOUT_CREDENTIALS:
        return (
            "no credentials to sign the request with; set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
            "or take --storage-option anon=true for a public bucket"
        )
    if is_transient(problem):
        return f"cannot be reached ({reason(problem)}), tried several times; see the address, or run the same command again later"
    if isinstance(problem, PermissionError) or status in DENIED:
        return f"access denied ({reason(problem)}); see the credentials and the rights they give"
    if isinstance(problem, TypeError):
        return f"a storage option does not fit ({' '.join(str(problem).split())[:200]})"
    if isinstance(problem, OSError):
        return ""
    return f"{' '.join(str(problem).split())[:200]} ({type(problem).__name__})"


def is_beyond(problem: BaseException) -> bool:
    """Whether a server refused a range because the object ends before it."""
    code, status = _answer(problem)
    return code == "InvalidRange" or status == BEYOND


def says_no_bucket(problem: BaseException) -> bool:
    return _answer(problem)[0] == "NoSuchBucket"


def _answer(problem: BaseException) -> tuple[str, int]:
    """Error code and HTTP status that a server answered with; "" and 0 where it did not answer."""
    for error in _causes(problem):
        response = getattr(error, "response", None)
        if isinstance(response, dict):
            return str(response.get("Error", {}).get("Code", "")), _number(
                response.get("ResponseMetadata", {}).get("HTTPStatusCode")
            )
        if status := _number(getattr(error, "status", None)):
            return "", status
    return "", 0


def _causes(problem: BaseException | None) -> Iterator[BaseException]:
    while problem is not None:
        yield problem
        problem = problem.__cause__


def _number(value: Any) -> int:
    return value if isinstance(value, int) else 0
