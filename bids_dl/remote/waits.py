"""Waits between the tries of a request: backoff, and as long as a server asks."""

from __future__ import annotations

import math
import random
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

from bids_dl.errors import mask_secrets
from bids_dl.remote.http.http_answers import HttpStatusError

RETRY_TIMEOUT_SECONDS = 30.0  # waited between the tries of a request, all waits together
BACKOFF_SHARES = (0.003, 0.013, 0.05, 0.134, 0.27, 0.53)  # of the timeout, before each retry
MIN_JITTER = 0.5  # jitter keeps clients from retrying in lockstep
MAX_JITTER = 1.5
MAX_REQUESTED_SECONDS = 900.0  # waited because a server asks; hubs count over five minutes
ANNOUNCED_SECONDS = 2.0  # shorter waits of that kind are not worth a warning

ANNOUNCED: set[str] = set()
"""Places whose waits this process has announced."""


def backoff_delays(timeout: float) -> Iterator[float]:
    """Yield exponential backoff delays in seconds, with jitter.

    Parameters
    ----------
    timeout
        Seconds of all delays together, approximately.

    Examples
    --------
    >>> len(list(backoff_delays(30.0)))
    6
    """
    for share in BACKOFF_SHARES:
        jitter = random.uniform(MIN_JITTER, MAX_JITTER)  # noqa: S311  (not cryptographic)
        yield timeout * share * jitter


class Waits:
    """Waits between the tries of a request: backoff, or as long as the server asks.

    A server that allows no more requests for a while is obeyed. Such waits do not count towards
    the other ones and have a limit of their own, `MAX_REQUESTED_SECONDS`. The first one is
    announced by a `RuntimeWarning`, once for each place and process.

    Parameters
    ----------
    delays
        Other waits in seconds, such as those of `backoff_delays`.
    place
        URL for the warning.

    Attributes
    ----------
    requested
        Seconds waited so far because the server asked to.

    Examples
    --------
    >>> waits = Waits(iter([0.5]), place="https://host/a")
    >>> waits.next([ConnectionResetError()]), waits.next([])
    (0.5, None)
    """

    def __init__(self, delays: Iterator[float], *, place: str) -> None:
        self.requested = 0.0
        self._place = place
        self._delays = delays
        self._longest = 0.0

    def next(self, failures: Sequence[Any]) -> float | None:
        """Return the seconds to wait before the next try. None if there is no further try.

        Parameters
        ----------
        failures
            Errors that the last try failed with; none if nothing is left to try.
        """
        if not failures:
            return None
        requested = max(requested_seconds(failure) for failure in failures)
        delay = next(self._delays, None)
        self._longest = max(self._longest, delay or 0.0)
        if not requested:
            return delay
        wait = max(requested, self._longest)
        if self.requested + wait > MAX_REQUESTED_SECONDS:
            return None
        self.requested += wait
        if requested > ANNOUNCED_SECONDS and self._place not in ANNOUNCED:
            ANNOUNCED.add(self._place)
            warnings.warn(
                f"{mask_secrets(self._place)}: the server allows no more requests for "
                f"{math.ceil(requested)} s; waiting, as it asks",
                RuntimeWarning,
                stacklevel=4,
            )
        return wait


def requested_seconds(error: BaseException) -> float:
    """Return the seconds that a server asks to wait before the next request, 0 if none."""
    for cause in find_causes(error):
        if isinstance(cause, HttpStatusError):
            return cause.retry_after
    return 0.0


def find_causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and the errors that caused it."""
    while error is not None:
        yield error
        error = error.__cause__
