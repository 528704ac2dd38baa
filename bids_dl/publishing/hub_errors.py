"""Errors of requests to Hugging Face: transient ones, what does not exist, and one-line texts."""

from __future__ import annotations

import re
from typing import Any

from bids_dl.wording import one_line

BUSY = 429
MOVED = 412
TRANSIENT = {408, 425, 500, 502, 503, 504}
DENIED = {401, 403}
NETWORK_ERRORS = {"TransportError", "RequestException", "ConnectionError", "TimeoutError"}
"""Exceptions of HTTP clients for a lost connection, by class name: httpx, requests, built in."""
RESET = re.compile(r"\bt=(\d+)")  # of the header RateLimit: seconds until requests are welcome


class ParentMovedError(Exception):
    """Somebody else has committed since the state of the repository was read."""


class LostAnswerError(Exception):
    """A commit whose answer did not arrive, so it may have been made."""


def status_of(error: BaseException | None) -> int:
    """Return the status of the server's answer, 0 if it did not answer."""
    while error is not None:
        status = getattr(getattr(error, "response", None), "status_code", None)
        if isinstance(status, int):
            return status
        error = error.__cause__ or error.__context__
    return 0


def seconds_to_wait(response: Any) -> float:
    """Return the seconds that an answer asks to wait, a minute if it does not say.

    Parameters
    ----------
    response
        Answer with the status 429, with the headers Retry-After or RateLimit.
    """
    headers = getattr(response, "headers", None) or {}
    after = str(headers.get("Retry-After", ""))
    if after.isdigit():
        return float(after)
    reset = RESET.search(str(headers.get("RateLimit", "")))
    return float(reset[1]) + 1 if reset else 60.0


def is_missing(error: BaseException) -> bool:
    """Return whether a repository, revision or file does not exist."""
    return bool(
        _class_names(error)
        & {"RepositoryNotFoundError", "RevisionNotFoundError", "EntryNotFoundError"}
    )


def is_network_error(error: BaseException) -> bool:
    """Return whether a connection was lost or could not be made.

    Examples
    --------
    >>> is_network_error(ConnectionResetError()), is_network_error(ValueError())
    (True, False)
    """
    return bool(_class_names(error) & NETWORK_ERRORS) and not status_of(error)


def is_transient(error: BaseException) -> bool:
    """Return whether a failed request may succeed when repeated. A busy server is another case."""
    return status_of(error) in TRANSIENT or is_network_error(error)


def describe(error: BaseException) -> str:
    """Describe a failed request: its status and what the server says, without addresses."""
    status = status_of(error)
    message = getattr(error, "server_message", None)
    parts = [f"HTTP {status}"] if status else [type(error).__name__]
    if message:
        parts.append(one_line(message))
    elif not status:
        parts = [f"{type(error).__name__}: {one_line(error)}"]
    return ", ".join(parts)


def _class_names(error: BaseException) -> set[str]:
    return {base.__name__ for base in type(error).__mro__}
