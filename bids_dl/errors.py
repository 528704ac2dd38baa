"""Errors: one class per thing a caller would do differently. ``str(error)`` is a user's message."""

from __future__ import annotations

import re

MASK = "***"
NAMES_OF_SECRETS = (
    r"(?:aws_?)?(?:secret|password|passwd|token|credential|signature|sig)(?:_?access)?(?:_?key)?"
    r"|(?:access|api|account|shared_access|private)[_-]?key|connection_string|authorization"
    r"|(?:sas|session|refresh|access|auth|security)[_-]?token|x-(?:amz|goog|ms)-[a-z-]+"
)
ASSIGNED = r"""=|["']\s*[:=]\s*["']|:\s+(?:bearer|basic)\s+"""  # between name and value
END = r"""[\\:;,.)\]}"'>`]*(?:\s|$)"""  # of a URL in a sentence
SCHEME = r"(?:(?<=\w\w://)|(?<=\w\w:/)(?!/))"  # before it; a path has lost one slash
MASKED = (
    # user and password before "@", in any valid URL and where the password has a slash
    (re.compile(rf"{SCHEME}[^\s/?#]*@"), f"{MASK}@"),
    (re.compile(rf"{SCHEME}[^\s/@:\[?#]+:(?!\d+(?:[/?#\s]|$))[^\s@]*@"), f"{MASK}@"),
    # the same if a client repeats it without its scheme: Invalid bucket name "KEY:SECRET@bucket"
    (re.compile(r"""(bucket[^"'\s]*(?: name)?:? ["'])[^"'\s]*@""", re.IGNORECASE), rf"\1{MASK}@"),
    # query and fragment of a URL, which urllib3 repeats without its host
    (re.compile(rf"(://[^\s?#]*[?#]|\burl: [^\s?]*\?)(?!{END})\S*?(?={END})"), rf"\1{MASK}"),
    # parameters of a query without its URL, options and headers: sig=..., 'secret': '...'
    (
        re.compile(
            rf"""(?<![A-Za-z0-9])({NAMES_OF_SECRETS})({ASSIGNED})[^\s&"',;<>)]+""", re.IGNORECASE
        ),
        rf"\1\2{MASK}",
    ),
    (re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"), MASK),  # identifiers of AWS keys
)
"""Secrets in a message, and what replaces them."""
CONTROLS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]"
)
"""Characters that steer a terminal or reverse text, but tab and line feed."""


def mask_secrets(text: str) -> str:
    """Mask users, passwords, queries and tokens in a text, as a message may repeat them.

    The user of a URL is masked too, because it may be a key. So is the whole query of a URL,
    because any parameter may be a signature.

    Parameters
    ----------
    text
        Any text. A secret is found by its place, so a secret without a place is not found.

    Examples
    --------
    >>> print(mask_secrets("https://host/a.zarr?sig=abc: not found"))
    https://host/a.zarr?***: not found
    >>> print(mask_secrets("s3://KEY@bucket/a.zarr"))
    s3://***@bucket/a.zarr
    """
    for pattern, replacement in MASKED:
        text = pattern.sub(replacement, text)
    return text


def escape_controls(text: str) -> str:
    r"""Escape the characters of a text that steer a terminal, such as ESC, or reverse text.

    Tabs and line feeds are kept.

    Examples
    --------
    >>> print(escape_controls("red \x1b[31m"))
    red \x1b[31m
    """
    return CONTROLS.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    """Return a character as an escape of Python."""
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


class BidsDlError(Exception):
    """Any failure that bids_dl reports: a message of one to four lines.

    Secrets are masked, and control characters are escaped.

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
        return escape_controls(mask_secrets(Exception.__str__(self)))


class RequestError(BidsDlError):
    """The request itself is wrong and must be changed. Nothing was written."""

    exit_status = 2


class ConfigError(RequestError):
    """An unknown option, recipe, step or model, or a value out of its range."""


class MissingPackageError(ConfigError, ImportError):
    """A function needs a package that is not installed. The message has the command for it."""


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


class DamagedEntryError(BidsDlError):
    """A staged recording whose windows are gone or not those that were written."""


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
        reason = escape_controls(mask_secrets(reason))  # because a store keeps it
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
