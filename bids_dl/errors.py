"""Errors: one class per thing a caller would do differently. ``str(error)`` is a user's message."""

from __future__ import annotations

import re

CREDENTIALS = re.compile(r"(?<=://)[^/@\s]+:[^/@\s]+(?=@)")  # "user:password" of a URL


class BidsDlError(Exception):
    """Any failure that bids_dl reports: a message of one to four lines, with URL passwords masked.

    Attributes
    ----------
    exit_status
        Status with which the command line ends.
    shell_text
        Message with the flags of options, if that of ``str`` has the names of arguments.

    Examples
    --------
    >>> print(BidsDlError("https://user:secret@host/store.zarr: not found"))
    https://***@host/store.zarr: not found
    """

    exit_status = 1
    shell_text: str | None = None

    def __str__(self) -> str:
        # not that of `super()`, because KeyError would quote the message
        return CREDENTIALS.sub("***", Exception.__str__(self))


class RequestError(BidsDlError):
    """The request itself is wrong and must be changed. Nothing was written."""

    exit_status = 2


class ConfigError(RequestError):
    """An unknown option, recipe, step or model, or a value out of its range."""


class ArgumentTypeError(ConfigError, TypeError):
    """An argument of a Python function that has the wrong type."""


class SourceError(RequestError):
    """A source that does not exist or is not a BIDS dataset."""


class QueryError(RequestError):
    """A query that hedtools cannot parse, or that would not select what its author means."""


class NoMatchError(RequestError):
    """A valid query without a match. The message names the closest annotations in use."""


class EventError(RequestError):
    """Matches that contradict each other, or blocks without an end."""


class WindowError(RequestError):
    """Windows that are impossible with the requested options."""


class TargetError(RequestError):
    """A target that is no column of the store, or has missing values."""


class ConditionError(RequestError):
    """A condition on windows that does not fit the table of the store."""


class StoreError(RequestError):
    """A missing store, an unfinished one, or one made by another plan."""


class ArrayNameError(StoreError, KeyError):
    """The name of an array that a store does not have."""


class ModelError(RequestError):
    """A model that does not fit the store."""


class DamagedStoreError(BidsDlError):
    """A store whose bytes differ from those that were written."""


class RecordingError(BidsDlError):
    """One recording cannot be converted. The other recordings continue.

    Parameters
    ----------
    stage
        Stage that failed: "source", "header", "channels", "read", a step's name, "windows",
        "worker".
    reason
        One line, without a path of this machine.
    transient
        True if a retry may succeed (a lost connection), False if not (a broken file).
    """

    def __init__(self, stage: str, reason: str, *, transient: bool = False) -> None:
        super().__init__(f"{stage}: {reason}")
        self.stage = stage
        self.reason = reason
        self.transient = transient

    def __reduce__(self) -> tuple[object, ...]:
        # `args` holds the joined message only, so the default would call __init__ with one argument
        return _rebuild, (self.stage, self.reason, self.transient)


def _rebuild(stage: str, reason: str, transient: bool) -> RecordingError:
    """Rebuild a pickled `RecordingError`."""
    return RecordingError(stage, reason, transient=transient)
