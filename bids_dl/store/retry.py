"""Another try for what fails in passing, and the plain reason of what does not."""

from __future__ import annotations

import errno
import random
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

T = TypeVar("T")

WAITS = (0.1, 0.4, 1.6, 4.0)  # s before another try, each times 0.5 to 1.5 so that many clients don't come back in step
FINAL = (FileNotFoundError, FileExistsError, NotADirectoryError, IsADirectoryError, PermissionError, NotImplementedError)
FINAL_NUMBERS = {errno.EINVAL, errno.ENOSYS, errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EPERM, errno.ENAMETOOLONG}
PASSING_CODES = {"RequestTimeout", "IncompleteBody", "BadDigest", "SlowDown", "ServiceUnavailable", "InternalError", "OperationAborted"}
EXPIRED_CODES = {"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"}
PASSING_STATUS = {408, 425, 429}  # and from 500 on
UNSAID = "400"  # the code that S3 clients give where the answer to HEAD, which has no body, may be any of the above
CONNECTION = {"ConnectionError", "HTTPClientError", "ClientConnectionError", "ClientPayloadError", "ResponseParserError", "IncompleteRead"}
"""What HTTP clients raise for a lost connection, by name: which client is there depends on the file system."""


def patiently(request: Callable[[], T], *, renew: Callable[[], None]) -> T:
    """What a request returns, after further tries where it fails in passing.

    Parameters
    ----------
    renew
        Called before the next try where credentials have expired: it takes up new ones if there are any.
    """
    for wait in WAITS:
        try:
            return request()
        except Exception as problem:
            if not may_pass(problem):
                raise
            if has_expired(problem):
                renew()
        time.sleep(wait * random.uniform(0.5, 1.5))  # noqa: S311  (no secret)
    return request()


def may_pass(problem: BaseException) -> bool:
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
    return isinstance(problem, EOFError) or bool({kind.__name__ for kind in type(problem).__mro__} & CONNECTION)


def has_expired(problem: BaseException) -> bool:
    """Whether a server refused credentials because their time is over."""
    return _answer(problem)[0] in EXPIRED_CODES


def reason(problem: BaseException) -> str:
    """Why a request failed, in a few words: what the server answered, without what else it said."""
    code, status = _answer(problem)
    said = [code] if code and not code.isdigit() else []
    return ", ".join([*said, *([f"HTTP {status}"] if status else [])] or [type(problem).__name__])


def _answer(problem: BaseException) -> tuple[str, int]:
    """Error code and HTTP status that a server answered with; "" and 0 where it did not answer."""
    for error in _causes(problem):
        response = getattr(error, "response", None)
        if isinstance(response, dict):
            return str(response.get("Error", {}).get("Code", "")), _number(response.get("ResponseMetadata", {}).get("HTTPStatusCode"))
        if status := _number(getattr(error, "status", None)):
            return "", status
    return "", 0


def _causes(problem: BaseException | None) -> Iterator[BaseException]:
    while problem is not None:
        yield problem
        problem = problem.__cause__


def _number(value: Any) -> int:
    return value if isinstance(value, int) else 0
