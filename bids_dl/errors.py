"""One class per thing a caller would do differently. ``str(error)`` is what a user reads."""

from __future__ import annotations

import re

PASSWORD = re.compile(r"(?<=://)[^/@\s]+:[^/@\s]+(?=@)")  # of a URL, with the name before it


class BidsDlError(Exception):
    """Anything that bids_dl refuses or cannot do, said in one to four lines, without the passwords of URLs."""

    exit_status = 1

    def __str__(self) -> str:
        return PASSWORD.sub("***", super().__str__())


class RequestError(BidsDlError):
    """The request itself is wrong: change it. Nothing was written."""

    exit_status = 2


class ConfigError(RequestError):
    """An unknown option, recipe, step, model or a value out of its range."""


class SourceError(RequestError):
    """A source that is not there or not BIDS."""


class QueryError(RequestError):
    """A query that hedtools cannot parse, or that would not mean what it says."""


class NoMatchError(RequestError):
    """A valid query that matches nothing, with the closest things in use."""


class EventError(RequestError):
    """Matches that contradict each other, or blocks without an end."""


class WindowError(RequestError):
    """Windows that cannot be cut as asked."""


class TargetError(RequestError):
    """A target or filter column that is not there, or has missing values."""


class StoreError(RequestError):
    """No store here, an unfinished one, or one made by another plan."""


class ModelError(RequestError):
    """A model that does not fit the store."""


class DamagedStoreError(BidsDlError):
    """A store whose bytes are not the ones that were written."""


class RecordingError(BidsDlError):
    """One recording cannot be converted; the others go on.

    Parameters
    ----------
    stage
        Where it failed: "source", "header", "channels", "read", a step's name, "windows", "worker".
    reason
        One line, without a path of this machine.
    transient
        Whether another try may pass (a lost connection), or not (a broken file).
    """

    def __init__(self, stage: str, reason: str, *, transient: bool = False) -> None:
        super().__init__(f"{stage}: {reason}")
        self.stage = stage
        self.reason = reason
        self.transient = transient

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (self.stage, self.reason, self.transient)


def _rebuild(stage: str, reason: str, transient: bool) -> RecordingError:
    return RecordingError(stage, reason, transient=transient)
